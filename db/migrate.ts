// Brings a database to the state that supabase/migrations describes, as the supabase CLI would: either tool can go
// on after the other.
//
// 1. A file is applied whole or not at all, with its line in supabase_migrations.schema_migrations.
// 2. A file whose text isn't the one that made this database stops everything; nothing is touched.
// 3. Two migrations at once wait for each other.
// 4. No superuser is needed.
// 5. Nobody has a power on the database that its copy or its restoration gave back.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { CommandError } from './command-error.ts';
import { splitStatements } from './split-statements.ts';

export type Migration = { version: string; name: string; file: string; text: string; statements: string[] };
export type MigrationState = { applied: string[]; pending: Migration[]; changed: string[]; unknown: string[] };

export const migrationsFolder = join(import.meta.dirname, '..', 'supabase', 'migrations');

/** The files in the order in which they run. */
export function readMigrations(folder = migrationsFolder): Migration[] {
  const files = readdirSync(folder).filter((file) => /^[0-9]+_.*\.sql$/.test(file));
  return files.sort().map((file) => {
    const text = readFileSync(join(folder, file), 'utf8');
    const [, version = '', name = ''] = /^([0-9]+)_(.*)\.sql$/.exec(file) ?? [];
    return { version, name, file, text, statements: splitStatements(text) };
  });
}

/** What has run, what hasn't, and what has run with another text than the file has now. */
export async function migrationState(client: pg.Client, migrations = readMigrations()): Promise<MigrationState> {
  const recorded = await readHistory(client);
  const known = new Set(migrations.map((migration) => migration.version));
  return {
    applied: [...recorded.keys()],
    pending: migrations.filter((migration) => !recorded.has(migration.version)),
    changed: migrations
      .filter((one) => recorded.has(one.version) && recorded.get(one.version) !== digest(one.statements))
      .map((one) => one.file),
    unknown: [...recorded.keys()].filter((version) => !known.has(version)),
  };
}

/**
 * Applies what is missing; gives the names of the files that ran.
 * @param client the administrator's connection: owner of the database, CREATEROLE
 */
export async function migrate(client: pg.Client, migrations = readMigrations()): Promise<string[]> {
  await client.query(`select pg_advisory_lock(${lockNumber})`);
  try {
    const state = await migrationState(client, migrations);
    refuseDrift(state);
    await checkServer(client);
    if (state.pending.length > 0) await client.query(bookkeeping);
    for (const migration of state.pending) await apply(client, migration);
    await client.query(closeDatabase);
    await client.query(openBooks);
    return state.pending.map((migration) => migration.file);
  } finally {
    await client.query(`select pg_advisory_unlock(${lockNumber})`);
  }
}

const lockNumber = 0x76_73_01; // 'vs', first lock: migrations

const bookkeeping = `
  create schema if not exists supabase_migrations;
  create table if not exists supabase_migrations.schema_migrations (version text not null primary key);
  alter table supabase_migrations.schema_migrations add column if not exists statements text[];
  alter table supabase_migrations.schema_migrations add column if not exists name text`;

/** As in 0010_roles, each time: a copy or a restored database has its defaults again, TEMP for PUBLIC among them (hardening rule 6). */
const closeDatabase = `do $$ begin
  execute format('revoke all on database %I from public', current_database());
  execute format('grant connect on database %I to vs_edge, vs_gate, vs_dba', current_database());
  execute format('grant create on database %I to vs_owner', current_database());
end $$`;

/** The DBA's dump is whole only when vs_dba may read this table too; the supabase CLI, which may have made it, doesn't know. */
const openBooks = `
  grant usage on schema supabase_migrations to vs_dba;
  grant select on supabase_migrations.schema_migrations to vs_dba`;

async function apply(client: pg.Client, { version, name, file, text, statements }: Migration): Promise<void> {
  await client.query('begin');
  try {
    await client.query(text);
    await client.query('reset role');
    const line = 'insert into supabase_migrations.schema_migrations (version, name, statements) values ($1, $2, $3)';
    await client.query(line, [version, name, statements]);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw new CommandError(`${file} can't be applied${place(error, text)}: ${message(error)}. Nothing of it was kept.`);
  }
}

/** Recorded digest by version; empty when nothing has ever run here. */
async function readHistory(client: pg.Client): Promise<Map<string, string>> {
  const table = await client.query("select to_regclass('supabase_migrations.schema_migrations') is not null as there");
  if (!table.rows[0].there) return new Map();
  const query = 'select version, statements from supabase_migrations.schema_migrations order by version';
  const { rows } = await client.query<{ version: string; statements: string[] | null }>(query);
  return new Map(rows.map((row) => [row.version, digest(row.statements ?? [])]));
}

/** The hash of what ran; blank lines and line ends don't count, since both tools trim statements. */
function digest(statements: readonly string[]): string {
  const trimmed = statements.map((statement) => statement.replaceAll('\r\n', '\n').trim());
  return createHash('sha256').update(JSON.stringify(trimmed)).digest('hex');
}

function refuseDrift({ changed, unknown }: MigrationState): void {
  if (unknown.length > 0)
    throw new DriftError(
      `This database has migrations that are not here (${inShort(unknown)}): use the version of Vital Sync that made it.`,
    );
  if (changed.length > 0)
    throw new DriftError(
      `This database was made by another text of ${inShort(changed)}: use the version of Vital Sync that made it.`,
    );
}

const inShort = ([first, ...others]: string[]): string =>
  others.length === 0 ? `${first}` : `${first} and ${others.length} more`;

/** The database was made by another version of the migrations. */
export class DriftError extends CommandError {}

async function checkServer(client: pg.Client): Promise<void> {
  const { rows } = await client.query(
    "select current_setting('server_version_num')::int as version, current_setting('server_encoding') as encoding",
  );
  if (rows[0].version < 150000)
    throw new CommandError(`Postgres ${Math.floor(rows[0].version / 10000)} is too old: Vital Sync needs 15 to 18.`);
  if (rows[0].encoding !== 'UTF8')
    throw new CommandError(`The database is in ${rows[0].encoding}: create one with encoding 'UTF8'.`);
}

function place(error: unknown, text: string): string {
  const position = error instanceof Error && 'position' in error ? Number(error.position) : Number.NaN;
  return position > 0 ? ` at line ${text.slice(0, position).split('\n').length}` : '';
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
