// The directory of an installation, and the data directory that initdb makes in it.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { CommandError } from '../command-error.ts';
import { scramVerifier } from '../scram.ts';
import { clusterOptions, hostRules } from './settings.ts';
import { postgresEnvironment, type Runner } from './unprivileged.ts';

export type Cluster = {
  runner: Runner;
  /** VITAL_DIR */
  directory: string;
  /** Belongs to the Postgres user. */
  home: string;
  data: string;
  /** Passwords of vs_admin and of the superuser. */
  admin: string;
  superuser: string;
  /** False in tests: a crash may lose everything. */
  durable: boolean;
};
/** Makes our directory: nobody else lists it, and as root the Postgres user may pass. One that is there stays as it is. */
export function prepareDirectory(directory: string): void {
  try {
    const made = makeDirectories(directory);
    if (made && process.platform !== 'win32') chmodSync(directory, process.getuid?.() === 0 ? 0o711 : 0o700);
    const probe = join(directory, '.probe');
    writeFileSync(probe, '');
    rmSync(probe);
  } catch {
    throw new CommandError(`Can't write to ${directory}: make it writable, or set VITAL_DIR to a directory that is.`);
  }
}

/** One level after the other: `recursive` of Node goes on for ever where the kernel says no with ENOENT, as in /proc. */
function makeDirectories(directory: string): boolean {
  if (existsSync(directory)) return false;
  makeDirectories(dirname(directory));
  mkdirSync(directory);
  return true;
}

/** initdb into a directory of another name, so that one that was cut short is never taken for a whole one. */
export function createCluster({ runner, home, superuser }: Cluster): void {
  removeUnfinished(home);
  mkdirSync(home, { mode: 0o700 });
  // Postgres takes a verifier for a password: nothing in clear is written, not even for a moment.
  writeFileSync(join(home, 'verifier'), scramVerifier(superuser));
  for (const path of [home, join(home, 'verifier')]) runner.give(path);
  const initdb = runner.command('initdb', home, (inside) => [
    '-D',
    `${inside}/new`,
    `--pwfile=${inside}/verifier`,
    ...clusterOptions,
  ]);
  const result = spawnSync(initdb.file, initdb.args, { ...initdb.options, env: postgresEnvironment, encoding: 'utf8' });
  rmSync(join(home, 'verifier'));
  if (result.status !== 0)
    throw new CommandError(
      `Postgres can't make its data directory: ${lastLine(result.stderr) || result.error?.message}`,
    );
  writeFileSync(join(home, 'new', 'pg_hba.conf'), hostRules);
  renameSync(join(home, 'new'), join(home, 'data'));
}

/** Data of one major version can't be read by another. */
export function checkMajor(binaries: string, data: string): void {
  const made = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim();
  const shipped = String(JSON.parse(readFileSync(join(binaries, '..', 'package.json'), 'utf8')).version).split('.')[0];
  if (made !== shipped)
    throw new CommandError(
      `${data} was made by Postgres ${made}, and npm has ${shipped} now: use the version of Vital Sync that made it, or set VITAL_DIR to another directory.`,
    );
}

/** What an initdb that was cut short left. Anything else in that place isn't ours to remove. */
function removeUnfinished(home: string): void {
  if (!existsSync(home)) return;
  const strange = readdirSync(home).find((name) => !['new', 'verifier'].includes(name));
  if (strange)
    throw new CommandError(`${home} holds something that isn't ours (${strange}): set VITAL_DIR to another directory.`);
  rmSync(home, { recursive: true });
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';
