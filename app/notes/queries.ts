import { sql } from 'kysely';
import { k } from '../../db/query.ts';
import type { NoteColumns } from './note.ts';

/** Writes the note once for a key: sent again, the same key changes nothing. */
export function writeNote(key: string, patient: string, note: NoteColumns) {
  return sql<{
    id: string;
  }>`select clinic.write_note(${key}::uuid, ${patient}::uuid, ${JSON.stringify(note)}::jsonb) as id`.compile(k);
}
