// Every page and every form of the app, asked by other sites and under other names (CSRF, open redirects, Host): nothing changes,
// nobody is led away. What is refused is in the audit log; what means nothing to us (an address in a query, another Host) is
// ignored, and isn't.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createPatient } from '../../support/practice.ts';
import { cookieOf } from '../support.ts';
import { type Attacked, faults, getsOf, newToken, ORIGIN, pathOf, postsOf, startAttacked, state } from './support.ts';

let app: Attacked;
let patient: string;
beforeAll(async () => {
  app = await startAttacked();
  patient = await createPatient(app.db, app.practice);
});
afterAll(() => app?.close());
beforeEach(() => app.refused());

const reference = (answer: Response) => answer.headers.get('x-request-id') ?? '';

test('there are forms and pages to attack', () => {
  expect(postsOf(app).length).toBeGreaterThan(20);
  expect(getsOf(app).length).toBeGreaterThan(20);
});

describe('another site', () => {
  test('is in the audit log as one event, with whose browser it was and the reference of the answer', async () => {
    const cookie = cookieOf(app.practice.clinician);
    for (const [sent, actor, organisation] of [
      [{ cookie }, app.practice.clinician, app.practice.organisation],
      [{}, { account: null, role: 'unknown' }, '00000000-0000-0000-0000-000000000000'],
      [
        { cookie: `__Host-vs=${newToken()}.clinician` },
        { account: null, role: 'unknown' },
        '00000000-0000-0000-0000-000000000000',
      ],
    ] as const) {
      const headers = { Origin: 'https://evil.example', 'User-Agent': 'evil <script>' };
      const answer = await app.send('/preferences?evil=1', { method: 'POST', body: 'evil=1', headers, ...sent });
      expect([answer.status, await answer.text()]).toEqual([403, expect.stringContaining(reference(answer))]);
      const { events } = await app.refused();
      expect(events).toEqual([
        {
          event: 'request.forged',
          organisation_id: organisation,
          resource_type: 'request',
          resource_id: reference(answer),
          actor_id: actor.account,
          actor_role: actor.role,
          outcome: 'failure',
          details: { times: 1 },
          placed: true,
        },
      ]);
    }
    const leaves = await app.owner("select leaf from audit.events where event like 'request.%'");
    expect(JSON.stringify(leaves)).not.toMatch(/evil|script|preferences/);
  });

  test('changes nothing by any form, with the cookie and without', async () => {
    const before = await state(app);
    for (const { path } of postsOf(app)) {
      const tricks: Record<string, string>[] = [
        { Origin: 'https://evil.example' },
        { Origin: 'null' },
        { Origin: '' },
        { 'Sec-Fetch-Site': 'cross-site' },
        { 'Sec-Fetch-Site': 'same-site' },
        { Origin: 'https://evil.example', 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Proto': 'https' },
      ];
      for (const headers of tricks) {
        const cookie = cookieOf(app.practice.clinician);
        const answer = await app.send(pathOf(path, patient), { method: 'POST', cookie, body: 'a=1', headers });
        expect([path, headers, answer.status]).toEqual([path, headers, 403]);
        expect(answer.headers.getSetCookie()).toEqual([]);
      }
    }
    expect(await state(app)).toEqual(before);
    const { counts, events } = await app.refused();
    expect(counts).toEqual({ 'request.forged': 6 * postsOf(app).length });
    // the clinician's, whose browser the attack came through: ten at once
    const { account, role } = app.practice.clinician;
    expect(new Set(events.map(({ actor_id, actor_role }) => `${actor_id} ${actor_role}`))).toEqual(
      new Set([`${account} ${role}`]),
    );
    expect(events.length).toBeLessThanOrEqual(11);
  });

  test('loads no page as a picture, a script or a frame', async () => {
    for (const { path } of getsOf(app).filter((route) => route.path !== '/health')) {
      const headers = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image' };
      const answer = await app.send(pathOf(path, patient), { cookie: cookieOf(app.practice.clinician), headers });
      expect([path, answer.status]).toEqual([path, 403]);
    }
    const pages = getsOf(app).filter((route) => route.path !== '/health');
    expect((await app.refused()).counts).toEqual({ 'request.forged': pages.length });
  });
});

describe('nobody is led away', () => {
  const away = [
    ...['https://evil.example/', '//evil.example', '/\\evil.example', '\\\\evil.example', 'https:evil.example'],
    ...['javascript:alert(1)', ' //evil.example', '/%2f%2fevil.example', '/..//evil.example', '/@evil.example'],
  ];
  const names = [
    'next',
    'to',
    'return',
    'returnTo',
    'redirect',
    'url',
    'back',
    'continue',
    'from',
    'step_up_to',
    'path',
  ];
  const isLocal = (location: string | null) => location === null || new URL(location, ORIGIN).origin === ORIGIN;

  test('by an address in a query, on any page, signed in and not: it is ignored', async () => {
    for (const { path } of getsOf(app)) {
      for (const to of away) {
        const query = new URLSearchParams(names.map((name) => [name, to])).toString();
        for (const cookie of [undefined, cookieOf(app.practice.clinician)]) {
          const answer = await app.send(`${pathOf(path, patient)}?${query}`, { cookie });
          expect([path, to, answer.status < 500]).toEqual([path, to, true]);
          for (const header of ['location', 'hx-redirect', 'refresh'])
            expect([path, to, isLocal(answer.headers.get(header))]).toEqual([path, to, true]);
        }
      }
    }
  }, 60_000);

  test('by an address in a form, which is ignored: sign-in, sign-out, preferences, step-up', async () => {
    for (const path of ['/sign-in', '/sign-out', '/preferences', '/step-up', '/sign-in/code']) {
      for (const to of away) {
        const fields = Object.fromEntries(names.map((name) => [name, to]));
        const body = new URLSearchParams({ ...fields, lang: 'en', code: '000000' }).toString();
        const headers = { Referer: 'https://evil.example/' };
        const answer = await app.send(path, { method: 'POST', body, headers });
        expect([path, to, answer.status < 500, isLocal(answer.headers.get('location'))]).toEqual([
          path,
          to,
          true,
          true,
        ]);
        expect(await answer.text()).not.toMatch(/(href|action|src)="[^"]*evil/);
      }
    }
  });
});

