// A secretary invites a patient to their own record: /patients/:id/invitation, then /invitations/… with the consents.
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { owner, take } from '../support/outbox.ts';
import { createPatient, createPractice, type Person } from '../support/practice.ts';
import { openPages, type Pages, visibleText } from './pages.ts';

let pages: Pages;
let gate: pg.Client;
let secretary: Person;
let patient: string;
let path: string;
beforeAll(async () => {
  pages = await openPages();
  gate = await connect(pages.db.gateUrl);
  secretary = pages.practice.secretary;
  patient = await createPatient(pages.db, pages.practice, { birth_name: 'Canari', email: 'canari@exemple.fr' });
  path = `/patients/${patient}/invitation`;
});
afterAll(async () => {
  await gate?.end();
  await pages?.close();
});

const password = 'une phrase que personne ne sait';
const key = () => ({ key: randomUUID() });
const invited = () =>
  owner(
    pages.db,
    'select m.account_id, m.patient_id from access.memberships m join iam.invitations using (account_id)',
  );

test('nobody but the care team and a secretary of the practice invites a patient', async () => {
  const elsewhere = await createPractice(pages.db);
  const { colleague, orgAdmin, auditor } = pages.practice;
  for (const person of [colleague, orgAdmin, auditor, pages.patientPerson, elsewhere.secretary, elsewhere.clinician]) {
    for (const { status, text } of [
      await pages.get(person, path),
      await pages.post(person, path, { ...key(), email: 'x@exemple.fr' }),
      await pages.post(person, `${path}/withdraw`, { ...key(), account: pages.patientPerson.account }),
    ]) {
      expect([403, 404], person.role).toContain(status);
      expect(text).not.toMatch(/canari/i);
    }
  }
  expect(await invited()).toEqual([]);
});

test('a patient who has an account is not invited again', async () => {
  const theirs = `/patients/${pages.patient}/invitation`;
  expect(visibleText((await pages.get(secretary, theirs)).text)).toContain('compte ouvert');
  expect((await pages.post(secretary, theirs, { ...key(), email: 'x@exemple.fr' })).status).toBe(409);
  for (const email of ['', 'nobody', '<b>@', 'secretary@exemple.fr'])
    expect((await pages.post(secretary, path, { ...key(), email })).status, email).toBe(422);
  expect(await invited()).toEqual([]);
});

test('a patient chooses a password and gives three consents, and nothing less', async () => {
  expect((await pages.get(secretary, path)).text).toContain('value="canari@exemple.fr"');
  const form = { ...key(), email: 'Canari@exemple.fr' }; // as the record has it, but for the capital
  for (let sent = 0; sent < 2; sent++)
    expect((await pages.post(secretary, path, form)).location).toBe(`${path}?done=invited`);
  expect(visibleText((await pages.get(secretary, `${path}?done=invited`)).text)).toContain('Invitation envoyée.');
  expect(visibleText((await pages.get(secretary, `${path}?done=<b>tout`)).text)).not.toContain('tout');
  expect(await invited()).toMatchObject([{ patient_id: patient }]);
  expect(visibleText((await pages.get(secretary, path)).text)).toContain('Lien envoyé à canari@exemple.fr');

  const message = (await take(pages.db, gate)).find(({ address }) => address === 'canari@exemple.fr');
  const link = String(message?.vars.path);
  const { text } = await pages.get(null, link);
  expect(text).not.toMatch(/canari/i);
  const boxes = [...text.matchAll(/name="(consent_\w+)" value="([0-9a-f]{64})"( required)?/g)];
  const given = Object.fromEntries(boxes.filter(([, , , needed]) => needed).map(([, name, hash]) => [name, hash]));
  expect([boxes.length, Object.keys(given).length]).toEqual([6, 3]);

  const chosen = { password, again: password };
  expect((await pages.post(null, link, chosen)).status).toBe(422);
  for (const lacking of Object.keys(given)) {
    const { [lacking]: _, ...others } = given;
    expect((await pages.post(null, link, { ...chosen, ...others } as Record<string, string>)).status, lacking).toBe(
      422,
    );
  }
  const forged = Object.fromEntries(Object.keys(given).map((name) => [name, '0'.repeat(64)]));
  expect((await pages.post(null, link, { ...chosen, ...forged })).status).toBe(422);
  expect(await owner(pages.db, 'select * from privacy.consents')).toEqual([]);

  const accepted = await pages.post(null, link, { ...chosen, ...given } as Record<string, string>);
  expect([accepted.status, accepted.location]).toEqual([303, '/enrol']);
  const seen = await owner(
    pages.db,
    "select event from audit.events where patient_id = $1 and event = 'account.invite'",
    [patient],
  );
  expect(seen).toHaveLength(1); // who looked at my record: record_accesses shows it
  const rows = await owner(
    pages.db,
    'select type, given, patient_id, ip is not null as placed from privacy.consents order by type',
  );
  expect(rows).toEqual(
    ['data_processing', 'medical_record_storage', 'telemedicine_usage'].map((type) => ({
      type,
      given: true,
      patient_id: patient,
      placed: true,
    })),
  );
  expect((await pages.get(null, link)).status).toBe(404);
});

