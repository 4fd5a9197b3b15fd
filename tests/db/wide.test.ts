// Somebody who follows a whole large practice: lists in policies would grow with it, so they see by other means, and the
// same patients. supabase/migrations/0060_care_teams.sql, 0080_openings.sql, 0120_patient_search.sql.
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { asOwner } from '../../db/owner.ts';
import { openSession } from '../support/practice.ts';
import { connectEdge, createWorld, type Entry, look, open, openPatient, type World } from '../support/world.ts';

let world: World;
let edge: pg.Client;
let me: Entry;

/** 1,200 patients more, in the clinician's own care team; nobody opens them, so their ciphertext may be anybody's. */
const crowd = `
  set session_replication_role = replica;
  insert into store.patients
  select (jsonb_populate_record(p, jsonb_build_object('id', gen_random_uuid(), 'last_activity_at', '2001-01-01'))).*
  from store.patients p cross join generate_series(1, 1200) where p.id = $mine$;
  insert into access.care_team_patients (care_team_id, patient_id)
  select (select care_team_id from access.care_team_patients where patient_id = $mine$ limit 1), id
  from store.patients where last_activity_at = '2001-01-01';
  set session_replication_role = origin`;

beforeAll(async () => {
  world = await createWorld();
  edge = await connectEdge(world.db);
  const superuser = await connect(world.db.superuserUrl);
  await superuser.query(crowd.replaceAll('$mine$', `'${world.a.mine}'`));
  await superuser.end();
});
afterAll(async () => {
  await edge.end();
  await world.close();
});
beforeEach(async () => {
  const token = await asOwner(world.db.admin, () => openSession(world.db, world.a.clinician.account));
  me = { token, ring: world.db.ring };
});

const seen = async (entry: Entry) => (await look(edge, entry, 'select id from clinic.encounters e')).length;
const shown = async (selection: string) =>
  (await look(edge, me, 'select audit.selected($1) as ids', [selection]))[0].ids as string[];

test('sees no row of a patient that the session has not opened, and those that it has', async () => {
  expect(await seen(me)).toBe(0);
  expect(await openPatient(edge, me, world.a.mine)).toBe('ok');
  expect(await seen(me)).toBe(1);
  expect(await seen({ ...me, focus: world.a.mine })).toBe(1);
});

test('cannot open a patient of another team or of another practice', async () => {
  expect(await openPatient(edge, me, world.a.theirs)).toBe('hidden');
  expect(await openPatient(edge, me, world.b.mine)).toBe('hidden');
  const ids = [world.a.theirs, world.b.mine, world.a.mine];
  await openPatient(edge, me, world.a.mine);
  expect(await look(edge, me, 'select id from clinic.patients where id = any ($1)', [ids])).toEqual([
    { id: world.a.mine },
  ]);
});

test('loses a patient that leaves the team, although the opening is fresh', async () => {
  const end = (until: string) =>
    asOwner(world.db.admin, () =>
      world.db.admin.query(`update access.care_team_patients set valid_until = ${until} where patient_id = $1`, [
        world.a.mine,
      ]),
    );
  await openPatient(edge, me, world.a.mine);
  await end('clock_timestamp()');
  expect(await seen(me)).toBe(0);
  expect(await openPatient(edge, me, world.a.mine)).toBe('hidden');
  await end("'infinity'");
});

test('has the fifty latest patients on the list', async () => {
  const selection = randomUUID();
  expect(await open(edge, me, 'audit.open_patient_list($1)', [selection])).toBe('ok');
  const ids = await shown(selection);
  expect(ids).toHaveLength(50);
  expect(ids[0]).toBe(world.a.mine);
  expect(ids).not.toContain(world.a.theirs);
});

test('finds by name among their own patients alone', async () => {
  const selection = randomUUID();
  expect(await open(edge, me, 'audit.open_patient_search($1, $2, null)', [selection, 'cabinet nom'])).toBe('ok');
  expect(await shown(selection)).toEqual([world.a.mine]);
  // of another team: as if there were nobody
  const another = randomUUID();
  expect(await open(edge, me, 'audit.open_patient_search($1, $2, null)', [another, 'voisin cabinet'])).toBe('ok');
  expect(await shown(another)).toEqual([]);
});
