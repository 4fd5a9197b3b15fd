// What the catalog says about an existing table, and what stands in the way of sealing it.
import pg from 'pg';
import { CommandError } from '../command-error.ts';
import type { EncryptMap, Level, Trait } from './map.ts';

export type Column = {
  name: string;
  /** As quote_ident writes it; a label in an AAD is written so. */
  ident: string;
  number: number;
  type: string;
  /** Its text is read back alike whatever the reader's settings. */
  plain: boolean;
  notNull: boolean;
  generated: boolean;
};
export type SealedColumn = Column & { level: Level; into: string; label: string };
export type Table = {
  oid: number;
  schema: string;
  name: string;
  /** schema.table as quote_ident writes it: for SQL, and in every AAD. */
  sql: string;
  owner: string;
  mine: boolean;
  blocks: number;
  columns: Column[];
};
/** A table and its map, checked against each other. */
export type Plan = {
  map: EncryptMap;
  table: Table;
  sealed: SealedColumn[];
  clear: Column[];
  subjectColumn: string;
  view: string;
};

const ours = [
  'iam',
  'access',
  'vault',
  'audit',
  'store',
  'clinic',
  'privacy',
  'ops',
  'extensions',
  'supabase_migrations',
];

/** Types whose text is read back alike whatever the reader's settings; of others the view gives the text. */
const plainTypes =
  /^(text|character varying|character|date|timestamp|time|smallint|integer|bigint|numeric|real|double precision|boolean|uuid|jsonb?|bytea|inet|cidr|interval)\b[^[]*$/;

export const quote = (name: string): string => pg.escapeIdentifier(name);

export async function findTable(admin: pg.Client, given: string): Promise<Table> {
  const { rows } = await admin
    .query(
      `select c.oid::int8::text as oid, n.nspname as schema, c.relname as name, c.relkind as kind, c.relpersistence as persistence,
              c.relispartition or exists (select from pg_inherits i where c.oid in (i.inhrelid, i.inhparent)) as inherits,
              quote_ident(n.nspname) || '.' || quote_ident(c.relname) as sql, pg_get_userbyid(c.relowner) as owner,
              pg_has_role(current_user, c.relowner, 'usage') as mine, (pg_relation_size(c.oid) / current_setting('block_size')::int)::int as blocks
       from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = to_regclass($1)`,
      [given],
    )
    .catch(() => ({ rows: [] })); // a text that is no name at all
  const found = rows[0];
  if (!found) throw new CommandError(`There is no table ${given}: give its name as in SQL, with its schema.`);
  if (found.kind !== 'r' || found.inherits || found.persistence !== 'p')
    throw new CommandError(
      `${found.sql} isn't an ordinary table: views, partitions, children and temporary tables can't be sealed.`,
    );
  if (ours.includes(found.schema) || found.schema.startsWith('pg_') || found.schema === 'information_schema')
    throw new CommandError(
      `${found.sql} is Vital Sync's or Postgres's own: this command is for tables that were there before.`,
    );
  const { rows: columns } = await admin.query<Column>(
    `select attname as name, quote_ident(attname) as ident, attnum::int as number, format_type(atttypid, atttypmod) as type, attnotnull as "notNull",
            attgenerated <> '' as generated, (select typnamespace = 'pg_catalog'::regnamespace from pg_type t where t.oid = atttypid) as plain
     from pg_attribute where attrelid = $1::int8::oid and attnum > 0 and not attisdropped order by attnum`,
    [found.oid],
  );
  return {
    ...found,
    oid: Number(found.oid),
    columns: columns.map((c) => ({ ...c, plain: c.plain && plainTypes.test(c.type) })),
  };
}

/** Joins map and table. Errors: columns that aren't there, and columns that nobody decided about. */
export function makePlan(map: EncryptMap, table: Table, resumed: boolean): Plan {
  const find = (name: string, where: string): Column => {
    const column = table.columns.find((one) => one.name === name);
    if (!column) throw new CommandError(`The map's ${where} names ${name}, and ${table.sql} has no such column.`);
    return column;
  };
  const sealed = map.columns.map(({ name, level, into }) => {
    const column = find(name, 'columns');
    if (Buffer.byteLength(into) > 63)
      throw new CommandError(`columns.${name}: ${into} is longer than a name may be: give "into".`);
    if (!resumed && table.columns.some((one) => one.name === into))
      throw new CommandError(`columns.${name}: ${table.sql} has a column ${into} already: give "into".`);
    return { ...column, level, into, label: `${table.sql}.${column.ident}` };
  });
  find(map.subject.column, map.subject.kind);
  for (const trait of Object.values(map.create?.traits ?? {})) if ('column' in trait) find(trait.column, 'create');
  const clear = map.clear.map((name) => find(name, 'clear'));
  const made = [
    map.subject.kind === 'patient' ? 'vs_patient' : 'vs_account',
    'vs_id',
    ...sealed.map((one) => one.into),
  ];
  if (!resumed && table.columns.some((one) => made.slice(0, 2).includes(one.name)))
    throw new CommandError(`${table.sql} has columns named vs_…, which this command makes: rename them.`);
  const decided = new Set([...map.clear, ...sealed.map((one) => one.name), ...(resumed ? made : [])]);
  const undecided = table.columns.filter((one) => !decided.has(one.name)).map((one) => one.name);
  if (undecided.length > 0)
    throw new CommandError(
      `The map doesn't say what becomes of ${undecided.join(', ')}: put each column into columns or into clear.`,
    );
  return {
    map,
    table,
    sealed,
    clear,
    subjectColumn: made[0]!,
    view: map.view ?? `existing_${table.name}`.slice(0, 60),
  };
}

/** What keeps plaintext or would break, in words, with what to do. Empty: it may begin. */
export async function obstacles(admin: pg.Client, { table, sealed }: Plan): Promise<string[]> {
  const found = sealed.filter((one) => one.generated).map((one) => `${one.name} is a generated column: drop it`);
  if (!table.mine) found.push(`it belongs to ${table.owner}: use a DATABASE_URL that may alter it`);
  const { rows } = await admin.query<{ sentence: string }>(
    `with recursive about as (
       select distinct d.classid, d.objid, d.refobjsubid, coalesce(a.attname::text, 'whole rows') as column_name
       from pg_depend d left join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid and a.attnum > 0
       where d.refclassid = 'pg_class'::regclass and d.refobjid = $1::oid and (d.refobjsubid = any ($2) or d.refobjsubid = 0)
         and d.deptype in ('n', 'a', 'i')),
     types as (
       select atttypid as oid from pg_attribute where attrelid = $1::oid and attnum > 0 and not attisdropped
       union select b.oid from types join pg_type t on t.oid = types.oid cross join unnest(array[t.typbasetype, t.typelem]) b (oid) where b.oid <> 0),
     -- what its owner wrote and sealing would run, as vs_owner; of an extension it is the superuser's
     foreign_code as (
       select d.classid, d.objid, d.refclassid, d.refobjid from pg_depend d
       where d.refclassid in ('pg_proc'::regclass, 'pg_operator'::regclass) and (
           d.classid = 'pg_constraint'::regclass and d.objid in (select c.oid from pg_constraint c where c.conrelid = $1::oid or c.contypid in (select t.oid from types t))
           or d.classid = 'pg_class'::regclass and d.objid in (select i.indexrelid from pg_index i where i.indrelid = $1::oid)
           or d.classid = 'pg_cast'::regclass and d.objid in (select k.oid from pg_cast k where k.castsource in (select t.oid from types t)))
         and not exists (select from pg_depend e where (e.classid, e.objid) = (d.refclassid, d.refobjid) and e.deptype = 'e'))
     select 'view ' || v.oid::regclass || ' reads ' || string_agg(column_name, ', ') || ': drop it' as sentence
       from about join pg_rewrite r on classid = 'pg_rewrite'::regclass and r.oid = objid join pg_class v on v.oid = r.ev_class
       where v.oid <> $1::oid group by v.oid
     union all select 'index ' || i.oid::regclass || ' holds ' || string_agg(column_name, ', ') || ': drop it'
       from about join pg_class i on classid = 'pg_class'::regclass and i.oid = objid and i.relkind in ('i', 'I')
       where refobjsubid > 0 or exists (select from pg_index x where x.indexrelid = i.oid and x.indexprs is not null) group by i.oid
     union all select 'constraint ' || c.conname || ' asks about ' || string_agg(column_name, ', ') || ': drop it'
       from about join pg_constraint c on classid = 'pg_constraint'::regclass and c.oid = objid
       where refobjsubid > 0 and c.contype <> 'n' group by c.oid, c.conname
     union all select 'generated column ' || a.attname || ' is made of ' || string_agg(column_name, ', ') || ': drop it'
       from about join pg_attrdef f on classid = 'pg_attrdef'::regclass and f.oid = objid join pg_attribute a on (a.attrelid, a.attnum) = (f.adrelid, f.adnum)
       where a.attgenerated <> '' and refobjsubid > 0 group by a.attname
     union all select 'statistics ' || s.stxname || ' keep values: drop them'
       from pg_statistic_ext s where s.stxrelid = $1::oid and (s.stxkeys::int2[] && $2::int2[] or s.stxexprs is not null)
     union all select pg_describe_object(classid, objid, 0) || ' depends on ' || string_agg(column_name, ', ') || ': drop it' from about
       where refobjsubid > 0 and classid not in ('pg_rewrite'::regclass, 'pg_class'::regclass, 'pg_constraint'::regclass, 'pg_attrdef'::regclass,
         'pg_statistic_ext'::regclass, 'pg_trigger'::regclass, 'pg_policy'::regclass) group by classid, objid
     union all select 'trigger ' || tgname || ' would see the plaintext once more, and could keep it: disable or drop it'
       from pg_trigger where tgrelid = $1::oid and not tgisinternal and tgenabled <> 'D' and tgname <> 'vs_sealed'
     union all select 'rule ' || rulename || ' rewrites its updates: drop it' from pg_rewrite where ev_class = $1::oid
     union all select 'policy ' || polname || ' was made for other people: drop it' from pg_policy p
       where polrelid = $1::oid and not exists (select from vault.existing_tables e where e.name = $3)
     union all select pg_describe_object(classid, objid, 0) || ' would run ' || pg_describe_object(refclassid, refobjid, 0) || ' with our rights: drop it'
       from foreign_code
     union all select 'it is published by ' || pubname || ': take it out' from pg_publication_tables where schemaname = $4 and tablename = $5`,
    [table.oid, sealed.map((one) => one.number), table.sql, table.schema, table.name],
  );
  return [...found, ...rows.map((row) => row.sentence)];
}

export const traitColumns = (traits: Record<string, Trait>): string[] =>
  Object.values(traits).flatMap((trait) => ('column' in trait ? [trait.column] : []));
