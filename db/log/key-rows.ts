// The keys against the log. They are wrapped anew by the hundred, and then one event names every row with its digest
// (0220_key_rotation), so they aren't found as other rows are: by their own event.
import type pg from 'pg';
import type { RowProblem } from './rows.ts';

/** Within the transaction and the formats of `compareRows`. @param pruned whether months of the log were given up */
export async function compareKeys(dba: pg.Client, pruned: boolean): Promise<{ rows: number; problems: RowProblem[] }> {
  const { rows } = await dba.query<Omit<RowProblem, 'table'>>(comparison, [pruned]);
  const counted = await dba.query<{ rows: string }>('select count(*) as rows from vault.keys');
  return {
    rows: Number(counted.rows[0]!.rows),
    problems: rows.map((problem) => ({ table: 'vault.keys', ...problem })),
  };
}

// A digest is a row as it once was: the IV in it makes it the only one. An insert doesn't say which level it was of.
const comparison = `
  with rows as materialized (
    select k.subject_id as subject, k.level, encode(sha256(convert_to(to_jsonb(k)::text, 'UTF8')), 'hex') as digest from vault.keys k),
  own as materialized (
    select e.resource_id as subject, e.event, e.details::json ->> 'digest' as digest, e.at, e.id
    from audit.events e where e.resource_type = 'Key' and e.event in ('row.insert', 'row.delete')),
  renewed as materialized (
    select split_part(r.key, '/', 1)::uuid as subject, split_part(r.key, '/', 2) as level, r.value as digest, e.at, e.id
    from audit.events e cross join lateral json_each_text(e.details::json -> 'rows') r
    where e.resource_type = 'Key' and e.event = 'keys.rotate'),
  newest as (
    select distinct on (n.subject, n.level) n.* from renewed n order by n.subject, n.level, n.at desc, n.id desc),
  found as (
    select r.subject, n.id as event, 'an older version of the key was put back' as problem
    from rows r join newest n using (subject, level)
    where r.digest <> n.digest and r.digest in (select digest from renewed union all select digest from own where event = 'row.insert')
    union all
    select r.subject, n.id, 'no event recorded the key as it is: it was changed or added'
    from rows r left join newest n using (subject, level)
    where r.digest not in (select digest from renewed union all select digest from own)
      and not ($1 and not exists (select from own o where o.subject = r.subject) and n.id is null)
    union all
    select r.subject, o.id, 'the key was deleted, and is there again'
    from rows r join own o on o.event = 'row.delete' and o.subject = r.subject and o.digest = r.digest
    union all
    select n.subject, n.id, 'the key is missing: its last event left it there'
    from newest n
    where not exists (select from rows r where (r.subject, r.level) = (n.subject, n.level))
      and not exists (select from own o where o.event = 'row.delete' and o.subject = n.subject and o.digest = n.digest)
    union all
    -- made, neither there as it was made nor deleted as such: each must have been renewed
    select i.subject, null, 'a key is missing: its last event left it there'
    from own i
    where i.event = 'row.insert' and i.digest not in (select digest from rows) and i.digest not in (select digest from own where event = 'row.delete')
    group by i.subject
    having count(*) > (select count(*) from newest n where n.subject = i.subject))
  select subject::text as id, event::text, problem from found order by 1 limit 1000`;
