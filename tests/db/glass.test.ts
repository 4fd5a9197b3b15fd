// Breaking the glass (0114_break_glass), where more than one transaction takes part: the end in the middle of a transaction,
// and many at once. What each role may do is in supabase/tests/0114_break_glass.sql.
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { asOwner } from '../../db/owner.ts';
import { breakGlass, change, refer, searchInEmergency } from '../support/care.ts';
import { take } from '../support/outbox.ts';
import { createPerson } from '../support/practice.ts';
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
let urgent: string;
const traits = { name: 'Le Goff', day: '1990-07-14' };

beforeAll(async () => {
  world = await createWorld();
  edge = await connectEdge(world.db);
  root = await connect(world.db.superuserUrl);
  me = { token: world.a.clinician.token, ring: world.db.ring };
  urgent = await importRecord(world.db, world.a, world.a.colleague, {
    birth_name: 'Le Goff',
    birth_date: '1990-07-14',
  });
});
beforeEach(async () => {
  await root.query(
    'delete from access.broken_glass; delete from access.emergency_searches; delete from audit.openings',
  );
});
afterAll(async () => {
  await edge.end();
  await root.end();
  await world.close();
});

const closeIt = () => root.query('update access.broken_glass set ends_at = clock_timestamp() where ends_at > now()');

test.each([
  ['of this page', () => urgent],
  ['of a page that names no patient', () => null],
])('cannot read on in a transaction %s after the end', async (_, focus) => {
  expect((await breakGlass(edge, me, traits)).answer).toBe('ok');
  expect(await openPatient(edge, me, urgent)).toBe('ok');
  const notes = 'select subjective from clinic.notes where patient_id = $1';
  await edge.query('begin isolation level read committed');
  try {
    await edge.query('select iam.enter($1, $2, $3, $4)', [me.token, me.ring, focus(), 'write']);
    expect((await edge.query(notes, [urgent])).rows).toHaveLength(1);
    await closeIt();
    expect(['VS404', 0]).toContain(await outcome(edge.query(notes, [urgent]).then(({ rows }) => rows.length)));
  } finally {
    await edge.query('rollback');
  }
});

test('is told at once to the patient, the DPO and the administrators, by messages that name nobody', async () => {
  const { orgAdmin, dpo, organisation } = world.a;
  const patient = await asOwner(world.db.admin, () =>
    createPerson(world.db, { organisation, role: 'patient', patient: urgent }),
  );
  await root.query('update iam.accounts set email_confirmed_at = now() where id <> $1', [dpo.account]);
  await root.query('delete from ops.outbox');
  expect((await breakGlass(edge, me, traits)).answer).toBe('ok');
  const gate = await connect(world.db.gateUrl);
  const told = await take(world.db, gate);
  await gate.end();
  // a DPO whose address nobody has confirmed isn't written to
  expect(told.map(({ address, vars }) => [address, vars]).sort()).toEqual(
    [
      [orgAdmin.email, { path: '/emergencies' }],
      [patient.email, { path: '/record/accesses' }],
    ].sort(),
  );
});

test('is not held up by a message that can’t be written', async () => {
  await root.query('update iam.accounts set email_confirmed_at = now()');
  await root.query('delete from ops.outbox');
  await root.query("delete from vault.keys where level = 'profile' and subject_id = $1", [world.a.orgAdmin.account]);
  expect((await breakGlass(edge, me, traits)).answer).toBe('ok');
  const { rows } = await root.query('select count(*)::int as told from ops.outbox');
  expect(rows[0].told).toBeGreaterThan(0);
});

test('a key that was let go through a broken glass is kept for nobody, not for this transaction either', async () => {
  await breakGlass(edge, me, traits);
  await openPatient(edge, me, urgent);
  const slots = async (patient: string) =>
    (
      await look(
        edge,
        { ...me, focus: patient },
        "select subjective, current_setting('vs.slot') as slot from clinic.notes",
      )
    )[0].slot;
  expect(await slots(urgent)).toBe('glass');
  await openPatient(edge, me, world.a.mine);
  expect(await slots(world.a.mine)).toMatch(/^clinical/);
});

test('it opens to who broke it and to no other colleague, who cannot end a referral between two others either', async () => {
  const { a, db } = world;
  const other = await asOwner(db.admin, () => createPerson(db, { organisation: a.organisation, role: 'clinician' }));
  const third = { token: other.token, ring: db.ring };
  await breakGlass(edge, me, traits);
  expect(await openPatient(edge, third, urgent)).toBe('hidden');
  const referral = await refer(edge, { token: a.colleague.token, ring: db.ring }, a.theirs, a.clinician.account, 1);
  const end = (who: Entry) => change(edge, who, 'referrals.end', 'clinic.end_referral($1, $2)', [referral]);
  expect(await outcome(end(third))).toBe('VS404');
  expect(await end(me)).toBe(referral);
});

