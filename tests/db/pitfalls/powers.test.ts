// What somebody could do who sends whole statements on the edge's connection, acting as a clinician: make things, reach
// files, programs and other sessions, become somebody else, put names in the way.
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../../db/connect.ts';
import { connectEdge, createWorld, inTransaction, openPatient, outcome, type World } from '../../support/world.ts';

let world: World;
let edge: pg.Client;
let root: pg.Client;

beforeAll(async () => {
  world = await createWorld();
  edge = await connectEdge(world.db);
  root = await connect(world.db.superuserUrl);
  await openPatient(edge, clinician(), world.a.mine);
});
afterAll(async () => {
  await Promise.all([edge.end(), root.end()]);
  await world.close();
});

const clinician = () => ({ token: world.a.clinician.token, ring: world.db.ring });
const attempt = (statement: string, before = 'select') =>
  outcome(
    inTransaction(edge, { ...clinician(), phase: 'write' }, async () => {
      await edge.query(before);
      return (await edge.query(statement)).rows;
    }),
  );

const schemas = [
  'pg_temp',
  'public',
  'clinic',
  'audit',
  'iam',
  'ops',
  'store',
  'vault',
  'access',
  'pg_catalog',
  'extensions',
];
const things = (schema: string) => [
  `create table ${schema}.t (a int)`,
  `create view ${schema}.v as select 1`,
  `create materialized view ${schema}.m as select 1`,
  `create sequence ${schema}.s`,
  `create function ${schema}.f() returns int language sql as 'select 1'`,
  `create domain ${schema}.d as text check (value is not null)`,
  `create type ${schema}.e as enum ('a')`,
  `create operator ${schema}.= (leftarg = uuid, rightarg = uuid, function = uuid_ne)`,
  `create aggregate ${schema}.a (int) (sfunc = int4pl, stype = int)`,
  `create collation ${schema}.c (locale = 'C')`,
  `create text search configuration ${schema}.x (copy = pg_catalog.simple)`,
];

describe('cannot make', () => {
  test.each(schemas)('anything in %s, temporary or not', async (schema) => {
    for (const statement of things(schema)) {
      const answer = await attempt(statement);
      // 42P16, 42939: no such schema may be written to by anybody
      expect([statement, answer]).toEqual([statement, expect.stringMatching(/^(42501|42P16|42939)$/)]);
    }
  });

  test.each([
    'create cast (text as uuid) with inout as implicit',
    'create language x handler plpgsql_call_handler',
    'create extension hstore schema clinic',
    'create event trigger e on ddl_command_start execute function audit.tg_row()',
    'create publication p for all tables',
    'create server s foreign data wrapper x',
    'create schema s',
    'create role r',
    "create subscription s connection 'dbname=x' publication p with (connect = false)",
    'create statistics clinic.s on id, organisation_id from store.patients',
    'create temp table t (a int)',
    'select 1 as a into temp t',
    'security label on table store.patients is null',
    'alter default privileges for role vs_owner grant select on tables to public',
  ])('%s', async (statement) => {
    expect(await attempt(statement)).toMatch(/^(42501|42704|22023|0A000|42P01)$/);
  });
});

