import { sql } from 'kysely';
import { k } from '../../db/query.ts';

export function openRecoveries() {
  return sql<{ answer: string }>`select audit.open_recoveries() as answer`.compile(k);
}

export function readRecoveries() {
  return k.selectFrom('clinic.recoveries').selectAll().orderBy('asked_at').compile();
}

/** Answers rather than raises, so that a wrong code is recorded and counted. */
export function confirmRecovery(id: string, code: string) {
  return sql<{ answer: string }>`select audit.confirm_recovery(${id}::uuid, ${code}) as answer`.compile(k);
}

export function rejectRecovery(id: string) {
  return sql<{ answer: string }>`select audit.reject_recovery(${id}::uuid) as answer`.compile(k);
}
