// A factor shown again: what is refused without one, and that nothing typed is lost on the way. Whether it is asked for
// is decided in SQL (0050_sessions, 0100_intents): tests/db/sessions.test.ts.
import { randomBytes, randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { asOwner } from '../../db/owner.ts';
import { totpCode } from '../../db/totp.ts';
import { createPatient, openSession, type Person } from '../support/practice.ts';
import { blankNote } from './pages.ts';
import { cookieOf, ORIGIN, type Running, startApp } from './support.ts';

const secret = randomBytes(20);
let app: Running;
let patient: string;
let clinician: Person;
let dba: pg.Client;

const owner = (query: string, values: unknown[] = []) =>
  asOwner(app.db.admin, async () => (await app.db.admin.query(query, values)).rows);

beforeAll(async () => {
  app = await startApp();
  dba = await connect(app.db.dbaUrl);
  patient = await createPatient(app.db, app.practice);
  const { account } = app.practice.clinician;
  await owner(
    `insert into iam.totp_factors (account_id, secret, confirmed_at)
     select $1, vault.seal(vault.unwrap($2, $1, 'profile'), $1, $1, 1, '', 'iam.totp_factors.secret', $3), clock_timestamp()`,
    [account, app.db.ring, secret.toString('base64')],
  );
});
afterAll(async () => {
  await dba.end();
  await app.close();
});

beforeEach(async () => {
  const { account } = app.practice.clinician;
  const token = await asOwner(app.db.admin, () => openSession(app.db, account));
  clinician = { ...app.practice.clinician, token };
  await owner("update iam.sessions set factor_at = clock_timestamp() - interval '11 minutes'");
  await owner("update iam.totp_factors set last_step = 0; delete from ops.delays where key like 'code/%'");
});

const as = (token: string) => cookieOf({ ...clinician, token });
const notes = () => `/patients/${patient}/notes`;
const note = (text: string) => ({ ...blankNote(clinician.account), subjective: text });
const writtenNotes = async () => Number((await dba.query('select count(*) from store.notes')).rows[0].count);

/** The fields of the form that a page holds, as a browser would send them. */
function fieldsOf(html: string): Record<string, string> {
  const form = /<form[^>]*action="\/step-up".*?<\/form>/s.exec(html)?.[0] ?? '';
  const decode = (text: string) =>
    text.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&#39;', "'").replaceAll('&amp;', '&');
  const inputs = [...form.matchAll(/<input(?:"[^"]*"|[^>"])*>/g)].map(([input]) => [
    /name="([^"]*)"/.exec(input)?.[1] ?? '',
    decode(/value="([^"]*)"/.exec(input)?.[1] ?? ''),
  ]);
  return Object.fromEntries(inputs);
}

const newCookie = (answer: Response) => answer.headers.getSetCookie().find((line) => line.startsWith('__Host-vs='));

