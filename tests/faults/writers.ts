// Several people who read charts and write notes through the real door, without a pause, and what came of each note.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CompiledQuery, sql } from 'kysely';
import { type Door, Refusal, type Role, type Who } from '../../db/batch.ts';
import { k } from '../../db/query.ts';
import type { Person } from '../support/practice.ts';

export type Note = { key: string; text: string; patient: string; author: Person };
export type Writers = {
  /** Notes that were answered with the note in the page: promised. */
  answered: Note[];
  /** Notes that had no answer but a refusal when the writing ended: they may have been written, or not. */
  open: Note[];
  /** What people were told meanwhile, and how often. */
  told: Map<string, number>;
  /** Ends the writing; the last answers are waited for. */
  rest(): Promise<void>;
  goOn(): void;
};

export const query = <Row = unknown>(text: TemplateStringsArray, ...values: unknown[]): CompiledQuery<Row> =>
  sql<Row>(text, ...values).compile(k);

export const who = (person: Person): Who => ({
  token: person.token,
  role: person.role as Role,
  ip: '192.0.2.7',
  userAgent: 'test',
  requestId: randomUUID(),
});

const openPatient = (id: string) => query<{ answer: string }>`select audit.open_patient(${id}) as answer`;

/** Writes it, or finds that it is there already; true when the page that comes back shows it. @throws Refusal */
export async function write(door: Door, { key, text, patient, author }: Note): Promise<boolean> {
  const note = JSON.stringify({ subjective: text });
  const [rows = []] = await door.write(who(author), {
    open: openPatient(patient),
    focus: patient,
    key,
    operation: 'notes.sign',
    change: query`select clinic.write_note(${key}, ${patient}, ${note}) as id`,
    // the newest: what was just written is among them, however many write
    reads: [
      query<{ subjective: string }>`
        select subjective from clinic.notes where patient_id = ${patient} order by created_at desc limit 20`,
    ],
  });
  return rows.some((row) => row.subjective === text);
}

/** Every text of the patient's notes, as the pages show them. */
export async function readNotes(door: Door, author: Person, patient: string): Promise<string[]> {
  const reads = [query<{ subjective: string }>`select subjective from clinic.notes where patient_id = ${patient}`];
  const [rows = []] = await door.read(who(author), { open: openPatient(patient), focus: patient, reads });
  return rows.map((row) => row.subjective);
}

/** `pairs`: who writes for whom; each goes on by itself. */
export function startWriters(door: Door, pairs: { author: Person; patient: string }[]): Writers {
  const answered: Note[] = [];
  const open: Note[] = [];
  const told = new Map<string, number>();
  let working = true;
  let under: Promise<void>[] = [];
  const work = async ({ author, patient }: { author: Person; patient: string }) => {
    let note: Note | undefined;
    while (working) {
      // a form without an answer is sent again
      note ??= { key: randomUUID(), text: `note ${randomUUID()}`, patient, author };
      try {
        if (await write(door, note)) answered.push(note);
        note = undefined;
        await door.read(who(author), { open: openPatient(patient), focus: patient, reads: [] });
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        told.set(error.reason, (told.get(error.reason) ?? 0) + 1);
        await sleep(150);
      }
    }
    if (note) open.push(note);
  };
  const goOn = () => {
    working = true;
    under = pairs.map(work);
  };
  goOn();
  return {
    answered,
    open,
    told,
    goOn,
    rest: async () => {
      working = false;
      await Promise.all(under);
    },
  };
}

/** Numbers that a seed repeats. */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
