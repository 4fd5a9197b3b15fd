// Writing a note: nothing typed is lost, nothing is written twice, and text stays text.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { blankNote, openPages, type Pages, visibleText } from './pages.ts';

let pages: Pages;
let path: string;
beforeAll(async () => {
  pages = await openPages();
  path = `/patients/${pages.patient}/notes`;
});
afterAll(() => pages?.close());

async function count(): Promise<number> {
  const { rows } = await pages.db.admin.query<{ n: number }>(
    'select count(*)::int as n from audit.events where event = $1 and resource_type = $2',
    ['row.insert', 'Composition'],
  );
  return rows[0]?.n ?? -1;
}

describe('a note that can’t be written', () => {
  test('comes back with everything that was typed, the same key, and its error tied to the field', async () => {
    const typed = { ...blankNote(), category: 'procedure', priority: 'urgent', plan: `Suite ${'x'.repeat(20_001)}` };
    const { status, text } = await pages.post(pages.practice.clinician, path, typed);
    expect(status).toBe(422);
    expect(text).toContain(`value="${typed.key}"`);
    expect(text).toContain(`>${typed.plan}</textarea>`);
    expect(text).toMatch(/<option selected[^>]* value="procedure"|<option[^>]* value="procedure" selected/);
    expect(text).toMatch(/<option selected[^>]* value="urgent"|<option[^>]* value="urgent" selected/);
    expect(text).toMatch(/<textarea[^>]*id="plan"[^>]*aria-describedby="[^"]*plan-error[^"]*"/);
    expect(text).toContain('href="#plan"');
    expect(text).toMatch(/<title>Erreur/);
  });

  test('is refused when nothing is said, in place as well as on its own page', async () => {
    for (const htmx of [true, false]) {
      const { status, text } = await pages.post(pages.practice.clinician, path, blankNote(), htmx);
      expect(status).toBe(422);
      expect(visibleText(text)).toContain('Écrivez au moins une partie de la note.');
      expect(text.includes('<!doctype html>')).toBe(!htmx);
    }
  });

  test('is refused with a category, priority or status that isn’t on the list', async () => {
    for (const wrong of [{ category: 'gossip' }, { priority: '' }, { status: 'signed' }]) {
      const { status } = await pages.post(pages.practice.clinician, path, { ...blankNote(), plan: 'x', ...wrong });
      expect(status).toBe(422);
    }
    expect(await count()).toBe(0);
  });

  test('keeps the text when the session has ended meanwhile', async () => {
    const gone = { ...pages.practice.clinician, token: 'A'.repeat(43) };
    const { status, text } = await pages.post(gone, path, { ...blankNote(), subjective: 'Texte à garder <b>' });
    expect(status).toBe(401);
    expect(text).toContain('>Texte à garder &lt;b></textarea>');
    expect(visibleText(text)).toContain('Votre session est terminée.');
  });

  test('is refused to a secretary and to a colleague of another team, and isn’t written', async () => {
    const { secretary, colleague } = pages.practice;
    for (const person of [secretary, colleague]) {
      const { status } = await pages.post(person, path, { ...blankNote(), plan: 'Essai' });
      expect([403, 404]).toContain(status);
    }
    expect(await count()).toBe(0);
  });
});

describe('a note that is written', () => {
  test('leads back to its place in the chart, and stands there as typed', async () => {
    const hostile = '<script>alert(1)</script><img src=x onerror=alert(2)> "quoted" & \'more\'\nsecond line';
    const typed = { ...blankNote(), subjective: hostile, diagnosis: '</dd></dl><hx-partial hx-target="#status">x' };
    const written = await pages.post(pages.practice.clinician, path, typed);
    expect(written.status).toBe(303);
    expect(written.location).toMatch(new RegExp(`^/patients/${pages.patient}#note-[0-9a-f-]{36}$`));
    const { text } = await pages.get(pages.practice.clinician, `/patients/${pages.patient}`);
    expect(text).toContain(`id="${written.location?.split('#')[1]}"`);
    expect(text).not.toContain('<script>alert');
    expect(text).not.toContain('<img');
    expect(text).not.toContain('<hx-partial');
    expect(visibleText(text)).toContain(hostile.replace('\n', ' '));
  });

  test('is added in place, announced, and hostile text makes no piece of the page there either', async () => {
    const typed = { ...blankNote(), plan: '<hx-partial hx-target="#status">piège</hx-partial>' };
    const { status, text } = await pages.post(pages.practice.clinician, path, typed, true);
    expect(status).toBe(200);
    expect(text.match(/<hx-partial/g)).toHaveLength(2);
    expect(text).toMatch(/<hx-partial hx-target="#timeline"/);
    expect(text).toMatch(/<hx-partial hx-target="#status"[^>]*>.*Note enregistrée à \d\d:\d\d/s);
    expect(text).toContain('&lt;hx-partial hx-target=');
    expect(text).toContain('id="write-note"');
  });

  test('is written once, however often the form is sent', async () => {
    const before = await count();
    const typed = { ...blankNote(), plan: 'Une seule fois' };
    const sent = [await pages.post(pages.practice.clinician, path, typed)];
    sent.push(...(await Promise.all([1, 2].map(() => pages.post(pages.practice.clinician, path, typed)))));
    expect(sent.map((answer) => answer.status)).toEqual([303, 303, 303]);
    expect(await count()).toBe(before + 1);
  });

  test('gets a fresh key with each form', async () => {
    const keys = await Promise.all(
      [1, 2].map(async () => {
        const { text } = await pages.get(pages.practice.clinician, `${path}/new`);
        return /name="key" value="([^"]+)"/.exec(text)?.[1];
      }),
    );
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(keys[0]).not.toBe(keys[1]);
  });
});

test('the form of a patient who isn’t there answers like that of one who is hidden', async () => {
  const hidden = await pages.get(pages.practice.colleague, `${path}/new`);
  const missing = await pages.get(pages.practice.colleague, `/patients/${randomUUID()}/notes/new`);
  expect(hidden.status).toBe(404);
  expect(missing.status).toBe(404);
  expect(visibleText(hidden.text).replace(/[0-9a-f-]{36}/g, '')).toBe(
    visibleText(missing.text).replace(/[0-9a-f-]{36}/g, ''),
  );
});