describe('another host', () => {
  test('is repeated on no page, and makes no link: it is ignored', async () => {
    for (const { path } of getsOf(app)) {
      const tricks: Record<string, string>[] = [
        { Host: 'evil.example' },
        { 'X-Forwarded-Host': 'evil.example', 'X-Original-URL': '/evil', 'X-Rewrite-URL': '/evil' },
        { Forwarded: 'host=evil.example;proto=https' },
      ];
      for (const headers of tricks) {
        const answer = await app.send(pathOf(path, patient), { cookie: cookieOf(app.practice.clinician), headers });
        const text = `${JSON.stringify([...answer.headers])}${await answer.text()}`;
        expect([path, answer.status < 500, text.includes('evil')]).toEqual([path, true, false]);
      }
    }
  });

  test.each([
    'evil.example/path',
    'vital.test, evil.example',
    'a b',
    'vital.test@evil.example',
    '<script>',
    'vital.test:99999999',
  ])('that is none is refused, and recorded: %s', async (host) => {
    const answer = await app.send('/sign-in', { headers: { Host: host } });
    expect(answer.status).toBe(400);
    expect((await app.refused()).events).toMatchObject([
      {
        event: 'request.host',
        resource_id: reference(answer),
        outcome: 'failure',
        details: { times: 1 },
        placed: true,
      },
    ]);
  });

  test('takes no form of ours: the origin is the one of this host alone', async () => {
    const headers = { Host: 'evil.example', Origin: ORIGIN };
    expect((await app.send('/sign-in', { method: 'POST', body: 'a=1', headers })).status).toBe(403);
    expect((await app.refused()).counts).toEqual({ 'request.forged': 1 });
  });
});

test('nothing of all this was an error, in the log either', () => expect(faults(app)).toEqual([]));
