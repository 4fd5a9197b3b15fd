import type { Hono } from 'hono';
import { beforeEach, describe, expect, test } from 'vitest';
import { readOrigin } from '../../edge/environment.ts';
import type { Env } from '../../edge/session.ts';
import { ask, guarded, ORIGIN } from './support.ts';

let app: Hono<Env>;
beforeEach(async () => {
  app = await guarded();
});

const change = (headers: Record<string, string>, path = '/notes') =>
  ask(app, path, { method: 'POST', body: 'plan=rest', headers });

describe('another site cannot change anything', () => {
  test.each([
    ['its own Origin', { Origin: 'https://evil.example' }],
    ['its own Origin and no Fetch Metadata', { Origin: 'https://evil.example', 'Sec-Fetch-Site': '' }],
    ['Sec-Fetch-Site cross-site under our Origin', { 'Sec-Fetch-Site': 'cross-site' }],
    ['Sec-Fetch-Site same-site, from a neighbouring subdomain', { 'Sec-Fetch-Site': 'same-site' }],
    ['Sec-Fetch-Site none', { 'Sec-Fetch-Site': 'none' }],
    ['Sec-Fetch-Site twice', { 'Sec-Fetch-Site': 'same-origin, cross-site' }],
    ['Origin null, from a sandboxed frame', { Origin: 'null' }],
    ['no Origin', { Origin: '' }],
    ['no Origin and no Fetch Metadata', { Origin: '', 'Sec-Fetch-Site': '' }],
    ['our Origin on another port', { Origin: `${ORIGIN}:8443` }],
    ['our Origin under another scheme', { Origin: 'https://vital.test' }],
    ['a longer name that starts as ours', { Origin: `${ORIGIN}.evil.example` }],
    ['a subdomain of ours', { Origin: 'http://evil.vital.test' }],
    ['two Origins', { Origin: `${ORIGIN}, https://evil.example` }],
    ['our Origin with a path', { Origin: `${ORIGIN}/` }],
  ])('with %s', async (_, headers) => {
    const answer = await change(headers);
    expect([400, 403]).toContain(answer.status);
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
  });

  test('by claiming a host of its own with X-Forwarded-Host', async () => {
    const answer = await change({
      Origin: 'https://evil.example',
      'X-Forwarded-Host': 'evil.example',
      'X-Forwarded-Proto': 'https',
    });
    expect(answer.status).toBe(403);
  });

  test('by hiding a POST in a GET', async () => {
    const answer = await ask(app, '/notes?_method=POST', { headers: { 'X-HTTP-Method-Override': 'POST' } });
    expect(answer.status).toBe(404);
  });

  test('and the refusal says what to do in both languages, with a reference', async () => {
    const answer = await change({ Origin: 'null' });
    expect(answer.status).toBe(403);
    const text = await answer.text();
    expect(text).toContain('Vital Sync a refusé cette demande');
    expect(text).toContain('Vital Sync refused this request');
    expect(text).toContain(answer.headers.get('x-request-id'));
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
  });
});

describe('our own pages can', () => {
  test('change with Fetch Metadata', async () => expect((await change({})).status).toBe(200));
  test('change in a browser without Fetch Metadata', async () =>
    expect((await change({ 'Sec-Fetch-Site': '' })).status).toBe(200));

  test('change behind our proxy, where the address bar says https', async () => {
    const headers = { Origin: 'https://vital.test', 'X-Forwarded-Proto': 'https' };
    const answer = await ask(app, '/notes', { method: 'POST', body: 'plan=rest', headers, from: { proxied: true } });
    expect(answer.status).toBe(200);
  });
});

describe('PUBLIC_ORIGIN', () => {
  const from = { origin: 'https://dossier.test' };
  const post = (headers: Record<string, string>) =>
    ask(app, '/notes', { method: 'POST', body: 'plan=rest', headers, from });

  test('is believed, and no Host header', async () => {
    expect((await post({ Origin: 'https://dossier.test', Host: 'evil.test' })).status).toBe(200);
    expect((await post({ Origin: 'http://evil.test', Host: 'evil.test' })).status).toBe(403);
  });

  test.each(['https://a.test/', 'https://A.test', 'http://a.test', 'https://a.test:x', 'a.test', 'https://a@b.test'])(
    'cannot be %s',
    (text) => expect(() => readOrigin({ PUBLIC_ORIGIN: text })).toThrow('PUBLIC_ORIGIN must be like'),
  );
  test.each(['https://a.test', 'https://a.test:8443', 'http://localhost:3000', 'http://127.0.0.1:3000'])(
    'can be %s',
    (text) => expect(readOrigin({ PUBLIC_ORIGIN: text })).toEqual({ origin: text }),
  );
  test('may be missing', () => expect(readOrigin({ PUBLIC_ORIGIN: '' })).toEqual({}));
});

describe('another site may link to a page', () => {
  const foreign = (mode: string, dest: string) => ({
    'Sec-Fetch-Site': 'cross-site',
    'Sec-Fetch-Mode': mode,
    'Sec-Fetch-Dest': dest,
  });

  test('that somebody follows', async () =>
    expect((await ask(app, '/', { headers: foreign('navigate', 'document') })).status).toBe(200));
  test.each([
    ['an image', 'no-cors', 'image'],
    ['a script', 'no-cors', 'script'],
    ['a fetch', 'cors', 'empty'],
    ['an embedded object', 'navigate', 'object'],
    ['an embed', 'navigate', 'embed'],
  ])('but not load it as %s', async (_, mode, dest) => {
    expect((await ask(app, '/patients/1', { headers: foreign(mode, dest) })).status).toBe(403);
  });
});