test('a secretary cannot choose where the link goes: only the care team can', async () => {
  const other = await createPatient(pages.db, pages.practice);
  const theirs = `/patients/${other}/invitation`;
  const shown = await pages.get(secretary, theirs);
  expect(visibleText(shown.text)).toContain('ne contient aucune adresse');
  expect(shown.text).not.toContain('name="email"');
  expect((await pages.post(secretary, theirs, { ...key(), email: 'secretary@exemple.fr' })).status).toBe(422);
  const { clinician } = pages.practice;
  expect((await pages.get(clinician, theirs)).text).toContain('name="email"');
  expect((await pages.post(clinician, theirs, { ...key(), email: 'patient@exemple.fr' })).location).toBe(
    `${theirs}?done=invited`,
  );
  expect(visibleText((await pages.get(clinician, theirs)).text)).toContain('Lien envoyé à patient@exemple.fr');
});

test('the database asks for the consents again: an edge that forgets them lets nobody in', async () => {
  const other = await createPatient(pages.db, pages.practice, { email: 'autre@exemple.fr' });
  await pages.post(secretary, `/patients/${other}/invitation`, { ...key(), email: 'autre@exemple.fr' });
  const message = (await take(pages.db, gate)).find(({ address }) => address === 'autre@exemple.fr');
  const token = String(message?.vars.path).split('/').at(-1);
  for (const consents of ['{}', 'null', '[]', '{"marketing":"00"}']) {
    const { rows } = await gate.query('select answer from iam.accept_invitation($1, $2, $3, $4, $5, $6)', [
      pages.db.ring,
      token,
      `p1:${'A'.repeat(44)}`,
      consents,
      randomUUID(),
      { ip: '192.0.2.3' },
    ]);
    expect(rows[0].answer, consents).toBe('consents');
  }
});

test('an invitation that a secretary withdraws leaves nothing behind', async () => {
  const other = await createPatient(pages.db, pages.practice);
  const theirs = `/patients/${other}/invitation`;
  await pages.post(pages.practice.clinician, theirs, { ...key(), email: 'parti@exemple.fr' });
  const [row] = await owner(pages.db, 'select account_id from access.memberships where patient_id = $1', [other]);
  const fields = { ...key(), account: row.account_id };
  for (let sent = 0; sent < 2; sent++)
    expect((await pages.post(secretary, `${theirs}/withdraw`, fields)).location).toBe(`${theirs}?done=withdrawn`);
  expect((await pages.get(secretary, theirs)).text).not.toContain('parti@exemple.fr');
  expect(
    await owner(pages.db, "select * from vault.keys where subject_id = $1 and level = 'profile'", [row.account_id]),
  ).toEqual([]);
});
