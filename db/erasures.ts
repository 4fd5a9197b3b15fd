// Who was forgotten, kept outside of the database as well: a restored backup holds the keys again and doesn't know it
// (hardening rule 7). One signed note, replaced whole; docs/formats.md has it byte by byte.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type pg from 'pg';
import { CommandError } from './command-error.ts';
import { replaceFile } from './durable-file.ts';
import { everyKey } from './log/checkpoint.ts';
import { NoteError, openNote, signNote, splitNote, vkey } from './log/note.ts';
import { logOrigin } from './log/origin.ts';
import { outsideDirectory } from './log/outside.ts';
import type { Site } from './site.ts';

type Place = Pick<Site, 'directory' | 'keys'>;
/** The lines of the note by patient, as they stand. */
export type ToldErasures = ReadonlyMap<string, string>;

export const erasuresFile = (site: Place): string => join(outsideDirectory(site), 'erasures');

/** Some 400 characters an erasure: a note of every patient that a large hospital may ever forget. */
const longest = 200_000_000;

/**
 * What stands outside; undefined when there is no such file.
 * @throws CommandError naming the file when it isn't what our key signed: a line was changed, added or removed
 */
export function readErasures(site: Place): ToldErasures | undefined {
  const file = erasuresFile(site);
  if (!existsSync(file)) return undefined;
  try {
    return parse(readFileSync(file, 'utf8'), site);
  } catch (error) {
    if (!(error instanceof NoteError)) throw error;
    throw new CommandError(`${file} can't be believed: ${error.message}. Put it back from where it is kept.`);
  }
}

function parse(note: string, { keys }: Place): ToldErasures {
  const [name = '', count, ...rest] = splitNote(note, longest).text.split('\n');
  if (!name.endsWith('/erasures')) throw new NoteError("it isn't the list of erasures");
  openNote(
    note,
    everyKey(keys.signing).map((key) => vkey(name, key)),
    longest,
  );
  const lines = rest.slice(0, -1);
  if (count !== String(lines.length)) throw new NoteError('it has another number of lines than it says');
  return new Map(lines.map((line) => [String(JSON.parse(line).patient), line]));
}

/**
 * Writes what the database knows, and what stood there already: a database that went back takes nothing away. Gives the
 * file. `admin` is inside `asOwner`, after the erasures were committed.
 */
export async function writeErasures(admin: pg.Client, site: Place): Promise<string> {
  const file = erasuresFile(site);
  // one writer at a time, who then sees what the others have committed
  await admin.query("select pg_advisory_xact_lock(hashtextextended('privacy.erasures', 0))");
  const { rows } = await admin.query<{ patient: string; line: string }>(
    'select patient, line from privacy.told_outside()',
  );
  const told = new Map([...(readErasures(site) ?? []), ...rows.map(({ patient, line }) => [patient, line] as const)]);
  const name = `${await logOrigin(admin)}/erasures`;
  const text = [name, told.size, ...told.values()].map((line) => `${line}\n`).join('');
  const signed = signNote(text, { name, privateKeys: site.keys.signing.signs });
  if (existsSync(file) && readFileSync(file, 'utf8') === signed) return file;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  replaceFile(file, signed);
  return file;
}

/** Does again what this database doesn't know; gives how many. `admin` is inside `asOwner`. */
export async function replayErasures(admin: pg.Client, told: ToldErasures): Promise<number> {
  let replayed = 0;
  for (const line of told.values()) {
    const { rows } = await admin.query<{ done: boolean }>('select privacy.replay_erasure($1) as done', [line]);
    if (rows[0]!.done) replayed += 1; // a function gives one row
  }
  return replayed;
}
