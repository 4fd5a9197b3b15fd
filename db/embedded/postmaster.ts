// The Postgres process: found by its pid file, started, waited for, stopped.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError } from '../command-error.ts';

export type Postmaster = { pid: number; port: number; ready: boolean };

/** The server that runs on this data directory, if there is one. A pid that now belongs to another program is none. */
export function findPostmaster(data: string): Postmaster | undefined {
  const file = join(data, 'postmaster.pid');
  if (!existsSync(file)) return undefined;
  const [pid, , , port, , , , status] = readFileSync(file, 'utf8').split('\n');
  const found = { pid: Number(pid), port: Number(port), ready: status?.trim() === 'ready' };
  return found.pid > 0 && isPostgres(found.pid) ? found : undefined;
}

/** A server that is there already, ready; one that is just starting is waited for. */
export async function runningServer(data: string): Promise<Postmaster | undefined> {
  const found = findPostmaster(data);
  if (!found) return undefined;
  return found.ready ? found : waitUntilReady(data, () => !findPostmaster(data));
}

/** Removes the pid file that a crash left, when its number now belongs to another program: Postgres would refuse. */
export function forgetStalePid(data: string): void {
  if (!findPostmaster(data)) rmSync(join(data, 'postmaster.pid'), { force: true });
}

/** Waits until the server takes connections. `died` says that the process we started has ended. */
export async function waitUntilReady(data: string, died: () => boolean, seconds = 60): Promise<Postmaster> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(5)) {
    const server = findPostmaster(data);
    if (server?.ready) return server;
    if (died()) throw new CommandError(`Postgres ended at its start${lastWords(data)}`);
  }
  throw new CommandError(`Postgres isn't ready after ${seconds} seconds${lastWords(data)}`);
}

/** Ends the server in good order (fast shutdown), and by force when it doesn't after half a minute. */
export async function stopPostmaster(data: string, pid: number): Promise<void> {
  for (const [signal, seconds] of [
    ['SIGINT', 30],
    ['SIGQUIT', 10],
    ['SIGKILL', 5],
  ] as const) {
    try {
      process.kill(pid, signal);
    } catch {
      return; // it has ended
    }
    for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(5)) if (!isPostgres(pid)) return;
  }
  throw new CommandError(`Postgres (process ${pid}) on ${data} doesn't stop: end it by hand.`);
}

function isPostgres(pid: number): boolean {
  if (process.platform === 'linux') {
    try {
      // A zombie has ended; its command line is empty.
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('postgres');
    } catch {
      return false; // no such process
    }
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** The last thing that the server wrote, for the sentence about its end. */
function lastWords(data: string): string {
  const log = join(data, '..', 'postgres.log');
  const line = existsSync(log)
    ? readFileSync(log, 'utf8')
        .split('\n')
        .filter((text) => /FATAL|ERROR|HINT/.test(text))
        .at(-1)
    : '';
  const text = line?.replace(/^.*?(FATAL|ERROR|HINT): +/, '');
  return text ? `: ${text}` : `; ${log} may say why.`;
}
