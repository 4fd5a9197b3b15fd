// Every form of the app, with what doesn't belong there: said twice, too long, no text, or somebody's trick. Refused below 500,
// and nothing of it comes back.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createPatient } from '../../support/practice.ts';
import { cookieOf } from '../support.ts';
import { type Attacked, email, faults, ORIGIN, pathOf, postsOf, startAttacked, state } from './support.ts';

let app: Attacked;
let patient: string;
beforeAll(async () => {
  app = await startAttacked();
  patient = await createPatient(app.db, app.practice);
});
afterAll(() => app?.close());
beforeEach(() => app.refused());

const below500 = (status: number) => status < 500;

describe('one thing said twice', () => {
  test('isn’t believed: parameters of every form', async () => {
    for (const { path } of postsOf(app)) {
      const answer = await app.send(pathOf(path, patient), {
        method: 'POST',
        cookie: cookieOf(app.practice.clinician),
        body: `email=${email}&email=other%40exemple.fr&key=1`,
      });
      expect([path, answer.status]).toEqual([path, 400]);
    }
    expect((await app.refused()).counts).toEqual({ 'request.polluted': postsOf(app).length });
  });

  test('isn’t believed: parameters of a search', async () => {
    expect((await app.send('/patients?q=a&q=b', { cookie: cookieOf(app.practice.clinician) })).status).toBe(400);
    const { events } = await app.refused();
    expect(events).toMatchObject([{ event: 'request.polluted', actor_id: app.practice.clinician.account }]);
  });

  test.each([
    ['Origin', `${ORIGIN}, ${ORIGIN}`],
    ['Content-Type', 'application/x-www-form-urlencoded, application/json'],
    ['Content-Length', '3, 3'],
    ['Sec-Fetch-Site', 'same-origin, same-origin'],
    ['X-Forwarded-Proto', 'https, http'],
  ])('isn’t believed: the header %s', async (name, value) => {
    const answer = await app.send('/sign-in', { method: 'POST', body: 'a=1', headers: { [name]: value } });
    expect(answer.status).toBe(400);
    expect((await app.refused()).events).toMatchObject([{ event: 'request.polluted', details: { times: 1 } }]);
  });

  test('addresses in X-Forwarded-For don’t make an attacker somebody else: they are ignored', async () => {
    const asked = async (from: string, proxied: boolean) => {
      const body = `email=${randomBytes(4).toString('hex')}%40exemple.fr&password=x`;
      const headers = { 'X-Forwarded-For': from, 'X-Forwarded-Proto': 'http' };
      return (await app.send('/sign-in', { method: 'POST', body, headers, proxied, address: '203.0.113.9' })).status;
    };
    await asked('198.51.100.1', false);
    await app.owner("update ops.limits set tokens = -1, at = clock_timestamp() where key like 'password/address/%'");
    // there is no proxy of ours: it counts for nothing
    expect(await asked('198.51.100.2', false)).toBe(429);
    expect(await asked('203.0.113.9, 198.51.100.3', false)).toBe(429);
    // there is one: what it appended counts, and what was sent before doesn't
    expect(await asked('198.51.100.4, 203.0.113.9', true)).toBe(429);
    expect(await asked('203.0.113.9, 198.51.100.5', true)).toBe(422);
  });
});

