// Holes that a hostile review found, one test each: they stay closed.
import { randomBytes, randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { asOwner, createAccount } from '../../db/owner.ts';
import { missingPowers } from '../../db/superuser.ts';
import { totpCode } from '../../db/totp.ts';
import { prehash } from '../../edge/password.ts';
import { openSession, type Person } from '../support/practice.ts';
import { connectEdge, createWorld, inTransaction, type World } from '../support/world.ts';

const password = 'correct horse battery staple';
const secret = randomBytes(20);

let world: World;
let edge: pg.Client;
let gates: pg.Client[];
let root: pg.Client;
/** A clinician of A who signs in with a password and a code. */
let account: string;

beforeAll(async () => {
  world = await createWorld();
  const { db, a } = world;
  edge = await connectEdge(db);
  gates = await Promise.all(Array.from({ length: 4 }, () => connect(db.gateUrl)));
  root = await connect(db.superuserUrl);
  account = await asOwner(db.admin, () =>
    createAccount(db.admin, db.keys, {
      organisation: a.organisation,
      role: 'clinician',
      email: 'medecin@exemple.fr',
      profile: { family_name: 'Roux', given_name: 'Anne' },
      password,
      totpSecret: secret,
    }),
  );
});
afterAll(async () => {
  await Promise.all([edge, root, ...gates].map((client) => client.end()));
  await world.close();
});

const owner = (query: string, values: unknown[] = []) =>
  asOwner(world.db.admin, async () => (await world.db.admin.query(query, values)).rows);
const newToken = () => randomBytes(32).toString('base64url');
const sessionOf = async (token: string): Promise<string> =>
  (await owner('select id from iam.sessions where token_hash = iam.hash_token($1)', [token]))[0].id;
const freshSession = () => asOwner(world.db.admin, () => openSession(world.db, account));

type Attempt = { id?: string; typed?: string; token?: string; ip: string; browser?: string; old?: string | null };
async function tryPassword(
  gate: pg.Client,
  { id = account, typed = 'wrong', token = newToken(), ip, browser = 'test', old = null }: Attempt,
) {
  const call = 'select * from iam.sign_in_password($1, $2, $3, $4, $5, $6)';
  const hashed = await prehash(world.db.pepper, id, typed);
  const { rows } = await gate.query(call, [world.db.ring, id, hashed, token, { ip, user_agent: browser }, old]);
  return rows[0] as { answer: string; retry_after: number | null };
}

/** Until this query of the superuser gives a row, or `other` is over. */
async function until(query: string, other: Promise<unknown>): Promise<void> {
  let over = false;
  other
    .catch(() => {})
    .then(() => {
      over = true;
    });
  while (!over && (await root.query(query)).rowCount === 0) await new Promise((done) => setTimeout(done, 10));
}

test("a search can't be counted: it touches no entry of a patient that the clinician doesn't see", async () => {
  await root.query('set session_replication_role = replica'); // without the foreign key
  await root.query(
    `insert into vault.search_tokens select t.organisation_id, t.token, gen_random_uuid()
     from vault.search_tokens t, generate_series(1, 1200) where t.patient_id = $1`,
    [world.a.theirs],
  );
  await root.query('set session_replication_role = origin');
  await root.query('analyze vault.search_tokens');
  // db/superuser.ts has taken it from everybody; without a superuser they have it
  await root.query('grant execute on function pg_stat_get_xact_tuples_returned(oid) to public');
  const { rows } = await root.query(
    "select array_agg(oid) as oids from pg_class where oid::regclass::text like 'vault.search_tokens%'",
  );
  const read = 'select array(select pg_stat_get_xact_tuples_returned(o) from unnest($1::oid[]) o)::int[] as counters';
  const counters = async () => (await edge.query(read, [rows[0].oids])).rows[0].counters as number[];
  const touched = (person: Person, name: string) =>
    inTransaction(edge, { token: person.token, ring: world.db.ring, phase: 'open' }, async () => {
      const before = await counters();
      await edge.query('select audit.open_patient_search($1, $2, null)', [randomUUID(), name]);
      return (await counters()).map((n, i) => n - before[i]!);
    });
  const { clinician, secretary } = world.a;
  try {
    // seven times, since a function's plan is made anew after the fifth
    for (let i = 0; i < 7; i += 1)
      expect(await touched(clinician, 'Voisin')).toEqual(await touched(clinician, 'Personne'));
    // that the counters count: a secretary sees them all
    expect(await touched(secretary, 'Voisin')).not.toEqual(await touched(secretary, 'Personne'));
  } finally {
    await root.query('revoke execute on function pg_stat_get_xact_tuples_returned(oid) from public');
  }
});

test('whoever acts may call nothing that spills, ends a connection or counts; the DBA may call what ends one', async () => {
  // tests/support/global-setup.ts ran db/superuser.ts
  expect(await missingPowers(edge)).toEqual({ spills: false, errors: false, dumps: false });
  const names =
    'lo_from_bytea pg_logical_emit_message pg_notify pg_stat_get_xact_tuples_returned pg_terminate_backend'.split(' ');
  const there = await root.query(
    'select array_agg(distinct proname order by proname)::text[] as names from pg_proc where proname = any ($1)',
    [names],
  );
  expect(there.rows[0].names).toEqual(names);
  const may = async (role: string) =>
    (
      await root.query(
        `select distinct proname as name from pg_proc where proname = any ($2) and has_function_privilege($1, oid, 'execute')`,
        [role, names],
      )
    ).rows;
  for (const role of ['vs_clinician', 'vs_edge', 'vs_gate']) expect(await may(role)).toEqual([]);
  expect(await may('vs_dba')).toEqual([{ name: 'pg_terminate_backend' }]);
});

test('two transactions of a session at once open no more than 1,000 patients together', async () => {
  const session = await sessionOf(await freshSession());
  const [one, two] = await Promise.all([connect(world.db.adminUrl), connect(world.db.adminUrl)]);
  const openMany = async (client: pg.Client) => {
    await client.query('begin; set local role vs_owner');
    const ids = Array.from({ length: 600 }, () => randomUUID());
    const claims = [session, account, world.a.organisation, 'clinician', null, null, null, null];
    const call = "select audit.open_all($1, $2, array['identity']) as opened";
    const { rows } = await client.query(call, [claims, ids]);
    return rows[0].opened as boolean;
  };
  expect(await openMany(one)).toBe(true);
  const second = openMany(two);
  await until(
    "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%open_all%'",
    second,
  );
  await one.query('commit');
  const answer = await second;
  await two.query('commit');
  await Promise.all([one.end(), two.end()]);
  const counting = 'select count(distinct patient_id) from audit.openings where session_id = $1';
  const [{ count }] = await owner(counting, [session]);
  expect([answer, Number(count)]).toEqual([false, 600]);
});

test('attempts from one address and browser leave one origin', async () => {
  for (const id of [account, randomUUID()]) {
    const count = async () => Number((await owner('select count(*) from audit.origins'))[0].count);
    const before = await count();
    for (let i = 0; i < 3; i += 1)
      expect(await tryPassword(gates[0]!, { id, ip: '192.0.2.3' })).toMatchObject({ answer: 'refused' });
    expect(await count()).toBe(before + 1);
  }
});

test('signing in again ends the session that the browser had, after the second factor', async () => {
  const old = await freshSession();
  const enter = async (token: string) => {
    await edge.query('begin');
    const { rows } = await edge.query('select iam.enter($1, $2) as answer', [token, world.db.ring]);
    await edge.query('rollback');
    return rows[0].answer as string;
  };
  const [token, next, ip] = [newToken(), newToken(), '192.0.2.4'];
  expect(await tryPassword(gates[0]!, { typed: password, token, ip, old })).toMatchObject({ answer: 'second_factor' });
  expect(await enter(old)).toBe('ok');
  const secondStep = "select answer from iam.take_factor($1, $2, 'totp', $3, $4, $5)";
  const { rows } = await gates[0]!.query(secondStep, [
    world.db.ring,
    token,
    { code: totpCode(secret) },
    next,
    { ip, user_agent: 'test' },
  ]);
  expect(rows[0].answer).toBe('ok');
  expect([await enter(next), await enter(old)]).toEqual(['ok', 'signed_out']);
});

test('a DBA without BYPASSRLS verifies the log', async () => {
  // a role's membership brings policies, not BYPASSRLS
  await root.query('begin');
  await root.query('create role vs_test_dba in role vs_dba; set local role vs_test_dba');
  const seen = await root.query(`select (select count(*) from audit.lanes) > 0 as lanes,
    (select count(*) from audit.leaves) > 0 as leaves, (select count(*) from audit.verify_all())::int as problems`);
  await root.query('rollback');
  expect(seen.rows).toEqual([{ lanes: true, leaves: true, problems: 0 }]);
});

test('upkeep removes the openings of ended sessions, however many ended ones have none', async () => {
  const end = (count: number, when: string) =>
    owner(
      `insert into iam.sessions (token_hash, account_id, membership_id, organisation_id, role, factors, revoked_at)
       select sha256(uuid_send(gen_random_uuid())), account_id, id, organisation_id, role, 2, now() - $3::interval
       from access.memberships, generate_series(1, $2) where account_id = $1 returning id`,
      [account, count, when],
    );
  await end(10_001, '3 days');
  const [over] = await end(1, '2 days');
  const [recent] = await end(1, '1 hour');
  const live = await sessionOf(await freshSession());
  const ids = [over.id, recent.id, live];
  await owner(
    `insert into audit.openings select s, gen_random_uuid(), 'identity', now() - interval '2 days', pg_current_xact_id() from unnest($1::uuid[]) s`,
    [ids],
  );
  await owner('select ops.upkeep()');
  const left = await owner('select session_id from audit.openings where session_id = any ($1)', [ids]);
  expect(left.map((row) => row.session_id).sort()).toEqual([recent.id, live].sort());
});

test("what the owner does to an account, a factor or a team stands in the organisation's own lanes", async () => {
  await owner('select access.create_care_team($1, $2)', [world.a.organisation, account]);
  const rows = await owner(
    `select distinct resource_type, organisation_id from audit.events
     where resource_type in ('Person', 'Factor', 'CareTeamMember') and resource_id = $1 order by resource_type`,
    [account],
  );
  const { organisation } = world.a;
  const own = (resource_type: string) => ({ resource_type, organisation_id: organisation });
  expect(rows).toEqual([own('CareTeamMember'), own('Factor'), own('Person')]);
});
