// The proof that one event is in the log, as a file that is verified without a database and without us:
// c2sp.org/tlog-proof. The leaf stands beside it; the checkpoint in it bears the signatures.
import type { KeyObject } from 'node:crypto';
import { openOwnCheckpoint, type SignedCheckpoint } from './checkpoint.ts';
import { leafHash, provesInclusion } from './merkle.ts';
import { NoteError } from './note.ts';

export type Proof = { index: number; hashes: Buffer[]; note: string };

const firstLine = 'c2sp.org/tlog-proof@v1';

/** The text of a `.tlog-proof` file. */
export const formatProof = ({ index, hashes, note }: Proof): string =>
  `${firstLine}\nindex ${index}\n${hashes.map((hash) => `${hash.toString('base64')}\n`).join('')}\n${note}`;

/** @throws NoteError when the text is no such proof */
export function parseProof(text: string): Proof {
  const [, index, lines, note] =
    /^c2sp\.org\/tlog-proof@v1\n(?:extra [A-Za-z0-9+/=]*\n)?index (0|[1-9][0-9]{0,14})\n((?:[A-Za-z0-9+/]{43}=\n){0,63})\n([\s\S]*)$/.exec(
      text,
    ) ?? [];
  if (index === undefined || lines === undefined || !note) throw new NoteError("that isn't a tlog-proof");
  const encoded = lines.split('\n').slice(0, -1);
  const hashes = encoded.map((line) => Buffer.from(line, 'base64'));
  if (hashes.some((hash, i) => hash.toString('base64') !== encoded[i])) throw new NoteError("that isn't a tlog-proof");
  return { index: Number(index), hashes, note };
}

/**
 * Verifies that the leaf is in the log whose checkpoint one of these keys signed; gives the checkpoint.
 * @throws NoteError that says what isn't so
 */
export function openProof(
  text: string,
  leaf: Uint8Array,
  keys: readonly KeyObject[],
): SignedCheckpoint & { index: number } {
  const { index, hashes, note } = parseProof(text);
  const checkpoint = openOwnCheckpoint(note, keys);
  if (!provesInclusion(leafHash(leaf), index, checkpoint, hashes))
    throw new NoteError(`the event isn't number ${index} of the log that was signed`);
  return { ...checkpoint, index };
}
