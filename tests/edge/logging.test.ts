import type { Hono } from 'hono';
import { beforeEach, expect, test } from 'vitest';
import type { Env } from '../../edge/session.ts';
import { ask, guarded, lines, TOKEN } from './support.ts';

let app: Hono<Env>;
beforeEach(async () => {
  app = await guarded();
});

const logged = () => lines.map((line) => JSON.parse(line));

test('a request is one line of JSON: id, method, pattern, status, duration, size', async () => {
  const answer = await ask(app, '/patients/0198c0de-0000-7000-8000-000000000001');
  expect(lines).toHaveLength(1);
  expect(logged()[0]).toEqual({
    '@timestamp': expect.stringMatching(/^\d{4}-.*Z$/),
    level: 'INFO',
    logger: 'vitalsync',
    message: 'answered',
    id: answer.headers.get('x-request-id'),
    method: 'GET',
    route: '/patients/:id',
    status: 200,
    ms: expect.any(Number),
    bytes: (await answer.text()).length,
  });
});

test('nothing personal is in it: no id, query, body, cookie, address or user agent', async () => {
  const headers = {
    Cookie: `__Host-vs=${TOKEN}.clinician`,
    'User-Agent': 'CanaryAgent',
    'X-Forwarded-For': '203.0.113.77',
  };
  const from = { address: '192.0.2.55', proxied: true };
  await ask(app, '/patients/canary-id?name=canary-query', { headers, from });
  await ask(app, '/canary-path', { headers, from });
  await ask(app, '/notes', { method: 'POST', body: 'plan=canary-body', headers, from });
  await ask(app, '/notes', {
    method: 'POST',
    body: 'plan=canary-body',
    headers: { ...headers, Origin: 'http://canary-origin' },
    from,
  });
  await ask(app, '/canary-bad%00', { method: 'CANARY-METHOD', headers, from });
  expect(lines).toHaveLength(5);
  for (const secret of ['canary', 'CANARY', 'Canary', TOKEN, '203.0.113', '192.0.2'])
    expect(lines.join('\n')).not.toContain(secret);
});

test('a fault is its class and SQLSTATE, without its message or stack', async () => {
  const answer = await ask(app, '/fault');
  expect(logged()).toMatchObject([
    { level: 'ERROR', message: 'failed', status: 500, error: 'RangeError', sqlstate: '22003' },
  ]);
  expect(lines[0]).not.toMatch(/Lefèvre|out of range|\.ts/);
  expect(logged()[0].id).toBe(answer.headers.get('x-request-id'));
});

test('a refusal is no fault: its reason and SQLSTATE, without its cause', async () => {
  await ask(app, '/refused');
  expect(logged()).toMatchObject([
    { level: 'INFO', message: 'refused', status: 404, error: 'Refusal', reason: 'hidden', sqlstate: 'VS404' },
  ]);
  expect(lines[0]).not.toContain('Lefèvre');
});
