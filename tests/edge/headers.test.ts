import type { Hono } from 'hono';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Env } from '../../edge/session.ts';
import { ask, guarded } from './support.ts';

let app: Hono<Env>;
beforeEach(async () => {
  app = await guarded();
});

const policyOf = (answer: Response) => answer.headers.get('content-security-policy') ?? '';

describe.each([
  ['a page', '/'],
  ['a page that does not exist', '/nowhere'],
  ['a failure', '/fault'],
  ['a page that tries to loosen them', '/loosened'],
  ['a refusal', '/%00'],
  ['a static file', '/static/vital.css?v=1'],
])('%s', (_, path) => {
  test('carries every header of F1', async () => {
    const { headers } = await ask(app, path);
    expect(Object.fromEntries(headers)).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'same-origin',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'permissions-policy': expect.stringContaining('camera=(), microphone=()'),
      'x-request-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  });

  test('allows nothing unsafe, no frame, and no other source than itself', async () => {
    const policy = policyOf(await ask(app, path));
    expect(policy).not.toMatch(/unsafe|\*|data:|blob:|https?:/);
    for (const part of ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"])
      expect(policy).toContain(part);
  });
});

test('each answer has a nonce of its own, of 128 bits, that its page can use', async () => {
  const [one, two] = [await ask(app, '/'), await ask(app, '/')];
  const [, nonce] = /script-src 'self' 'nonce-([A-Za-z0-9+/]{22}==)'/.exec(policyOf(one)) ?? [];
  expect(await one.text()).toContain(`nonce="${nonce}"`);
  expect(policyOf(two)).not.toContain(nonce);
});

test('a page is never stored, nor is a file that is missing', async () => {
  for (const path of ['/', '/nowhere', '/fault', '/loosened', '/static/gone.css?v=1']) {
    expect((await ask(app, path)).headers.get('cache-control'), path).toBe('no-store');
  }
});

test('a static file is kept for good when its URL names its version, and asked for again when not', async () => {
  expect((await ask(app, '/static/vital.css?v=1f')).headers.get('cache-control')).toBe(
    'public, max-age=31536000, immutable',
  );
  expect((await ask(app, '/static/vital.css')).headers.get('cache-control')).toBe('public, no-cache');
});

describe('HSTS', () => {
  const hsts = async (origin: string, proxied: boolean, headers = {}) =>
    (await ask(app, '/', { origin, from: { proxied }, headers })).headers.get('strict-transport-security');

  test('is sent over https', async () =>
    expect(await hsts('https://vital.test', false)).toBe('max-age=63072000; includeSubDomains'));
  test('is sent when our proxy says https', async () =>
    expect(await hsts('http://vital.test', true, { 'X-Forwarded-Proto': 'https' })).not.toBeNull());
  test('is not sent over http', async () => expect(await hsts('http://127.0.0.1:3000', false)).toBeNull());
  test('cannot be provoked by a caller without a proxy', async () =>
    expect(await hsts('http://vital.test', false, { 'X-Forwarded-Proto': 'https' })).toBeNull());
});
