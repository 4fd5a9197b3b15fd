// What the bench runs on: a Postgres of its own in a temporary directory, with three databases in it. Real fsync.
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandError } from '../command-error.ts';
import { prepareDatabase } from '../commands/migrate.ts';
import { connect } from '../connect.ts';
import { openSite, type Site } from '../site.ts';

export type Installation = {
  directory: string;
  /** All guarantees, every patient. */
  large: Site;
  /** All guarantees, a tenth of the patients: what growth costs. */
  small: Site;
  /** No guarantee at all, the patients of `large`. */
  bare: Site;
  superuserUrl: string;
  close(): Promise<void>;
};

/** Empty databases; `close` stops the server and removes the directory. */
export async function openInstallation(): Promise<Installation> {
  const directory = mkdtempSync(join(tmpdir(), 'vitalsync-bench-'));
  isolate(directory);
  const large = await openSite();
  const close = async () => {
    await large.close();
    rmSync(directory, { recursive: true });
  };
  try {
    const superuserUrl = large.embedded?.superuserUrl ?? '';
    await prepareDatabase(large);
    const small = await anotherDatabase(large, superuserUrl, 'small');
    await prepareDatabase(small);
    const bare = await anotherDatabase(large, superuserUrl, 'bare');
    await run(bare.adminUrl, readFileSync(join(import.meta.dirname, 'bare.sql'), 'utf8'));
    return { directory, large, small, bare, superuserUrl, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Nothing of a real installation is touched, whatever stands in the environment. */
export function isolate(directory: string): void {
  for (const name of Object.keys(process.env))
    if (/^(VITAL_|(DATABASE|EDGE|GATE|DBA)_URL$)/.test(name)) delete process.env[name];
  process.env.VITAL_DIR = directory;
}

/** Ends `work` with an error at Ctrl-C or kill, so that what the caller has opened is closed and removed. */
export async function interruptible<T>(work: Promise<T>): Promise<T> {
  const told = Promise.race(['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => once(process, signal).then(() => signal)));
  const ended = told.then((signal) => {
    throw new CommandError(`Stopped by ${signal}.`);
  });
  return Promise.race([work, ended]);
}

export async function anotherDatabase(site: Site, superuserUrl: string, name: string): Promise<Site> {
  await run(superuserUrl, `create database ${name} owner vs_admin`);
  const at = (url: string) => {
    const there = new URL(url);
    there.pathname = `/${name}`;
    return there.href;
  };
  const { adminUrl, edgeUrl, gateUrl, dbaUrl } = site;
  // a directory of its own: what is kept outside is of one database
  const directory = join(site.directory, name);
  mkdirSync(directory);
  return { ...site, directory, adminUrl: at(adminUrl), edgeUrl: at(edgeUrl), gateUrl: at(gateUrl), dbaUrl: at(dbaUrl) };
}

/** After the filling: statistics and a visibility map, as autovacuum leaves them, and no checkpoint to come. */
export async function settle({ superuserUrl, large, small, bare }: Installation): Promise<void> {
  for (const site of [large, small, bare]) {
    const url = new URL(superuserUrl);
    url.pathname = new URL(site.adminUrl).pathname;
    await run(url.href, 'vacuum (analyze)');
  }
  await run(superuserUrl, 'checkpoint');
}

async function run(url: string, statements: string): Promise<void> {
  const client = await connect(url);
  try {
    await client.query(statements);
  } finally {
    await client.end();
  }
}
