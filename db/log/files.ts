// The files of an export: docs/formats.md, "Export".
//
// leaves.jsonl      every leaf, a line each: first those that the checkpoint speaks for, in log order, then the others
// heads.json        the end of every lane, the names of the log, and what was pruned
// checkpoint        the newest checkpoint, a signed note; key.vkey, the key that signed it, and those of before
// log-1, log-2, …   leaves.jsonl and checkpoint of what the log was called before a restore cut it short
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from '../command-error.ts';
import { openOwnCheckpoint, type SignedCheckpoint } from './checkpoint.ts';
import { NoteError, type parseVkey } from './note.ts';
import { type Head, keyOf } from './problem.ts';

export type PublicKey = ReturnType<typeof parseVkey>['publicKey'];

export const leavesIn = (directory: string): string => join(directory, 'leaves.jsonl');
export const headsIn = (directory: string): string => join(directory, 'heads.json');
export const checkpointIn = (directory: string): string => join(directory, 'checkpoint');
export const keyIn = (directory: string): string => join(directory, 'key.vkey');
/** Where an earlier generation of the log is. */
export const generationIn = (directory: string, generation: number): string => join(directory, `log-${generation}`);

/** Events that are gone by retention; `head` is the hash of the last one, which the next one holds. */
export type PrunedRange = {
  organisation: string;
  lane: number;
  first_seq: number;
  last_seq: number;
  until: string;
  head: string;
};
export type Heads = {
  exported_at: string;
  /** Oldest first; the last one grows. Empty before anything was sealed. */
  log: { generation: number; origin: string }[];
  heads: Head[];
  pruned: PrunedRange[];
};

/** @throws CommandError when the directory is no export */
export function readHeadsFile(directory: string): Heads {
  for (const file of [leavesIn(directory), headsIn(directory)])
    if (!existsSync(file)) throw new CommandError(`${file} is missing: ${directory} is no export of the audit log.`);
  try {
    const { exported_at, heads, log = [], pruned = [] } = JSON.parse(readFileSync(headsIn(directory), 'utf8')) as Heads;
    if (![heads, log, pruned].every(Array.isArray)) throw new Error();
    return { exported_at, heads, log, pruned };
  } catch {
    throw new CommandError(`${headsIn(directory)} isn't what an export writes.`);
  }
}

/** The ends of the lanes by organisation and lane. */
export const headsByLane = ({ heads }: Heads): Map<string, Head> => new Map(heads.map((head) => [keyOf(head), head]));

/** A line of leaves.jsonl: an event's leaf, or what is left of one that was pruned. */
export type Line = {
  organisation: string;
  lane: number;
  seq: number;
  /** The hash that the leaf holds of the one before it. */
  before?: string;
  /** Of a pruned one: sha256 of the leaf in hex, and its hash in the Merkle log; null when that is missing too. */
  gone?: { hash: string | null; leafHash: string | null };
  /** What else verification reads of some leaves. */
  event: string;
  at: string;
  details: string | null;
};

/** Undefined when the line is neither. */
export function parseLine(line: Buffer): Line | undefined {
  let read: unknown;
  try {
    read = JSON.parse(line.toString('utf8'));
  } catch {
    return undefined;
  }
  const parsed = Array.isArray(read) ? parseLeaf(read) : parseGone(read);
  return parsed && Number.isSafeInteger(parsed.lane) && Number.isSafeInteger(parsed.seq) ? parsed : undefined;
}

function parseLeaf(fields: unknown[]): Line | undefined {
  if (fields.length !== 18 || fields[0] !== 'vs1') return undefined;
  return {
    organisation: String(fields[2]),
    lane: Number(fields[3]),
    seq: Number(fields[4]),
    before: String(fields[17]),
    event: String(fields[6]),
    at: String(fields[5]),
    details: typeof fields[16] === 'string' ? fields[16] : null,
  };
}

function parseGone(read: unknown): Line | undefined {
  const { organisation, lane, seq, hash, leaf_hash } = (read ?? {}) as Record<string, unknown>;
  const hex = (text: unknown) => (typeof text === 'string' && /^[0-9a-f]{64}$/.test(text) ? text : null);
  if (typeof organisation !== 'string') return undefined;
  const gone = { hash: hex(hash), leafHash: hex(leaf_hash) };
  return { organisation, lane: Number(lane), seq: Number(seq), gone, event: '', at: '', details: null };
}

const longestLine = 1024 * 1024;

/** The bytes between line ends; JSON writes a line feed inside a text as \n. */
export async function* linesOf(file: string): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(file, { highWaterMark: 256 * 1024 })) {
    let start = 0;
    const text = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = text.indexOf(10); end >= 0; end = text.indexOf(10, start)) {
      yield text.subarray(start, end);
      start = end + 1;
    }
    rest = text.subarray(start);
    if (rest.length > longestLine)
      throw new CommandError(`${file} holds a line of more than a megabyte: it is no export of the audit log.`);
  }
  if (rest.length > 0) yield rest;
}

/**
 * Reads a checkpoint that one of these keys signed.
 * @throws CommandError naming the file that can't be believed, with what to do about it if that is known
 */
export function readCheckpoint(file: string, keys: readonly PublicKey[], help = ''): SignedCheckpoint {
  try {
    return openOwnCheckpoint(readFileSync(file, 'utf8'), keys);
  } catch (error) {
    if (!(error instanceof NoteError)) throw error;
    throw new CommandError(`${file} can't be believed: ${error.message}.${help && ` ${help}`}`);
  }
}
