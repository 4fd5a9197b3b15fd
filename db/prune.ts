// Gives up the months of the audit log that ended more than three years ago; SQL decides which (0260_retention).
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { CommandError } from './command-error.ts';
import { asOwner } from './owner.ts';
import { sqlstateOf } from './refusal.ts';

/** `month` as 2023-10, `bytes` on disk. */
export type Month = { month: string; events: number; bytes: number };

/** What can be pruned now, oldest first. @param before first day of a month; only those before it */
export function prunableMonths(admin: pg.Client, before?: string): Promise<Month[]> {
  return asOwner(admin, async () => {
    const query = `select to_char(month, 'YYYY-MM') as month, events, bytes from audit.prunable($1)`;
    const { rows } = await admin.query<{ month: string; events: string; bytes: string }>(query, [before ?? null]);
    return rows.map(({ month, events, bytes }) => ({ month, events: Number(events), bytes: Number(bytes) }));
  });
}

/**
 * One month, in a transaction of its own. It needs the log for itself for a moment; while somebody reads it, it gives
 * way and tries again, ten times.
 */
export async function pruneMonth(admin: pg.Client, { month }: Month): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await asOwner(admin, () => admin.query('select audit.prune_month($1)', [`${month}-01`]));
      return;
    } catch (error) {
      if (sqlstateOf(error) !== '55P03') throw error;
      if (attempt === 10)
        throw new CommandError(`${month} can't be pruned while the log is being read: try again later.`);
      await sleep(500 * attempt);
    }
  }
}
