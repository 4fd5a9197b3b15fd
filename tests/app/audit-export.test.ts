// The log as a file: who may have it, what it says, what it leaves in the log, and what a spreadsheet makes of it.
import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { fileOf } from '../../app/audit-export/files.ts';
import type { ExportRow } from '../../app/audit-export/queries.ts';
import { asOwner } from '../../db/owner.ts';
import { totpCode } from '../../db/totp.ts';
import { createPatient, createPractice, type Practice } from '../support/practice.ts';
import { visibleText } from './pages.ts';
import { fieldsOf, newCookie } from './step-up/support.ts';
import { type Asked, cookieOf, type Running, startApp } from './support.ts';

let app: Running;
let other: Practice;
let patient: string;
const secret = randomBytes(20);
const owner = (query: string, values: unknown[] = []) =>
  asOwner(app.db.admin, async () => (await app.db.admin.query(query, values)).rows);
const ask = (path: string, form: Record<string, string>, asked: Asked = {}) =>
  app.ask(path, { cookie: cookieOf(app.practice.auditor), form, ...asked });
const file = (form: Record<string, string>, asked?: Asked) => ask('/audit/export/file', form, asked);
const exports = () =>
  owner(
    "select outcome, actor_id, details::json as details from audit.events where event = 'log.export' and organisation_id = $1 order by at",
    [app.practice.organisation],
  );

beforeAll(async () => {
  app = await startApp();
  other = await createPractice(app.db);
  patient = await createPatient(app.db, app.practice);
  await app.ask(`/patients/${patient}`, { cookie: cookieOf(app.practice.clinician) });
  await owner(
    `insert into iam.totp_factors (account_id, secret, confirmed_at)
     select $1, vault.seal(vault.unwrap($2, $1, 'profile'), $1, $1, 1, '', 'iam.totp_factors.secret', $3), clock_timestamp()`,
    [app.practice.auditor.account, app.db.ring, secret.toString('base64')],
  );
});
afterAll(() => app?.close());
beforeEach(() => owner('update iam.sessions set factor_at = clock_timestamp()'));

describe('the export is refused', () => {
  test('to everybody but an auditor, and that is recorded', async () => {
    const { clinician, secretary, orgAdmin } = app.practice;
    for (const person of [clinician, secretary, orgAdmin]) {
      const cookie = cookieOf(person);
      for (const path of ['/audit/export', '/audit/export/file']) {
        const answer = await ask(path, { format: 'csv' }, { cookie });
        expect([person.role, path, answer.status]).toEqual([person.role, path, 403]);
        expect(await answer.text()).not.toContain(patient);
        expect((await exports()).at(-1)).toMatchObject({ outcome: 'failure', actor_id: person.account });
      }
    }
    const nobody = await ask('/audit/export/file', {}, { cookie: '' });
    expect([nobody.status, nobody.headers.get('content-disposition')]).toEqual([401, null]);
  });

  test('on a factor of eleven minutes ago, until one is shown: then the page comes, with every criterion', async () => {
    await owner("update iam.sessions set factor_at = clock_timestamp() - interval '11 minutes'");
    const before = await exports();
    const criteria = { event: 'patient.read', role: 'clinician', patient };
    expect((await file({ ...criteria, format: 'csv' })).status).toBe(401);
    const asked = await ask('/audit/export', criteria);
    expect([asked.status, asked.headers.get('content-disposition')]).toEqual([401, null]);
    expect(await exports()).toEqual(before);
    const fields = fieldsOf(await asked.text());
    expect(fields).toMatchObject({ ...criteria, step_up_to: '/audit/export' });
    const shown = await ask('/step-up', { ...fields, step_up_code: totpCode(secret) });
    expect([shown.status, shown.headers.get('location')]).toEqual([307, '/audit/export']);
    const cookie = newCookie(shown) ?? '';
    const page = await (await ask('/audit/export', criteria, { cookie })).text();
    expect(visibleText(page)).toMatch(/Dossier ouvert.*Nombre 1 événement/s);
    const got = await file({ ...criteria, format: 'jsonl' }, { cookie });
    expect([got.status, (await got.text()).includes(patient)]).toEqual([200, true]);
    app.practice.auditor.token = /^__Host-vs=([\w-]+)/.exec(cookie)?.[1] ?? '';
  });

  test('above 10,000 events, with what to do', async () => {
    await owner(
      `do $$ begin for i in 1 .. 10001 loop
         perform audit.append(array[null, null, '${other.organisation}', 'auditor', null, null, null, null], 'log.verify', 'AuditEvent', null, null, 'success');
       end loop; end $$`,
    );
    const cookie = cookieOf(other.auditor);
    const page = visibleText(await (await ask('/audit/export', { event: 'log.verify' }, { cookie })).text());
    expect(page).toMatch(/Plus de 10.000 événements correspondent Un fichier en contient 10.000 au plus/);
    expect(page).not.toContain('Télécharger');
    const refused = await file({ event: 'log.verify', format: 'csv' }, { cookie });
    expect([refused.status, refused.headers.get('content-disposition')]).toEqual([422, null]);
    expect(visibleText(await refused.text())).toContain('Plus de 10');
    const [event] = await owner(
      "select details::json from audit.events where event = 'log.export' and organisation_id = $1",
      [other.organisation],
    );
    expect(event?.details).toEqual({ format: 'csv', criteria: ['event'], answer: 'too_many' });
  }, 60_000);

  test('of criteria that no search would take', async () => {
    for (const form of [{ event: "'; drop table" }, { patient: 'x' }, { from: '2026-13-45' }] as Record<
      string,
      string
    >[])
      expect([form, (await file({ ...form, format: 'csv' })).status]).toEqual([form, 422]);
  });
});

