// Plans that outlive a role: one connection, one prepared statement, several people (CVE-2024-10976), and workers that
// aren't the backend (hardening rule 15). The predicates ask the sealed role too, so a stale plan would show nothing.
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../../db/connect.ts';
import type { Person } from '../../support/practice.ts';
import { connectEdge, createWorld, inTransaction, openPatient, outcome, type World } from '../../support/world.ts';

let world: World;
let edge: pg.Client;

beforeAll(async () => {
  world = await createWorld();
  edge = await connectEdge(world.db);
  const root = await connect(world.db.superuserUrl);
  // what a later version might bring: functions that look with the eyes of who calls them, and a view over a view
  await root.query(`
    create schema tests;
    grant usage on schema tests to public;
    create view tests.records with (security_invoker = true) as select id from clinic.patients where id is not null;
    create function tests.inlined() returns setof uuid language sql stable as 'select id from clinic.patients';
    create function tests.kept() returns setof uuid language sql volatile as 'select id from clinic.patients';
    create function tests.in_plpgsql() returns setof uuid language plpgsql stable as 'begin return query select id from clinic.patients; end';
    grant select on tests.records to public;
    grant usage on schema access to public;`);
  await root.end();
  for (const house of [world.a, world.b]) {
    for (const person of [house.clinician, house.patient, house.secretary])
      await openPatient(edge, entry(person), house.mine);
    for (const person of [house.colleague, house.secretary]) await openPatient(edge, entry(person), house.theirs);
  }
});
afterAll(async () => {
  await edge.end();
  await world.close();
});

const entry = ({ token }: { token: string }) => ({ token, ring: world.db.ring });

const shapes: [string, string][] = [
  ['a plain read', 'select id from clinic.patients'],
  [
    'a subquery',
    'select a.id from clinic.allergy_status s, lateral (select s.patient_id as id) a where s.patient_id in (select id from clinic.patients)',
  ],
  ['a CTE', 'with p as materialized (select id from clinic.patients) select id from p'],
  ['a view of its reader over another', 'select id from tests.records'],
  ['a function in SQL that is inlined', 'select id from tests.inlined() id'],
  ["a function in SQL that isn't", 'select id from tests.kept() id'],
  ['a function in PL/pgSQL, which keeps its plans', 'select id from tests.in_plpgsql() id'],
  ['the log', 'select id from audit.events'],
];

describe('one prepared statement under several people of one connection', () => {
  test.each(['auto', 'force_generic_plan', 'force_custom_plan'])('shows each their own (%s)', async (mode) => {
    const shared = await connectEdge(world.db);
    const ask = (person: Person, shape: number, name: string | undefined) =>
      outcome(
        inTransaction(shared, entry(person), async () => {
          await shared.query(`set local plan_cache_mode = ${mode}`);
          const { rows } = await shared.query({ text: shapes[shape]![1], ...(name && { name }) });
          return rows.map((row) => row.id).sort();
        }),
      );
    // the first seven shapes are of patients
    const people = [world.a, world.b].flatMap(({ mine, theirs, ...house }): [Person, string | string[]][] => [
      [house.secretary, [mine, theirs].sort()],
      [house.clinician, [mine]],
      [house.patient, [mine]],
      [house.colleague, [theirs]],
      [house.auditor, '42501'],
      [house.dpo, '42501'],
    ]);
    // a generic plan is made after the fifth time
    for (let round = 0; round < 3; round += 1)
      for (const [shape, [title]] of shapes.entries())
        for (const [person, patients] of people) {
          const alone = title === 'the log' ? await ask(person, shape, undefined) : patients;
          const shown = await ask(person, shape, `shared-${shape}`);
          // a secretary may not name the view of allergies
          if (title === 'a subquery' && person.role === 'secretary') expect(shown).toBe('42501');
          else expect([title, person.role, shown]).toEqual([title, person.role, alone]);
        }
    await shared.end();
  });

  test('shows nothing to a role that was taken on by hand, with the plan of somebody else', async () => {
    const shared = await connectEdge(world.db);
    for (const [shape, [title, text]] of shapes.entries()) {
      const named = { name: `by-hand-${shape}`, text };
      for (let i = 0; i < 7; i += 1)
        await outcome(inTransaction(shared, entry(world.a.secretary), () => shared.query(named)));
      for (const role of ['vs_clinician', 'vs_secretary', 'vs_patient', 'vs_auditor']) {
        await shared.query('begin');
        await shared.query("select set_config('role', $1, true)", [role]);
        const rows = await outcome(shared.query(named).then((result) => result.rows));
        await shared.query('rollback');
        expect([title, role, rows]).toEqual([
          title,
          role,
          expect.toSatisfy((got) => got === '42501' || (Array.isArray(got) && got.length === 0)),
        ]);
      }
    }
    await shared.end();
  });
});

describe('workers, which have another pid than the identity is bound to', () => {
  const forced = ['debug_parallel_query', 'force_parallel_mode'];
  test('are never given what asks who is there: each view answers as it does without them', async () => {
    const { rows: views } = await edge.query<{ name: string }>(
      `select c.oid::regclass::text as name from pg_class c where c.relnamespace = 'clinic'::regnamespace and c.relkind = 'v'
       union all select 'audit.events' order by 1`,
    );
    const { rows: known } = await edge.query<{ name: string }>('select name from pg_settings where name = any ($1)', [
      forced,
    ]);
    const force = async () => {
      for (const [name, value] of Object.entries({
        [known[0]!.name]: 'on',
        max_parallel_workers_per_gather: '4',
        parallel_setup_cost: '0',
        parallel_tuple_cost: '0',
        min_parallel_table_scan_size: '0',
        min_parallel_index_scan_size: '0',
      }))
        await edge.query('select set_config($1, $2, true)', [name, value]);
    };
    let seen = 0;
    for (const person of [world.a.clinician, world.a.secretary, world.a.patient, world.a.auditor, world.a.orgAdmin])
      for (const { name } of views) {
        const ask = (before: () => Promise<void>) =>
          outcome(
            inTransaction(edge, entry(person), async () => {
              await before();
              return (await edge.query(`select t::text from ${name} t order by 1`)).rows;
            }),
          );
        const plain = await ask(async () => {});
        if (Array.isArray(plain)) seen += plain.length;
        expect([person.role, name, await ask(force)]).toEqual([person.role, name, plain]);
      }
    expect(seen).toBeGreaterThan(20);
    // one that ran in a worker would find an identity of another backend: VS401
    const asked = await inTransaction(edge, entry(world.a.clinician), async () => {
      await force();
      return (await edge.query('select distinct access.role() as role, access.account_id() as account from pg_class'))
        .rows;
    });
    expect(asked).toEqual([{ role: 'clinician', account: world.a.clinician.account }]);
    // and the workers are really there
    const plan = await inTransaction(edge, entry(world.a.auditor), async () => {
      await force();
      return (await edge.query('explain select count(*) from pg_class')).rows;
    });
    expect(JSON.stringify(plan)).toMatch(/Gather/);
  });
});
