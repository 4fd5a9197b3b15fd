// A Postgres of a test's own, to be stopped, restarted, copied and put back: what a shared server can't bear.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareDatabase } from '../../db/commands/migrate.ts';
import { connect, withLogin } from '../../db/connect.ts';
import { databaseName, provision } from '../../db/embedded/administration.ts';
import { findBinaries } from '../../db/embedded/binaries.ts';
import { type Cluster, createCluster, prepareDirectory } from '../../db/embedded/cluster.ts';
import { findPostmaster, stopPostmaster } from '../../db/embedded/postmaster.ts';
import { startServer } from '../../db/embedded/server.ts';
import { asArguments, hostRules } from '../../db/embedded/settings.ts';
import { chooseRunner, postgresEnvironment, type Runner } from '../../db/embedded/unprivileged.ts';
import { embeddedLogins } from '../../db/embedded.ts';
import { generateKeys, readKeys, writeKeyFile } from '../../db/keys.ts';
import type { Site } from '../../db/site.ts';
import { useSuperuser } from '../../db/superuser.ts';
import type { TestDatabase } from './database.ts';

const debian = '/usr/lib/postgresql/15';
/** The newest, which we bring; the oldest that we support in the run against such a server (TEST_DATABASE_URL). */
export const versions: readonly (15 | 18)[] =
  process.env.TEST_DATABASE_URL && existsSync(join(debian, 'bin', 'postgres')) ? [15] : [18];
/** A program of Debian's Postgres 15, or undefined. */
export const debianProgram = (name: string): string | undefined =>
  existsSync(join(debian, 'bin', name)) ? join(debian, 'bin', name) : undefined;

/** Both, where both are here: for tests that no run repeats against a server of its own (tests/faults). */
export const everyVersion: readonly (15 | 18)[] = debianProgram('postgres') ? [18, 15] : [18];

export type OwnCluster = {
  site: Site;
  data: string;
  superuserUrl: string;
  /** `vitalsync` as an operator of this database runs it. */
  environment: Record<string, string>;
  start(): Promise<void>;
  stop(): Promise<void>;
  /**
   * Of now: `cold`, the stopped data directory; the database `snapshot`, by createdb -T; and with Debian's Postgres 15
   * `base`, by pg_basebackup, and `dump`. Nobody else may be connected.
   */
  takeBackups(): Promise<void>;
  /** What pg_dump wrote. */
  dump: string;
  /** Replaces the stopped data directory. */
  putBack(name: 'cold' | 'base'): void;
  /** A connection as tests have it; the caller ends its `admin`. */
  connect(): Promise<TestDatabase>;
  remove(): Promise<void>;
};

export type ClusterOptions = {
  /** On where a crash is what is tested. */
  durable?: boolean;
  /** The directory to make it in: another file system. */
  below?: string;
  /** What stands before the command that starts Postgres: `env NAME=…`. */
  prefix?: readonly string[];
  /** Of Postgres, over those of the embedded one. */
  settings?: Record<string, string>;
};

