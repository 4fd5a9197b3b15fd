// Every kind of change that a row allows, as statements of a superuser whom nothing hinders.
import type pg from 'pg';
import type { Evidence } from './evidence.ts';

export type Change = { title: string; statement: string };
/** Every column as text. */
export type Row = Record<string, string | null>;
export type Column = { name: string; type: string };

export async function columnsOf(root: pg.Client, table: string): Promise<Column[]> {
  const { rows } = await root.query<Column>(
    `select attname as name, format_type(atttypid, null) as type from pg_attribute
     where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attnum`,
    [table],
  );
  return rows;
}

/** Nothing of the table refuses a change any more: no check, no not null and, unless they are kept, no key. */
export async function disarm(root: pg.Client, name: string, { keys = true } = {}): Promise<void> {
  const { rows: constraints } = await root.query<{ name: string }>(
    'select conname as name from pg_constraint where conrelid = $1::regclass and contype = any ($2) and conparentid = 0',
    [name, keys ? ['p', 'u', 'c'] : ['c']],
  );
  for (const constraint of constraints)
    await root.query(`alter table ${name} drop constraint "${constraint.name}" cascade`);
  const { rows: strict } = await root.query<{ name: string }>(
    'select attname as name from pg_attribute where attrelid = $1::regclass and attnum > 0 and attnotnull and ($2 or not exists (select from pg_index where indrelid = attrelid and indisprimary and attnum = any (indkey)))',
    [name, keys],
  );
  for (const column of strict) await root.query(`alter table ${name} alter column ${column.name} drop not null`);
}

/** A value that is another one, whatever there was. */
const otherValue: Record<string, (column: string) => string> = {
  uuid: () => 'gen_random_uuid()',
  integer: (column) => `coalesce(${column}, 0) + 1`,
  bigint: (column) => `coalesce(${column}, 0) + 1`,
  text: (column) => `coalesce(${column}, '') || 'x'`,
  bytea: () => "sha256('another')",
  'timestamp with time zone': (column) => `coalesce(${column}, '2026-01-01') + interval '1 microsecond'`,
  date: (column) => `coalesce(${column}, '2026-01-01') + 1`,
  'uuid[]': (column) => `coalesce(${column}, '{}') || gen_random_uuid()`,
};

/** @param victim, neighbour: two rows of the table, every column as text or null */
export function changesOf(
  name: string,
  { key, free = {}, copied }: Evidence,
  columns: readonly Column[],
  victim: Row,
  neighbour: Row | undefined,
): Change[] {
  const isRow = (row: Row) => key.map((column) => `${column} = '${row[column]}'`).join(' and ');
  const here = isRow(victim);
  const rows: Change[] = [
    { title: 'a row is removed', statement: `delete from ${name} where ${here}` },
    { title: 'a row is there twice', statement: `insert into ${name} select * from ${name} where ${here}` },
    { title: 'every row is removed', statement: `delete from ${name}` },
  ];
  const changes = copied ? [] : rows;
  for (const { name: column, type } of columns) {
    if (column in free) continue;
    const other = otherValue[type]?.(column);
    if (!other) throw new Error(`${name}.${column} is of type ${type}: what is another value of that?`);
    const change = (title: string, value: string, where = here) =>
      changes.push({
        title: `${column} ${title}`,
        statement: `update ${name} set ${column} = ${value} where ${where}`,
      });
    change('is another one', other);
    if (victim[column] !== null) change('is gone', 'null');
    if (!neighbour || neighbour[column] === victim[column]) continue;
    const literal = (row: Row) => (row[column] === null ? 'null' : `'${row[column]?.replaceAll("'", "''")}'::${type}`);
    const exchanged = `case when ${here} then ${literal(neighbour)} else ${literal(victim)} end`;
    change("is exchanged with another row's", exchanged, `(${here}) or (${isRow(neighbour)})`);
  }
  return changes;
}
