// The record outside of the database: a directory that stands for storage which the people who run the database can't
// change (another machine's, mounted; an append-only one). What stands there is believed only with our signature.
//
//   checkpoint                     the newest checkpoint, a signed note
//   checkpoints/<20 digits: size>  every checkpoint; of a log begun anew in checkpoints-2, checkpoints-3, …
//   key.vkey                       our verifier keys, for whoever verifies without us
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { replaceFile } from '../durable-file.ts';
import type { Site } from '../site.ts';
import { everyKey, type SignedCheckpoint, verifierKeys } from './checkpoint.ts';
import { readCheckpoint } from './files.ts';

/** VITAL_WITNESS_DIR, or `witness` in the installation's directory. */
export const outsideDirectory = (site: Pick<Site, 'directory'>): string =>
  resolve(process.env.VITAL_WITNESS_DIR || join(site.directory, 'witness'));

const newest = (directory: string) => join(directory, 'checkpoint');
const folderOf = (directory: string, generation: number) =>
  join(directory, generation === 1 ? 'checkpoints' : `checkpoints-${generation}`);

/**
 * The last checkpoint that is outside; undefined when there has been none.
 * @throws CommandError when what stands there isn't signed by a key of ours that still signs
 */
export function readLatest(directory: string, site: Pick<Site, 'keys'>): SignedCheckpoint | undefined {
  return existsSync(newest(directory)) ? readCheckpoint(newest(directory), site.keys.signing.signs, help) : undefined;
}

/** Every checkpoint of one generation of the log, oldest first: a file each, not yet read. */
export function listCheckpoints(directory: string, generation = 1): string[] {
  const folder = folderOf(directory, generation);
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => /^[0-9]{20}$/.test(name));
  return names.sort().map((name) => join(folder, name));
}

const help = 'Put it back from where it is kept.';

/** Reads one file. @throws CommandError naming the file when our key didn't sign what it holds */
export const readSigned = (file: string, site: Pick<Site, 'keys'>): SignedCheckpoint =>
  readCheckpoint(file, everyKey(site.keys.signing), help);

/** Adds a checkpoint, which becomes the newest; on disk before it returns. The same size again adds cosignatures. */
export function writeCheckpoint(
  directory: string,
  { origin, size, note }: SignedCheckpoint,
  site: Pick<Site, 'keys'>,
  generation = 1,
): void {
  const folder = folderOf(directory, generation);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  replaceFile(join(folder, String(size).padStart(20, '0')), note);
  replaceFile(join(directory, 'key.vkey'), verifierKeys(origin, site.keys.signing));
  replaceFile(newest(directory), note);
}
