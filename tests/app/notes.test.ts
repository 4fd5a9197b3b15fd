// Writing a note: nothing typed is lost, nothing is written twice, and text stays text.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asOwner } from '../../db/owner.ts';
import { createPerson, type Person } from '../support/practice.ts';
import { blankNote, openPages, type Pages, visibleText } from './pages.ts';

let pages: Pages;
let path: string;
let clinician: string;
beforeAll(async () => {
  pages = await openPages();
  path = `/patients/${pages.patient}/notes`;
  clinician = pages.practice.clinician.account;
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
    const typed = {
      ...blankNote(clinician),
      category: 'procedure',
      priority: 'urgent',
      plan: `Suite ${'x'.repeat(20_001)}`,
    };
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
      const { status, text } = await pages.post(pages.practice.clinician, path, blankNote(clinician), htmx);
      expect(status).toBe(422);
      expect(visibleText(text)).toContain('Écrivez au moins une partie de la note.');
      expect(text.includes('<!doctype html>')).toBe(!htmx);
    }
  });

  test('is refused with a category, priority or status that isn’t on the list', async () => {
    for (const wrong of [{ category: 'gossip' }, { priority: '' }, { status: 'signed' }]) {
      const { status } = await pages.post(pages.practice.clinician, path, {
        ...blankNote(clinician),
        plan: 'x',
        ...wrong,
      });
      expect(status).toBe(422);
    }
    expect(await count()).toBe(0);
  });

  test('keeps the text when the session has ended meanwhile', async () => {
    const gone = { ...pages.practice.clinician, token: 'A'.repeat(43) };
    const { status, text } = await pages.post(gone, path, {
      ...blankNote(clinician),
      subjective: 'Texte à garder <b>',
    });
    expect(status).toBe(401);
    expect(text).toContain('>Texte à garder &lt;b></textarea>');
    expect(visibleText(text)).toContain('Votre session est terminée.');
  });

  test('is refused to a secretary and to a colleague of another team, and isn’t written', async () => {
    const { secretary, colleague } = pages.practice;
    for (const person of [secretary, colleague]) {
      const { status } = await pages.post(person, path, { ...blankNote(person.account), plan: 'Essai' });
      expect([403, 404]).toContain(status);
    }
    expect(await count()).toBe(0);
  });
});

describe('a note that is written', () => {
  test('leads back to its place in the chart, and stands there as typed', async () => {
    const hostile = '<script>alert(1)</script><img src=x onerror=alert(2)> "quoted" & \'more\'\nsecond line';
    const typed = {
      ...blankNote(clinician),
      subjective: hostile,
      diagnosis: '</dd></dl><hx-partial hx-target="#status">x',
    };
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
    const typed = { ...blankNote(clinician), plan: '<hx-partial hx-target="#status">piège</hx-partial>' };
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
    const typed = { ...blankNote(clinician), plan: 'Une seule fois' };
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

describe('a note begun by one and sent while another is signed in', () => {
  let hugo: Person;
  beforeAll(async () => {
    const { db, practice, patient } = pages;
    hugo = await asOwner(db.admin, async () => {
      const person = await createPerson(db, { organisation: practice.organisation, role: 'clinician' });
      await db.admin.query(
        `insert into access.care_team_members (care_team_id, account_id)
         select care_team_id, $1 from access.care_team_patients where patient_id = $2`,
        [person.account, patient],
      );
      return person;
    });
  });

  const field = (text: string, name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(text)?.[1];

  test.each([true, false])('is not signed by the other: it comes back whole (htmx: %s)', async (htmx) => {
    const before = await count();
    const opened = await pages.get(pages.practice.clinician, `${path}/new`);
    expect(field(opened.text, 'author')).toBe(clinician);
    const typed = { ...blankNote(clinician), subjective: 'Vu par Claire <b>', priority: 'urgent' };
    const refused = await pages.post(hugo, path, typed, htmx);
    expect(refused.status).toBe(409);
    expect(refused.text.includes('<!doctype html>')).toBe(!htmx);
    expect(refused.text).toContain('>Vu par Claire &lt;b></textarea>');
    const seen = visibleText(refused.text);
    expect(seen).toContain('commencée sous un autre compte');
    expect(seen).toContain('Le compte ouvert maintenant est celui de Camille NOMCLINICIAN.');
    if (!htmx) expect(seen).toContain('MOREAU');
    expect(await count()).toBe(before);

    const key = field(refused.text, 'key') ?? '';
    expect(key).not.toBe(typed.key);
    expect(field(refused.text, 'author')).toBe(hugo.account);
    const decided = await pages.post(hugo, path, { ...typed, key, author: hugo.account }, htmx);
    expect(decided.status).toBe(htmx ? 200 : 303);
    expect(await count()).toBe(before + 1);
  });

  test('keeps the author of a form that comes back for another reason', async () => {
    const { status, text } = await pages.post(hugo, path, blankNote(clinician), true);
    expect(status).toBe(422);
    expect(field(text, 'author')).toBe(clinician);
  });

  test('is written in nobody’s name without an author', async () => {
    const before = await count();
    const { status } = await pages.post(hugo, path, { ...blankNote(''), plan: 'x' });
    expect([status, await count()]).toEqual([409, before]);
  });
});

test('an amended text sent under the key of one that was written comes back, and isn’t taken for written', async () => {
  const typed = { ...blankNote(clinician), plan: 'Premier texte' };
  await pages.post(pages.practice.clinician, path, typed);
  const before = await count();
  for (const htmx of [true, false]) {
    const { status, text } = await pages.post(pages.practice.clinician, path, { ...typed, plan: 'Autre texte' }, htmx);
    expect(status).toBe(409);
    expect(text).toContain('>Autre texte</textarea>');
    expect(text).not.toContain(`value="${typed.key}"`);
    expect(visibleText(text)).toContain('déjà été envoyée avec un autre texte');
  }
  expect(await count()).toBe(before);
});

test('a page that gives a note back says who is signed in', async () => {
  const { secretary } = pages.practice;
  const { status, text } = await pages.post(secretary, path, { ...blankNote(secretary.account), plan: 'x' });
  expect(status).toBe(403);
  expect(visibleText(text)).toContain('Camille NOMSECRETARY');
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