/** Running, migrated, empty and cleared. Takes three seconds. */
export async function openCluster(version: 15 | 18, options: ClusterOptions = {}): Promise<OwnCluster> {
  const { durable = false, below = tmpdir(), prefix = [], settings = {} } = options;
  const directory = mkdtempSync(join(below, 'vitalsync-cluster-'));
  rmSync(directory, { recursive: true });
  prepareDirectory(directory);
  const keyFile = join(directory, 'keys.env');
  writeKeyFile(keyFile, generateKeys(embeddedLogins));
  const keys = readKeys(keyFile, {});
  const binaries = version === 18 ? findBinaries() : debian;
  const home = join(directory, 'postgres');
  const { admin = '', superuser = '' } = keys.passwords;
  const cluster: Cluster = {
    runner: withSettings(settings, after(prefix, chooseRunner(binaries, directory))),
    directory,
    home,
    data: join(home, 'data'),
    admin,
    superuser,
    durable,
  };
  if (version === 18) createCluster(cluster);
  else createOldCluster(cluster);
  const { port } = await startServer(cluster);
  const superuserUrl = `postgres://postgres:${superuser}@127.0.0.1:${port}/${databaseName}`;
  await provision(superuserUrl.replace(/[^/]*$/, 'postgres'), admin);
  const url = (role: string, password = '') => withLogin(superuserUrl, role, password);
  const site: Site = {
    directory,
    keyFile,
    keys,
    adminUrl: url('vs_admin', admin),
    edgeUrl: url('vs_edge', keys.passwords.edge),
    gateUrl: url('vs_gate', keys.passwords.gate),
    dbaUrl: url('vs_dba', keys.passwords.dba),
    close: async () => {},
  };
  await prepareDatabase(site);
  await useSuperuser(superuserUrl);
  const stop = async () => {
    const running = findPostmaster(cluster.data);
    if (running) await stopPostmaster(cluster.data, running.pid);
  };
  const copy = (name: string) => join(home, name);
  return {
    site,
    data: cluster.data,
    superuserUrl,
    environment: { VITAL_DIR: directory, DATABASE_URL: site.adminUrl },
    start: async () => void (await startServer(cluster)),
    stop,
    dump: copy('dump'),
    takeBackups: async () => {
      const superuser = await connect(superuserUrl.replace(/[^/]*$/, 'postgres'));
      await superuser.query(`create database snapshot owner vs_admin template ${databaseName}`);
      await superuser.end();
      if (version === 15) {
        run('pg_dump', ['-Fc', '-d', site.dbaUrl, '-f', copy('dump')]);
        appendFileSync(join(cluster.data, 'pg_hba.conf'), 'host replication postgres 127.0.0.1/32 scram-sha-256\n');
        await stop();
        await startServer(cluster);
        run('pg_basebackup', ['-d', superuserUrl, '-D', copy('base'), '-c', 'fast']);
        spawnSync('chown', ['-R', '--reference', cluster.data, copy('base')]);
      }
      await stop();
      copyTree(cluster.data, copy('cold'));
      await startServer(cluster);
    },
    putBack: (name) => {
      renameSync(cluster.data, copy(`replaced-${randomBytes(4).toString('hex')}`));
      copyTree(copy(name), cluster.data);
    },
    connect: async () => ({
      name: databaseName,
      keys,
      ring: keys.ring,
      pepper: keys.pepper,
      admin: await connect(site.adminUrl),
      adminUrl: site.adminUrl,
      edgeUrl: site.edgeUrl,
      gateUrl: site.gateUrl,
      dbaUrl: site.dbaUrl,
      superuserUrl,
      close: async () => {},
    }),
    remove: async () => {
      await stop();
      rmSync(directory, { recursive: true });
    },
  };
}

function after(prefix: readonly string[], runner: Runner): Runner {
  const [file, ...words] = prefix;
  if (file === undefined) return runner;
  return {
    ...runner,
    command: (program, home, args) => {
      const plain = runner.command(program, home, args);
      return program === 'postgres' ? { ...plain, file, args: [...words, plain.file, ...plain.args] } : plain;
    },
  };
}

function run(program: string, args: string[]): void {
  const done = spawnSync(debianProgram(program) ?? program, args, { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(done.stderr);
}

/** The last one of a name counts. */
function withSettings(settings: Record<string, string>, runner: Runner): Runner {
  return {
    ...runner,
    command: (program, home, args) =>
      runner.command(
        program,
        home,
        program === 'postgres' ? (inside) => [...args(inside), ...asArguments(settings)] : args,
      ),
  };
}

/** With its owner and times, as a copy by `cp -a` has them: Postgres refuses a directory that isn't its own. */
function copyTree(from: string, to: string): void {
  const done = spawnSync('cp', ['-a', from, to]);
  if (done.status !== 0) throw new Error(String(done.stderr));
}

/** Before 17 there is no built-in locale. */
function createOldCluster({ runner, home, superuser }: Cluster): void {
  mkdirSync(home, { mode: 0o700 });
  writeFileSync(join(home, 'password'), superuser);
  for (const path of [home, join(home, 'password')]) runner.give(path);
  const { file, args, options } = runner.command('initdb', home, (inside) => [
    ...['-D', `${inside}/data`, `--pwfile=${inside}/password`, '--username=postgres', '--auth=scram-sha-256'],
    ...['--encoding=UTF8', '--locale=C.UTF-8', '--no-instructions'],
  ]);
  const made = spawnSync(file, args, { ...options, env: postgresEnvironment, encoding: 'utf8' });
  if (made.status !== 0) throw new Error(made.stderr);
  rmSync(join(home, 'password'));
  writeFileSync(join(home, 'data', 'pg_hba.conf'), hostRules);
}
