// Who was forgotten, kept outside of the database as well: a restored backup holds the keys again and doesn't know it
// (hardening rule 7). A signed note, replaced whole, and a small one beside it that says of which size of the log it is the
// newest, so that an older list isn't taken for it; docs/formats.md has them byte by byte.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type pg from 'pg';
import { CommandError } from './command-error.ts';
import { replaceFile } from './durable-file.ts';
import { everyKey } from './log/checkpoint.ts';
import { NoteError, openNote, signNote, splitNote, vkey } from './log/note.ts';
import { generationOf, logOrigin } from './log/origin.ts';
import { outsideDirectory } from './log/outside.ts';
import type { Site } from './site.ts';

type Place = Pick<Site, 'directory' | 'keys'>;
export type ToldErasures = {
  /** The lines of the note by patient, as they stand. */
  lines: ReadonlyMap<string, string>;
  text: string;
  /** By the keys that sign now, and no other. */
  signedNow: boolean;
  /** The log's name and size for which the list was confirmed last. */
  confirmed: Confirmed;
};
type Confirmed = { origin: string; size: number };

export const erasuresFile = (site: Place): string => join(outsideDirectory(site), 'erasures');
const headFile = (site: Place): string => `${erasuresFile(site)}.head`;

/** Some 400 characters an erasure: a note of every patient that a large hospital may ever forget. */
const longest = 200_000_000;

/**
 * What stands outside; undefined when there is no such file.
 * @throws CommandError naming the file when it isn't what our key signed: a line was changed, added or removed, or an
 * older list was put back
 */
export function readErasures(site: Place): ToldErasures | undefined {
  const file = erasuresFile(site);
  if (!existsSync(file)) return undefined;
  const list = believed(file, () => parseList(readFileSync(file, 'utf8'), site));
  const head = headFile(site);
  if (!existsSync(head))
    throw new CommandError(
      `${head} can't be found: without it nobody knows whether ${file} is the newest. Put it back from where it is kept.`,
    );
  const { digests, ...confirmed } = believed(head, () => parseHead(readFileSync(head, 'utf8'), site));
  if (!digests.includes(digestOf(list.text)))
    throw new CommandError(
      `${file} can't be believed: it isn't the list that ${head} confirms, so one of them is older. Put the newest back from where it is kept.`,
    );
  return { ...list, confirmed };
}

/** @throws CommandError when the log was signed at a greater size than the one for which the list was confirmed */
export function requireNewest({ confirmed }: ToldErasures, checkpoint: Confirmed | undefined, site: Place): void {
  if (!checkpoint || compareSizes(confirmed, checkpoint) >= 0) return;
  throw new CommandError(
    `${erasuresFile(site)} is older than the last checkpoint, so it may lack erasures of after it. Put the newest back from where it is kept, with ${headFile(site)}.`,
  );
}

/** A log begun anew comes after the one before it, whatever their sizes. */
const compareSizes = (a: Confirmed, b: Confirmed): number =>
  generationOf(a.origin) - generationOf(b.origin) || a.size - b.size;

function believed<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof NoteError)) throw error;
    throw new CommandError(`${file} can't be believed: ${error.message}. Put it back from where it is kept.`);
  }
}

function parseList(note: string, { keys }: Place): Omit<ToldErasures, 'confirmed'> {
  const { text } = splitNote(note, longest);
  const [name = '', count, ...rest] = text.split('\n');
  if (!name.endsWith('/erasures')) throw new NoteError("it isn't the list of erasures");
  const vkeys = everyKey(keys.signing).map((key) => vkey(name, key));
  const signers = openNote(note, vkeys, longest).signatures.map((signature) => signature.vkey);
  const signedNow = signers.join() === vkeys.slice(0, keys.signing.signs.length).join();
  const lines = rest.slice(0, -1);
  if (count !== String(lines.length)) throw new NoteError('it has another number of lines than it says');
  return { text, signedNow, lines: new Map(lines.map((line) => [String(JSON.parse(line).patient), line])) };
}

/** By a key that still signs: one that was retired may be in other hands. */
function parseHead(note: string, { keys }: Place): Confirmed & { digests: string[] } {
  const [name = '', size = '', ...digests] = splitNote(note).text.slice(0, -1).split('\n');
  if (!name.endsWith('/erasures-head')) throw new NoteError("it doesn't confirm the list of erasures");
  openNote(
    note,
    keys.signing.signs.map((key) => vkey(name, key)),
  );
  return { origin: name.replace(/\/erasures-head$/, ''), size: Number(size), digests };
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64');

/**
 * Writes what the database knows, and what stood there already: a database that went back takes nothing away. Gives the
 * file. `admin` is inside `asOwner`, after the erasures were committed.
 * @param sealing the size that is about to be signed; without it, the one of before
 */
export async function writeErasures(admin: pg.Client, site: Place, sealing?: number): Promise<string> {
  const file = erasuresFile(site);
  // one writer at a time, who then sees what the others have committed
  await admin.query("select pg_advisory_xact_lock(hashtextextended('privacy.erasures', 0))");
  const { rows } = await admin.query<{ patient: string; line: string }>(
    'select patient, line from privacy.told_outside()',
  );
  const told = readErasures(site);
  const lines = new Map([...(told?.lines ?? []), ...rows.map(({ patient, line }) => [patient, line] as const)]);
  const origin = await logOrigin(admin);
  const list = [`${origin}/erasures`, lines.size, ...lines.values()];
  const text = textOf(list);
  const size = sealing ?? (told?.confirmed.origin === origin ? told.confirmed.size : 0);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const confirm = (...lists: string[]) => put(headFile(site), [`${origin}/erasures-head`, size, ...lists], site);
  // Stopped in between, either list is confirmed, and the next writer goes on.
  if (told && told.text !== text) confirm(digestOf(text), digestOf(told.text));
  else if (!told) confirm(digestOf(text));
  // each minute nothing is new, and the list may be long
  if (told?.text !== text || !told.signedNow) put(file, list, site);
  confirm(digestOf(text));
  return file;
}

/** These lines as a note, the first one being the key's name; nothing where they stand already. */
function put(file: string, lines: readonly (string | number)[], { keys }: Place): void {
  const note = signNote(textOf(lines), { name: String(lines[0]), privateKeys: keys.signing.signs });
  if (!existsSync(file) || readFileSync(file, 'utf8') !== note) replaceFile(file, note);
}

const textOf = (lines: readonly (string | number)[]): string => lines.map((line) => `${line}\n`).join('');

/** Does again what this database doesn't know; gives how many. `admin` is inside `asOwner`. */
export async function replayErasures(admin: pg.Client, told: ToldErasures): Promise<number> {
  let replayed = 0;
  for (const line of told.lines.values()) {
    const { rows } = await admin.query<{ done: boolean }>('select privacy.replay_erasure($1) as done', [line]);
    if (rows[0]!.done) replayed += 1; // a function gives one row
  }
  return replayed;
}
