// One attempt and many: sent as somebody, answered, and taken back.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import type { Actor } from './actors.ts';
import type { Row } from './places.ts';

export type Relation = { object: string; name: string; kind: string; columns: string[] };
export type Write = { object: string; name: string; verb: string; sql: string };
/** `granted`: roles that may execute it, as the catalog says. */
export type Call = { object: string; name: string; sql: string; granted: string[] };
export type Catalog = { relations: Relation[]; writes: Write[]; functions: Call[] };

/** Rows, how many it touched, or the SQLSTATE. */
export type Answer = Row[] | number | string;
export const refused = '42501';

/** What there is to try, from the catalog. @param root a superuser, on a database that is thrown away */
export async function readCatalog(root: pg.Client): Promise<Catalog> {
  await root.query(readFileSync(join(import.meta.dirname, 'attempts.sql'), 'utf8'));
  const [relations, writes, functions] = await Promise.all([
    root.query<Relation>('select object, name, kind, columns from tests.relations order by name'),
    root.query<Write>('select object, name, verb, sql from tests.writes'),
    root.query<Call>('select object, name, sql, granted from tests.functions order by name'),
  ]);
  return { relations: relations.rows, writes: writes.rows, functions: functions.rows };
}

/** So that what stands behind the schemas is tried too. */
export async function openSchemas(root: pg.Client): Promise<void> {
  await root.query(`do $$ declare s text; begin
    for s in select name from tests.ours loop execute format('grant usage on schema %I to public', s); end loop;
  end $$`);
}

/** Many at once, inside a transaction of this actor. */
export async function tryAll({ client }: Actor, attempts: [string, string][]): Promise<Map<string, Answer>> {
  const { rows } = await client.query<{ attempt: string; answer: Answer }>('select * from tests.tried($1)', [
    Object.fromEntries(attempts),
  ]);
  return new Map(rows.map(({ attempt, answer }) => [attempt, answer]));
}

/** COPY can't be called from inside a function. */
export async function tryCopy({ client }: Actor, statement: string): Promise<number | string> {
  const queries = ['savepoint one', statement, 'rollback to one'].map((text) => client.query(text));
  const [, it] = await Promise.allSettled(queries);
  if (it?.status === 'fulfilled') return it.value.rowCount ?? 0;
  const code = String((it?.reason as { code?: string } | undefined)?.code);
  // a view, or a table under policies, takes no such thing
  return ['42809', '55000', '0A000'].includes(code) ? refused : code;
}
