// Takes FHIR R4 bundles into the record: each file read twice, and written in one transaction or not at all.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type pg from 'pg';

import { type FoundPatient, type Item, items, type Survey, survey, TARGETS, type Target } from './fhir/bundle.ts';
import { NotFhir } from './fhir/refusal.ts';
import { addLeft, sum, type Tallies, type Tally, tallyOf } from './import-tally.ts';
import { start } from './send.ts';

export type FileResult =
  | { file: string; outcome: 'taken'; types: Tallies }
  | { file: string; outcome: 'failed'; path: string; why: string }
  | { file: string; outcome: 'stopped' };
export type ImportResult = { files: FileResult[]; types: Tallies };
export type Progress = { file: string; number: number; files: number; read: number; size: number };
export type ImportOptions = {
  /** On the vs_edge login; nothing else may use it meanwhile. */
  connection: pg.Client;
  /** From iam.open_import_session. */
  token: string;
  /** The text of VITAL_KEYS. */
  ring: string;
  onProgress?: (progress: Progress) => void;
  /** Aborted, the bundle under way is rolled back and the rest isn't begun. */
  signal?: AbortSignal;
};

export const OTHER_TYPE = 'not taken yet';
/** The same source again: nobody comes back by themselves. */
const ERASED = 'of somebody who was erased; a new record needs a new id in the source';
/** They may agree again, in their account; then the same files are imported once more. */
const WITHDRAWN = 'of somebody who has withdrawn the agreement that it needs';
/** Rows of one patient and type that go to the database together. */
const BATCH = 500;
/** Rows that may wait in memory for others of their batch, when a bundle mixes many patients: some 15 MB. */
const MOST_WAITING = 10_000;
const READ_SIZE = 256 * 1024;

/**
 * Imports the files one by one; one that fails leaves nothing behind and doesn't stop the others.
 * Errors: whatever makes going on pointless, as a lost connection or an ended session.
 */
export async function importFiles(files: readonly string[], options: ImportOptions): Promise<ImportResult> {
  const results: FileResult[] = [];
  for (const [number, file] of files.entries()) {
    const tell = (read: number, size: number) =>
      options.onProgress?.({ file, number, files: files.length, read, size });
    results.push(options.signal?.aborted ? { file, outcome: 'stopped' } : await importFile(file, options, tell));
  }
  return { files: results, types: sum(results.flatMap((r) => (r.outcome === 'taken' ? [r.types] : []))) };
}

async function importFile(
  file: string,
  options: ImportOptions,
  tell: (read: number, size: number) => void,
): Promise<FileResult> {
  try {
    const before = await stat(file);
    if (!before.isFile()) throw new NotFhir('', 'is not a file');
    // It is read twice, and so counts twice.
    const chunks = (turn: 0 | 1) =>
      watched(file, options.signal, (read) => tell(turn * before.size + read, 2 * before.size));
    const found = await survey(chunks(0));
    const types = await onceMore(() =>
      inTransaction(options, async () => {
        const taken = await write(found, items(chunks(1), found), options);
        const after = await stat(file);
        if (after.mtimeMs !== before.mtimeMs || after.size !== before.size)
          throw new NotFhir('', 'was changed while it was read');
        return taken;
      }),
    );
    return { file, outcome: 'taken', types };
  } catch (error) {
    if (options.signal?.aborted) return { file, outcome: 'stopped' };
    return { file, outcome: 'failed', ...explain(error) };
  }
}

async function* watched(
  file: string,
  signal: AbortSignal | undefined,
  tell: (read: number) => void,
): AsyncGenerator<Uint8Array> {
  let read = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: READ_SIZE })) {
    signal?.throwIfAborted();
    read += chunk.length;
    tell(read);
    yield chunk;
  }
}

/** Serialisation failures, deadlocks and locks that somebody else kept: nothing was written, so it may be tried again. */
const IN_THE_WAY = /^(40001|40P01|55P03)$/;

async function onceMore<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!IN_THE_WAY.test(codeOf(error))) throw error;
    return work();
  }
}

async function inTransaction<T>({ connection, token, ring }: ImportOptions, work: () => Promise<T>): Promise<T> {
  await connection.query(start.write);
  try {
    await connection.query('select iam.enter(token => $1, ring => $2, phase => $3)', [token, ring, 'write']);
    const result = await work();
    // A transaction that has failed answers a commit with ROLLBACK, and no error.
    const { command } = await connection.query('commit');
    if (command !== 'COMMIT') throw new Error('the import was not committed');
    return result;
  } catch (error) {
    // A lost connection has rolled back already, and the first error says why.
    await connection.query('rollback').catch(() => undefined);
    throw error;
  }
}