describe('signing a note on an old factor', () => {
  test('is refused, writes nothing, and the page holds the whole note without losing a character', async () => {
    const before = await writtenNotes();
    const form = note('Toux "grasse" <b>depuis</b>\r\ntrois jours & la nuit');
    const answer = await app.ask(notes(), { cookie: as(clinician.token), form });
    const html = await answer.text();
    expect([answer.status, await writtenNotes()]).toEqual([401, before]);
    expect(fieldsOf(html)).toMatchObject({ ...form, step_up_to: notes(), step_up_method: 'totp' });
    expect(html).not.toContain('<b>depuis');
  });

  test('works after a code: the browser sends the note again by itself, and one note is written', async () => {
    const before = await writtenNotes();
    const asked = await app.ask(notes(), { cookie: as(clinician.token), form: note('Vue ce matin') });
    const fields = { ...fieldsOf(await asked.text()), step_up_code: totpCode(secret) };
    const answer = await app.ask('/step-up', { cookie: as(clinician.token), form: fields });
    expect([answer.status, answer.headers.get('location')]).toEqual([307, notes()]);
    const cookie = newCookie(answer)?.split(';')[0];
    expect(cookie).toMatch(/^__Host-vs=[\w-]{43}\.clinician$/);
    expect(cookie).not.toContain(clinician.token);
    // as a browser does after a 307: the same body, with the new cookie
    for (let sent = 0; sent < 2; sent += 1) {
      const written = await app.ask(notes(), { cookie, form: fields });
      expect([written.status, await writtenNotes()]).toEqual([303, before + 1]);
    }
  });

  test('a wrong code, none, or a used one keeps everything and signs nothing', async () => {
    const before = await writtenNotes();
    const form = note('Toujours fébrile');
    const code = totpCode(secret);
    const asked = fieldsOf(await (await app.ask(notes(), { cookie: as(clinician.token), form })).text());
    for (const [typed, status] of [
      ['', 422],
      ['000000', 422],
      ['<script>', 422],
    ] as const) {
      const answer = await app.ask('/step-up', {
        cookie: as(clinician.token),
        form: { ...asked, step_up_code: typed },
      });
      const html = await answer.text();
      expect([typed, answer.status, newCookie(answer)]).toEqual([typed, status, undefined]);
      expect(fieldsOf(html)).toMatchObject(form);
      expect(html).not.toContain('<script>"');
    }
    const first = await app.ask('/step-up', { cookie: as(clinician.token), form: { ...asked, step_up_code: code } });
    expect(first.status).toBe(307);
    const second = await app.ask('/step-up', {
      cookie: newCookie(first)?.split(';')[0],
      form: { ...asked, step_up_code: code },
    });
    expect([second.status, await writtenNotes()]).toEqual([422, before]);
  });

  test('a session that ended meanwhile gives the words back, to be sent from here after signing in', async () => {
    const form = note('Auscultation libre');
    const asked = fieldsOf(await (await app.ask(notes(), { cookie: as(clinician.token), form })).text());
    await owner('update iam.sessions set revoked_at = clock_timestamp() where token_hash = iam.hash_token($1)', [
      clinician.token,
    ]);
    const answer = await app.ask('/step-up', {
      cookie: as(clinician.token),
      form: { ...asked, step_up_code: totpCode(secret) },
    });
    const html = await answer.text();
    expect(answer.status).toBe(401);
    expect(html).toContain(`action="${notes()}"`);
    expect(html).toContain('value="Auscultation libre"');
    expect(html).not.toContain('step_up_');
  });

  test('with htmx the dialog asks, and the form that stands behind it is told to go on', async () => {
    const answer = await app.ask(notes(), { cookie: as(clinician.token), form: note('Au tableau'), htmx: true });
    const piece = await answer.text();
    expect(answer.status).toBe(401);
    expect(piece).toMatch(/^<hx-partial hx-target="#step-up"/);
    expect(piece).not.toContain('Au tableau');
    const wrong = await app.ask('/step-up', {
      cookie: as(clinician.token),
      form: { step_up_method: 'totp', step_up_code: '000000' },
      htmx: true,
    });
    expect([wrong.status, (await wrong.text()).startsWith('<hx-partial hx-target="#step-up"')]).toEqual([422, true]);
    const right = await app.ask('/step-up', {
      cookie: as(clinician.token),
      form: { step_up_method: 'totp', step_up_code: totpCode(secret) },
      htmx: true,
    });
    expect([right.status, right.headers.get('HX-Trigger')]).toEqual([204, 'stepped-up']);
  });

  test('saving a draft asks for nothing', async () => {
    const before = await writtenNotes();
    const form = { ...note('À compléter'), status: 'draft' };
    const answer = await app.ask(notes(), { cookie: as(clinician.token), form });
    expect([answer.status, await writtenNotes()]).toEqual([303, before + 1]);
  });
});

