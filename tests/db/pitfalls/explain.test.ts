// What tells beside rows: EXPLAIN, row_security = off, the columns of the system, exceptions caught in a block.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Actor, asActor, createActors, endActors } from '../../support/matrix/actors.ts';
import { createReaders, type Readers } from '../../support/matrix/readers.ts';
import { connectEdge, createWorld, outcome, type World } from '../../support/world.ts';

let readers: Readers;
let world: World;

beforeAll(async () => {
  readers = await createReaders();
  ({ world } = readers);
  await readers.root.query('analyze');
});
afterAll(() => readers.close());

const ask = (actor: Actor, query: string, before = 'select') =>
  asActor(actor, world.db, async () => {
    await actor.client.query(before);
    return outcome(actor.client.query(query).then((result) => result.rows));
  });
const clinician = () => readers.acting.find(({ actor }) => actor.role === 'clinician')!.actor;

describe('EXPLAIN', () => {
  // It counts what a filter removed, and estimates from statistics: docs/threat-model.md, "Not promised". So it must take
  // a whole statement, which no injected expression is.
  test.each([
    'query_to_xml($1, true, true, $2)',
    'query_to_xml_and_xmlschema($1, true, true, $2)',
    'query_to_xmlschema($1, true, true, $2)',
    'ts_stat($1)',
    "ts_rewrite('a'::tsquery, $1)",
  ])('cannot be had from inside of a SELECT: %s', async (call) => {
    const explain = `explain (analyze) select 1 from clinic.notes where patient_id = '${world.b.mine}'`;
    const told = await asActor(clinician(), world.db, () =>
      outcome(
        clinician()
          .client.query(`select ${call.replace('$1', `'${explain.replaceAll("'", "''")}'`).replace('$2', "''")}`)
          .then((result) => JSON.stringify(result.rows)),
      ),
    );
    expect(told).not.toMatch(/Scan|Filter|rows=/);
    expect(told).toMatch(/^([0-9A-Z]{5}|\[.*\])$/);
  });

  test('of everything that somebody may read names no value, id or text of a row that is hidden', async () => {
    const secrets = [world.b.organisation, world.b.mine, world.b.clinician.account, 'Cabinet B', world.db.ring];
    let plans = 0;
    for (const { actor, relations } of readers.acting)
      for (const { name, columns } of relations) {
        const rows = await ask(actor, `explain (analyze, verbose, timing off) select ${columns} from ${name}`);
        const text = JSON.stringify(rows);
        plans += Number(Array.isArray(rows));
        for (const secret of secrets)
          expect([actor.role, name, text.includes(secret)]).toEqual([actor.role, name, false]);
      }
    expect(plans).toBeGreaterThan(20);
  });
});

describe('row_security = off', () => {
  test('refuses whoever is under a policy, and shows nobody more', async () => {
    for (const { actor, relations } of readers.acting)
      for (const { name, columns } of relations) {
        const query = `select ${columns} from ${name}`;
        const [usual, off] = [await ask(actor, query), await ask(actor, query, 'set local row_security = off')];
        // a view of a function has no policy of its own
        if (typeof off !== 'string') expect([actor.role, name, off.length]).toEqual([actor.role, name, usual.length]);
        else expect([actor.role, name, off]).toEqual([actor.role, name, expect.stringMatching(/^(42501|VS\d{3})$/)]);
      }
    expect(await ask(clinician(), 'select id from store.notes', 'set local row_security = off')).toBe('42501');
  });

  test('cannot be had by other settings either', async () => {
    for (const setting of [
      "session_replication_role = 'replica'",
      'allow_system_table_mods = on',
      "session_preload_libraries = 'x'",
    ])
      expect(await ask(clinician(), `set local ${setting}`)).toBe('42501');
  });
});

describe('exceptions caught in a block', () => {
  test('and the counts of GET DIAGNOSTICS are those of visible rows', async () => {
    const probe = (id: string) => `do $$ declare n int; begin
      begin
        perform 1 / (case when patient_id = '${id}' then 0 else 1 end) from clinic.observations;
      exception when division_by_zero then raise exception 'seen'; end;
      perform from clinic.observations where patient_id = '${id}';
      get diagnostics n = row_count;
      if n > 0 then raise exception 'counted'; end if;
    end $$`;
    for (const hidden of [world.a.theirs, world.b.mine, randomUUID()])
      expect(await ask(clinician(), probe(hidden))).toEqual([]);
    expect(await ask(clinician(), probe(world.a.mine))).toBe('P0001');
  });
});

// ctid, xmin and the like count the rows and transactions of everybody, in the gaps between one's own
test('the columns of the system are refused on whatever can be named', async () => {
  const other = await createWorld();
  const actors = await createActors(other);
  const edge = await connectEdge(other.db);
  const { rows: nameable } = await edge.query<{ role: string; name: string }>(
    `select r.rolname as role, c.oid::regclass::text as name from pg_roles r, pg_class c join pg_namespace n on n.oid = c.relnamespace
     where r.rolname ~ '^vs_' and r.rolname not in ('vs_owner', 'vs_dba', 'vs_admin') and c.relkind in ('r', 'p')
       and n.nspname in ('iam', 'access', 'vault', 'audit', 'store', 'clinic', 'privacy', 'ops')
       and has_schema_privilege(r.oid, n.oid, 'usage') and has_any_column_privilege(r.oid, c.oid, 'select')`,
  );
  expect(nameable.map(({ role, name }) => `${role} ${name}`)).toContain('vs_auditor audit.events');
  for (const { role, name } of nameable) {
    const actor = actors.find((one) => `vs_${one.role}` === role)!;
    for (const column of ['ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid']) {
      const told = await asActor(actor, other.db, () =>
        outcome(actor.client.query(`select ${column} from ${name}`).then(() => 'told')),
      );
      expect([role, name, column, told]).toEqual([role, name, column, '42501']);
    }
  }
  await edge.end();
  await endActors(actors);
  await other.close();
});
