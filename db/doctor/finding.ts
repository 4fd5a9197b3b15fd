// What `vitalsync doctor` says of one question.
import type pg from 'pg';
import type { Site } from '../site.ts';

export type Finding = { check: string; state: 'ok' | 'warning' | 'failure'; finding: string; remedy?: string };

/** @param admin the administrator's connection, outside of a transaction */
export type Check = (admin: pg.Client, site: Site) => Promise<Finding[]>;

export const ok = (check: string, finding: string): Finding => ({ check, state: 'ok', finding });

export const warn = (check: string, finding: string, remedy?: string): Finding => ({
  check,
  state: 'warning',
  finding,
  ...(remedy && { remedy }),
});

export const fail = (check: string, finding: string, remedy?: string): Finding => ({
  ...warn(check, finding, remedy),
  state: 'failure',
});
