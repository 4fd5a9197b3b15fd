// workerd, started by wrangler from wrangler.toml, with Hyperdrive bindings that lead to the test's Postgres.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { unstable_startWorker } from 'wrangler';
import { type Ask, assertSameApp, type Stage, setStage } from './assertions.ts';

type Worker = Awaited<ReturnType<typeof unstable_startWorker>>;
let stage: Stage;
let worker: Worker;
const state = mkdtempSync(join(tmpdir(), 'vitalsync-worker-'));

beforeAll(async () => {
  stage = await setStage();
  const { EDGE_URL, GATE_URL, VITAL_KEYS, VITAL_PEPPER } = stage.surroundings;
  // How wrangler is told where a Hyperdrive binding leads locally.
  process.env.CLOUDFLARE_HYPERDRIVE_LOCAL_CONNECTION_STRING_EDGE = EDGE_URL;
  process.env.CLOUDFLARE_HYPERDRIVE_LOCAL_CONNECTION_STRING_GATE = GATE_URL;
  process.env.CLOUDFLARE_CF_FETCH_ENABLED = 'false'; // a description of the caller's place, which we don't read
  worker = await unstable_startWorker({
    config: join(import.meta.dirname, '../../wrangler.toml'),
    bindings: {
      VITAL_KEYS: { type: 'plain_text', value: VITAL_KEYS },
      VITAL_PEPPER: { type: 'plain_text', value: VITAL_PEPPER },
    },
    dev: { server: { port: 0 }, inspector: false, logLevel: 'error', watch: false, persist: state },
  });
  await worker.ready;
}, 60_000);
afterAll(async () => {
  await worker?.dispose();
  await stage?.close();
  rmSync(state, { recursive: true });
});

const ask: Ask = async (path, request) => fetch(new URL(path, await worker.url), { ...request, redirect: 'manual' });

assertSameApp(() => stage, ask);

test('requests under way at the same time have a client each', async () => {
  const path = `/patients/${stage.patient}`;
  const answers = await Promise.all(Array.from({ length: 6 }, () => ask(path, { headers: { Cookie: stage.cookie } })));
  expect(answers.map((answer) => answer.status)).toEqual(Array(6).fill(200));
});
