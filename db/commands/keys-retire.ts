import type pg from 'pg';
import { type Command, print } from '../command.ts';
import { CommandError } from '../command-error.ts';
import { progressLine } from '../progress.ts';
import { ringNames, without } from '../ring.ts';
import { masters, retire, untilNoEdgePutsItFirst } from '../rotation.ts';
import { type Site, withAdmin, withSite } from '../site.ts';
import { describePlaced, type Placed, place, readSettle } from './keys-place.ts';

export const keysRetire: Command = {
  name: 'keys retire',
  summary: 'end a master key under which nothing stands any more',
  usage: 'NAME [--settle SECONDS] [--json]',
  help: `
Marks the key as retired and takes it out of the key file. Refused while it wraps a key, while a patient or an account is
found by it, and while an edge that the database has heard of puts it first. Backups from before the rotation still need it:
keep it, apart, for as long as you keep them, then destroy it.

  --settle  for how many seconds an edge may have been silent and still counts (120); 0 doesn't wait
  --json    the result as data; with VITAL_KEYS in the environment it holds the keys`,
  options: { settle: { type: 'string' }, json: { type: 'boolean' } },
  run: async (input) => {
    const [name, ...others] = input.words;
    if (!name || others.length > 0) throw new CommandError('Which key? See vitalsync keys retire --help.');
    const quiet = readSettle(input.text('settle'));
    const placed = await withSite((site) =>
      withAdmin(site, (admin) => end(admin, site, name, quiet, !input.flag('json'))),
    );
    print(input.flag('json') ? { id: name, ...placed } : describe(name, placed));
    return 0;
  },
};

async function end(admin: pg.Client, site: Site, name: string, quiet: number, talk: boolean): Promise<Placed> {
  const known = (await masters(admin)).find((one) => one.id === name);
  if (!known) throw new CommandError(`There is no master key ${name}: vitalsync keys status lists them.`);
  if (ringNames(site.keys.ring)[0] === name)
    throw new CommandError(
      `VITAL_KEYS has master key ${name} first: vitalsync keys rotate lets another one take over.`,
    );
  // what it wraps is refused at once, by SQL, before anything is waited for
  const idle = known.wraps + known.indexes === 0 && !known.current && !known.retired_at;
  const line = talk ? progressLine() : undefined;
  if (idle) await untilNoEdgePutsItFirst(admin, name, { quiet, tell: (why) => line?.say(`Waiting: ${why}.`) });
  await retire(admin, name, quiet);
  return place(site, 'VITAL_KEYS', (ring) => without(ring, name));
}

function describe(name: string, placed: Placed): string {
  return `Master key ${name} is retired.\n${describePlaced(placed, `has it no more`)}
Backups from before its rotation open with it alone: keep it apart while you keep them, then destroy every copy.`;
}
