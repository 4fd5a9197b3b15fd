// A note signed on an old factor: refused without a new one, and nothing typed is lost on the way. Whether it is asked for
// is decided in SQL (0050_sessions, 0100_intents): tests/db/step-up.test.ts.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { code, fieldsOf, newCookie, type Scene, setScene } from './support.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await setScene();
});
afterAll(() => scene?.close());
beforeEach(() => scene.begin());

describe('signing a note on an old factor', () => {
  test('is refused, writes nothing, and the page holds the whole note without losing a character', async () => {
    const before = await scene.writtenNotes();
    const form = scene.note('Toux "grasse" <b>depuis</b>\r\ntrois jours & la nuit');
    const answer = await scene.ask(scene.notes, { form });
    const html = await answer.text();
    expect([answer.status, await scene.writtenNotes()]).toEqual([401, before]);
    expect(fieldsOf(html)).toMatchObject({ ...form, step_up_to: scene.notes, step_up_method: 'totp' });
    expect(html).not.toContain('<b>depuis');
  });

  test('works after a code: the browser sends the note again by itself, and one note is written', async () => {
    const before = await scene.writtenNotes();
    const asked = await scene.ask(scene.notes, { form: scene.note('Vue ce matin') });
    const fields = { ...fieldsOf(await asked.text()), step_up_code: code() };
    const answer = await scene.ask('/step-up', { form: fields });
    expect([answer.status, answer.headers.get('location')]).toEqual([307, scene.notes]);
    const cookie = newCookie(answer);
    expect(cookie).toMatch(/^__Host-vs=[\w-]{43}\.clinician$/);
    expect(cookie).not.toContain(scene.clinician.token);
    // as a browser does after a 307: the same body, with the new cookie
    for (let sent = 0; sent < 2; sent += 1) {
      const written = await scene.ask(scene.notes, { cookie, form: fields });
      expect([written.status, await scene.writtenNotes()]).toEqual([303, before + 1]);
    }
  });

  test('a wrong code, none, or a used one keeps everything and signs nothing', async () => {
    const before = await scene.writtenNotes();
    const form = scene.note('Toujours fébrile');
    const typed = code();
    const asked = fieldsOf(await (await scene.ask(scene.notes, { form })).text());
    for (const [typed, status] of [
      ['', 422],
      ['000000', 422],
      ['<script>', 422],
    ] as const) {
      const answer = await scene.ask('/step-up', {
        form: { ...asked, step_up_code: typed },
      });
      const html = await answer.text();
      expect([typed, answer.status, newCookie(answer)]).toEqual([typed, status, undefined]);
      expect(fieldsOf(html)).toMatchObject(form);
      expect(html).not.toContain('<script>"');
    }
    const first = await scene.ask('/step-up', { form: { ...asked, step_up_code: typed } });
    expect(first.status).toBe(307);
    const second = await scene.ask('/step-up', {
      cookie: newCookie(first),
      form: { ...asked, step_up_code: typed },
    });
    expect([second.status, await scene.writtenNotes()]).toEqual([422, before]);
  });

  test('a session that ended meanwhile gives the words back, to be sent from here after signing in', async () => {
    const form = scene.note('Auscultation libre');
    const asked = fieldsOf(await (await scene.ask(scene.notes, { form })).text());
    await scene.owner('update iam.sessions set revoked_at = clock_timestamp() where token_hash = iam.hash_token($1)', [
      scene.clinician.token,
    ]);
    const answer = await scene.ask('/step-up', {
      form: { ...asked, step_up_code: code() },
    });
    const html = await answer.text();
    expect(answer.status).toBe(401);
    expect(html).toContain(`action="${scene.notes}"`);
    expect(html).toContain('value="Auscultation libre"');
    expect(html).not.toContain('step_up_');
  });

  test('with htmx the dialog asks, and the form that stands behind it is told to go on', async () => {
    const answer = await scene.ask(scene.notes, { form: scene.note('Au tableau'), htmx: true });
    const piece = await answer.text();
    expect(answer.status).toBe(401);
    expect(piece).toMatch(/^<hx-partial hx-target="#step-up"/);
    expect(piece).not.toContain('Au tableau');
    const wrong = await scene.ask('/step-up', {
      form: { step_up_method: 'totp', step_up_code: '000000' },
      htmx: true,
    });
    expect([wrong.status, (await wrong.text()).startsWith('<hx-partial hx-target="#step-up"')]).toEqual([422, true]);
    const right = await scene.ask('/step-up', {
      form: { step_up_method: 'totp', step_up_code: code() },
      htmx: true,
    });
    expect([right.status, right.headers.get('HX-Trigger')]).toEqual([204, 'stepped-up']);
  });

  test('saving a draft asks for nothing', async () => {
    const before = await scene.writtenNotes();
    const form = { ...scene.note('À compléter'), status: 'draft' };
    const answer = await scene.ask(scene.notes, { form });
    expect([answer.status, await scene.writtenNotes()]).toEqual([303, before + 1]);
  });
});

test('each asking, each failure and each factor shown is in the log', async () => {
  const shown = await scene.owner(
    "select outcome, details from audit.events where event = 'session.step_up' and resource_id is not null",
  );
  const asked = shown.filter((row) => String(row.details).includes('asked'));
  const refused = shown.filter((row) => String(row.details).includes('refused'));
  const taken = shown.filter((row) => row.outcome === 'success');
  expect(asked.length).toBeGreaterThan(4);
  expect(refused.length).toBeGreaterThan(2);
  expect(taken.length).toBeGreaterThan(2);
});
