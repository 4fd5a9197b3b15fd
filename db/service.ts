// Whether the database serves. After a restart, a restore or a copy it keeps everybody out (supabase/migrations/
// 0250_service.sql) until somebody with the record outside has compared.
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { CommandError } from './command-error.ts';
import { connect } from './connect.ts';
import { asOwner } from './owner.ts';
import type { Site } from './site.ts';

/** Lets people in where that is right; true if they were kept out. @throws CommandError that says why they stay out */
export async function clearToServe(_site: Site, admin: pg.Client): Promise<boolean> {
  return asOwner(admin, async () => {
    if (await isCleared(admin)) return false;
    const { rows } = await admin.query<{ kept_out: boolean }>(
      `select ops.clear_to_serve(case when exists (select from access.organisations) then 'nothing' else 'empty' end) as kept_out`,
    );
    return rows[0]!.kept_out; // a function gives one row
  });
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