async function write(
  found: Survey,
  stream: AsyncIterable<Item>,
  { connection, signal }: ImportOptions,
): Promise<Tallies> {
  const tallies: Tallies = {};
  const places = await writePatients(found.patients, connection, tallyOf(tallies, 'Patient'));
  const undated = found.patients.filter((one) => one.diedUndated).length;
  // The record holds a date of death or none: who must be told that one is missing sees it here.
  if (undated > 0) addLeft(tallyOf(tallies, 'Patient.deceased'), 'says that the person died, and not when', undated);
  const waiting = new Waiting(connection, tallies, signal);
  for await (const item of stream) {
    if (item.kind === 'other') addLeft(tallyOf(tallies, item.type), OTHER_TYPE);
    else if (item.kind === 'left') addLeft(tallyOf(tallies, item.type), item.why);
    else {
      const { id, why } = places[item.patient] as Place;
      if (id === null) addLeft(tallyOf(tallies, item.type), why);
      else await waiting.add(id, item.type, { source: item.source, ...item.row });
    }
  }
  await waiting.writeAll();
  return tallies;
}

/** Where a patient of the file is, or why nothing of theirs is taken. */
type Place = { id: string; why?: undefined } | { id: null; why: string };

async function writePatients(patients: readonly FoundPatient[], connection: pg.Client, tally: Tally): Promise<Place[]> {
  const places: Place[] = [];
  for (const { source, row, left, lastActivity } of patients) {
    if (row === null) {
      addLeft(tally, left ?? '');
      places.push({ id: null, why: left ?? '' });
      continue;
    }
    const values = [{ ...row, source, last_activity_at: lastActivity }];
    const { rows } = await connection.query<{ id: string | null; taken: boolean | null }>(
      'select id, taken from clinic.import_patient($1::jsonb)',
      values,
    );
    const answer = rows[0] as { id: string | null; taken: boolean | null };
    const { id, taken } = answer;
    const why = taken === null ? WITHDRAWN : ERASED;
    if (id === null) addLeft(tally, why);
    else tally[taken ? 'taken' : 'present']++;
    places.push(id === null ? { id, why } : { id });
  }
  return places;
}

type Batch = { patient: string; type: keyof typeof TARGETS; rows: object[] };

/** Rows on their way, by patient and type: one call of the database for each full batch. */
class Waiting {
  readonly #connection: pg.Client;
  readonly #tallies: Tallies;
  readonly #batches = new Map<string, Batch>();
  readonly #signal: AbortSignal | undefined;
  #count = 0;

  constructor(connection: pg.Client, tallies: Tallies, signal: AbortSignal | undefined) {
    this.#signal = signal;
    this.#connection = connection;
    this.#tallies = tallies;
  }

  async add(patient: string, type: Batch['type'], row: object): Promise<void> {
    const key = `${patient} ${type}`;
    const batch = this.#batches.get(key) ?? { patient, type, rows: [] };
    this.#batches.set(key, batch);
    batch.rows.push(row);
    this.#count++;
    if (batch.rows.length >= BATCH) await this.#write(key, batch);
    else if (this.#count >= MOST_WAITING) await this.writeAll();
  }

  async writeAll(): Promise<void> {
    for (const [key, batch] of this.#batches) await this.#write(key, batch);
  }

  async #write(key: string, { patient, type, rows }: Batch): Promise<void> {
    this.#signal?.throwIfAborted();
    const target: Target = TARGETS[type];
    const query = 'select clinic.import_rows($1, $2, $3::jsonb) as taken';
    const answer = await this.#connection.query<{ taken: number }>(query, [patient, target, JSON.stringify(rows)]);
    const taken = answer.rows[0]?.taken ?? 0;
    const tally = tallyOf(this.#tallies, type);
    tally.taken += taken;
    tally.present += rows.length - taken;
    this.#batches.delete(key);
    this.#count -= rows.length;
  }
}

/** Classes of SQLSTATE that speak of the data of this bundle; anything else concerns all of them. */
const OF_THE_DATA = /^(22|23|54|VS409|VS413|VS422)/;

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');

/** Why this file failed. Errors that aren't about this file are thrown again. */
function explain(error: unknown): { path: string; why: string } {
  if (error instanceof NotFhir) return { path: error.path, why: error.message };
  const code = codeOf(error);
  if (IN_THE_WAY.test(code))
    return { path: '', why: 'the same records are being written elsewhere: import this file again' };
  if (code === 'ENOENT') return { path: '', why: 'there is no such file' };
  if (code === 'EACCES' || code === 'EPERM') return { path: '', why: 'the file can’t be read: check its permissions' };
  if (code === 'EISDIR') return { path: '', why: 'is not a file' };
  // The database's own message may quote a value: only its code is told.
  if (OF_THE_DATA.test(code)) return { path: '', why: `the database refuses a value of it (${code})` };
  throw error;
}
