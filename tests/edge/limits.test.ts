import fc from 'fast-check';
import type { Hono } from 'hono';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Env } from '../../edge/session.ts';
import { ask, guarded } from './support.ts';

let app: Hono<Env>;
beforeEach(async () => {
  app = await guarded();
});

const post = (body: BodyInit, headers: Record<string, string> = {}) =>
  ask(app, '/notes', { method: 'POST', body, headers });
const MEGABYTE = 1024 * 1024;

/** A body of unknown length, as `Transfer-Encoding: chunked` brings it. */
function stream(bytes: number): ReadableStream<Uint8Array> {
  let left = bytes;
  return new ReadableStream({
    pull(controller) {
      const size = Math.min(left, 64 * 1024);
      left -= size;
      if (size === 0) controller.close();
      else controller.enqueue(new Uint8Array(size).fill(97));
    },
  });
}

describe('a body', () => {
  test('of more than 1 MB is refused with 413', async () =>
    expect((await post(`plan=${'a'.repeat(MEGABYTE)}`)).status).toBe(413));
  test('of more than 1 MB is refused while it streams', async () =>
    expect((await post(stream(2 * MEGABYTE))).status).toBe(413));
  test('that announces more than 1 MB is refused', async () =>
    expect((await post('a=1', { 'Content-Length': '1048577' })).status).toBe(413));
  test('with a length that is no number is refused', async () =>
    expect((await post('a=1', { 'Content-Length': '1e1' })).status).toBe(400));
  test('of nearly 1 MB is read', async () => {
    const answer = await post(`plan=${'a'.repeat(MEGABYTE - 5)}`);
    expect(answer.status).toBe(200);
    expect((await answer.json()).plan).toHaveLength(MEGABYTE - 5);
  });
  test('keeps its accents, lines and signs', async () => {
    const text = 'Élévation à 38,5 °C\r\n\tpuis 100 % & plus; <b>œdème</b> +';
    const answer = await post(new URLSearchParams({ subjective: text }).toString());
    expect(await answer.json()).toEqual({ subjective: text });
  });

  test.each([
    ['a cut escape', 'plan=%'],
    ['an escape that is none', 'plan=%zz'],
    ['a NUL', 'plan=a%00b'],
    ['a NUL as it is', 'plan=a\0b'],
    ['a NUL in a name', 'pl%00an=a'],
    ['an escape character', 'plan=%1b[2J'],
    ['an overlong encoding', 'plan=%c0%af'],
    ['a lone surrogate', 'plan=%ed%a0%80'],
    ['a cut UTF-8 sequence', 'plan=%e9'],
    ['a parameter twice', 'plan=rest&plan=work'],
    ['a parameter twice, once escaped', 'plan=rest&pl%61n=work'],
  ])('with %s is refused with 400', async (_, body) => expect((await post(body)).status).toBe(400));

  test('in Latin-1 is refused with 400', async () =>
    expect((await post(new Uint8Array([112, 61, 0xe9]))).status).toBe(400));

  test.each([
    ['JSON', 'application/json', '{"plan":"rest"}'],
    ['plain text, which other sites may send', 'text/plain', 'plan=rest'],
    ['a file', 'multipart/form-data; boundary=x', '--x\r\n\r\n--x--'],
    ['no type', '', 'plan=rest'],
  ])('of %s is refused with 415', async (_, type, body) => {
    expect((await post(new TextEncoder().encode(body), { 'Content-Type': type })).status).toBe(415);
  });
  test('that is compressed is refused with 415', async () =>
    expect((await post('a=1', { 'Content-Encoding': 'gzip' })).status).toBe(415));
  test('that is absent is fine', async () =>
    expect((await ask(app, '/sign-out', { method: 'POST' })).status).toBe(303));
});

describe('a path or query', () => {
  test.each([
    '/%00',
    '/patients/%00',
    '/patients/%',
    '/patients/%zz',
    '/patients/%c0%ae',
    '/patients/%ff',
    '/patients/a%0d%0aSet-Cookie:x',
    '/patients/%5c..',
    '/?q=%00',
    '/?q=%e9',
    '/?a=1&a=2',
    '/?a=1&%61=2',
  ])('%s is refused with 400', async (path) => expect((await ask(app, path)).status).toBe(400));
  test('of 5,000 characters is refused with 414', async () =>
    expect((await ask(app, `/patients/${'a'.repeat(5000)}`)).status).toBe(414));
  test('with accents is fine', async () =>
    expect((await ask(app, '/patients/%C3%A9t%C3%A9?q=%C3%A0+b')).status).toBe(200));
});

describe('headers', () => {
  test.each([
    ['Host twice', { Host: 'vital.test, evil.example' }],
    ['Host with a path', { Host: 'vital.test/evil' }],
    ['Host with a user', { Host: 'user@vital.test' }],
    ['Host with markup', { Host: '"><script>' }],
    ['Content-Type twice', { 'Content-Type': 'text/plain, application/x-www-form-urlencoded' }],
    ['X-Forwarded-Proto twice', { 'X-Forwarded-Proto': 'https, http' }],
  ])('%s is refused with 400', async (_, headers) => expect((await post('a=1', headers)).status).toBe(400));

  test.each(['127.0.0.1:3000', 'localhost', '[::1]:3000', 'sync.cabinet-martin.fr', 'sync.cabinet-martin.fr.'])(
    'Host %s is fine',
    async (host) => expect((await ask(app, '/', { headers: { Host: host } })).status).toBe(200),
  );
});

test.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND'])('%s is refused with 405', async (method) => {
  const answer = await ask(app, '/notes', { method });
  expect(answer.status).toBe(405);
  expect(answer.headers.get('allow')).toBe('GET, HEAD, POST');
});

test('no path, query or body makes a fault', async () => {
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^(%[0-9a-f]{2}|[a-z=&+;%])*$/));
  await fc.assert(
    fc.asyncProperty(text, text, async (inUrl, inBody) => {
      expect((await ask(app, `/patients/${inUrl.replace(/^\/+/, '')}`)).status).toBeLessThan(500);
      expect((await post(new TextEncoder().encode(inBody))).status).toBeLessThan(500);
    }),
    { numRuns: 300 },
  );
});
