import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { migrate, migrationState, readMigrations } from '../../db/migrate.ts';
import { asOwner } from '../../db/owner.ts';
import { splitStatements } from '../../db/split-statements.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createDatabase();
});
afterAll(() => db.close());

describe('migrations', () => {
  test('leave nothing behind when a file fails half-way', async () => {
    const broken = {
      version: '9998',
      name: 'broken',
      file: '9998_broken.sql',
      text: 'create table ops.half (a int);\nselect 1/0',
    };
    const files = [...readMigrations(), { ...broken, statements: splitStatements(broken.text) }];
    await expect(migrate(db.admin, files)).rejects.toThrow("9998_broken.sql can't be applied");
    const { rows } = await db.admin.query("select to_regclass('ops.half') as half");
    expect(rows[0].half).toBeNull();
  });

  test('touch nothing when the database was made by another text', async () => {
    const [first, ...others] = readMigrations();
    const changed = { ...first!, statements: [...first!.statements, 'select 1'] };
    const later = {
      version: '9999',
      name: 'later',
      file: '9999_later.sql',
      text: 'create schema later',
      statements: ['create schema later'],
    };
    await expect(migrate(db.admin, [changed, ...others, later])).rejects.toThrow(
      'made by another text of 0010_roles.sql',
    );
    const { rows } = await db.admin.query("select to_regnamespace('later') as later");
    expect(rows[0].later).toBeNull();
  });

  test('of a newer version stop an older one', async () => {
    const files = readMigrations().slice(0, -1);
    await expect(migrate(db.admin, files)).rejects.toThrow('has migrations that are not here');
  });

  test('ran without superuser, and a second run has nothing to do', async () => {
    const { rows } = await db.admin.query('select rolsuper from pg_roles where rolname = current_user');
    expect(rows[0].rolsuper).toBe(false);
    expect(await migrate(db.admin)).toEqual([]);
  });

  test('make nobody: there is no account that somebody knows the name of', async () => {
    const { rows } = await asOwner(db.admin, () =>
      db.admin.query('select (select count(*) from iam.accounts) + (select count(*) from iam.sessions) as somebody'),
    );
    expect(Number(rows[0].somebody)).toBe(0);
  });

  test('keep the books of the supabase CLI', async () => {
    const { rows } = await db.admin.query(
      'select version, name, statements[1] as first from supabase_migrations.schema_migrations order by version limit 1',
    );
    expect(rows[0]).toMatchObject({ version: '0010', name: 'roles' });
    expect(rows[0].first).toMatch(/^-- Roles/);
    expect(await migrationState(db.admin)).toMatchObject({ pending: [], changed: [], unknown: [] });
  });

  test('take back what a copy or a restored database gives to everybody', async () => {
    const mayTemp = "select has_database_privilege('vs_clinician', current_database(), 'temp') as may";
    await db.admin.query(`grant temp on database ${db.name} to public`);
    expect((await db.admin.query(mayTemp)).rows[0].may).toBe(true);
    await migrate(db.admin);
    expect((await db.admin.query(mayTemp)).rows[0].may).toBe(false);
  });

  test('leave no table that the DBA can’t dump', async () => {
    const { rows } = await db.admin.query(`
      select c.oid::regclass::text as table from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'v', 'S') and n.nspname !~ '^(pg_|information_schema)'
        and not (has_table_privilege('vs_dba', c.oid, 'select') and has_schema_privilege('vs_dba', n.oid, 'usage'))`);
    expect(rows).toEqual([]);
  });

  test('two at once wait for each other', async () => {
    const second = await connect(db.adminUrl);
    const file = {
      version: '9997',
      name: 'once',
      file: '9997_once.sql',
      text: 'set role vs_owner; create table ops.once (a int)',
      statements: ['x'],
    };
    const files = [...readMigrations(), file];
    const ran = await Promise.all([migrate(db.admin, files), migrate(second, files)]);
    expect(ran.map((names) => names.length).sort()).toEqual([0, 1]);
    await second.end();
  });
});

describe('statements are cut where the supabase CLI cuts them', () => {
  test.each([
    ['select \'a;b\'; select "c;d"', ["select 'a;b'", 'select "c;d"']],
    ['-- why; here\nselect 1;\n-- the end', ['-- why; here\nselect 1', '-- the end']],
    ['/* a; */ select 1;;\n;select 2', ['/* a; */ select 1', 'select 2']],
    ['do $x$ begin; $y$ ; end $x$; select 1', ['do $x$ begin; $y$ ; end $x$', 'select 1']],
    [
      'create function g() returns int begin atomic select case when true then 1 end; select 2; end; select 3',
      ['create function g() returns int begin atomic select case when true then 1 end; select 2; end', 'select 3'],
    ],
    ["select E'it\\';s'; select 1", ["select E'it\\';s'", 'select 1']],
  ])('%s', (text, statements) => {
    expect(splitStatements(text)).toEqual(statements);
  });
});
