// The default database: a real Postgres from npm, below .vitalsync/, on the loopback, ours alone.
//
// 1. It never runs as root, and its user can't read keys.env when we are root.
// 2. Every process of ours that uses it holds a shared advisory lock; the last one to go stops it. So a run that
//    was killed leaves a server that the next one takes over.
// 3. The superuser makes the administrator's login and the database, and takes away what only it can; then no more.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { CommandError } from './command-error.ts';
import { connect } from './connect.ts';
import { canConnect, databaseName, dropDatabase, provision } from './embedded/administration.ts';
import { findBinaries } from './embedded/binaries.ts';
import { type Cluster, checkMajor, createCluster } from './embedded/cluster.ts';
import { findPostmaster, type Postmaster, runningServer, stopPostmaster } from './embedded/postmaster.ts';
import { startServer } from './embedded/server.ts';
import { chooseRunner } from './embedded/unprivileged.ts';
import type { Login, Passwords } from './keys.ts';

export const embeddedLogins: readonly Login[] = ['edge', 'gate', 'dba', 'admin', 'superuser'];

export type Embedded = {
  /** The administrator's URL: owner of the database, CREATEROLE, not superuser. */
  adminUrl: string;
  superuserUrl: string;
  /** A server that another process of ours had started, or that a killed one left. */
  wasRunning: boolean;
  /** Rejected when the server went away and couldn't be started again. */
  lost: Promise<never>;
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
  if (!admin || !superuser)
    throw new CommandError(
      `The database's passwords are missing in ${directory}/keys.env: put it back from your backup.`,
    );
  const binaries = findBinaries();
  const home = join(directory, 'postgres');
  const runner = chooseRunner(binaries, directory);
  for (const file of secrets) runner.keepFrom(file);
  const cluster = {
    runner,
    directory,
    home,
    data: join(home, 'data'),
    admin,
    superuser,
    durable: options.durable ?? true,
  };
  if (!existsSync(cluster.data)) createCluster(cluster);
  checkMajor(binaries, cluster.data);
  const first = await joinServer(cluster, options.discard ?? false);
  return keep(cluster, first);
}

type Use = { server: Postmaster; hold: pg.Client; adminUrl: string; superuserUrl: string; wasRunning: boolean };

async function joinServer(cluster: Cluster, discard: boolean): Promise<Use> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const running = await runningServer(cluster.data);
      const server = running ?? (await startServer(cluster));
      const superuserUrl = `postgres://postgres:${cluster.superuser}@127.0.0.1:${server.port}/postgres`;
      const adminUrl = `postgres://vs_admin:${cluster.admin}@127.0.0.1:${server.port}/${databaseName}`;
      if (discard && (await isUnused(adminUrl))) await dropDatabase(superuserUrl);
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
  const { promise: lost, reject: giveUp } = Promise.withResolvers<never>();
  lost.catch(() => {}); // whoever doesn't wait for it meets the loss in the next query
  let returning = Promise.resolve();
  const watch = () =>
    use.hold.once('end', () => {
      if (!closing) returning = returnTo().catch(giveUp);
    });
  const returnTo = async () => {
    process.stderr.write('The connection to Postgres was lost: going back to it.\n');
    await sleep(200);
    use = await joinServer(cluster, false);
    if (use.adminUrl !== first.adminUrl) throw new CommandError('Postgres had to change its port: start again.');
    watch();
  };
  watch();
  return {
    adminUrl: first.adminUrl,
    superuserUrl: first.superuserUrl,
    wasRunning: first.wasRunning,
    lost,
    close: async () => {
      closing = true;
      await returning; // on its way back to a server that it would leave behind
      await letGo(use.hold, cluster.data, use.server.pid);
    },
  };
}

/** Another process of ours may just be filling the database that looks as if it had been cut short. */
async function isUnused(adminUrl: string): Promise<boolean> {
  if (!(await canConnect(adminUrl))) return true;
  const client = await connect(adminUrl);
  const { rows } = await client.query(`select pg_try_advisory_lock(${useLock}) as alone`);
  await client.end();
  return rows[0].alone;
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
  return (
    ['57P01', '57P03', 'ECONNRESET', 'ECONNREFUSED'].includes(code) ||
    (error instanceof Error && /terminated|Nothing answers/.test(error.message))
  );
}

async function waitForEnd(data: string): Promise<void> {
  for (let i = 0; i < 200 && findPostmaster(data); i += 1) await sleep(50);
}
