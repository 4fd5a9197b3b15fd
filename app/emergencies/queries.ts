import { sql } from 'kysely';
import { k } from '../../db/query.ts';

export function openEmergencies() {
  return sql<{ answer: string }>`select audit.open_broken_glass() as answer`.compile(k);
}

/** Newest first; of one's organisation, by policy. */
export function readEmergencies(limit: number) {
  return k.selectFrom('clinic.broken_glass').selectAll().orderBy('broken_at', 'desc').limit(limit).compile();
}

export function acknowledgeGlass(key: string, glass: string) {
  return sql<{ id: string }>`select clinic.acknowledge_glass(${key}::uuid, ${glass}::uuid) as id`.compile(k);
}
