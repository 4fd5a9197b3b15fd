/** A list or a search: its opening records which patients it shows, its read gives them back decrypted. */
import { sql } from 'kysely';
import { k } from '../../db/query.ts';
import type { ClinicPatientNames } from '../../db/types.ts';

/** The 50 patients with the latest activity among those the reader may see; the opening names the selection. */
export function openList(selection: string) {
  return sql<{ answer: string }>`select audit.open_patient_list(${selection}::uuid) as answer`.compile(k);
}

/** By the beginning of a name (3 letters or more), a birth date (YYYY-MM-DD), or both. */
export function openSearch(selection: string, name: string | null, birthDate: string | null) {
  return sql<{
    answer: string;
  }>`select audit.open_patient_search(${selection}::uuid, ${name}::text, ${birthDate}::text) as answer`.compile(k);
}

export function readSelection(selection: string) {
  return k
    .selectFrom(sql<ClinicPatientNames>`clinic.selected_patients(${selection}::uuid)`.as('p'))
    .selectAll()
    .compile();
}
