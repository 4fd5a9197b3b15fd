// Whether the database serves. After a restart, a restore or a copy it keeps everybody out (supabase/migrations/
// 0250_service.sql) until somebody with the record outside has compared.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { CommandError } from './command-error.ts';
import { connect } from './connect.ts';
import { erasuresFile, readErasures, replayErasures, requireNewest, writeErasures } from './erasures.ts';
import { type Comparison, compareWithOutside } from './log/compare.ts';
import { generationOf, logOrigin } from './log/origin.ts';
import { outsideDirectory } from './log/outside.ts';
import { asOwner, hasOrganisations } from './owner.ts';
import type { Site } from './site.ts';

type Place = Pick<Site, 'directory' | 'keys'>;

/** What was found and done when a database was cleared to serve. */
export type Clearance = {
  /** What it was compared with. */
  compared: 'outside' | 'empty' | 'nothing';
  /** Erasures that it didn't know. */
  replayed: number;
  /** The log's new name, where it was restored to before the last checkpoint. */
  restarted?: string;
};

/**
 * Lets people in, after comparing with what is outside: undefined if they were in already. Erasures of after a backup are
 * done again, and a log that the backup cut short goes on under another name. `adopt`: the record outside was lost, and
 * somebody said so; that nothing was compared is recorded then.
 * @throws CommandError that says why everybody stays out, and what to do
 */
export async function clearToServe(
  site: Place,
  admin: pg.Client,
  { adopt = false } = {},
): Promise<Clearance | undefined> {
  const done = await asOwner(admin, async () => {
    // two that start at once: the second one finds it done
    await admin.query("select pg_advisory_xact_lock(hashtextextended('ops.service', 0))");
    return (await isCleared(admin)) ? undefined : compareAndClear(site, admin, adopt);
  });
  if (done) await asOwner(admin, () => writeErasures(admin, site));
  if (done?.replayed || done?.restarted) process.stderr.write(`${describe(done)}\n`);
  return done;
}

async function compareAndClear(site: Place, admin: pg.Client, adopt: boolean): Promise<Clearance> {
  const told = readErasures(site);
  const comparison = await compareWithOutside(admin, site);
  if (told && !adopt) requireNewest(told, comparison.outside, site);
  const compared = await whatCounts(site, admin, comparison, told !== undefined, adopt);
  const restarted = comparison.state === 'behind' ? await restartLog(admin, comparison) : undefined;
  const replayed = told ? await replayErasures(admin, told) : 0;
  await admin.query('select ops.clear_to_serve($1)', [compared]);
  return { compared, replayed, ...(restarted !== undefined && { restarted }) };
}

async function whatCounts(
  site: Place,
  admin: pg.Client,
  { state, sealed, finding }: Comparison,
  told: boolean,
  adopt: boolean,
): Promise<Clearance['compared']> {
  const directory = outsideDirectory(site);
  if (state === 'forked')
    throw new CommandError(
      `Nobody is let in: ${finding}. Somebody wrote its history anew, or ${directory} is of another installation (VITAL_WITNESS_DIR).`,
    );
  const signed = state !== 'none';
  if (told && (signed || sealed === 0)) return 'outside';
  if (!told && !signed && !(await hasOrganisations(admin))) return 'empty';
  if (adopt) return 'nothing';
  const missing = [!told && erasuresFile(site), !signed && sealed > 0 && join(directory, 'checkpoint')].filter(Boolean);
  throw new CommandError(
    `Nobody is let in: ${missing.join(' and ')} can't be found, and without the record outside nobody knows whether this is a backup of before an erasure. Put it back or set VITAL_WITNESS_DIR; if it is lost, vitalsync audit seal --adopt begins it anew.`,
  );
}

/** The first leaf of what follows holds the checkpoint that the backup doesn't reach. */
async function restartLog(admin: pg.Client, { outside }: Comparison): Promise<string> {
  await logOrigin(admin); // where the log hasn't begun
  const { rows } = await admin.query<{ origin: string }>('select audit.restart_log($1, $2) as origin', [
    outside?.note,
    generationOf(outside?.origin ?? '') + 1,
  ]);
  return rows[0]!.origin; // a function gives one row
}

function describe({ replayed, restarted }: Clearance): string {
  const erasures = replayed === 1 ? 'One erasure was' : `${replayed} erasures were`;
  const log = restarted ? ` Its log ended before the last checkpoint, and goes on as ${restarted}.` : '';
  return `This database is a backup. ${replayed > 0 ? `${erasures} done again.` : 'No erasure was missing.'}${log}`;
}

async function isCleared(admin: pg.Client): Promise<boolean> {
  const { rows } = await admin.query<{ cleared: boolean }>('select ops.is_cleared() as cleared');
  return rows[0]!.cleared; // a function gives one row
}

/**
 * Clears the database again whenever it was restarted under the running server: at once when our connection breaks, and
 * looks every few seconds besides. Why it can't is told once. `stop` waits until the connection is closed.
 */
export function keepServing(site: Site): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const done = watch(site, stopping.signal);
  return {
    stop: () => {
      stopping.abort();
      return done;
    },
  };
}

async function watch(site: Site, stopping: AbortSignal): Promise<void> {
  let told = '';
  while (!stopping.aborted) {
    try {
      await watchOneConnection(site, stopping);
      told = '';
    } catch (error) {
      const why = error instanceof CommandError ? error.message : (error as Error).name;
      if (why !== told) process.stderr.write(`Nobody is let in for now: ${why}\n`);
      told = why;
      await pause(500, stopping);
    }
  }
}

/** Ends, without an error, when the connection does. */
async function watchOneConnection(site: Site, stopping: AbortSignal): Promise<void> {
  const admin = await connect(site.adminUrl);
  const ended = new AbortController();
  admin.once('end', () => ended.abort());
  try {
    while (!stopping.aborted && !ended.signal.aborted) {
      if (await clearToServe(site, admin))
        process.stderr.write('The database was restarted: compared, and serving again.\n');
      await pause(5_000, AbortSignal.any([stopping, ended.signal]));
    }
  } finally {
    await admin.end().catch(() => {}); // it may be broken
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> => sleep(ms, undefined, { signal }).catch(() => {});
