// The clock of sealing: every minute, or as soon as 10,000 events wait. Used by the Node server and by
// `vitalsync audit seal --watch`.
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError } from '../command-error.ts';
import { asOwner } from '../owner.ts';
import { type Site, withAdmin } from '../site.ts';
import { type Sealed, sealOnce } from './seal.ts';

const everySeconds = 60;
const lookSeconds = 10;
const manyEvents = 10_000;

export type Clock = {
  /** What each round has done. */
  sealed?(result: Sealed): void;
  /** What went wrong, once until it changes; `undefined` when it works again. */
  told(problem: string | undefined): void;
};

/** Seals until it is stopped; `stop` seals once more what is there and waits for it. */
export function keepSealing(site: Site, clock: Clock): { stop(): Promise<void> } {
  const stopping = new AbortController();
  let problem: string | undefined;
  const round = async () => {
    const now = await seal(site, clock);
    if (now !== problem) clock.told(now);
    problem = now;
  };
  const done = (async () => {
    for (;;) {
      await round();
      if (stopping.signal.aborted) return;
      await untilDue(site, stopping.signal);
    }
  })();
  return {
    stop: () => {
      stopping.abort();
      return done;
    },
  };
}

/** Gives what is wrong. */
async function seal(site: Site, clock: Clock): Promise<string | undefined> {
  try {
    const result = await sealOnce(site);
    clock.sealed?.(result);
    return problemOf(result);
  } catch (error) {
    // anything but our own sentences may quote a value
    return error instanceof CommandError ? error.message : `sealing failed: ${codeOf(error)}`;
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : ((error as Error)?.name ?? 'unknown');

/** What somebody must look at although a checkpoint was signed. */
export function problemOf({ stuck, witnessProblem }: Sealed): string | undefined {
  const [first] = stuck;
  const held = first
    ? `${stuck.length} chains don't go on into the log, since an event isn't what was chained: the first is ${first.seq} of lane ${first.lane} of ${first.organisation}.`
    : undefined;
  return [held, witnessProblem].filter(Boolean).join(' ') || undefined;
}

async function untilDue(site: Site, stopping: AbortSignal): Promise<void> {
  for (let waited = 0; waited < everySeconds && !stopping.aborted; waited += lookSeconds) {
    await sleep(lookSeconds * 1000, undefined, { signal: stopping }).catch(() => {});
    if (stopping.aborted || (await countWaiting(site).catch(() => 0)) >= manyEvents) return;
  }
}

async function countWaiting(site: Site): Promise<number> {
  const { rows } = await withAdmin(site, (admin) =>
    asOwner(admin, () => admin.query<{ waiting: string }>('select audit.waiting_events() as waiting')),
  );
  return Number(rows[0]!.waiting); // a function gives one row
}
