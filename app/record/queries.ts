/** One's own record: the chart's reads, of the patient that the session belongs to. */
import { sql } from 'kysely';
import { k } from '../../db/query.ts';

export const ownPatient = sql<string>`(select patient_id from clinic.me)`;

export function openOwnRecord() {
  return sql<{ answer: string }>`select audit.open_own_record() as answer`.compile(k);
}

/** Emergency accesses to one's own record, newest first. */
export function readEmergencies() {
  return k
    .selectFrom('clinic.broken_glass')
    .select(['id', 'account_id', 'account_name', 'kind', 'reason', 'broken_at', 'ends_at', 'open'])
    .orderBy('broken_at', 'desc')
    .limit(50)
    .compile();
}

/** Newest first. Which record: the patient's own, by policy. */
export function readAccesses(limit: number) {
  return k
    .selectFrom('clinic.record_accesses')
    .select(['at', 'event', 'actor_id', 'actor_name', 'actor_role', 'resource_type', 'outcome'])
    .orderBy('at', 'desc')
    .limit(limit)
    .compile();
}