describe('what is too long, or no text', () => {
  const megabyte = 'a'.repeat(1024 * 1024);
  const nasty = [
    ...["' or 1=1 --", '1); drop table accounts; --', '$(7*7)', '{{7*7}}', '../../etc/passwd', '%0d%0aSet-Cookie: a=b'],
    ...[
      '\u202egpj.exe',
      '\ud83d\ude00'.repeat(200),
      'İ',
      'ß'.repeat(64),
      '\ufeff',
      'a@b',
      '@',
      '00000000-0000-0000-0000-000000000000',
    ],
    ...[
      '-1',
      '1e999',
      'NaN',
      '0x10',
      '9'.repeat(400),
      '[object Object]',
      '__proto__',
      'null',
      '<script>alert(1)</script>',
    ],
    'a'.repeat(100_000),
  ];

  test('is refused by every form, and is never an error of ours', async () => {
    const before = await state(app);
    for (const { path } of postsOf(app)) {
      const to = pathOf(path, patient);
      const cookie = cookieOf(app.practice.clinician);
      for (const [body, headers, expected] of [
        [`email=${megabyte}`, {}, 413],
        ['email=%zz', {}, 400],
        ['email=%c0%af', {}, 400],
        ['email=a%00b', {}, 400],
        ['%00=a', {}, 400],
        ['{"email":"a"}', { 'Content-Type': 'application/json' }, 415],
        ['--x\r\n\r\n--x--', { 'Content-Type': 'multipart/form-data; boundary=x' }, 415],
        ['email=a', { 'Content-Encoding': 'gzip' }, 415],
      ] as const) {
        const answer = await app.send(to, { method: 'POST', cookie, body, headers });
        expect([path, body.slice(0, 20), answer.status]).toEqual([path, body.slice(0, 20), expected]);
      }
    }
    expect(await state(app)).toEqual(before);
    const forms = postsOf(app).length;
    expect((await app.refused()).counts).toEqual({ 'request.too_large': forms, 'request.malformed': 7 * forms });
  }, 60_000);

  test.each([
    ['an address of 5,000 letters', `/sign-in?${'a'.repeat(5000)}`, {}, 414, 'request.too_large'],
    ['bytes that are no text', '/sign-in?a=%ff', {}, 400, 'request.malformed'],
    ['a length that is none', '/sign-in', { 'Content-Length': '1e3' }, 400, 'request.malformed'],
    ['a method that nothing answers', '/sign-in', {}, 405, 'request.method'],
  ])('is refused as what it is, and recorded: %s', async (_, path, headers, status, event) => {
    const method = event === 'request.method' ? 'DELETE' : 'GET';
    const answer = await app.send(path, { method, headers });
    expect(answer.status).toBe(status);
    const reference = answer.headers.get('x-request-id');
    expect((await app.refused()).events).toMatchObject([{ event, resource_id: reference, details: { times: 1 } }]);
  });

  test('in every field of every form, signed in and not, is an answer below 500', async () => {
    const fields = `email password code method by token id key name role lang theme reason status q step_up_to
      step_up_code step_up_method step_up_proof credential phone present chosen session author category priority subjective
      family_name given_name consents type account device`.split(/\s+/);
    const before = app.lines.length;
    let tooLarge = 0;
    for (const { path } of postsOf(app).filter((route) => route.path !== '/sign-out')) {
      for (const value of nasty) {
        const body = new URLSearchParams(fields.map((name) => [name, value])).toString();
        const turn = nasty.indexOf(value);
        const who = [undefined, app.practice.clinician, app.practice.orgAdmin][turn % 3];
        const to = pathOf(path, value.length < 60 ? encodeURIComponent(value) : patient);
        const cookie = who && cookieOf(who);
        const answer = await app.send(to, { method: 'POST', cookie, body, address: `198.51.100.${turn}` });
        expect([path, value.slice(0, 30), answer.status]).toEqual([
          path,
          value.slice(0, 30),
          expect.toSatisfy(below500),
        ]);
        const text = await answer.text();
        tooLarge += Number(answer.status === 413);
        expect(text).not.toContain('<script>alert(1)');
        expect(text).not.toMatch(/SQLSTATE|iam\.\w|node_modules|\bselect [\w.*]+ from/i);
      }
    }
    // what no form of ours sends stopped before the database, and is recorded all the same
    const unread = app.lines.slice(before).filter((line) => JSON.parse(line).error === 'ZodError').length;
    expect(unread).toBeGreaterThan(0);
    expect((await app.refused()).counts).toEqual({ 'request.too_large': tooLarge, 'request.malformed': unread });
  }, 120_000);

  test.each([
    ['a cookie of 100 kB', `__Host-vs=${'a'.repeat(100_000)}.clinician`],
    ['a cookie that is none', '__Host-vs'],
    ['a cookie with quotes', '__Host-vs="a.clinician"'],
    ['a cookie of another role', `__Host-vs=${'a'.repeat(43)}.root`],
    ['a thousand cookies', Array.from({ length: 1000 }, (_, i) => `a${i}=1`).join('; ')],
    ['a device that is none', `__Host-device=${'%00'.repeat(20)}`],
  ])('%s is no session', async (_, cookie) => {
    const answer = await app.send('/patients', { cookie });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/sign-in']);
  });

  test('a browser’s name of any kind is taken for what it is', async () => {
    for (const agent of ['', 'a'.repeat(10_000), '\u00ff\u00fe', "'; drop table --"]) {
      const headers = { 'User-Agent': agent };
      const answer = await app.send('/patients', { cookie: cookieOf(app.practice.clinician), headers });
      expect([agent.length, answer.status]).toEqual([agent.length, 200]);
    }
  });
});

test('nothing of all this was an error, in the log either', () => expect(faults(app)).toEqual([]));
