/** One's own sessions; a change is announced as `sessions.end`, which asks for a recent factor (0330_own_sessions). */
import { sql } from 'kysely';
import { k } from '../../db/query.ts';

/** Nothing is recorded for looking: one sees oneself alone. */
export function openHome() {
  return sql<{ answer: string }>`select audit.open_home() as answer`.compile(k);
}

export function readOwnSessions() {
  return k.selectFrom('clinic.own_sessions').selectAll().orderBy('last_seen_at', 'desc').compile();
}

export function endOwnSession(key: string, session: string) {
  return sql<{ ended: number }>`select clinic.end_own_session(${key}::uuid, ${session}::uuid) as ended`.compile(k);
}

export function endOtherSessions(key: string) {
  return sql<{ ended: number }>`select clinic.end_other_sessions(${key}::uuid) as ended`.compile(k);
}
