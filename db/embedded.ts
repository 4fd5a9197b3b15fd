// The default database: a real Postgres from npm, below .vitalsync/, on the loopback, ours alone.
//
// 1. It never runs as root, and its user can't read keys.env when we are root.
// 2. Every process of ours that uses it holds a shared advisory lock; the last one to go stops it. So a run that
//    was killed leaves a server that the next one takes over.
// 3. The superuser makes the administrator's login and the database, and takes away what only it can; then no more.
import { spawnSync } from 'node:child_process';
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { CommandError } from './command-error.ts';
import { connect } from './connect.ts';
import { findBinaries } from './embedded/binaries.ts';
import { findPostmaster, forgetStalePid, type Postmaster, stopPostmaster, waitUntilReady } from './embedded/postmaster.ts';
import { asArguments, clusterOptions, hostRules, serverSettings } from './embedded/settings.ts';
import { chooseRunner, launch, postgresEnvironment, type Runner } from './embedded/unprivileged.ts';
import type { Login, Passwords } from './keys.ts';
import { scramVerifier } from './scram.ts';

export const embeddedLogins: readonly Login[] = ['edge', 'gate', 'dba', 'admin', 'superuser'];
export const databaseName = 'vitalsync';

export type Embedded = {
  /** The administrator's URL: owner of the database, CREATEROLE, not superuser. */
  adminUrl: string;
  superuserUrl: string;
  /** A server that another process of ours had started, or that a killed one left. */
  wasRunning: boolean;
  /** Ends our use of it, and the server when nobody else uses it. */
  close(): Promise<void>;
};

export type EmbeddedOptions = {
  directory: string;
  passwords: Passwords;
  /** Files that the Postgres user must not read; as root it is another user than ours. */
  secrets?: readonly string[];
  /** Off in tests only: a crash may lose everything. */
  durable?: boolean;
  /** Throws the database away first: its demo was cut short while it was filled. */
  discard?: boolean;
};

/** Makes the data directory at the first start, starts Postgres or joins the one that runs, and holds on to it. */
export async function openEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const { directory, passwords, secrets = [] } = options;
  const { admin, superuser } = passwords;
  if (!admin || !superuser) throw new CommandError(`The database's passwords are missing in ${directory}/keys.env: put it back from your backup.`);
  const binaries = findBinaries();
  const home = join(directory, 'postgres');
  const runner = chooseRunner(binaries, directory);
  for (const file of secrets) runner.keepFrom(file);
  if (!existsSync(join(home, 'data'))) createCluster(runner, home, superuser);
  checkMajor(binaries, join(home, 'data'));
  const cluster: Cluster = { runner, directory, home, data: join(home, 'data'), admin, superuser, durable: options.durable ?? true };
  const first = await joinServer(cluster, options.discard ?? false);
  return keep(cluster, first);
}

type Cluster = { runner: Runner; directory: string; home: string; data: string; admin: string; superuser: string; durable: boolean };
type Use = { server: Postmaster; hold: pg.Client; adminUrl: string; superuserUrl: string; wasRunning: boolean };

async function joinServer(cluster: Cluster, discard: boolean): Promise<Use> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const running = await runningServer(cluster.data);
      const server = running ?? (await startServer(cluster));
      const superuserUrl = `postgres://postgres:${cluster.superuser}@127.0.0.1:${server.port}/postgres`;
      const adminUrl = `postgres://vs_admin:${cluster.admin}@127.0.0.1:${server.port}/${databaseName}`;
      if (discard) await dropDatabase(superuserUrl);
      if (!(await canConnect(adminUrl))) await provision(superuserUrl, cluster.admin);
      return { server, hold: await holdOn(adminUrl), adminUrl, superuserUrl, wasRunning: running !== undefined };
    } catch (error) {
      // Its last user was just stopping that server: wait for its end and start our own.
      if (attempt === 5 || !isGoingDown(error)) throw error;
      await waitForEnd(cluster.data);
    }
  }
}

/** Goes on holding the server: one that crashed is started again, on its port, until `close`. */
function keep(cluster: Cluster, first: Use): Embedded {
  let use = first;
  let closing = false;
  const watch = () => use.hold.once('end', () => void (closing || returnTo()));
  const returnTo = async () => {
    process.stderr.write('The connection to Postgres was lost: going back to it.\n');
    await sleep(200);
    use = await joinServer(cluster, false);
    watch();
  };
  watch();
  return {
    adminUrl: first.adminUrl,
    superuserUrl: first.superuserUrl,
    wasRunning: first.wasRunning,
    close: async () => {
      closing = true;
      await letGo(use.hold, cluster.data, use.server.pid);
    },
  };
}

/** Prepares a directory of ours; nobody else lists it, and as root the Postgres user may pass through. */
export function prepareDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true });
    if (process.platform !== 'win32') chmodSync(directory, process.getuid?.() === 0 ? 0o711 : 0o700);
    const probe = join(directory, '.probe');
    writeFileSync(probe, '');
    rmSync(probe);
  } catch {
    throw new CommandError(`Can't write to ${directory}: make it writable, or set VITAL_DIR to a directory that is.`);
  }
}