test('a note in an emergency is written in the record, and read by the care team', async () => {
  await breakGlass(edge, me, traits);
  await openPatient(edge, me, urgent);
  const key = randomUUID();
  await open(edge, me, 'ops.intend($1, $2)', [key, 'notes.sign']);
  await edge.query('begin');
  await edge.query("select iam.enter($1, $2, $3, 'write')", [me.token, me.ring, urgent]);
  await edge.query(`select clinic.write_note($1, $2, '{"subjective": "Vue aux urgences"}')`, [key, urgent]);
  await edge.query('commit');
  const colleague = { token: world.a.colleague.token, ring: world.db.ring };
  await openPatient(edge, colleague, urgent);
  const notes = await look(edge, { ...colleague, focus: urgent }, 'select subjective from clinic.notes');
  expect(notes.map(({ subjective }) => subjective)).toContain('Vue aux urgences');
});

test('ten at once break five', async () => {
  const clients = await Promise.all(Array.from({ length: 10 }, () => connectEdge(world.db)));
  try {
    const search = randomUUID();
    await searchInEmergency(edge, me, search, traits);
    const call = "audit.break_glass($1, $2, 'on_call', 'Garde de nuit, appel du SAMU')";
    const answers = await Promise.all(clients.map((client) => open(client, me, call, [randomUUID(), search])));
    expect(answers.filter((answer) => answer === 'ok')).toHaveLength(5);
    expect(answers.filter((answer) => answer === 'limited')).toHaveLength(5);
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
});

test('a session that ends takes its searches with it, and another session of the same person cannot use them', async () => {
  const search = randomUUID();
  await searchInEmergency(edge, me, search, traits);
  const colleague = { token: world.a.colleague.token, ring: world.db.ring };
  const call = "audit.break_glass($1, $2, 'emergency', 'Inconsciente aux urgences')";
  expect(await open(edge, colleague, call, [randomUUID(), search])).toBe('hidden');
  await root.query("update access.emergency_searches set made_at = made_at - interval '16 minutes'");
  expect(await open(edge, me, call, [randomUUID(), search])).toBe('hidden');
});

test('who broke it does not look into it, as an administrator either', async () => {
  const { account } = world.a.clinician;
  const { glass } = await breakGlass(edge, me, traits);
  const token = randomUUID();
  await root.query(
    `with m as (insert into access.memberships (account_id, organisation_id, role) values ($1, $2, 'org_admin') returning *)
     insert into iam.sessions (token_hash, account_id, membership_id, organisation_id, role, factors)
     select sha256(convert_to($3, 'UTF8')), m.account_id, m.id, m.organisation_id, m.role, 2 from m`,
    [account, world.a.organisation, token],
  );
  const acknowledge = (who: string) =>
    outcome(change(edge, { ...me, token: who }, 'glass.acknowledge', 'clinic.acknowledge_glass($1, $2)', [glass]));
  expect(await acknowledge(token)).toBe('VS403');
  expect(await acknowledge(world.a.orgAdmin.token)).toBe(glass);
});

test('a page that begins at the very moment of the end shows nobody', async () => {
  await breakGlass(edge, me, traits);
  await root.query('begin');
  try {
    // the way in is asked for first, then which glass it was: the end comes between
    const { rows } = await root.query("select pg_get_functiondef('access.glass'::regproc) as was");
    await root.query(`create function access.glass_before(account uuid, organisation uuid, patient uuid) returns uuid language plpgsql
      stable set search_path = '' as ${'$$'}${rows[0].was.split('$function$')[1]}${'$$'}`);
    await root.query(`create or replace function access.glass(account uuid, organisation uuid, patient uuid) returns uuid
      language plpgsql stable set search_path = '' as $$ begin
        if set_config('vs.asked', coalesce(current_setting('vs.asked', true), '') || 'x', true) > 'x' then return null; end if;
        return access.glass_before(account, organisation, patient);
      end $$`);
    await root.query('select iam.enter($1, $2, $3, $4)', [me.token, me.ring, urgent, 'write']);
    await root.query('reset role');
    const { rows: seen } = await root.query('select (access.claims())[6] as patient');
    expect(seen).toEqual([{ patient: '00000000-0000-0000-0000-000000000000' }]);
  } finally {
    await root.query('rollback');
  }
});

test('no glass is broken where the care team or a referral leads in', async () => {
  const { a, db } = world;
  await refer(edge, { token: a.colleague.token, ring: db.ring }, urgent, a.clinician.account, 1);
  const search = randomUUID();
  expect(await searchInEmergency(edge, me, search, traits)).toEqual({ state: 'yours', patient: urgent });
  expect((await breakGlass(edge, me, traits)).answer).toBe('ok');
  expect((await root.query('select count(*)::int as n from access.broken_glass')).rows[0].n).toBe(0);
});
