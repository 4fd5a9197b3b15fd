// The guards on the real pages, with a real Postgres: no route was mounted beside them, and nothing that a caller
// invents becomes a fault or shows how we are made.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApp } from '../../app/app.tsx';
import { openDoor } from '../../db/door.ts';
import { readAssets } from '../../edge/assets/files.ts';
import { openLog } from '../../edge/logging.ts';
import { newToken } from '../../edge/session.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { createPatient, createPractice, type Practice } from '../support/practice.ts';

const ORIGIN = 'http://vital.test';
const lines: string[] = [];
let db: TestDatabase;
let practice: Practice;
let patient: string;
let app: ReturnType<typeof createApp>;
let close: () => Promise<void>;

beforeAll(async () => {
  db = await createDatabase();
  practice = await createPractice(db);
  patient = await createPatient(db, practice, { birth_name: 'Canari-Nom' });
  const door = openDoor(db);
  const log = await openLog((line) => lines.push(line));
  app = createApp({ door, ring: db.ring, pepper: db.pepper, demo: false, assets: readAssets(), log });
  close = () => door.close();
});
afterAll(async () => {
  await close?.();
  await db?.close();
});

type Ask = { method?: string; cookie?: string; body?: string; headers?: Record<string, string> };

async function ask(path: string, { method = 'GET', cookie, body, headers = {} }: Ask = {}): Promise<Response> {
  const all: Record<string, string> = { ...(cookie && { Cookie: cookie }), ...headers };
  if (body !== undefined) all['Content-Type'] = 'application/x-www-form-urlencoded';
  const init = { method, headers: all, ...(body !== undefined && { body }) };
  return app.request(new Request(`${ORIGIN}${path}`, init), undefined, { address: '192.0.2.1' });
}

const clinician = () => `__Host-vs=${practice.clinician.token}.clinician`;

/** Where redirections end. */
async function whereto(path: string): Promise<string> {
  const next = (await ask(path)).headers.get('location');
  return next === null ? path : whereto(next);
}

/** Every mounted route, with ids in the place of parameters. */
function routes(method: string): string[] {
  const patterns = app.routes
    .filter((route) => route.method === method && !route.path.includes('*'))
    .map((route) => route.path);
  return [...new Set(patterns)].map((path) =>
    path.replace('/static/:file', '/static/style.css').replace(/:\w+/g, patient),
  );
}

async function expectSound(answer: Response, what: string): Promise<void> {
  expect(answer.status, what).toBeLessThan(500);
  expect(answer.headers.get('content-security-policy'), what).toContain("default-src 'none'");
  expect(answer.headers.get('x-content-type-options'), what).toBe('nosniff');
  expect(await answer.text(), what).not.toMatch(/\bat .+:\d+:\d+|\bselect\b.+\bfrom\b|SQLSTATE|pg_catalog|iam\.enter/i);
}

describe('every route that changes something', () => {
  const foreign: Record<string, string>[] = [
    {},
    { Origin: 'https://evil.example' },
    { Origin: 'null' },
    { Origin: ORIGIN, 'Sec-Fetch-Site': 'cross-site' },
    { Origin: ORIGIN, 'Sec-Fetch-Site': 'same-site' },
  ];

  test('refuses a form that another site sends in the name of a signed-in clinician', async () => {
    expect(routes('POST').length).toBeGreaterThan(4);
    for (const path of routes('POST'))
      for (const headers of foreign) {
        const answer = await ask(path, { method: 'POST', cookie: clinician(), body: 'a=1', headers });
        expect(answer.status, `${path} ${JSON.stringify(headers)}`).toBe(403);
      }
  });

  test('takes no GET in the place of its POST', async () => {
    const changing = routes('POST').filter((path) => !routes('GET').includes(path));
    for (const path of changing) expect((await ask(`${path}?a=1`, { cookie: clinician() })).status, path).toBe(404);
  });
});

describe('every route', () => {
  test('carries the headers, and leads to the sign-in page or shows nothing of a patient without a session', async () => {
    for (const path of routes('GET')) {
      const answer = await ask(path);
      expect(await answer.clone().text(), path).not.toMatch(/canari-nom/i);
      await expectSound(answer, path);
      // what stands after /invitations, /recover or /register is a link, not a patient
      if (path.startsWith('/patients') && path.includes(patient)) expect(await whereto(path), path).toBe('/sign-in');
    }
  });

  test('answers a session that nobody has, and one whose role is a lie, without a fault', async () => {
    for (const cookie of [`__Host-vs=${newToken()}.clinician`, `__Host-vs=${practice.clinician.token}.auditor`])
      for (const path of routes('GET')) await expectSound(await ask(path, { cookie }), `${path} ${cookie.slice(-12)}`);
  });

  test('answers no form that is empty, odd or far too long with a fault', async () => {
    const odd = [
      '',
      'a=1',
      `email=${'x'.repeat(5000)}&password=${'y'.repeat(5000)}`,
      `name=${'é'.repeat(3000)}&birth_date=0000-99-99`,
    ];
    const headers = { Origin: ORIGIN };
    for (const path of routes('POST'))
      for (const body of odd)
        for (const cookie of ['', clinician()]) {
          if (path === '/sign-out' && cookie) continue; // it would work
          await expectSound(await ask(path, { method: 'POST', body, cookie, headers }), `${path} ${body.slice(0, 20)}`);
        }
  });
});

test('no cookie, id or query makes a fault', async () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 60 }),
    fc.stringMatching(/^[0-9a-f-]{30,40}$/),
    fc.constantFrom(
      "' or 1=1 --",
      '../../etc/passwd',
      '%00',
      '00000000-0000-0000-0000-000000000000',
      '\u202e',
      '9'.repeat(400),
    ),
  );
  const path = fc.constantFrom(
    '/patients/',
    '/static/',
    '/admin/',
    '/',
    '/patients?q=',
    '/audit?from=',
    '/record?before=',
  );
  await fc.assert(
    fc.asyncProperty(path, text, text, async (start, id, value) => {
      const cookie = `__Host-vs=${value.replace(/[^\x21-\x7e]/g, '')}; ${clinician()}`;
      await expectSound(await ask(`${start}${encodeURIComponent(id)}`, { cookie }), `${start} ${id}`);
      await expectSound(await ask(`${start}${encodeURIComponent(id)}`, { cookie: clinician() }), `${start} ${id}`);
    }),
    { numRuns: 60 },
  );
});

test('nothing of this has left an id, a name or a token in the log', () => {
  expect(lines.length).toBeGreaterThan(100);
  const log = lines.join('\n');
  for (const secret of [patient, practice.clinician.token, 'Canari', '192.0.2.1', 'evil.example', 'passwd'])
    expect(log).not.toContain(secret);
  expect(lines.filter((line) => JSON.parse(line).level === 'ERROR')).toEqual([]);
});
