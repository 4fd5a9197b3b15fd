// Needs a Deno: DENO names its file, else `deno` on the path; `.ci/run` brings one from npm.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { type Ask, assertSameApp, type Stage, setStage } from './assertions.ts';

const root = join(import.meta.dirname, '../..');
const deno = process.env.DENO || 'deno';
const found = spawnSync(deno, ['--version']).status === 0;

if (!found) test.skip('skipped: no deno');

describe.runIf(found)('on Deno', () => {
  let stage: Stage;
  let child: ChildProcess;
  let address: string;

  beforeAll(async () => {
    stage = await setStage();
    child = spawn(
      deno,
      ['run', '--config', 'edge/deno.json', '--allow-net', '--allow-env', '--allow-read=.', 'edge/deno.ts'],
      {
        cwd: root,
        env: { ...process.env, ...stage.surroundings, HOST: '127.0.0.1', PORT: '0' },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    address = await announced(child);
  });
  afterAll(async () => {
    await ended(child);
    await stage?.close();
  });

  const ask: Ask = (path, request) => fetch(new URL(path, address), { ...request, redirect: 'manual' });

  assertSameApp(() => stage, ask);
});

/** The address that the entry prints; its own complaint when it ends instead. */
function announced(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const read = (bytes: Buffer) => {
      text += bytes;
      const url = /Vital Sync is ready: (http:\S+)/.exec(text)?.[1];
      if (url) resolve(url);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('exit', () => reject(new Error(`Deno ended: ${text}`)));
  });
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (!child || child.exitCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}
