// Ways in that are made while a patient is being erased (0060, 0112, 0114 beside 0240): they lead nowhere, tell nothing, and
// no reason of an emergency outlives the patient whom it names.
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { asOwner } from '../../db/owner.ts';
import { change, refer, searchInEmergency } from '../support/care.ts';
import {
  connectEdge,
  createWorld,
  type Entry,
  importRecord,
  look,
  open,
  openPatient,
  outcome,
  type World,
} from '../support/world.ts';

let world: World;
let edge: pg.Client;
let root: pg.Client;
let me: Entry;
const call = "audit.break_glass($1, $2, 'emergency', 'Inconsciente aux urgences')";

beforeAll(async () => {
  world = await createWorld();
  [edge, root] = await Promise.all([connectEdge(world.db), connect(world.db.superuserUrl)]);
  me = { token: world.a.clinician.token, ring: world.db.ring };
});
afterAll(async () => {
  await Promise.all([edge.end(), root.end()]);
  await world.close();
});

/** A patient of the colleague, found by me in an emergency. */
async function findUrgent(name: string): Promise<{ patient: string; search: string }> {
  const traits = { birth_name: name, birth_date: '1990-07-14' };
  const patient = await importRecord(world.db, world.a, world.a.colleague, traits);
  const search = randomUUID();
  expect((await searchInEmergency(edge, me, search, { name, day: traits.birth_date })).state).toBe('one');
  return { patient, search };
}
const erase = (client: pg.Client, patient: string) =>
  client.query("select privacy.erase_patient($1, $2, 'unlawful_processing')", [world.db.ring, patient]);

const whileErasing = async <T>(patient: string, work: () => Promise<T>): Promise<T> => {
  await root.query('begin; set local role vs_owner');
  await erase(root, patient);
  setTimeout(() => void root.query('commit'), 500);
  return work();
};

test('a glass that bears the id of somebody who was erased breaks like any other: it says nothing of them', async () => {
  const gone = await importRecord(world.db, world.b, world.b.clinician);
  await asOwner(world.db.admin, () => erase(world.db.admin, gone));
  const { search } = await findUrgent('Le Goff');
  expect(await open(edge, me, call, [gone, search])).toBe('ok');
});

test('a glass that bears the id of somebody who is erased later keeps its reason', async () => {
  const other = await importRecord(world.db, world.b, world.b.clinician);
  const { search } = await findUrgent('Le Du');
  expect(await open(edge, me, call, [other, search])).toBe('ok');
  await asOwner(world.db.admin, () => erase(world.db.admin, other));
  const dpo = { token: world.a.dpo.token, ring: world.db.ring };
  expect(await look(edge, dpo, `select reason from clinic.broken_glass where id = '${other}'`)).toEqual([
    { reason: 'Inconsciente aux urgences' },
  ]);
});

test('a glass that is broken while the patient is being erased does not open, and leaves no reason behind', async () => {
  const { patient, search } = await findUrgent('Le Bihan');
  expect(await whileErasing(patient, () => open(edge, me, call, [randomUUID(), search]))).toBe('hidden');
  expect(await openPatient(edge, me, patient)).toBe('hidden');
  const { rows } = await root.query(
    'select b.id from access.broken_glass b join vault.keys k on k.subject_id = b.id where b.patient_id = $1',
    [patient],
  );
  expect(rows).toEqual([]);
});

test('a referral that is made while the patient is being erased leads nowhere', async () => {
  const { a, db } = world;
  const patient = await importRecord(db, a, a.clinician);
  const colleague = { token: a.colleague.token, ring: db.ring };
  await openPatient(edge, me, patient);
  expect(await whileErasing(patient, () => outcome(refer(edge, me, patient, a.colleague.account)))).toBe('VS404');
  expect(await openPatient(edge, colleague, patient)).toBe('hidden');
});

test('a care team that is given a patient who is being erased does not follow them', async () => {
  const { a, db } = world;
  const admin = { token: a.orgAdmin.token, ring: db.ring };
  const colleague = { token: a.colleague.token, ring: db.ring };
  const patient = await importRecord(db, a, a.clinician);
  const { rows } = await root.query('select id from access.care_teams where lead_account_id = $1', [
    a.colleague.account,
  ]);
  const adding = () =>
    change(edge, admin, 'care_teams.add_patient', 'clinic.add_care_team_patient($1, $2, $3)', [rows[0].id, patient]);
  expect(await whileErasing(patient, () => outcome(adding()))).toBe('VS422');
  expect(await openPatient(edge, colleague, patient)).toBe('hidden');
});
