// A test database as an installation: a directory with a key file, and `vitalsync` run against it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { connect } from '../../db/connect.ts';
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
  const environment = { DATABASE_URL: adminUrl, VITAL_DIR: directory };
  return {
    ...{ directory, keyFile, adminUrl, edgeUrl, gateUrl, dbaUrl, keys: readKeys(keyFile, {}) },
    ring: () => readKeys(keyFile, {}).ring,
    vitalsync: (...args) => runCommand(args, environment),
    start: (...args) => startCommand(args, environment),
    vitalsyncWith: (more, ...args) => runCommand(args, { ...environment, ...more }),
    close: async () => rmSync(directory, { recursive: true }),
  };
}

/** Keys of subjects that have nothing else, past triggers, so that there are many in no time. */
export async function addManyKeys(db: TestDatabase, organisation: string, subjects: number): Promise<void> {
  const superuser = await connect(db.superuserUrl);
  try {
    await superuser.query('set session_replication_role = replica');
    await superuser.query(
      `insert into vault.keys (subject_id, level, organisation_id, master, wrapped, indexed)
       select s, l, $2, m, vault.pack(vault.derive(vault.master($1, m), 'wrap'), vault.wrap_aad(s, l, m), extensions.gen_random_bytes(64)),
              case l when 'identity' then m end
       from vault.current_master($1) m, (select gen_random_uuid() as s from generate_series(1, $3)) x, unnest(array['identity', 'clinical']) l`,
      [db.ring, organisation, subjects],
    );
    await superuser.query('analyze vault.keys');
  } finally {
    await superuser.end();
  }
}

/** Sessions of imports that a test's world left open would keep a rotation waiting. */
export async function endImports(db: TestDatabase): Promise<void> {
  await db.admin.query('begin; set local role vs_owner');
  await db.admin.query("update iam.sessions set revoked_at = now() where role = 'import' and revoked_at is null");
  await db.admin.query('commit');
}
