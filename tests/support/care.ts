// Ways into a record besides the care team, taken as a page takes them: every step a transaction of its own.
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { type Entry, inTransaction, open, openPatient } from './world.ts';

/** Announces a change and makes it; gives what the function gives. @throws its error */
export async function change(
  client: pg.Client,
  entry: Entry,
  operation: string,
  call: string,
  values: unknown[],
): Promise<string> {
  const key = randomUUID();
  await open(client, entry, 'ops.intend($1, $2)', [key, operation]);
  return inTransaction(client, { ...entry, phase: 'write' }, async () => {
    const { rows } = await client.query<{ id: string }>(`select ${call} as id`, [key, ...values]);
    return rows[0]!.id;
  });
}

export type Traits = { name?: string; day?: string; given?: string; ins?: string };

/** What an emergency search tells: none, one, several, yours; or the answer of a search that was refused. */
export async function searchInEmergency(client: pg.Client, entry: Entry, search: string, traits: Traits) {
  const { name = '', day = '', given = '', ins = '' } = traits;
  const call = 'audit.open_emergency_search($1, $2, $3, $4, $5)';
  const answer = await open(client, entry, call, [search, name, day, given, ins]);
  if (answer !== 'ok') return { state: answer, patient: null };
  const rows = await inTransaction(client, { ...entry, phase: 'read' }, () =>
    client.query<{ state: string; patient_id: string | null }>('select * from clinic.read_emergency_search($1)', [
      search,
    ]),
  );
  return { state: rows.rows[0]?.state ?? 'gone', patient: rows.rows[0]?.patient_id ?? null };
}

/** Searches, and breaks the glass of whoever was found. `answer`: of audit.break_glass. */
export async function breakGlass(
  client: pg.Client,
  entry: Entry,
  traits: Traits,
  { kind = 'emergency', reason = 'Inconsciente aux urgences, allergies à connaître' } = {},
): Promise<{ glass: string; answer: string }> {
  const search = randomUUID();
  const glass = randomUUID();
  await searchInEmergency(client, entry, search, traits);
  const answer = await open(client, entry, 'audit.break_glass($1, $2, $3, $4)', [glass, search, kind, reason]);
  return { glass, answer };
}

/** Somebody of the care team refers a patient, for `days` from now; gives the referral's id. */
export async function refer(client: pg.Client, entry: Entry, patient: string, performer: string, days = 30) {
  await openPatient(client, entry, patient);
  const call = `clinic.make_referral($1, $2, $3, 'routine', $4, clock_timestamp() + make_interval(days => $5))`;
  return change(client, entry, 'referrals.make', call, [patient, performer, 'Avis demandé', days]);
}
