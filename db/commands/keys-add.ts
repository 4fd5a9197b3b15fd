import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { type Command, print } from '../command.ts';
import { CommandError } from '../command-error.ts';
import { keyOf, ringNames, withKey } from '../ring.ts';
import { addMaster, masters, ringProblem } from '../rotation.ts';
import { type Site, withAdmin, withSite } from '../site.ts';
import { describePlaced, type Placed, place } from './keys-place.ts';

export const keysAdd: Command = {
  name: 'keys add',
  summary: 'make a new master key, for the yearly change',
  usage: '[NAME] [--json]',
  help: `
Makes 64 random bytes, registers their check value, and puts them last into the ring, where they wrap nothing yet: first
every edge must have them, then vitalsync keys rotate lets them take over. NAME is the year, unless you give another.

The key file is changed as a whole, and its old text kept beside it. Where VITAL_KEYS comes from the environment, its new
text is printed, to be carried to every edge. A NAME that VITAL_KEYS holds already, a key of your own making, is registered.

  --json  the result as data; with VITAL_KEYS in the environment it holds the keys`,
  options: { json: { type: 'boolean' } },
  run: async (input) => {
    const [name, ...others] = input.words;
    if (others.length > 0) throw new CommandError('One name at a time. See vitalsync keys add --help.');
    const made = await withSite((site) => withAdmin(site, (admin) => add(admin, site, name)));
    print(input.flag('json') ? made : describe(made));
    return 0;
  },
};

type Made = { id: string } & (Placed | { place: 'ring' });

async function add(admin: pg.Client, site: Site, wanted: string | undefined): Promise<Made> {
  const { ring } = site.keys;
  const known = await masters(admin);
  const id = wanted ?? freeName([...known.map((master) => master.id), ...ringNames(ring)]);
  if (!/^[A-Za-z0-9_-]{1,32}$/.test(id))
    throw new CommandError('A master key is called by 1 to 32 letters, digits, - or _: the year, for instance.');
  const given = keyOf(ring, id);
  if (given !== undefined) {
    await addMaster(admin, id, given);
    return { id, place: 'ring' };
  }
  if (known.some((master) => master.id === id))
    throw new CommandError(
      `There was a master key ${id} already, and VITAL_KEYS lacks it: give another name, or put that key back from your backup.`,
    );
  const problem = await ringProblem(admin, ring);
  if (problem) throw new CommandError(`${problem}: put back ${site.keyFile} from your backup.`);
  const key = randomBytes(64);
  // The database first: a name that it knows and nobody has the key of does no harm, the other way round would.
  await addMaster(admin, id, key);
  return { id, ...(await place(site, 'VITAL_KEYS', (text) => withKey(text, id, key))) };
}

/** The year; with a number behind it when there was one. */
function freeName(taken: readonly string[]): string {
  const year = String(new Date().getUTCFullYear());
  for (let n = 1; ; n += 1) {
    const name = n === 1 ? year : `${year}-${n}`;
    if (!taken.includes(name)) return name;
  }
}

function describe(made: Made): string {
  if (made.place === 'ring') return `Master key ${made.id} of VITAL_KEYS is registered.\nNext: vitalsync keys rotate`;
  return `Master key ${made.id} is registered, and wraps nothing yet.\n${describePlaced(made, `holds it, last`)}
Keep a copy of it where the backups of the database are not. Next, once every edge has it: vitalsync keys rotate`;
}
