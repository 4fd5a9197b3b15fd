import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { type Command, print } from '../command.ts';
import { CommandError } from '../command-error.ts';
import { progressLine } from '../progress.ts';
import { ringNames, withFirst } from '../ring.ts';
import { masters, type Progress, promote, type Renewal, renew, ringProblem, untilEveryEdgeHasIt } from '../rotation.ts';
import { type Site, withAdmin, withSite } from '../site.ts';
import { untilInterrupted } from '../terminal.ts';
import { describePlaced, isInEnvironment, type Placed, place, readSettle } from './keys-place.ts';

export const keysRotate: Command = {
  name: 'keys rotate',
  summary: 'let the newest master key take over, while the record serves',
  usage: '[--to NAME] [--settle SECONDS] [--json]',
  help: `
Puts the newest key of the ring first, wraps every patient's, account's and organisation's key with it, and renews the search
tokens and e-mail indexes that depend on it, in batches of which each is whole. No row of the record is rewritten. Ctrl-C
stops after the batch under way; the next run goes on, also after a crash.

It waits for every edge that the database has heard of to have the key. What it can't know: an edge that nobody came through
for so long. With several edges, give all of them the new VITAL_KEYS before.

  --to      another key of the ring than the newest
  --settle  for how many seconds an edge may have been silent and still counts (120); 0 doesn't wait
  --json    the result as data, without progress`,
  options: { to: { type: 'string' }, settle: { type: 'string' }, json: { type: 'boolean' } },
  run: async (input) => {
    const quiet = readSettle(input.text('settle'));
    const line = input.flag('json') ? undefined : progressLine();
    try {
      const options = { to: input.text('to'), quiet, line };
      const result = await untilInterrupted((signal) =>
        withSite((site) => withAdmin(site, (admin) => rotate(admin, site, { ...options, signal }))),
      );
      line?.end();
      print(input.flag('json') ? result : describe(result));
      return result.outcome === 'done' ? 0 : 1;
    } finally {
      line?.end();
    }
  },
};

type Options = {
  to: string | undefined;
  quiet: number;
  signal: AbortSignal;
  line: ReturnType<typeof progressLine> | undefined;
};
type Rotated = Renewal & { id: string; before: string | undefined } & Placed;

async function rotate(admin: pg.Client, site: Site, { to, quiet, signal, line }: Options): Promise<Rotated> {
  const { ring } = site.keys;
  const problem = await ringProblem(admin, ring);
  if (problem) throw new CommandError(`${problem}: put back ${site.keyFile} from your backup.`);
  const known = await masters(admin);
  const target = to ?? known.filter((one) => !one.retired_at && ringNames(ring).includes(one.id)).at(-1)?.id;
  if (target === undefined || !ringNames(ring).includes(target))
    throw new CommandError(`VITAL_KEYS has no master key ${target}: vitalsync keys add makes one.`);
  const before = known.find((one) => one.current && one.id !== target)?.id;
  const tell = (why: string) => line?.say(`Waiting: ${why}.`);
  await untilEveryEdgeHasIt(admin, target, { quiet, signal, tell });
  await promote(admin, ring, target);
  // The file first, so that a running server makes nothing new under the old key; the environment is the operator's.
  const first = (text: string) => withFirst(text, target);
  const placed = isInEnvironment('VITAL_KEYS') ? undefined : await place(site, 'VITAL_KEYS', first);
  const onProgress = ({ step, done, total }: Progress) =>
    line?.show(step === 'keys' ? 'keys wrapped' : 'patients and accounts indexed', done, total);
  const renewal = await renew(admin, first(ring), target, { signal, onProgress });
  // what was begun with the old ring a moment ago ends now: an import, a server that hasn't looked at its file yet
  if (placed && renewal.outcome === 'done') {
    await sleep(Math.min(quiet, 5) * 1000, undefined, { signal }).catch(() => {});
    const late = await renew(admin, first(ring), target, { signal, onProgress });
    Object.assign(renewal, { ...late, keys: renewal.keys + late.keys, indexes: renewal.indexes + late.indexes });
  }
  return { id: target, before, ...renewal, ...(placed ?? (await place(site, 'VITAL_KEYS', first))) };
}

function describe(result: Rotated): string {
  const { outcome, id, keys, indexes } = result;
  const amount = `${keys} keys wrapped anew, ${indexes} patients and accounts indexed anew`;
  if (outcome === 'stopped') return `Stopped: ${amount}. Everything opens; vitalsync keys rotate --to ${id} goes on.`;
  const next =
    result.place === 'environment'
      ? 'once every edge has it, vitalsync keys rotate again for what was made meanwhile, then '
      : '';
  return `Everything stands under master key ${id} (${amount}).\n${describePlaced(result, `has ${id} first`)}
Next: ${next}vitalsync keys retire ${result.before ?? 'NAME'}; vitalsync keys status tells what stands under which.`;
}
