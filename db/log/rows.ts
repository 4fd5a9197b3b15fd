// Each stored row against the last event that recorded it: finds a row that was changed, taken away, added, or put back
// whole from a backup, past the triggers. The digest is that of audit.tg_row, over ciphertext.
import type pg from 'pg';
import { compareKeys } from './key-rows.ts';

/** A row that isn't what its last event says; `event` is that event's id, where there is one. */
export type RowProblem = { table: string; id: string; event: string | null; problem: string };
export type RowsCompared = {
  rows: number;
  problems: RowProblem[];
  /** Rows whose last event was pruned with its month: nothing is left to compare them with. */
  older: number;
  /** Tables that can't be compared row by row: some of their columns change without an event, or rows have no id. */
  skipped: string[];
};

type Recorded = { table: string; type: string; id: string; whole: boolean; unique: boolean };

/** `dba` sees every row (BYPASSRLS); memory doesn't grow with the tables. */
export async function compareRows(dba: pg.Client): Promise<RowsCompared> {
  const result: RowsCompared = { rows: 0, problems: [], older: 0, skipped: [] };
  await dba.query('begin isolation level repeatable read read only');
  try {
    await dba.query(formatsOfTheTrigger);
    const tables = (await dba.query<Recorded>(recordedTables)).rows;
    const pruned = (await dba.query('select from audit.pruned limit 1')).rows.length > 0;
    for (const table of tables) {
      if (table.table === 'vault.keys') await addKeys(dba, pruned, result);
      else if (!table.whole) result.skipped.push(table.table);
      else await compareTable(dba, table, pruned, result);
    }
    return result;
  } finally {
    await dba.query('rollback');
  }
}

async function addKeys(dba: pg.Client, pruned: boolean, result: RowsCompared): Promise<void> {
  const { rows, problems } = await compareKeys(dba, pruned);
  result.rows += rows;
  result.problems.push(...problems);
}

// As audit.tg_row pins them: the digest is over text.
const formatsOfTheTrigger = `
  set local timezone = 'UTC'; set local datestyle = 'ISO, YMD'; set local bytea_output = 'hex';
  set local intervalstyle = 'iso_8601'; set local extra_float_digits = '1'`;

// whole: every insert, update and delete fires, with an id · unique: the recorded id alone tells the row
const recordedTables = `
  with recorded as (
    select t.tgrelid, split_part(encode(t.tgargs, 'escape'), '\\000', 1) as type,
           coalesce(nullif(split_part(encode(t.tgargs, 'escape'), '\\000', 3), ''), 'id') as id,
           bit_or(t.tgtype & 28) filter (where t.tgattr = '') as verbs
    from pg_trigger t where t.tgfoid = 'audit.tg_row'::regproc group by 1, 2, 3)
  select format('%I.%I', n.nspname, c.relname) as table, type, id, coalesce(verbs, 0) = 28 and a.attname is not null as whole,
         exists (select from pg_index i where i.indrelid = tgrelid and i.indisprimary and i.indnatts = 1 and i.indkey[0] = a.attnum) as unique
  from recorded join pg_class c on c.oid = tgrelid join pg_namespace n on n.oid = c.relnamespace
  left join pg_attribute a on a.attrelid = tgrelid and a.attname = recorded.id order by 1`;

async function compareTable(dba: pg.Client, recorded: Recorded, pruned: boolean, result: RowsCompared): Promise<void> {
  const { table, type, id, unique } = recorded;
  const rows = `select t.${id} as id, encode(sha256(convert_to((to_jsonb(t) - 'last_activity_at')::text, 'UTF8')), 'hex') as digest from ${table} t`;
  const count = await dba.query<{ rows: string }>(`select count(*) as rows from ${table}`);
  result.rows += Number(count.rows[0]!.rows); // an aggregate gives one row
  const query = unique ? byId(rows) : byDigest(rows);
  const { rows: found } = await dba.query<{ id: string; event: string | null; problem: string }>(query, [type, pruned]);
  result.problems.push(...found.map((problem) => ({ table, ...problem })));
  if (!pruned) return;
  const older = `select count(*) as rows from ${table} t where not exists (
    select from audit.events e where e.resource_type = $1 and e.resource_id = t.${id} and e.event like 'row.%')`;
  result.older += Number((await dba.query<{ rows: string }>(older, [type])).rows[0]!.rows);
}

// The event of a row that counts is the last one by time, and of two at the same time the later id.
const byId = (rows: string) => `
  with rows as materialized (${rows}),
  last as (
    select distinct on (e.resource_id) e.resource_id, e.id, e.event, e.details::json ->> 'digest' as digest
    from audit.events e where e.resource_type = $1 and e.event in ('row.insert', 'row.update', 'row.delete')
    order by e.resource_id, e.at desc, e.id desc)
  select coalesce(r.id, l.resource_id) as id, l.id as event,
         case when r.id is null then 'the row is missing: its last event left it there'
              when l.id is null then 'no event says where the row comes from'
              when l.event = 'row.delete' then 'the row was deleted, and is there again'
              else coalesce((select 'the row is as its event ' || e.id || ' left it: an older version was put back'
                             from audit.events e where e.resource_type = $1 and e.resource_id = r.id and e.details::json ->> 'digest' = r.digest limit 1),
                            'the row isn''t what its last event recorded: it was changed') end as problem
  from rows r full join last l on l.resource_id = r.id
  where (r.digest = l.digest and l.event <> 'row.delete') is not true and not (r.id is null and l.event = 'row.delete')
    and not ($2 and l.id is null)
  order by 1 limit 1000`;

// Where several rows bear one id, a row is known by what it holds.
const byDigest = (rows: string) => `
  with rows as materialized (${rows}),
  last as (
    select distinct on (e.resource_id, e.details::json ->> 'digest') e.resource_id, e.id, e.event, e.details::json ->> 'digest' as digest
    from audit.events e where e.resource_type = $1 and e.event in ('row.insert', 'row.update', 'row.delete')
    order by e.resource_id, e.details::json ->> 'digest', e.at desc, e.id desc)
  select coalesce(r.id, l.resource_id) as id, l.id as event,
         case when r.id is null then 'the row is missing: its last event left it there'
              when l.id is null then 'no event recorded the row as it is: it was changed or added'
              else 'the row was deleted, and is there again' end as problem
  from rows r full join last l on l.resource_id = r.id and l.digest = r.digest
  where (r.id is null and l.event <> 'row.delete' and not exists (
           select from audit.events e where e.resource_type = $1 and e.resource_id = l.resource_id and e.event = 'row.update'))
     or (r.id is not null and coalesce(l.event, 'row.delete') = 'row.delete' and not ($2 and not exists (
           select from audit.events e where e.resource_type = $1 and e.resource_id = r.id and e.event like 'row.%')))
  order by 1 limit 1000`;
