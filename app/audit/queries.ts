import { sql } from 'kysely';
import { k } from '../../db/query.ts';
import type { BreakRow, HeadRow } from './chain.tsx';
import type { CheckpointRow } from './checkpoint.tsx';
import { pageSize, type Search } from './search.ts';

export function openLog() {
  return sql<{ answer: string }>`select audit.open_log() as answer`.compile(k);
}

export function openVerification() {
  return sql<{ answer: string }>`select audit.open_verification() as answer`.compile(k);
}

export function readHeads() {
  return sql<HeadRow>`select lane, events, head, last_at from audit.heads()`.compile(k);
}

/** What was signed last; no row before the first checkpoint. */
export function readCheckpoint() {
  return sql<CheckpointRow>`select origin, size, root, sealed_at from audit.last_checkpoint()`.compile(k);
}

/** Reads every event of the organisation again; no row means that the chains are intact. */
export function readBreaks() {
  return sql<BreakRow>`select lane, seq, problem from audit.verify()`.compile(k);
}

/** A page of the log, newest first, and one more. Keyset: the page starts after the event where the last one ended. */
export function readEvents(search: Search) {
  const atText = sql<string>`to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
  let page = k
    .selectFrom('clinic.audit_events')
    .select(['id', 'at', atText.as('at_text'), 'lane', 'seq', 'event', 'resource_type', 'resource_id', 'patient_id'])
    .select(['actor_id', 'actor_name', 'actor_role', 'outcome', 'details', 'ip', 'user_agent'])
    .orderBy('at', 'desc')
    .orderBy('id', 'desc')
    .limit(pageSize + 1);
  if (search.event) page = page.where('event', '=', search.event);
  if (search.outcome) page = page.where('outcome', '=', search.outcome);
  if (search.role) page = page.where('actor_role', '=', search.role);
  if (search.actor) page = page.where('actor_id', '=', search.actor);
  if (search.patient) page = page.where('patient_id', '=', search.patient);
  if (search.from) page = page.where('at', '>=', dayStart(search.from, 0));
  if (search.to) page = page.where('at', '<', dayStart(search.to, 1));
  if (search.after) {
    const { at, id } = search.after;
    // The first half lets the index on the time do the work.
    page = page.where(sql<boolean>`at <= ${at}::timestamptz and (at, id) < (${at}::timestamptz, ${id}::uuid)`);
  }
  return page.compile();
}

/** Midnight in France at the beginning of a day, or so many days later. */
function dayStart(day: string, later: number) {
  return sql<Date>`((${day}::date + ${later}::int)::timestamp at time zone 'Europe/Paris')`;
}
