// One Postgres for the run, migrated once into a template; every test file takes databases of its own from it.
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { connect } from '../../db/connect.ts';
import { prepareDirectory } from '../../db/embedded/cluster.ts';
import { findPostmaster, stopPostmaster } from '../../db/embedded/postmaster.ts';
import { embeddedLogins, openEmbedded } from '../../db/embedded.ts';
import { generateKeys, readKeys } from '../../db/keys.ts';
import { migrate } from '../../db/migrate.ts';
import { scramVerifier } from '../../db/scram.ts';
import { useSuperuser } from '../../db/superuser.ts';

export type TestServer = {
  /** Superuser, on the database `postgres`. */
  superuserUrl: string;
  /** What databases are copied from. */
  template: string;
  /** The lines of a keys.env, made for this run. */
  keyLines: Record<string, string>;
};

declare module 'vitest' {
  export interface ProvidedContext {
    testServer: TestServer;
  }
}

const prefix = 'vitalsync-test-';

/** TEST_DATABASE_URL: a superuser on another Postgres, which .ci/run gives for the oldest version we support. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const keyLines = generateKeys(embeddedLogins);
  const given = process.env.TEST_DATABASE_URL;
  const server = given ? { superuserUrl: given, close: async () => {} } : await startOwn(keyLines);
  const template = `vs_template_${process.pid}`;
  await makeTemplate(server.superuserUrl, template, keyLines);
  project.provide('testServer', { superuserUrl: server.superuserUrl, template, keyLines });
  return async () => {
    if (given) await run(given, `drop database ${template} with (force)`);
    await server.close();
  };
}

/** fsync is off: nothing here outlives the run. */
async function startOwn(keyLines: Record<string, string>): Promise<{ superuserUrl: string; close(): Promise<void> }> {
  await removeLeftovers();
  const directory = join(tmpdir(), `${prefix}${process.pid}-${randomBytes(8).toString('hex')}`);
  prepareDirectory(directory);
  const { passwords } = readKeys(join(directory, 'keys.env'), keyLines);
  const embedded = await openEmbedded({ directory, passwords, durable: false });
  return {
    superuserUrl: embedded.superuserUrl,
    close: async () => {
      await embedded.close();
      rmSync(directory, { recursive: true });
    },
  };
}

/** What runs that were killed left: their servers and directories. */
async function removeLeftovers(): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((one) => one.startsWith(prefix))) {
    if (isAlive(Number(name.slice(prefix.length).split('-')[0]))) continue;
    const data = join(tmpdir(), name, 'postgres', 'data');
    const server = existsSync(data) ? findPostmaster(data) : undefined;
    if (server) await stopPostmaster(data, server.pid);
    rmSync(join(tmpdir(), name), { recursive: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function makeTemplate(superuserUrl: string, template: string, keyLines: Record<string, string>): Promise<void> {
  const { passwords } = readKeys('', keyLines);
  const admin = passwords.admin ?? '';
  await run(
    superuserUrl,
    `do $$ begin if to_regrole('vs_admin') is null then create role vs_admin login createrole; end if; end $$`,
    `alter role vs_admin password '${scramVerifier(admin)}'`,
    `create database ${template} owner vs_admin`,
  );
  const url = new URL(superuserUrl);
  url.pathname = `/${template}`;
  await migrateAsAdmin(url, admin);
  await useSuperuser(url.href);
  const logins = [
    ['vs_edge', passwords.edge],
    ['vs_gate', passwords.gate],
    ['vs_dba', passwords.dba],
  ] as const;
  await run(
    superuserUrl,
    ...logins.map(([role, password]) => `alter role ${role} password '${scramVerifier(password ?? '')}'`),
  );
}

async function migrateAsAdmin(template: URL, password: string): Promise<void> {
  const url = new URL(template);
  url.username = 'vs_admin';
  url.password = password;
  const client = await connect(url.href);
  try {
    await migrate(client);
  } finally {
    await client.end();
  }
}

async function run(url: string, ...statements: string[]): Promise<void> {
  const client = await connect(url);
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
