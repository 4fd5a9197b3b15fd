// Changes of a key's line in keys.env: whole or not at all, and the file as it was stays beside it.
import { chmodSync, chownSync, copyFileSync, constants as files, readFileSync, rmSync, statSync } from 'node:fs';
import { CommandError } from './command-error.ts';
import { renameDurably, writeDurably } from './durable-file.ts';
import { type Keys, readKeys } from './keys.ts';
import { oneAtATime } from './one-at-a-time.ts';

export type Variable = 'VITAL_KEYS' | 'VITAL_SIGNING_KEY';

/** The text of a variable as it was read. */
export const textOf = ({ ring, signing }: Keys, variable: Variable): string =>
  variable === 'VITAL_KEYS' ? ring : signing.text;

/**
 * Puts another text into the file; gives the path of the copy of the old file.
 * @param change from the text that the file holds to the one that it shall hold; the same text changes nothing
 */
export function changeKeys(
  file: string,
  variable: Variable,
  change: (text: string) => string,
): Promise<string | undefined> {
  return oneAtATime(`${file}.lock`, async () => {
    const before = textOf(readKeys(file, {}), variable); // also checks every other value
    const after = change(before);
    if (after === before) return undefined;
    const text = readFileSync(file, 'utf8');
    const copy = copyOf(file);
    const fresh = `${file}.new`;
    try {
      writeDurably(fresh, replaceLine(text, variable, after));
      sameOwner(fresh, file);
      if (textOf(readKeys(fresh, {}), variable) !== after)
        throw new CommandError(`${file} would not hold the new keys: left as it was.`);
      renameDurably(fresh, file);
    } catch (error) {
      rmSync(fresh, { force: true });
      rmSync(copy, { force: true });
      throw error;
    }
    return copy;
  });
}

/** Where the last line of that name stands; readKeys believes the last one too. */
function replaceLine(text: string, variable: Variable, value: string): string {
  const lines = text.split('\n');
  const isIt = (one: string) => one.split('=')[0]?.trim() === variable && one.includes('=');
  const place = lines.findLastIndex(isIt);
  return lines.flatMap((one, i) => (i === place ? [`${variable}=${value}`] : isIt(one) ? [] : [one])).join('\n');
}

function copyOf(file: string): string {
  const moment = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  for (let n = 1; ; n += 1) {
    const copy = `${file}.${moment}${n > 1 ? `-${n}` : ''}`;
    try {
      copyFileSync(file, copy, files.COPYFILE_EXCL);
      chmodSync(copy, 0o600);
      sameOwner(copy, file);
      return copy;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** The file may belong to somebody other than us, so that the user of Postgres can't read it. */
function sameOwner(path: string, model: string): void {
  const [now, wanted] = [statSync(path), statSync(model)];
  if (now.uid !== wanted.uid || now.gid !== wanted.gid) chownSync(path, wanted.uid, wanted.gid);
}
