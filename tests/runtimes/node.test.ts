import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
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

test.each([
  ['a Host that is none', 'GET /sign-in HTTP/1.1\r\nHost: a@evil.example\r\n\r\n', '400', 'request.host'],
  ['another Host that is none', 'GET /sign-in HTTP/1.1\r\nHost: a:99999999\r\n\r\n', '400', 'request.host'],
  ['a Host with what the app refuses', 'GET /sign-in HTTP/1.1\r\nHost: a,b\r\n\r\n', '400', 'request.host'],
  ['no HTTP', 'evil evil evil\r\n\r\n', '400', 'request.malformed'],
  [
    'two lengths',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
    '400',
    'request.malformed',
  ],
  [
    'two transports',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
    '400',
    'request.malformed',
  ],
  [
    '20 kB of headers',
    `GET / HTTP/1.1\r\nHost: a\r\nX-Evil: ${'a'.repeat(20_000)}\r\n\r\n`,
    '431',
    'request.too_large',
  ],
])('%s is refused before the app, and recorded', async (_, text, status, event) => {
  const count = async () => {
    const query = `select coalesce(sum((details::json ->> 'times')::int), 0)::int as n from audit.events where event = '${event}'`;
    return (await stage.owner(query))[0]?.n as number;
  };
  const before = await count();
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(server.port, '127.0.0.1', () => socket.write(text));
    socket.once('data', (bytes) => resolve(bytes.toString()));
    socket.once('error', reject).setTimeout(5000, () => reject(new Error('no answer')));
  });
  expect(answer).toContain(`HTTP/1.1 ${status} `);
  await expect.poll(count).toBe(before + 1);
});
