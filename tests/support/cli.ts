// `vitalsync` as people run it: a process of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

const bin = join(import.meta.dirname, '..', '..', 'db', 'bin.mjs');

export type Run = { code: number | null; out: string; err: string };
export type Running = { child: ChildProcess; out(): string; err(): string; ended: Promise<Run> };

/** Starts a command; nothing of this process's settings reaches it but PATH. */
export function startCommand(args: readonly string[], environment: Record<string, string> = {}): Running {
  const env = { PATH: process.env.PATH ?? '', ...environment };
  const child = spawn(process.execPath, [bin, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (err += chunk));
  const ended = new Promise<Run>((resolve) => child.on('close', (code) => resolve({ code, out, err })));
  return { child, out: () => out, err: () => err, ended };
}

export function runCommand(args: readonly string[], environment: Record<string, string> = {}): Promise<Run> {
  return startCommand(args, environment).ended;
}

/** The whole of what a user may be told about a failure: one sentence or two, on one line, and no stack. */
export function isOneSentence({ code, err }: Run): boolean {
  return code !== 0 && err.trim().split('\n').length === 1 && !/\bat .*:\d+:\d+|Something failed/.test(err);
}
