// Promise: with a correct password and no second factor, no table, view or function gives anything personal. Tried for each
// there is, in every role that the edge's login may take on, and at the gate: a new one is tried without being listed here.
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { liveIn } from '../support/matrix/lived-in.ts';
import { openSchemas, readCatalog } from '../support/matrix/try.ts';
import { afterPassword, foundIn, plant } from '../support/one-factor.ts';
import type { Person } from '../support/practice.ts';
import { callerFrom } from '../support/sign-ins.ts';
import { connectEdge, createWorld, type World } from '../support/world.ts';

type Callable = { name: string; parameters: { name: string; type: string }[]; roles: string[] };
/** The columns that a role may name, as a statement. */
type Reads = Record<string, string[]>;

const ACTING = ['anon', 'patient', 'clinician', 'secretary', 'org_admin', 'auditor', 'dpo', 'researcher', 'import'];

let world: World;
let people: Person[];
let root: pg.Client;
let edge: pg.Client;
let gate: pg.Client;
let reads: Reads;
let functions: Callable[];

beforeAll(async () => {
  world = await createWorld();
  const { db, a, b } = world;
  people = [a.clinician, a.secretary, a.orgAdmin, a.auditor, a.dpo, a.researcher, a.patient];
  edge = await connectEdge(db);
  await liveIn(world, edge);
  await plant(db, [...people, b.clinician]);
  gate = await connect(db.gateUrl);
  root = await connect(db.superuserUrl);
  await readCatalog(root);
  reads = await readReads();
  functions = await readFunctions();
  await openSchemas(root); // what stands behind a closed schema is tried as well
}, 60_000);
afterAll(async () => {
  await Promise.all([edge.end(), gate.end(), root.end()]);
  await world.db.close();
});

async function readFunctions(): Promise<Callable[]> {
  const { rows } = await root.query<Callable>(
    `select p.oid::regproc::text as name,
       array(select substr(r.rolname, 4) from pg_roles r where r.rolname ~ '^vs_' and has_function_privilege(r.oid, p.oid, 'execute')) as roles,
       coalesce((select json_agg(json_build_object('name', p.proargnames[place], 'type', format_type(t, null)) order by place)
                 from unnest(p.proargtypes) with ordinality x (t, place)), '[]') as parameters
     from pg_proc p join tests.ours n on n.oid = p.pronamespace where p.prorettype <> 'trigger'::regtype order by 1`,
  );
  return rows;
}

// what isn't granted is refused: tests/db/matrix.test.ts tries it
async function readReads(): Promise<Reads> {
  const { rows } = await root.query<{ role: string; statements: string[] }>(
    `select role, array_agg(format('select %s from %s', g.granted, r.name)) as statements
     from unnest($1::text[]) role cross join tests.relations r cross join lateral (
       select string_agg(c, ', ') as granted from unnest(r.columns) c where has_column_privilege('vs_' || role, r.name, btrim(c, '"'), 'select')) g
     where g.granted is not null group by role`,
    [ACTING],
  );
  return Object.fromEntries(rows.map(({ role, statements }) => [role, statements]));
}

const byType: Record<string, string> = {
  text: "'000000'",
  jsonb: "'{}'",
  uuid: `'${randomUUID()}'`,
  boolean: 'true',
  integer: '1',
  bigint: '1',
  'timestamp with time zone': 'now()',
};

/** A call with what makes sense for each parameter, by its name, then by its type. */
function callOf({ name, parameters }: Callable, person: Person, token: string): string {
  const { a, db } = world;
  const named: Record<string, unknown> = {
    ...{
      ring: db.ring,
      token,
      account: person.account,
      caller: JSON.stringify(callerFrom({})),
      new_token: randomUUID(),
    },
    ...{ patient: a.mine, organisation: a.organisation, level: 'clinical', role: person.role, phase: 'read' },
    ...{ method: 'totp', purpose: 'register', lang: 'fr', sqlstate: '42501' },
  };
  const values = parameters.map((parameter) => {
    const known = named[parameter.name];
    const value = known === undefined ? (byType[parameter.type] ?? 'null') : pg.escapeLiteral(String(known));
    return `${value}::${parameter.type}`;
  });
  return `select * from ${name}(${values.join(', ')})`;
}