describe('cannot reach', () => {
  test.each([
    "copy (select birth_name from clinic.patients) to program 'cat'",
    "copy (select birth_name from clinic.patients) to '/tmp/out'",
    "copy clinic.patients from program 'id'",
    "select pg_read_file('/etc/passwd')",
    "select pg_read_binary_file('postgresql.conf')",
    "select pg_ls_dir('.')",
    "select pg_stat_file('postgresql.conf')",
    'select pg_ls_waldir()',
    'select pg_ls_tmpdir()',
    "select lo_import('/etc/passwd')",
    "select lo_from_bytea(0, convert_to(birth_name, 'UTF8')) from clinic.patients",
    'select lo_create(0)',
    'select data from pg_largeobject',
    "select pg_notify('x', birth_name) from clinic.patients",
    "select pg_logical_emit_message(false, 'x', birth_name) from clinic.patients",
    'select pg_terminate_backend(pg_backend_pid())',
    'select pg_reload_conf()',
    'select pg_switch_wal()',
    "select pg_create_restore_point('x')",
    'select pg_export_snapshot() from pg_read_all_settings',
    'select * from pg_authid',
    'select * from pg_hba_file_rules',
    'select * from pg_statistic',
    'select * from pg_user_mapping',
    'select * from pg_subscription',
    "load '/tmp/x.so'",
    "alter system set log_statement = 'all'",
    'checkpoint',
    'vacuum',
    'reindex table store.patients',
  ])('files, programs, the log or other sessions: %s', async (statement) => {
    expect(await attempt(statement)).toMatch(/^(42501|42P01|25001)$/);
  });

  test('the locks by which signing in counts its attempts', async () => {
    for (const lock of [
      'pg_advisory_lock(1)',
      'pg_try_advisory_lock(1)',
      'pg_advisory_xact_lock(1)',
      'pg_try_advisory_xact_lock_shared(1, 2)',
    ])
      expect([lock, await attempt(`select ${lock}`)]).toEqual([lock, '42501']);
    // which name no address either: what pg_locks shows is a keyed hash
    const { rows } = await root.query("select prosrc from pg_proc where oid = 'ops.network_key'::regproc");
    expect(rows[0].prosrc).toMatch(/hmac\(/);
  });

  test('a transaction that outlives its connection', async () => {
    expect((await root.query('show max_prepared_transactions')).rows).toEqual([{ max_prepared_transactions: '0' }]);
    await edge.query('begin');
    await edge.query('select iam.enter($1, $2)', [clinician().token, clinician().ring]);
    expect(await outcome(edge.query("prepare transaction 'kept'"))).toBe('55000');
    await edge.query('rollback');
  });
});

describe('cannot leave', () => {
  test.each([
    'set transaction read write',
    "select set_config('transaction_read_only', 'off', true)",
    'set transaction isolation level serializable',
    'do $$ begin commit; end $$',
    'do $$ begin rollback; end $$',
  ])('a transaction that reads: %s', async (statement) => {
    const answer = await outcome(inTransaction(edge, clinician(), () => edge.query(statement)));
    expect(answer).toMatch(/^(25001|2D000)$/);
  });
});

describe('cannot become', () => {
  test.each([
    'set session authorization vs_owner',
    'set session authorization vs_dba',
    "select set_config('session_authorization', 'vs_owner', true)",
    'set role vs_owner',
    'set role vs_gate',
    'set role vs_dba',
    'set role pg_read_all_data',
    'set role pg_execute_server_program',
    'alter role vs_edge superuser',
    'alter role vs_clinician bypassrls',
    'grant vs_owner to vs_edge',
    'grant pg_read_all_data to vs_clinician',
    'reassign owned by vs_owner to vs_clinician',
    'alter table store.patients owner to vs_clinician',
  ])('%s', async (statement) => {
    expect(await attempt(statement)).toBe('42501');
    expect(await attempt(statement, 'set local role none')).toBe('42501');
  });

  test('another by a chain of roles: each step starts from the login again', async () => {
    for (const chain of ['set local role vs_secretary', 'set local role vs_dpo', 'set local role none'])
      expect(await attempt('set local role vs_owner', chain)).toBe('42501');
    expect(await attempt('select id from clinic.patients', 'set local role vs_secretary')).toEqual([]);
  });
});

test('names put in the way of ours change nothing: every function and view has its names from where it was made', async () => {
  // as if somebody had come to own a schema, which nobody may create
  await root.query(`
    create schema evil;
    grant usage on schema evil to public;
    create function evil.current_setting(text, boolean) returns text language sql as $$ select 'forged' $$;
    create function evil.clock_timestamp() returns timestamptz language sql as $$ select 'infinity'::timestamptz $$;
    create function evil.now() returns timestamptz language sql as $$ select 'infinity'::timestamptz $$;
    create function evil.sha256(bytea) returns bytea language sql as $$ select '\\x00'::bytea $$;
    create function evil.always(uuid, uuid) returns boolean language sql as $$ select true $$;
    create operator evil.= (leftarg = uuid, rightarg = uuid, function = evil.always);
    create table evil.patients (id uuid);
    create domain evil.uuid as text;`);
  const read = 'select id, birth_name from clinic.patients';
  const usual = await attempt(read);
  expect(usual).toEqual([{ id: world.a.mine, birth_name: 'Nom Cabinet A' }]);
  for (const path of ['evil, pg_catalog', 'evil, pg_temp', 'evil, store, vault, pg_catalog'])
    expect(await attempt(read, `set local search_path = ${path}`)).toEqual(usual);
  const other = `select audit.open_patient('${world.a.theirs}') as answer`;
  expect(await attempt(other, 'set local search_path = evil, pg_catalog')).toEqual([{ answer: 'hidden' }]);
});
