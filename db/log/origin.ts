// What this installation's log is called. The name stands in the first line of every checkpoint, and never changes.
import type pg from 'pg';
import { CommandError } from '../command-error.ts';

/**
 * The log's origin; a log that hasn't begun is begun under VITAL_ORIGIN, or `vitalsync.local/<a uuid>`.
 * `admin` is inside `asOwner`.
 */
export async function logOrigin(admin: pg.Client): Promise<string> {
  const { rows } = await admin.query<{ origin: string }>('select audit.log_origin($1) as origin', [chosenName()]);
  return rows[0]!.origin; // a function gives one row
}

function chosenName(): string | null {
  const name = process.env.VITAL_ORIGIN;
  if (!name) return null;
  if (!/^[!-*,-~]{1,190}$/.test(name))
    throw new CommandError('VITAL_ORIGIN must be a name like practice.example/log: no spaces, no plus.');
  return name;
}

/** Which generation of the log bears this name: 1 of `origin`, n of `origin/n` (0230_checkpoints.sql, audit.restart_log). */
export const generationOf = (origin: string): number => Number(/\/([0-9]+)$/.exec(origin)?.[1] ?? 1);
