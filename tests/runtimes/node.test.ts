import { afterAll, beforeAll } from 'vitest';
import { buildNode } from '../../edge/build.ts';
import type { serve as Serve, Server } from '../../edge/node.ts';
import { type Ask, assertSameApp, type Stage, setStage } from './assertions.ts';

let stage: Stage;
let server: Server;

beforeAll(async () => {
  stage = await setStage();
  const { serve } = (await import(await buildNode())) as { serve: typeof Serve }; // the bundle of edge/node.ts
  const { EDGE_URL, GATE_URL, VITAL_KEYS, VITAL_PEPPER } = stage.surroundings;
  const [id = '', key = ''] = VITAL_PEPPER.split(/=(.*)/);
  server = await serve({
    edgeUrl: EDGE_URL,
    gateUrl: GATE_URL,
    ring: VITAL_KEYS,
    pepper: { id, key: Buffer.from(key, 'base64') },
    demo: false,
    host: '127.0.0.1',
    port: 0,
    proxied: false,
  });
});
afterAll(async () => {
  await server?.stop();
  await stage?.close();
});

const ask: Ask = (path, request) =>
  fetch(new URL(path, `http://127.0.0.1:${server.port}`), { ...request, redirect: 'manual' });

assertSameApp(() => stage, ask);
