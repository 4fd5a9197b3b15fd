// Rows that are hidden stay hidden from the planner, the executor and the statistics: leaky functions, push-down,
// operators with an estimator (CVE-2025-8713), row_security = off, EXPLAIN, system columns. Every readable table and view
// of every role, schemas opened, so that the policies by themselves have to hold.
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Actor, asActor } from '../../support/matrix/actors.ts';
import { createReaders, type Reader, type Readers } from '../../support/matrix/readers.ts';
import { outcome, type World } from '../../support/world.ts';

let readers: Readers;
let world: World;
let root: pg.Client;
const missing = '00000000-0000-4000-8000-00000000dead';

beforeAll(async () => {
  readers = await createReaders();
  ({ world, root } = readers);
  await root.query(instruments);
  // the month's partition of each, with its statistics
  await root.query('analyze');
});
afterAll(() => readers.close());

// A function that is as cheap as can be and tells all that it is given: whatever the planner would push down, it pushes this.
const instruments = `
  create function tests.leak(content text) returns boolean language plpgsql volatile cost 0.000001 as $$ begin
    raise notice 'given: %', content;
    return true;
  end $$;
  do $do$ declare t text; begin
    -- for each type by itself: the estimators call no polymorphic function
    foreach t in array array['text', 'uuid', 'timestamptz', 'bigint', 'integer'] loop
      execute format('create function tests.before(a %1$s, b %1$s) returns boolean language plpgsql volatile cost 0.000001 as $$ begin
        return tests.leak(a::text); end $$', t);
      execute format('create operator tests.<<< (leftarg = %1$s, rightarg = %1$s, procedure = tests.before, restrict = scalarltsel)', t);
      execute format('create operator tests.=== (leftarg = %1$s, rightarg = %1$s, procedure = tests.before, restrict = eqsel, join = eqjoinsel)', t);
    end loop;
  end $do$`;

/** What the instruments were given by each of these statements, as somebody, whether or not it failed in the end. */
async function givenBy(actor: Actor, statements: string[], indexes = true): Promise<string[][]> {
  const given: string[][] = [];
  const listen = ({ message }: { message?: string }) => {
    if (message?.startsWith('given: ')) given.at(-1)!.push(message.slice('given: '.length));
  };
  await asActor(actor, world.db, async () => {
    if (!indexes) await actor.client.query('set local enable_indexscan = off; set local enable_bitmapscan = off');
    actor.client.on('notice', listen);
    for (const statement of statements) {
      given.push([]);
      await Promise.allSettled(['savepoint one', statement, 'rollback to one'].map((one) => actor.client.query(one)));
    }
    actor.client.off('notice', listen);
  });
  return given;
}

describe('a function that tells what it is given', () => {
  const shapes = (row: string, name: string) => [
    `select count(*) from ${name} t where tests.leak(${row})`,
    `select 1 from ${name} t where tests.leak(${row}) and random() >= 0 limit 1`,
    `select 1 from ${name} t order by tests.leak(${row}) limit 1`,
    `select 1 from ${name} t join (values (1), (2)) v (x) on tests.leak(${row}) and x = 1`,
    `select tests.leak(${row}), count(*) from ${name} t group by 1 having bool_and(tests.leak('-'))`,
    `select 1 where exists (select from ${name} t where tests.leak(${row}))`,
  ];

  test('is given no hidden row, in any clause', async () => {
    let told = 0;
    for (const { actor, relations } of readers.acting)
      for (const { name, columns } of relations) {
        const row = `array[${columns.map((c) => `t.${c}::text`)}]::text`;
        // a view is free to evaluate its own filters late: the rows of its tables that its reader sees are its reader's
        const visible = await asActor(actor, world.db, async () => {
          const rows = await outcome(actor.client.query(`select ${row} as row from ${name} t`).then((r) => r.rows));
          return typeof rows === 'string' ? [] : rows.map((r) => String(r.row));
        });
        const statements = shapes(row, name);
        for (const indexes of [true, false])
          for (const [i, given] of (await givenBy(actor, statements, indexes)).entries()) {
            told += given.length;
            const hidden = given.filter((one) => one !== '-' && !visible.includes(one));
            expect([actor.role, statements[i], hidden]).toEqual([actor.role, statements[i], []]);
          }
      }
    expect(told).toBeGreaterThan(200);
  });

  test('would be told more if it were declared leakproof: the instrument works', async () => {
    await root.query('alter function tests.before(uuid, uuid) leakproof');
    try {
      const clinician = readers.acting.find(({ actor }) => actor.role === 'clinician')!.actor;
      const look = `select 1 from store.patients where id operator(tests.===) '${missing}'`;
      const [given] = await givenBy(clinician, [look], false);
      expect(given).toEqual(expect.arrayContaining([world.b.mine, world.a.theirs]));
    } finally {
      await root.query('alter function tests.before(uuid, uuid) not leakproof');
    }
  });
});

describe('statistics', () => {
  const constants: Record<string, string> = {
    text: "'m'",
    uuid: `'${missing}'::uuid`,
    'timestamp with time zone': 'now()',
    bigint: '5::bigint',
    integer: '5',
  };
  const estimates = async ({ actor, relations }: Reader) => {
    const told: string[] = [];
    for (const { name, columns } of relations) {
      const { rows: types } = await root.query<{ column: string; type: string }>(
        `select quote_ident(attname) as column, format_type(atttypid, null) as type from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped`,
        [name],
      );
      const asked = types.filter(({ column, type }) => columns.includes(column) && constants[type]);
      const statements = asked.flatMap(({ column, type }) =>
        ['<<<', '==='].map(
          (o) => `explain select 1 from ${name} t where ${column} operator(tests.${o}) ${constants[type]}`,
        ),
      );
      for (const [i, given] of (await givenBy(actor, statements)).entries())
        if (given.length > 0) told.push(`${actor.role}: ${statements[i]}`);
    }
    return told;
  };

  test("tell an operator's estimator nothing of tables under policies, partitions and views", async () => {
    for (const reader of readers.acting) expect(await estimates(reader)).toEqual([]);
  });

  test('cannot be read, and would tell whoever bypasses policies: the instrument works', async () => {
    for (const { actor } of readers.acting) {
      const ask = (query: string) =>
        asActor(actor, world.db, () => outcome(actor.client.query(query).then((result) => result.rows)));
      expect(
        await ask(
          `select tablename from pg_stats where schemaname in ('store', 'iam', 'access', 'vault', 'ops', 'audit')`,
        ),
      ).toEqual([]);
      expect(await ask('select * from pg_stats_ext')).toEqual([]);
      expect(await ask('select * from pg_stats_ext_exprs')).toEqual([]);
      for (const table of ['pg_statistic', 'pg_statistic_ext_data'])
        expect(await ask(`select * from ${table}`)).toBe('42501');
    }
    await root.query('grant usage on schema tests to vs_dba');
    expect((await estimates(readers.dba)).length).toBeGreaterThan(20);
  });
});
