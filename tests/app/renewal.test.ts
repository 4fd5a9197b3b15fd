// The cookie as the browser has it: brought anew every quarter of an hour, worthless to whoever copied it before
// (edge/session.ts, guarantees 4 and 6 of 0050_sessions).
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { asOwner } from '../../db/owner.ts';
import { openSession, type Person } from '../support/practice.ts';
import { cookieOf, type Running, startApp } from './support.ts';

let app: Running;
let person: Person;

const owner = (query: string, values: unknown[] = []) =>
  asOwner(app.db.admin, async () => (await app.db.admin.query(query, values)).rows);

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app?.close());
beforeEach(async () => {
  const { clinician } = app.practice;
  person = { ...clinician, token: await asOwner(app.db.admin, () => openSession(app.db, clinician.account)) };
  await owner(
    "update iam.sessions set rotated_at = clock_timestamp() - interval '16 minutes' where token_hash = iam.hash_token($1)",
    [person.token],
  );
});

const visit = (cookie: string, userAgent = 'Firefox', path = '/patients') =>
  app.ask(path, { cookie, headers: { 'User-Agent': userAgent } });
const brought = (answer: Response) =>
  answer.headers
    .getSetCookie()
    .find((line) => line.startsWith('__Host-vs='))
    ?.split(';')[0];
const afterGrace = () => owner("update iam.old_tokens set retired_at = retired_at - interval '30 seconds'");

test('a copy from before is worthless, and using it signs the owner out too', async () => {
  const copied = cookieOf(person);
  const next = brought(await visit(copied)) ?? '';
  expect(next).toMatch(/^__Host-vs=[\w-]{43}\.clinician$/);
  expect((await visit(next)).status).toBe(200);
  await afterGrace();
  const thief = await visit(copied, 'curl');
  expect([thief.status, thief.headers.get('location')]).toEqual([303, '/sign-in?ended']);
  expect((await visit(next)).status).toBe(303);
  const reuse = await owner("select outcome, resource_id from audit.events where event = 'session.reuse'");
  expect(reuse).toHaveLength(1);
});

test('a link clicked twice brings the same new cookie twice, so that it is no harm which answer the browser drops', async () => {
  const answers = await Promise.all([visit(cookieOf(person)), visit(cookieOf(person)), visit(cookieOf(person))]);
  const cookies = answers.map(brought);
  expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200]);
  expect(new Set(cookies).size).toBe(1);
  expect(cookies[0]).not.toBe(cookieOf(person));
  await afterGrace();
  expect((await visit(cookies[0] ?? '')).status).toBe(200);
});

test('another browser that comes with the copy within those seconds is brought none', async () => {
  await visit(cookieOf(person));
  expect(brought(await visit(cookieOf(person), 'curl'))).toBeUndefined();
});

test('the cookie of a page comes with every protection, and a refused page renews as well', async () => {
  const answer = await visit(cookieOf(person), 'Firefox', '/audit');
  expect(answer.status).toBe(403);
  const line = answer.headers.getSetCookie().find((one) => one.startsWith('__Host-vs='));
  expect(line?.split('; ').slice(1).sort()).toEqual(['HttpOnly', 'Path=/', 'SameSite=Lax', 'Secure']);
});

test('signing out in that very moment takes the cookie back, and brings no new one', async () => {
  const answer = await app.ask('/sign-out', { cookie: cookieOf(person), form: {} });
  const lines = answer.headers.getSetCookie().filter((line) => line.startsWith('__Host-vs='));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^__Host-vs=; Max-Age=0/);
});

test('a cookie is made of the one before by a key: nobody else can say what comes next', async () => {
  const next = brought(await visit(cookieOf(person))) ?? '';
  const token = next.slice('__Host-vs='.length, -'.clinician'.length);
  expect(Buffer.from(token, 'base64url')).toHaveLength(32);
  const plain = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(`session renewal ${person.token}`));
  expect(token).not.toBe(Buffer.from(plain).toString('base64url'));
});
