// Master keys: another one takes over while the record serves. SQL does it and decides (0220_key_rotation); this asks for
// one batch after the other, waits for edges, and says how far it is.
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { CommandError } from './command-error.ts';
import { asOwner } from './owner.ts';
import { sqlstateOf } from './refusal.ts';

export type Master = {
  id: string;
  current: boolean;
  added_at: Date;
  current_since: Date | null;
  due_at: Date | null;
  retired_at: Date | null;
  /** Keys that it wraps; patients and accounts that are found by it. */
  wraps: number;
  indexes: number;
};
export type Progress = { step: 'keys' | 'indexes'; done: number; total: number };
export type Renewal = { outcome: 'done' | 'stopped'; keys: number; indexes: number };

/** Every master key that this database has known, in the order in which they came. */
export async function masters(admin: pg.Client): Promise<Master[]> {
  const query =
    'select id, current, added_at, current_since, due_at, retired_at, wraps::int, indexes::int from vault.masters_status()';
  return asOwner(admin, async () => (await admin.query<Master>(query)).rows);
}

/** NULL of the database as undefined: the ring opens all that is here; else what is wrong, quoting no key. */
export async function ringProblem(admin: pg.Client, ring: string): Promise<string | undefined> {
  const query = 'select vault.ring_problem($1) as problem';
  return asOwner(admin, async () => (await admin.query(query, [ring])).rows[0].problem ?? undefined);
}

/** Registers its check value. Errors: VS409 for a name that was used, VS422. */
export async function addMaster(admin: pg.Client, name: string, key: Uint8Array): Promise<void> {
  await asOwner(admin, () => admin.query('select vault.add_master($1, $2)', [name, Buffer.from(key)]));
}

/** From now on everything shall stand under it. Errors: VS422, VS503. */
export async function promote(admin: pg.Client, ring: string, target: string): Promise<void> {
  await asOwner(admin, () => admin.query('select vault.promote($1, $2)', [ring, target]));
}

/** Errors: VS409 while something stands under it or an edge puts it first, VS422. */
export async function retire(admin: pg.Client, name: string, quiet: number): Promise<void> {
  await asOwner(admin, () => admin.query('select vault.retire($1, make_interval(secs => $2))', [name, quiet]));
}

export type Waiting = {
  /** Seconds for which an edge may have been silent and still counts. */
  quiet: number;
  signal?: AbortSignal;
  /** What is waited for, each time that it is another thing. */
  tell?: (why: string) => void;
};

/** Until no edge that the database has heard of lacks the key. @throws CommandError when it was stopped */
export const untilEveryEdgeHasIt = (admin: pg.Client, target: string, waiting: Waiting): Promise<void> =>
  until(admin, 'select vault.not_ready($1, make_interval(secs => $2)) as why', target, waiting);

/** Until no edge wraps anything new with this one. @throws CommandError when it was stopped */
export const untilNoEdgePutsItFirst = (admin: pg.Client, name: string, waiting: Waiting): Promise<void> =>
  until(admin, 'select vault.put_first($1, make_interval(secs => $2)) as why', name, waiting);

async function until(admin: pg.Client, query: string, name: string, { quiet, signal, tell }: Waiting): Promise<void> {
  for (let told = ''; quiet > 0; await sleep(500)) {
    const why: string | null = await asOwner(admin, async () => (await admin.query(query, [name, quiet])).rows[0].why);
    if (why === null) return;
    if (signal?.aborted) throw new CommandError(`Stopped, nothing has been changed: ${why}.`);
    if (why.replaceAll(/\d+/g, '') !== told) tell?.(why);
    told = why.replaceAll(/\d+/g, '');
  }
}

/**
 * Wraps every key and renews every index that doesn't stand under `target`, a batch a transaction. Stopped anywhere, by the
 * signal or by a crash, everything opens, and calling it again goes on.
 * Errors: VS409 (another rotation began), VS500 (a key that somebody changed; says which), VS503.
 */
export async function renew(
  admin: pg.Client,
  ring: string,
  target: string,
  { signal, onProgress }: { signal?: AbortSignal; onProgress?: (progress: Progress) => void } = {},
): Promise<Renewal> {
  const done = { keys: 0, indexes: 0 };
  for (
    let left = await leftToRenew(admin, target);
    left.keys + left.indexes > 0;
    left = await leftToRenew(admin, target)
  ) {
    for (const step of ['keys', 'indexes'] as const) {
      const total = done[step] + left[step];
      for (let batch = 1; batch > 0 && left[step] > 0; done[step] += batch) {
        if (signal?.aborted) return { outcome: 'stopped', ...done };
        onProgress?.({ step, done: done[step], total });
        batch = await renewBatch(admin, step, ring, target);
      }
    }
    // what somebody else has in hand just now, or made meanwhile
    if (signal?.aborted) return { outcome: 'stopped', ...done };
    await sleep(100);
  }
  return { outcome: 'done', ...done };
}

const batches = { keys: 'select vault.rewrap($1, $2) as done', indexes: 'select vault.reindex($1, $2) as done' };

async function renewBatch(admin: pg.Client, step: keyof typeof batches, ring: string, target: string): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await asOwner(admin, async () => (await admin.query(batches[step], [ring, target])).rows[0].done);
    } catch (error) {
      // a deadlock, a conflict, a lock: nothing of this batch happened
      if (attempt === 5 || !/^(40001|40P01|55P03)$/.test(sqlstateOf(error) ?? '')) throw error;
    }
  }
}

async function leftToRenew(admin: pg.Client, target: string): Promise<{ keys: number; indexes: number }> {
  const query = 'select keys::int, indexes::int from vault.left_to_renew($1)';
  return asOwner(admin, async () => (await admin.query(query, [target])).rows[0]);
}