describe('the page', () => {
  test.each([
    '//evil.example',
    'https://evil.example/x',
    '/\\evil.example',
    'javascript:alert(1)',
    '/x?next=//evil',
    'x',
    '',
    '/\n/evil.example',
    '/'.padEnd(500, 'a'),
  ])('leads nowhere else: %s', async (path) => {
    await owner("update iam.totp_factors set last_step = 0; delete from ops.delays where key like 'code/%'");
    const page = await app.ask(`/step-up?return=${encodeURIComponent(path)}`, { cookie: as(clinician.token) });
    if (page.status === 200) expect(fieldsOf(await page.text())).toMatchObject({ step_up_to: '/' });
    else expect(page.status).toBe(400);
    for (const resend of [{}, { step_up_resend: '1', key: randomUUID() }] as Record<string, string>[]) {
      const form = { ...resend, step_up_to: path, step_up_method: 'totp', step_up_code: '000000' };
      const answer = await app.ask('/step-up', { cookie: as(clinician.token), form });
      if (answer.status !== 400) expect(fieldsOf(await answer.text())).toMatchObject({ step_up_to: '/' });
    }
  });

  test('comes back to a page of ours', async () => {
    const page = await app.ask('/step-up?return=/patients', { cookie: as(clinician.token) });
    const form = { ...fieldsOf(await page.text()), step_up_code: ` ${totpCode(secret).replace(/...$/, ' $&')} ` };
    const answer = await app.ask('/step-up', { cookie: as(clinician.token), form });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/patients']);
  });

  test('keeps no password and no code that was typed into another form', async () => {
    for (const name of ['password', 'new_password', 'code', 'recovery_code']) {
      const form = { key: randomUUID(), [name]: 'canary-7731', step_up_to: '/account', step_up_resend: '1' };
      const answer = await app.ask('/step-up', { cookie: as(clinician.token), form });
      expect([answer.status, (await answer.text()).includes('canary-7731')]).toEqual([422, false]);
    }
  });

  test('leads back to the page of a form that held a secret, and to nobody else’s', async () => {
    const form = { code: 'canary-7731' };
    for (const [referer, path] of [
      [`${ORIGIN}/account/factors?done=x`, '/account/factors'],
      ['https://evil.example/account/factors', '/account/recovery-codes'],
      [`${ORIGIN}//evil.example`, '/account/recovery-codes'],
      [`${ORIGIN}/step-up`, '/account/recovery-codes'],
      ['%', '/account/recovery-codes'],
      ['', '/account/recovery-codes'],
    ] as const) {
      const headers = { Referer: referer };
      const answer = await app.ask('/account/recovery-codes', { cookie: as(clinician.token), form, headers });
      const html = await answer.text();
      expect([referer, answer.status, html.includes('canary-7731')]).toEqual([referer, 401, false]);
      expect(fieldsOf(html)).toMatchObject({ step_up_to: path });
      expect(fieldsOf(html)).not.toHaveProperty('step_up_resend');
    }
  });

  test('without a session leads to signing in; between the two factors, to the second', async () => {
    const nobody = await app.ask('/step-up');
    expect([nobody.status, nobody.headers.get('location')]).toEqual([303, '/sign-in']);
    await owner('update iam.sessions set factors = 1 where token_hash = iam.hash_token($1)', [clinician.token]);
    const half = await app.ask('/step-up', { cookie: as(clinician.token) });
    expect([half.status, half.headers.get('location')]).toEqual([303, '/sign-in/code']);
  });

  test('asks for nothing that the account has not', async () => {
    const page = await (await app.ask('/step-up', { cookie: as(clinician.token) })).text();
    expect(page).not.toContain('value="passkey"');
    const form = { step_up_by: 'passkey', step_up_to: '/' };
    const other = await (await app.ask('/step-up', { cookie: as(clinician.token), form })).text();
    expect(fieldsOf(other)).toMatchObject({ step_up_method: 'totp' });
  });

  test('too many wrong codes are told to wait, with the note kept', async () => {
    const asked = fieldsOf(
      await (await app.ask(notes(), { cookie: as(clinician.token), form: note('Attendre') })).text(),
    );
    const form = { ...asked, step_up_code: '000000' };
    const answers: Response[] = [];
    for (let i = 0; i < 6; i += 1) answers.push(await app.ask('/step-up', { cookie: as(clinician.token), form }));
    expect(answers.map((answer) => answer.status)).toEqual([422, 422, 422, 422, 422, 429]);
    expect(Number(answers[5]?.headers.get('Retry-After'))).toBeGreaterThan(0);
    expect(fieldsOf((await answers[5]?.text()) ?? '')).toMatchObject({ subjective: 'Attendre' });
  });
});

test('each asking, each failure and each factor shown is in the log', async () => {
  const shown = await owner(
    "select outcome, details from audit.events where event = 'session.step_up' and resource_id is not null",
  );
  const asked = shown.filter((row) => row.details.includes('asked'));
  const refused = shown.filter((row) => row.details.includes('refused'));
  const taken = shown.filter((row) => row.outcome === 'success');
  expect(asked.length).toBeGreaterThan(4);
  expect(refused.length).toBeGreaterThan(4);
  expect(taken.length).toBeGreaterThan(2);
});
