// Two practices that must never see each other, with people of every role and records with rows of every kind.
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { connect } from '../../db/connect.ts';
import { asOwner, openImportSession } from '../../db/owner.ts';
import { createDatabase, type TestDatabase } from './database.ts';
import { createPerson, createPractice, type Person, type Practice } from './practice.ts';

export type House = Practice & {
  dpo: Person;
  researcher: Person;
  /** A patient of the clinician's care team, with an account; and one of the colleague's. */
  mine: string;
  theirs: string;
  patient: Person;
};
export type World = { db: TestDatabase; a: House; b: House; close(): Promise<void> };

/** Takes about half a second. */
export async function createWorld(): Promise<World> {
  return fillWorld(await createDatabase());
}

export async function fillWorld(db: TestDatabase): Promise<World> {
  const a = await createHouse(db, 'Cabinet A');
  const b = await createHouse(db, 'Cabinet B');
  return { db, a, b, close: () => db.close() };
}

async function createHouse(db: TestDatabase, name: string): Promise<House> {
  const practice = await createPractice(db, name);
  const mine = await importRecord(db, practice, practice.clinician, { birth_name: `Nom ${name}` });
  const theirs = await importRecord(db, practice, practice.colleague, { birth_name: `Voisin ${name}` });
  const organisation = practice.organisation;
  const others = await asOwner(db.admin, async () => ({
    dpo: await createPerson(db, { organisation, role: 'dpo' }),
    researcher: await createPerson(db, { organisation, role: 'researcher' }),
    patient: await createPerson(db, { organisation, role: 'patient', patient: mine }),
  }));
  return { ...practice, ...others, mine, theirs };
}

/** A patient with a row of every kind, through the import; `text` goes into every free text. */
export async function importRecord(
  db: TestDatabase,
  practice: Practice,
  clinician: Person,
  traits: Record<string, string> = {},
  text = 'Texte libre',
): Promise<string> {
  const token = await asOwner(db.admin, () =>
    openImportSession(db.admin, db.keys, practice.organisation, clinician.account),
  );
  const edge = await connect(db.edgeUrl);
  try {
    return await inTransaction(edge, { token, ring: db.ring, phase: 'write' }, async () => {
      const { rows } = await edge.query<{ id: string }>('select id from clinic.import_patient($1)', [
        {
          source: `Patient/${randomUUID()}`,
          birth_name: 'Moreau',
          first_given_name: 'Élise',
          sex: 'female',
          birth_date: '1958-03-12',
          ...traits,
        },
      ]);
      const id = rows[0]!.id;
      for (const [type, row] of Object.entries(rowsOfEveryKind(text, clinician.account)))
        await edge.query('select clinic.import_rows($1, $2, $3)', [
          id,
          type,
          JSON.stringify([{ source: `${type}/${randomUUID()}`, ...row }]),
        ]);
      return id;
    });
  } finally {
    await edge.end();
  }
}

export const clinicalTables = [
  'encounters',
  'conditions',
  'observations',
  'medication_requests',
  'allergy_intolerances',
  'notes',
] as const;

const rowsOfEveryKind = (text: string, author: string): Record<(typeof clinicalTables)[number], object> => ({
  encounters: { started_at: '2026-01-05T09:00:00Z', status: 'finished', class: 'AMB', type: { text }, reason: text },
  conditions: { clinical_status: 'active', onset_at: '2025-01-01T00:00:00Z', code: { text } },
  observations: {
    category: 'vital-signs',
    effective_at: '2026-01-05T09:00:00Z',
    status: 'final',
    code: { text },
    value: { text },
  },
  medication_requests: {
    status: 'active',
    intent: 'order',
    authored_at: '2026-01-05T09:00:00Z',
    medication: { text },
    dosage: { text },
  },
  allergy_intolerances: { clinical_status: 'active', code: { text }, reaction: [{ manifestation: text }] },
  notes: { author_id: author, created_at: '2026-01-05T09:00:00Z', subjective: text, assessment: text },
});

// ---------------------------------------------------------------- acting

export type Entry = { token: string | null; ring: string; focus?: string | null; phase?: 'open' | 'read' | 'write' };

/** One transaction of somebody who came in by iam.enter, committed unless it fails. */
export async function inTransaction<T>(
  client: pg.Client,
  { token, ring, focus = null, phase = 'read' }: Entry,
  work: () => Promise<T>,
): Promise<T> {
  await client.query(
    phase === 'read' ? 'begin isolation level read committed read only' : 'begin isolation level read committed',
  );
  try {
    await client.query('select iam.enter($1, $2, $3, $4)', [token, ring, focus, phase]);
    const result = await work();
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

/** The first transaction of a page: the answer of one `audit.open_…` call, committed. */
export function open(client: pg.Client, entry: Entry, call: string, values: unknown[] = []): Promise<string> {
  return inTransaction(client, { ...entry, phase: 'open' }, async () => {
    const { rows } = await client.query<{ answer: string }>(`select ${call} as answer`, values);
    return rows[0]!.answer;
  });
}

export const openPatient = (client: pg.Client, entry: Entry, patient: string): Promise<string> =>
  open(client, entry, 'audit.open_patient($1)', [patient]);

/** Rows of one query in a transaction of its own. */
// biome-ignore lint/suspicious/noExplicitAny: attacks ask for rows of any shape
export async function look(client: pg.Client, entry: Entry, query: string, values: unknown[] = []): Promise<any[]> {
  return inTransaction(client, entry, async () => (await client.query(query, values)).rows);
}

/** How an attempt ended: the SQLSTATE of the refusal, or what it gave. */
export async function outcome<T>(attempt: Promise<T>): Promise<string | T> {
  try {
    return await attempt;
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === undefined) throw error;
    return code;
  }
}

/** A connection as the edge has it, closed with `end()`. */
export const connectEdge = (db: TestDatabase): Promise<pg.Client> => connect(db.edgeUrl);
