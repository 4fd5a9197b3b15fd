// The real pages on a real Postgres, asked as one person or another would.
import { randomUUID } from 'node:crypto';
import { createApp } from '../../app/app.tsx';
import { connect } from '../../db/connect.ts';
import { openDoor } from '../../db/door.ts';
import { asOwner, openImportSession } from '../../db/owner.ts';
import { readAssets } from '../../edge/assets/files.ts';
import { openLog } from '../../edge/logging.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { createPatient, createPerson, createPractice, type Person, type Practice } from '../support/practice.ts';

export type Pages = {
  db: TestDatabase;
  practice: Practice;
  patient: string;
  /** The account of that patient. */
  patientPerson: Person;
  get(person: Person | null, path: string): Promise<Answer>;
  post(person: Person | null, path: string, fields: Record<string, string>, htmx?: boolean): Promise<Answer>;
  close(): Promise<void>;
};
export type Answer = { status: number; text: string; location: string | null };

const origin = 'http://vital.test';

/** One practice with one patient, who is in the care of `practice.clinician`. */
export async function openPages(): Promise<Pages> {
  const db = await createDatabase();
  const practice = await createPractice(db);
  const patient = await createPatient(db, practice);
  const patientPerson = await asOwner(db.admin, () =>
    createPerson(db, { organisation: practice.organisation, role: 'patient', patient }),
  );
  const door = openDoor(db);
  const log = await openLog(() => {});
  const app = createApp({ door, ring: db.ring, pepper: db.pepper, demo: false, assets: readAssets(), log });

  async function ask(person: Person | null, path: string, init: RequestInit): Promise<Answer> {
    const headers = new Headers(init.headers);
    headers.set('Accept-Language', 'fr');
    if (person) headers.set('Cookie', `__Host-vs=${person.token}.${person.role}`);
    const request = new Request(`${origin}${path}`, { ...init, headers });
    const answer = await app.request(request, undefined, { address: '192.0.2.1' });
    return { status: answer.status, text: await answer.text(), location: answer.headers.get('location') };
  }

  return {
    db,
    practice,
    patient,
    patientPerson,
    get: (person, path) => ask(person, path, {}),
    post: (person, path, fields, htmx = false) =>
      ask(person, path, {
        method: 'POST',
        headers: { Origin: origin, ...(htmx && { 'HX-Request': 'true', 'HX-Request-Type': 'partial' }) },
        body: new URLSearchParams(fields),
      }),
    close: async () => {
      await door.close();
      await db.close();
    },
  };
}

/** Rows of a patient's record, brought in as the import does. */
export async function importRows({ db, practice, patient }: Pages, type: string, rows: object[]): Promise<void> {
  const { organisation, clinician } = practice;
  const token = await asOwner(db.admin, () => openImportSession(db.admin, db.keys, organisation, clinician.account));
  const edge = await connect(db.edgeUrl);
  try {
    await edge.query('begin');
    await edge.query("select iam.enter(token => $1, ring => $2, phase => 'write')", [token, db.ring]);
    const named = rows.map((row) => ({ source: `${type}/${randomUUID()}`, ...row }));
    await edge.query('select clinic.import_rows($1, $2, $3)', [patient, type, JSON.stringify(named)]);
    await edge.query('commit');
  } finally {
    await edge.end();
  }
}

/** What a reader sees of a page: its text, without tags, entities resolved, spaces folded. */
export function visibleText(html: string): string {
  const entities: Record<string, string> = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'", '&amp;': '&' };
  return html
    .replace(/<[^>]*>/g, ' ')
    .replace(/&(?:lt|gt|quot|#39|amp);/g, (entity) => entities[entity] ?? entity)
    .replace(/\s+/g, ' ');
}

/** As the form is when this account opens it. */
export const blankNote = (author: string) => ({
  key: randomUUID(),
  author,
  category: 'consultation',
  priority: 'routine',
  status: 'final',
  subjective: '',
  objective: '',
  assessment: '',
  plan: '',
  diagnosis: '',
  treatment_plan: '',
});
