// What an auditor kept from before: earlier exports and checkpoints. What they held must still be there.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from '../command-error.ts';
import type { SignedCheckpoint } from './checkpoint.ts';
import { checkpointIn, headsByLane, keyIn, type PublicKey, readCheckpoint, readHeadsFile } from './files.ts';
import { NoteError, parseVkey } from './note.ts';
import type { Head } from './problem.ts';

export type Earlier = {
  /** The ends of the lanes in an earlier export. */
  heads: Map<string, Head>;
  /** By origin, smallest first. */
  checkpoints: Map<string, SignedCheckpoint[]>;
};

/**
 * @param since an earlier export, whose own checkpoint counts too
 * @param files signed checkpoints, or directories of them
 * @param keys of which one must have signed each; none when no export here has one
 * @throws CommandError naming the file that can't be believed
 */
export function readEarlier(
  since: string | undefined,
  files: readonly string[],
  keys: readonly PublicKey[] = [],
): Earlier {
  const heads = since === undefined ? new Map<string, Head>() : headsByLane(readHeadsFile(since));
  const notes = files.flatMap(filesIn);
  if (since !== undefined && existsSync(checkpointIn(since))) notes.push(checkpointIn(since));
  if (notes.length > 0 && keys.length === 0)
    throw new CommandError(
      'There is no checkpoint in this export to compare with: was it taken before the log was sealed?',
    );
  const checkpoints = new Map<string, SignedCheckpoint[]>();
  for (const file of notes) {
    const checkpoint = readCheckpoint(file, keys);
    checkpoints.set(checkpoint.origin, [...(checkpoints.get(checkpoint.origin) ?? []), checkpoint]);
  }
  for (const list of checkpoints.values()) list.sort((a, b) => a.size - b.size);
  return { heads, checkpoints };
}

function filesIn(place: string): string[] {
  if (!existsSync(place)) throw new CommandError(`${place} isn't there.`);
  return statSync(place).isDirectory() ? readdirSync(place).map((name) => join(place, name)) : [place];
}

/**
 * The keys that checkpoints may bear, the current one first: those that the auditor names, else the export's own.
 * @param trusted a verifier key, or a file that holds some, a line each
 */
export function readVerifierKeys(directory: string, trusted: string | undefined): PublicKey[] {
  const file = trusted === undefined ? keyIn(directory) : existsSync(trusted) ? trusted : undefined;
  if (trusted === undefined && !existsSync(keyIn(directory))) return [];
  try {
    const text = file === undefined ? (trusted ?? '') : readFileSync(file, 'utf8');
    return text
      .trim()
      .split('\n')
      .map((line) => parseVkey(line).publicKey);
  } catch (error) {
    if (!(error instanceof NoteError)) throw error;
    throw new CommandError(`${file ?? '--key'} holds no verifier key: ${error.message}.`);
  }
}