describe('the file', () => {
  test('holds what the search finds, of this organisation alone, and its event is in the log', async () => {
    const got = await file({ patient, from: '2020-01-01', format: 'jsonl' });
    expect(got.status).toBe(200);
    expect(got.headers.get('content-disposition')).toMatch(
      /^attachment; filename="journal-audit-\d{4}-\d\d-\d\d\.jsonl"$/,
    );
    expect(got.headers.get('cache-control')).toBe('no-store');
    const rows = (await got.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as ExportRow);
    expect(new Set(rows.map((row) => row.patient_id))).toEqual(new Set([patient]));
    expect(rows.find((row) => row.event === 'patient.read')).toMatchObject({
      actor_name: 'Camille NOMCLINICIAN',
      ip: '192.0.2.7',
    });
    const [event] = (await exports()).slice(-1);
    expect(event).toEqual({
      outcome: 'success',
      actor_id: app.practice.auditor.account,
      details: { format: 'jsonl', criteria: ['from', 'patient'], events: rows.length },
    });
    const elsewhere = await file({ patient, format: 'jsonl' }, { cookie: cookieOf(other.auditor) });
    expect([elsewhere.status, await elsewhere.text()]).toEqual([200, '']);
  });

  test('counts each download, also of the same page', async () => {
    const before = (await exports()).length;
    for (const format of ['csv', 'csv', 'jsonl']) expect((await file({ patient, format })).status).toBe(200);
    expect((await exports()).length).toBe(before + 3);
  });

  test('is what a French spreadsheet opens: a mark, semicolons, French words', async () => {
    const got = await file({ event: 'patient.read', format: 'csv' });
    const bytes = new Uint8Array(await got.arrayBuffer());
    expect([...bytes.slice(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
    const [head, first] = new TextDecoder().decode(bytes).split('\r\n');
    expect(head).toMatch(/^"Date et heure \(France\)";"Événement";"Résultat";"Auteur";"Rôle";/);
    expect(first).toMatch(
      /^"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d";"Dossier ouvert";"réussi";"Camille NOMCLINICIAN";"Professionnel de santé";/,
    );
    const english = await file({ format: 'csv' }, { cookie: `${cookieOf(app.practice.auditor)}; __Host-lang=en` });
    expect(await english.text()).toMatch(/^\ufeff?"Date and time \(France\)","Event","Outcome"/);
  });

  test.each(['=cmd|calc', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '\n=1', ' =1', '\u00a0=1', '＝1', '|x', '%x'])(
    'starts no formula: %j',
    (text) => {
      const { text: csv } = fileOf('csv', 'fr', [rowWith({ user_agent: text, actor_name: text, details: text })]);
      expect(csv.split(`"'${text}"`).length).toBe(4);
    },
  );

  test('lets nobody out of a cell, and no line end in', () => {
    const { text } = fileOf('csv', 'fr', [rowWith({ user_agent: '";"=1+1"\r\n"x' })]);
    expect(text).toContain('"";""=1+1""\r\n""x"');
    const lines = fileOf('jsonl', 'fr', [rowWith({ user_agent: 'a\nb\u2028' })])
      .text.trimEnd()
      .split('\n');
    expect(lines.length).toBe(1);
  });
});

const rowWith = (some: Partial<ExportRow>): ExportRow => ({
  ...{ at: '2026-11-22T15:00:00.000000Z', moment: '2026-11-22 16:00:00', event: 'patient.read', outcome: 'success' },
  ...{ actor_name: null, actor_role: 'clinician', actor_id: null, resource_type: 'Patient', resource_id: null },
  ...{
    patient_id: null,
    session_id: null,
    ip: null,
    user_agent: null,
    details: null,
    lane: 0,
    seq: '1',
    id: randomUUID(),
  },
  ...some,
});
