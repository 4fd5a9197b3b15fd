import fc from 'fast-check';
import type { Hono } from 'hono';
import { beforeEach, describe, expect, test } from 'vitest';
import { type Bindings, type Env, newToken } from '../../edge/session.ts';
import { ask, guarded, TOKEN } from './support.ts';

let app: Hono<Env>;
beforeEach(async () => {
  app = await guarded();
});

type Seen = {
  token: string | null;
  role: string;
  ip: string;
  userAgent: string;
  requestId: string;
  place: string | null;
  lang: string;
  theme: string;
};
const who = async (headers: Record<string, string> = {}, from: Bindings = {}): Promise<Seen> =>
  (await ask(app, '/who', { headers, from })).json();
const signedOut = { token: null, role: 'anon' };

describe('the session cookie', () => {
  test('is given with every protection', async () => {
    const answer = await ask(app, '/sign-in', { method: 'POST' });
    const [cookie = ''] = answer.headers.getSetCookie();
    expect(cookie.split('; ').sort()).toEqual([
      'HttpOnly',
      'Path=/',
      'SameSite=Lax',
      'Secure',
      `__Host-vs=${TOKEN}.clinician`,
    ]);
    expect(await who({ Cookie: cookie.split(';')[0] ?? '' })).toMatchObject({ token: TOKEN, role: 'clinician' });
  });

  test('comes with one for the device, which keeps the one that is there', async () => {
    const cookies = async (headers = {}) =>
      (await ask(app, '/sign-in', { method: 'POST', headers })).headers.getSetCookie();
    const [, device = ''] = await cookies();
    expect(device).toMatch(
      /^__Host-device=[A-Za-z0-9_-]{43}; Max-Age=34560000; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
    const [, again] = await cookies({ Cookie: device.split(';')[0] });
    expect(again).toBe(device);
    // one that anybody could choose is none
    for (const odd of ['short', `${'a'.repeat(43)}; __Host-device=${'b'.repeat(43)}`, "'; drop table"])
      expect((await cookies({ Cookie: `__Host-device=${odd}` }))[1]).not.toContain(`=${odd.slice(0, 43)}`);
  });

  test('is taken back at sign-out', async () => {
    const cookie = (await ask(app, '/sign-out', { method: 'POST' })).headers.get('set-cookie');
    expect(cookie).toMatch(/^__Host-vs=; Max-Age=0; /);
  });

  test.each([
    ['no cookie', ''],
    ['no role', `__Host-vs=${TOKEN}`],
    ['a role that does not exist', `__Host-vs=${TOKEN}.superuser`],
    ['the role of a command', `__Host-vs=${TOKEN}.import`],
    ['a token cut short', `__Host-vs=${TOKEN.slice(1)}.clinician`],
    ['a longer token', `__Host-vs=a${TOKEN}.clinician`],
    ['a token outside base64url', `__Host-vs=${TOKEN.slice(1)}'.clinician`],
    ['a cookie without the prefix', `vs=${TOKEN}.clinician`],
    ['a cookie of another name that ends alike', `x__Host-vs=${TOKEN}.clinician`],
    ['two cookies', `__Host-vs=${TOKEN}.clinician; __Host-vs=${newToken()}.clinician`],
    ['two Cookie headers', `__Host-vs=${TOKEN}.clinician, __Host-vs=${newToken()}.clinician`],
    ['the same cookie twice', `__Host-vs=${TOKEN}.clinician; __Host-vs=${TOKEN}.clinician`],
    ['a quoted value', `__Host-vs="${TOKEN}.clinician"`],
    ['an escaped value', `__Host-vs=${TOKEN}%2Eclinician`],
  ])('is no session with %s', async (_, cookie) => expect(await who({ Cookie: cookie })).toMatchObject(signedOut));

  test('never makes a fault, whatever it holds', async () => {
    const value = fc.oneof(
      fc.string(),
      fc.stringMatching(/^[A-Za-z0-9_.%;=-]{0,80}$/),
      fc.stringMatching(/^__Host-vs=[A-Za-z0-9_-]{40,46}\.[a-z_]{3,10}$/),
    );
    await fc.assert(
      fc.asyncProperty(value, async (text) => {
        const printable = text.replace(/[^\x20-\x7e]/g, '');
        const answer = await ask(app, '/who', { headers: { Cookie: `__Host-vs=${printable}; ${printable}` } });
        expect(answer.status).toBe(200);
      }),
      { numRuns: 300 },
    );
  });
});

test('a token is 256 random bits', () => {
  const tokens = Array.from({ length: 200 }, newToken);
  expect(new Set(tokens).size).toBe(200);
  for (const token of tokens) {
    expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(Buffer.from(token, 'base64url')).toHaveLength(32);
  }
});

describe('the place', () => {
  const proxy = { proxied: true, placeHeader: 'x-geo' };
  const lyon = { 'X-Geo': 'FR/Lyon/45.7640,4.8357' };
  const placeOf = async (headers: Record<string, string>, from: Bindings) => (await who(headers, from)).place;

  test('cannot be said by the caller, with or without a proxy', async () => {
    expect(await placeOf(lyon, {})).toBeNull();
    expect(await placeOf(lyon, { placeHeader: 'x-geo' })).toBeNull();
    expect(await placeOf(lyon, { proxied: true })).toBeNull();
  });
  test("is our proxy's in its header, or the runtime's, to a kilometre", async () => {
    expect(await placeOf(lyon, proxy)).toBe('FR/Lyon/45.76,4.84');
    expect(await placeOf(lyon, { ...proxy, place: 'BR/Recife/-8.05389,-34.88111' })).toBe('BR/Recife/-8.05,-34.88');
  });
  test.each([
    ['FR//', 'FR//'],
    ['BR/S\xc3\xa3o Paulo/', 'BR/São Paulo/'],
    ['US/Washington, "D.C." <b>/38.9,-77', 'US/Washington D.C. b/38.90,-77.00'],
    ['', null],
    ['FR', null],
    ['fr/Lyon/', null],
    ['FR/Lyon/45,76;4,84', null],
    ['FR/Lyon/1e9,0', null],
    [`FR/${'x'.repeat(9000)}/`, `FR/${'x'.repeat(80)}/`],
  ])('of %j is %j', async (said, place) => expect(await placeOf({ 'X-Geo': said }, proxy)).toBe(place));
});

describe('the address', () => {
  const claim = {
    'X-Forwarded-For': '203.0.113.9',
    'X-Real-IP': '203.0.113.9',
    Forwarded: 'for=203.0.113.9',
    'CF-Connecting-IP': '203.0.113.9',
  };

  test("is the socket's, and no header changes it without a proxy", async () =>
    expect((await who(claim, { address: '192.0.2.1' })).ip).toBe('192.0.2.1'));
  test('is the one that our proxy appended, not those that the caller sent', async () => {
    const headers = { 'X-Forwarded-For': '198.51.100.7, 10.0.0.1, 203.0.113.9' };
    expect((await who(headers, { address: '127.0.0.1', proxied: true })).ip).toBe('203.0.113.9');
  });
  test.each([
    ['nothing', ''],
    ['a word', 'unknown'],
    ['SQL', "1.2.3.4'; drop table"],
    ['a trailing comma', '203.0.113.9,'],
    ['a number', '999.1.1.1'],
  ])("stays the socket's when the proxy says %s", async (_, value) =>
    expect((await who({ 'X-Forwarded-For': value }, { address: '192.0.2.1', proxied: true })).ip).toBe('192.0.2.1'),
  );
  test.each([
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8::1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['192.0.2.1:51234', '192.0.2.1'],
    ['', '0.0.0.0'],
  ])('%s is written as SQL takes it: %s', async (given, ip) => expect((await who({}, { address: given })).ip).toBe(ip));
});

test('the user agent is cut and cleaned', async () => {
  const { userAgent } = await who({ 'User-Agent': `Mozilla é${'x'.repeat(500)}` });
  expect(userAgent).toHaveLength(256);
  expect(userAgent).toMatch(/^Mozilla \?x+$/);
});

test('the caller cannot choose the id of the request', async () =>
  expect((await who({ 'X-Request-Id': '00000000-0000-0000-0000-000000000000' })).requestId).toMatch(
    /^(?!0{8})[0-9a-f-]{36}$/,
  ));

describe('preferences', () => {
  test('French, in the colours of the system, until somebody chooses', async () =>
    expect(await who({ 'Accept-Language': 'en-GB' })).toMatchObject({ lang: 'fr', theme: 'system' }));
  test('are kept in cookies', async () => {
    const kept = (await ask(app, '/preferences', { method: 'POST' })).headers.getSetCookie();
    expect(kept).toHaveLength(2);
    const cookie = kept.map((one) => one.split(';')[0]).join('; ');
    expect(await who({ Cookie: cookie })).toMatchObject({ lang: 'en', theme: 'dark' });
  });
  test("are French and the system's when the cookies are odd", async () =>
    expect(await who({ Cookie: '__Host-lang=<b>; __Host-theme=../x' })).toMatchObject({ lang: 'fr', theme: 'system' }));
});
