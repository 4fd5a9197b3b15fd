// Postgres refuses to run as root, rightly. When we are root it runs as `nobody`; and where the checkout lies
// below a directory that `nobody` can't enter (/root), its files are shown to it at another place.
import { type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from '../command-error.ts';

/** A way to run a Postgres program. Its `home` is a directory that this user owns, with the data in it. */
export type Runner = {
  /** The command that runs `program` of Postgres's bin; `args` learn where `home` is from its point of view. */
  command(
    program: 'initdb' | 'postgres',
    home: string,
    args: (home: string) => string[],
  ): { file: string; args: string[]; options: SpawnOptions };
  /** Gives a file or directory to the user that Postgres runs as. */
  give(path: string): void;
  /** Takes a file out of that user's reach. */
  keepFrom(path: string): void;
};

const nobody = 65534;

/** The first way that works here. `folder` is a directory of ours, with Postgres's home in it. */
export function chooseRunner(binaries: string, folder: string): Runner {
  if (process.getuid?.() !== 0) return asOurselves(binaries);
  const ways = [asNobody(binaries), asNobodyElsewhere(binaries, folder), asMappedUser(binaries)];
  const runner = ways.find((way) => works(way, folder));
  if (runner) return runner;
  throw new CommandError(
    `Postgres doesn't run as root, and no other user may enter ${folder}: set VITAL_DIR to a directory below /var/lib, or start as an ordinary user.`,
  );
}

/** Tries to look into a directory below `folder` that belongs to the Postgres user, as its home will. */
function works(runner: Runner, folder: string): boolean {
  const home = mkdtempSync(join(folder, 'probe-'));
  runner.give(home);
  const { file, args, options } = runner.command('postgres', home, (inside) => ['-C', 'port', '-D', inside]);
  const result = spawnSync(file, args, {
    ...options,
    env: postgresEnvironment,
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  rmSync(home, { recursive: true });
  // There is no postgresql.conf in it: to have missed it means to have got in.
  return /configuration file .*No such file/.test(result.stderr ?? '');
}

function asOurselves(binaries: string): Runner {
  return {
    command: (program, home, args) => ({ file: join(binaries, 'bin', program), args: args(home), options: {} }),
    give: () => {},
    keepFrom: () => {},
  };
}

function asNobody(binaries: string): Runner {
  return {
    command: (program, home, args) => ({
      file: join(binaries, 'bin', program),
      args: args(home),
      options: { uid: nobody, gid: nobody, cwd: '/' },
    }),
    give: (path) => chownSync(path, nobody, nobody),
    keepFrom: () => {},
  };
}

/** Binaries and home are mounted on a path that everybody may enter, seen by these processes alone. */
function asNobodyElsewhere(binaries: string, folder: string): Runner {
  const place = ['/mnt', '/media', '/srv'].find(
    (path) => existsSync(path) && !folder.startsWith(path) && !binaries.startsWith(path),
  );
  const script = `set -e
    mount -t tmpfs -o mode=755 tmpfs "$1"; mkdir "$1/postgres" "$1/home"
    mount --bind "$2" "$1/postgres"; mount --bind "$3" "$1/home"
    cd "$1"; program=$1/postgres/bin/$4; shift 4
    exec setpriv --reuid=${nobody} --regid=${nobody} --clear-groups --no-new-privs "$program" "$@"`;
  return {
    ...asNobody(binaries),
    command: (program, home, args) => ({
      file: 'unshare',
      args: [
        '-m',
        '--',
        'sh',
        '-c',
        script,
        'sh',
        place ?? '/mnt',
        binaries,
        home,
        program,
        ...args(`${place ?? '/mnt'}/home`),
      ],
      options: { cwd: '/' },
    }),
  };
}

/**
 * Root without its powers, in a user namespace. To the file system that is still the owner of root's files, so
 * what Postgres must not read is given to somebody else, whom root can read and this process can't.
 */
function asMappedUser(binaries: string): Runner {
  return {
    command: (program, home, args) => ({
      file: 'unshare',
      args: [
        '-U',
        `--map-user=${nobody}`,
        `--map-group=${nobody}`,
        '--',
        join(binaries, 'bin', program),
        ...args(home),
      ],
      options: { cwd: '/' },
    }),
    give: () => {},
    keepFrom: (path) => chownSync(path, nobody, nobody),
  };
}

/** Starts a program that outlives us when we are killed; its own session keeps a Ctrl-C from reaching it. */
export function launch(
  runner: Runner,
  home: string,
  args: (home: string) => string[],
  log: number,
): ReturnType<typeof spawn> {
  const command = runner.command('postgres', home, args);
  return spawn(command.file, command.args, {
    ...command.options,
    detached: true,
    stdio: ['ignore', log, log],
    env: postgresEnvironment,
  });
}

/** None of ours: the environment may hold keys. */
export const postgresEnvironment = { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
