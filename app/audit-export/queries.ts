import { sql } from 'kysely';
import { k } from '../../db/query.ts';
import { type Search, searchFields } from '../audit/search.ts';

export type Format = 'csv' | 'jsonl';

/** A row of audit.export_events(); `at` in UTC to the microsecond, `moment` by the clock in France; bigint arrives as text. */
export type ExportRow = {
  at: string;
  moment: string;
  event: string;
  outcome: string;
  actor_name: string | null;
  actor_role: string;
  actor_id: string | null;
  resource_type: string;
  resource_id: string | null;
  patient_id: string | null;
  session_id: string | null;
  ip: string | null;
  user_agent: string | null;
  details: string | null;
  lane: number;
  seq: string;
  id: string;
};

export function openExport() {
  return sql<{ answer: string }>`select audit.open_export() as answer`.compile(k);
}

/** How many events it would be; one more than `most` stands for all above. */
export function countEvents(search: Search) {
  return sql<{ count: number }>`select audit.count_events(${criteriaOf(search)}::jsonb) as count`.compile(k);
}

export function beginExport(id: string, search: Search, format: Format) {
  return sql<{ answer: string }>`
    select audit.begin_export(${id}::uuid, ${criteriaOf(search)}::jsonb, ${format}) as answer`.compile(k);
}

export function readExport(id: string, search: Search) {
  return sql<Omit<ExportRow, 'actor_name' | 'ip' | 'user_agent'> & { origin_id: string | null }>`
    select to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at,
           to_char(at at time zone 'Europe/Paris', 'YYYY-MM-DD HH24:MI:SS') as moment,
           event, outcome, actor_role, actor_id, resource_type, resource_id, patient_id, session_id, origin_id, details, lane, seq, id
    from audit.export_events(${id}::uuid, ${criteriaOf(search)}::jsonb)`.compile(k);
}

// Each name and each address is opened once, above everything that sorts or keeps rows.

export function readPeople(id: string, search: Search) {
  return sql<{ id: string; name: string | null }>`
    select x.actor_id as id, iam.person_name(x.actor_id) as name
    from (select distinct e.actor_id from audit.export_events(${id}::uuid, ${criteriaOf(search)}::jsonb) e
          where e.actor_id is not null offset 0) x`.compile(k);
}

export function readPlaces(id: string, search: Search) {
  return sql<{ id: string; place: [ip: string, userAgent: string] | null }>`
    select x.origin_id as id, audit.read_origin(x.origin_id) as place
    from (select distinct e.origin_id from audit.export_events(${id}::uuid, ${criteriaOf(search)}::jsonb) e
          where e.origin_id is not null offset 0) x`.compile(k);
}

function criteriaOf(search: Search): string {
  const asked = searchFields.filter((name) => search[name] !== null);
  return JSON.stringify(Object.fromEntries(asked.map((name) => [name, search[name]])));
}