/** initdb into a directory of another name, so that one that was cut short is never taken for a whole one. */
function createCluster(runner: Runner, home: string, superuserPassword: string): void {
  rmSync(home, { recursive: true, force: true });
  mkdirSync(home, { mode: 0o700 });
  // Postgres takes a verifier for a password: nothing in clear is written, not even for a moment.
  writeFileSync(join(home, 'verifier'), scramVerifier(superuserPassword));
  for (const path of [home, join(home, 'verifier')]) runner.give(path);
  const initdb = runner.command('initdb', home, (inside) => ['-D', `${inside}/new`, `--pwfile=${inside}/verifier`, ...clusterOptions]);
  const result = spawnSync(initdb.file, initdb.args, { ...initdb.options, env: postgresEnvironment, encoding: 'utf8' });
  rmSync(join(home, 'verifier'));
  if (result.status !== 0) throw new CommandError(`Postgres can't make its data directory: ${lastLine(result.stderr) || result.error?.message}`);
  writeFileSync(join(home, 'new', 'pg_hba.conf'), hostRules);
  renameSync(join(home, 'new'), join(home, 'data'));
}

function checkMajor(binaries: string, data: string): void {
  const made = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim();
  const shipped = String(JSON.parse(readFileSync(join(binaries, '..', 'package.json'), 'utf8')).version).split('.')[0];
  if (made !== shipped)
    throw new CommandError(`${data} was made by Postgres ${made}, and npm has ${shipped} now: use the version of Vital Sync that made it, or set VITAL_DIR to another directory.`);
}

async function runningServer(data: string): Promise<Postmaster | undefined> {
  const found = findPostmaster(data);
  if (!found) return undefined;
  return found.ready ? found : waitUntilReady(data, () => !findPostmaster(data));
}

async function startServer({ runner, directory, home, data, durable }: Cluster): Promise<Postmaster> {
  forgetStalePid(data);
  const port = await choosePort(join(directory, 'postgres.port'));
  const log = openSync(join(directory, 'postgres.log'), 'w', 0o600);
  const settings = asArguments(serverSettings(port, durable));
  const child = launch(runner, home, (inside) => ['-D', `${inside}/data`, ...settings], log);
  closeSync(log);
  let ended = false;
  child.on('exit', () => {
    ended = true;
  });
  child.unref();
  return waitUntilReady(data, () => ended);
}

/** The port of last time when it is free, so that a DBA's saved connection goes on working; else another. */
async function choosePort(file: string): Promise<number> {
  const remembered = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
  const port = (await listenOnce(remembered)) ?? (await listenOnce(0));
  if (port === undefined) throw new CommandError('No port is free on 127.0.0.1 for Postgres.');
  writeFileSync(file, `${port}\n`);
  return port;
}

function listenOnce(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(undefined));
    probe.listen(port, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : undefined));
    });
  });
}

/** False when the login or the database isn't there yet. */
async function canConnect(url: string): Promise<boolean> {
  try {
    await (await connect(url)).end();
    return true;
  } catch (error) {
    if (error instanceof CommandError && /refuses the login|There is no database/.test(error.message)) return false;
    throw error;
  }
}

/** The administrator's login and database, when this is the first start. */
async function provision(superuserUrl: string, adminPassword: string): Promise<void> {
  const client = await connect(superuserUrl);
  try {
    const verifier = client.escapeLiteral(scramVerifier(adminPassword));
    const { rows } = await client.query("select from pg_roles where rolname = 'vs_admin'");
    await client.query(`${rows.length === 0 ? 'create' : 'alter'} role vs_admin login createrole password ${verifier}`);
    for (const template of ['postgres', 'template1']) await client.query(`revoke all on database ${template} from public`);
    await client.query(`create database ${databaseName} owner vs_admin`);
  } finally {
    await client.end();
  }
}

async function dropDatabase(superuserUrl: string): Promise<void> {
  const client = await connect(superuserUrl);
  try {
    await client.query(`drop database if exists ${databaseName} with (force)`);
  } finally {
    await client.end();
  }
}

async function holdOn(adminUrl: string): Promise<pg.Client> {
  const client = await connect(adminUrl);
  await client.query(`select pg_advisory_lock_shared(${useLock})`);
  return client;
}

/** The last one out stops the server: whoever gets the lock alone after giving up its own share. */
async function letGo(hold: pg.Client, data: string, pid: number): Promise<void> {
  let last = true;
  try {
    await hold.query(`select pg_advisory_unlock_shared(${useLock})`);
    last = (await hold.query(`select pg_try_advisory_lock(${useLock}) as last`)).rows[0].last;
  } catch {
    // The server is going down or gone: stopping it again does no harm.
  }
  if (last) await stopPostmaster(data, pid);
  await hold.end().catch(() => {}); // it may be broken by the stop
}

const useLock = 0x76_73_02; // 'vs', second lock: who uses the embedded server

function isGoingDown(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return ['57P01', '57P03', 'ECONNRESET', 'ECONNREFUSED'].includes(code) || (error instanceof Error && /terminated|Nothing answers/.test(error.message));
}

async function waitForEnd(data: string): Promise<void> {
  for (let i = 0; i < 200 && findPostmaster(data); i += 1) await sleep(50);
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';
