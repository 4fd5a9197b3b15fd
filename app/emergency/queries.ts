/** Searching and breaking the glass are openings: recorded and committed before anything is read. */
import { sql } from 'kysely';
import { k } from '../../db/query.ts';
import type { ReasonValues, SearchValues } from './form.ts';

type Answer = { answer: string };

export function openHome() {
  return sql<Answer>`select audit.open_home() as answer`.compile(k);
}

export function openSearch(search: string, values: SearchValues, birthDate: string | null) {
  return sql<Answer>`select audit.open_emergency_search(${search}::uuid, ${values.birth_name}::text, ${birthDate}::text,
    ${values.given}::text, ${values.ins}::text) as answer`.compile(k);
}

/** none, one, several, or yours with the patient's id. */
export function readSearchResult(search: string) {
  return sql<{ state: string; patient_id: string | null }>`
    select state, patient_id from clinic.read_emergency_search(${search}::uuid)`.compile(k);
}

export function breakGlass({ glass, search, kind, reason }: ReasonValues) {
  return sql<Answer>`select audit.break_glass(${glass}::uuid, ${search}::uuid, ${kind}::text, ${reason}::text) as answer`.compile(
    k,
  );
}

export function readGlass(glass: string) {
  return k.selectFrom('clinic.broken_glass').select(['id', 'patient_id']).where('id', '=', glass).compile();
}

export function endGlass(key: string, glass: string) {
  return sql<{ id: string }>`select clinic.end_glass(${key}::uuid, ${glass}::uuid) as id`.compile(k);
}