/** What was found by these statements, each taken back: `statement: canaries`. */
async function search(client: pg.Client, statements: string[]): Promise<string[]> {
  const { rows } = await client.query<{ attempt: string; answer: unknown }>('select * from tests.tried($1)', [
    Object.fromEntries(statements.map((statement) => [statement, statement])),
  ]);
  return rows.flatMap(({ attempt, answer }) => {
    const found = foundIn(JSON.stringify(answer));
    return found.length > 0 ? [`${attempt.slice(0, 80)}: ${found.join(', ')}`] : [];
  });
}

/** Everything that can be asked in one transaction of the edge, in each role taken on by hand. */
async function searchEdge(person: Person, token: string, focus: string | null, roles = ACTING): Promise<string[]> {
  const found: string[] = [];
  for (const role of roles) {
    await edge.query('begin isolation level read committed');
    try {
      await edge.query('select iam.enter($1, $2, $3, $4, $5, $6)', [
        token,
        world.db.ring,
        focus,
        'open',
        '192.0.2.1',
        'x',
      ]);
      if (role !== person.role) await edge.query("select set_config('role', $1, true)", [`vs_${role}`]);
      const calls = functions.filter(({ roles }) => roles.includes(role)).map((one) => callOf(one, person, token));
      const statements = [...(reads[role] ?? []), ...calls];
      found.push(...(await search(edge, statements)).map((it) => `as ${role}: ${it}`));
    } finally {
      await edge.query('rollback');
    }
  }
  return found;
}

const searchGate = (person: Person, token: string): Promise<string[]> =>
  search(
    gate,
    functions
      .filter((one) => one.roles.includes('gate') && one.parameters.some(({ name }) => name === 'token'))
      .map((one) => callOf(one, person, token)),
  );

test('is looked for where it can be found: with two factors there is plenty', async () => {
  const { clinician, mine } = world.a;
  expect((await searchEdge(clinician, clinician.token, mine, ['clinician'])).length).toBeGreaterThan(10);
});

describe('with a password and no second factor', () => {
  test('the answer is to show one', async () => {
    for (const person of people) {
      const token = await afterPassword(world.db, person);
      await edge.query('begin');
      const { rows } = await edge.query('select iam.enter($1, $2) as answer', [token, world.db.ring]);
      const acting = await edge.query('select current_user as role');
      await edge.query('rollback');
      expect([rows[0].answer, acting.rows[0].role]).toEqual(['second_factor', 'vs_anon']);
    }
  });

  test.each([0, 1, 2, 3, 4, 5, 6])(
    'nothing personal in any table, view or function of the edge, whatever the role: person %i',
    async (n) => {
      const person = people[n]!;
      const token = await afterPassword(world.db, person);
      expect(await searchEdge(person, token, null)).toEqual([]);
      expect(await searchEdge(person, token, world.a.mine, [person.role, 'clinician'])).toEqual([]);
    },
  );

  test('nor in any function of the gate that takes the session', async () => {
    // who has a patient's record of their own, who has colleagues, and who has accounts to look after
    for (const person of [world.a.patient, world.a.clinician, world.a.orgAdmin]) {
      const token = await afterPassword(world.db, person);
      expect(await searchGate(person, token)).toEqual([]);
    }
  });
});

test('seen red: a door that lets one factor in', async () => {
  const { rows } = await root.query("select pg_get_functiondef('iam.admit'::regproc) as text");
  expect(rows[0].text).toContain('s.factors < 2');
  await root.query(rows[0].text.replace('s.factors < 2', 's.factors < 1'));
  try {
    const { clinician, mine, orgAdmin } = world.a;
    expect(await searchEdge(clinician, await afterPassword(world.db, clinician), mine, ['clinician'])).not.toEqual([]);
    expect(await searchEdge(orgAdmin, await afterPassword(world.db, orgAdmin), null, ['org_admin'])).not.toEqual([]);
  } finally {
    await root.query(rows[0].text);
  }
});
