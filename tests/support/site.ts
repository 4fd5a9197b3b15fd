// A test database as an installation: a directory with a key file, and `vitalsync` run against it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { readKeys, writeKeyFile } from '../../db/keys.ts';
import type { Site } from '../../db/site.ts';
import { type Run, type Running, runCommand, startCommand } from './cli.ts';
import type { TestDatabase } from './database.ts';

export type TestSite = Site & {
  /** The text of VITAL_KEYS as the file has it now. */
  ring(): string;
  vitalsync(...args: string[]): Promise<Run>;
  start(...args: string[]): Running;
  /** With other variables, such as VITAL_KEYS, than those of the key file. */
  vitalsyncWith(environment: Record<string, string>, ...args: string[]): Promise<Run>;
};

/** `close` removes the directory; the database is its own owner's. */
export function openTestSite(db: TestDatabase): TestSite {
  const directory = mkdtempSync(join(tmpdir(), 'vitalsync-site-'));
  const keyFile = join(directory, 'keys.env');
  writeKeyFile(keyFile, inject('testServer').keyLines);
  const { adminUrl, edgeUrl, gateUrl, dbaUrl } = db;
  const environment = { DATABASE_URL: adminUrl, VITAL_DIR: directory, PORT: '0' };
  return {
    ...{ directory, keyFile, adminUrl, edgeUrl, gateUrl, dbaUrl, keys: readKeys(keyFile, {}) },
    ring: () => readKeys(keyFile, {}).ring,
    vitalsync: (...args) => runCommand(args, environment),
    start: (...args) => startCommand(args, environment),
    vitalsyncWith: (more, ...args) => runCommand(args, { ...environment, ...more }),
    close: async () => rmSync(directory, { recursive: true }),
  };
}

/** Sessions of imports that a test's world left open would keep a rotation waiting. */
export async function endImports(db: TestDatabase): Promise<void> {
  await db.admin.query('begin; set local role vs_owner');
  await db.admin.query("update iam.sessions set revoked_at = now() where role = 'import' and revoked_at is null");
  await db.admin.query('commit');
}
