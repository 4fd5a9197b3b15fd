import { sql } from 'kysely';
import { k } from '../../db/query.ts';
import type { NoteColumns } from './note.ts';

/**
 * Writes the note once for a key: sent again, the same key changes nothing. VS409 when another account than `author`
 * is signed in by now, and when the key stands for another text.
 */
export function writeNote(key: string, author: string, patient: string, columns: NoteColumns) {
  const note = { ...columns, author_id: author };
  return sql<{
    id: string;
  }>`select clinic.write_note(${key}::uuid, ${patient}::uuid, ${JSON.stringify(note)}::jsonb) as id`.compile(k);
}
