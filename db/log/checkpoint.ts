// The body of a checkpoint (c2sp.org/tlog-checkpoint): origin, size and root of a Merkle log, a line each.
import type { KeyObject } from 'node:crypto';
import type { SigningKeys } from '../keys.ts';
import { NoteError, openNote, type Signature, splitNote, vkey } from './note.ts';

/** `root` is 32 bytes. */
export type Checkpoint = { origin: string; size: number; root: Buffer };
/** A checkpoint whose signature was verified, with the note as it stands. */
export type SignedCheckpoint = Checkpoint & { note: string; text: string; signatures: Signature[] };

export const checkpointText = ({ origin, size, root }: Checkpoint): string =>
  `${origin}\n${size}\n${root.toString('base64')}\n`;

/** @throws NoteError when the text isn't that of a checkpoint */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin = '', size = '', encoded = '', ...rest] = text.split('\n');
  const root = Buffer.from(encoded, 'base64');
  const extensions = rest.slice(0, -1);
  if (
    origin === '' ||
    !/^(0|[1-9][0-9]{0,14})$/.test(size) || // 15 digits: exact in a number of JavaScript
    root.length !== 32 ||
    root.toString('base64') !== encoded ||
    rest.at(-1) !== '' ||
    extensions.includes('')
  )
    throw new NoteError("that isn't a checkpoint");
  return { origin, size: Number(size), root };
}

/** Reads a checkpoint signed by one of these keys. @throws NoteError */
export function openCheckpoint(note: string, vkeys: readonly string[]): SignedCheckpoint {
  const { text, signatures } = openNote(note, vkeys);
  return { ...parseCheckpoint(text), note, text, signatures };
}

/**
 * Reads a checkpoint that one of our own keys signed, whatever the origin: the keys' name is the origin.
 * @param vkeys of witnesses, whose signatures are verified as well
 * @throws NoteError
 */
export function openOwnCheckpoint(
  note: string,
  keys: readonly KeyObject[],
  vkeys: readonly string[] = [],
): SignedCheckpoint {
  const { origin } = parseCheckpoint(splitNote(note).text);
  const own = keys.map((key) => vkey(origin, key));
  const opened = openCheckpoint(note, [...own, ...vkeys]);
  if (!opened.signatures.some((signature) => own.includes(signature.vkey)))
    throw new NoteError("our key hasn't signed it");
  return opened;
}

/** What is believed of a checkpoint that isn't the newest. */
export const everyKey = ({ signs, retired }: SigningKeys): KeyObject[] => [...signs, ...retired];

/** The text of key.vkey: a line for each key, the current one first. */
export const verifierKeys = (origin: string, keys: SigningKeys): string =>
  everyKey(keys)
    .map((key) => `${vkey(origin, key)}\n`)
    .join('');
