import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError } from './command-error.ts';

/** Runs `work` while no other process of ours does the same; a lock file that a killed one left is no hindrance. */
export async function oneAtATime<T>(lockFile: string, work: () => Promise<T>): Promise<T> {
  for (const end = Date.now() + 120_000; !takeLock(lockFile); await sleep(50)) {
    if (Date.now() > end)
      throw new CommandError(`Another command has been starting for two minutes: end it, or remove ${lockFile}.`);
  }
  try {
    return await work();
  } finally {
    rmSync(lockFile, { force: true });
  }
}

function takeLock(lockFile: string): boolean {
  try {
    writeFileSync(lockFile, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    if (!holderIsAlive(lockFile)) rmSync(lockFile, { force: true });
    return false;
  }
}

function holderIsAlive(lockFile: string): boolean {
  try {
    process.kill(Number(readFileSync(lockFile, 'utf8')) || process.pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
