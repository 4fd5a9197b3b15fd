// /account/sessions: what one may end, and what the page tells of others (nothing).
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readDevice } from '../../app/sessions/user-agent.ts';
import { asOwner } from '../../db/owner.ts';
import { openSession, type Person } from '../support/practice.ts';
import { visibleText } from './pages.ts';
import { cookieOf, type Running, startApp } from './support.ts';

let app: Running;
let here: Person;
let phone: Person;

const owner = (query: string, values: unknown[] = []) =>
  asOwner(app.db.admin, async () => (await app.db.admin.query(query, values)).rows);
const idOf = async (person: Person) =>
  (await owner('select id from iam.sessions where token_hash = iam.hash_token($1)', [person.token]))[0].id as string;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app?.close());
beforeEach(async () => {
  const { clinician } = app.practice;
  await owner("update iam.sessions set revoked_at = clock_timestamp() - interval '2 days' where account_id = $1", [
    clinician.account,
  ]);
  const browser = async () => ({
    ...clinician,
    token: await asOwner(app.db.admin, () => openSession(app.db, clinician.account)),
  });
  [here, phone] = [await browser(), await browser()];
  await owner(
    `update iam.sessions s set origin_id = audit.origin($1, s.organisation_id, s.id, '203.0.113.9', $2)
     where s.token_hash = iam.hash_token($3)`,
    [app.db.ring, 'Mozilla/5.0 (iPhone; <script>alert(1)</script>) Version/18 Safari/604.1', phone.token],
  );
});

const see = async (person: Person) => (await app.ask('/account/sessions', { cookie: cookieOf(person) })).text();
const post = (person: Person, path: string, form: Record<string, string> = { key: randomUUID() }) =>
  app.ask(`/account/sessions/${path}`, { cookie: cookieOf(person), form });

describe('ending a session', () => {
  test("of somebody else is a page that doesn't exist, and ends nothing", async () => {
    const { colleague } = app.practice;
    for (const id of [await idOf(colleague), randomUUID(), 'x', "' or true --"]) {
      expect([id, (await post(here, `${encodeURIComponent(id)}/end`)).status]).toEqual([id, 404]);
    }
    expect((await app.ask('/patients', { cookie: cookieOf(colleague) })).status).toBe(200);
  });

  test('without a key, or from another site, ends nothing', async () => {
    const id = await idOf(phone);
    expect((await post(here, `${id}/end`, { key: 'x' })).status).toBe(422);
    expect((await post(here, `${id}/end`, {})).status).toBe(422);
    const headers = { Origin: 'https://evil.example' };
    const form = { key: randomUUID() };
    expect((await app.ask(`/account/sessions/${id}/end`, { cookie: cookieOf(here), form, headers })).status).toBe(403);
    expect((await app.ask('/patients', { cookie: cookieOf(phone) })).status).toBe(200);
  });

  test('on an old factor asks for it first, and keeps what to do', async () => {
    await owner("update iam.sessions set factor_at = clock_timestamp() - interval '11 minutes'");
    const id = await idOf(phone);
    const answer = await post(here, `${id}/end`);
    expect(answer.status).toBe(401);
    expect(await answer.text()).toContain(`name="step_up_to" value="/account/sessions/${id}/end"`);
    expect((await app.ask('/patients', { cookie: cookieOf(phone) })).status).toBe(200);
  });

  test("one's own works at once, twice is once, and the page says why it is over", async () => {
    const form = { key: randomUUID() };
    const path = `${await idOf(phone)}/end`;
    for (let i = 0; i < 2; i += 1) expect((await post(here, path, form)).status).toBe(303);
    const gone = await app.ask('/patients', { cookie: cookieOf(phone) });
    expect([gone.status, gone.headers.get('location')]).toEqual([303, '/sign-in?ended']);
    const [why, plain] = await Promise.all(
      ['/sign-in?ended', '/sign-in'].map(async (path) => (await app.ask(path)).text()),
    );
    expect([why, plain].map((one) => one?.includes('Votre session est terminée'))).toEqual([true, false]);
    const page = visibleText(await see(here));
    expect(page).toContain('Déconnectée par vous');
    expect(page).toContain('nulle part ailleurs');
  });

  test('all the others leaves this one', async () => {
    expect((await post(here, 'end-others')).status).toBe(303);
    expect((await app.ask('/patients', { cookie: cookieOf(phone) })).status).toBe(303);
    expect((await app.ask('/patients', { cookie: cookieOf(here) })).status).toBe(200);
  });
});

describe('the page', () => {
  test('tells device, address and times, and runs nothing of what a browser said', async () => {
    const html = await see(here);
    expect(html).not.toContain('<script>alert');
    const page = visibleText(html);
    expect(page).toContain('Safari sur iPhone');
    expect(page).toContain('203.0.113.9');
    expect(page).toContain('Cette session');
  });

  test("shows nobody else's sessions, and none to who is signed out", async () => {
    const page = await see(app.practice.colleague);
    expect(page).not.toContain('203.0.113.9');
    expect(page).not.toContain(await idOf(phone));
    const nobody = await app.ask('/account/sessions');
    expect([nobody.status, nobody.headers.get('location')]).toEqual([303, '/sign-in']);
  });
});

test.each([
  ['Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox', 'Windows'],
  ['Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0', 'Edge', 'Windows'],
  ['Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36', 'Chrome', 'Android'],
  ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Version/18.0 Safari/605.1.15', 'Safari', 'Mac'],
  ['Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) CriOS/140.0 Mobile Safari/604.1', 'Chrome', 'iPhone'],
  ['curl/8.0', undefined, undefined],
])('%s is told in two words', (userAgent, browser, system) => {
  expect(readDevice(userAgent)).toEqual({ browser, system });
});

describe('staying', () => {
  const stay = (person: Person | undefined, htmx = true) =>
    app.ask('/session/stay', { ...(person && { cookie: cookieOf(person) }), form: {}, htmx });

  test('is for who is signed in, and tells whose session it is', async () => {
    const answer = await stay(here);
    expect([answer.status, answer.headers.get('Session-Of')]).toEqual([204, here.account]);
    expect(Number(answer.headers.get('Session-Left'))).toBeGreaterThan(28 * 60);
    expect((await stay(undefined)).status).toBe(401);
  });

  test('brings nothing back that is over', async () => {
    await owner(
      "update iam.sessions set last_seen_at = clock_timestamp() - interval '31 minutes' where account_id = $1",
      [here.account],
    );
    expect([(await stay(here)).status, (await stay(here, false)).status]).toEqual([401, 401]);
    const page = await app.ask('/session/ended', { cookie: cookieOf(here) });
    expect([page.status, visibleText(await page.text()).includes('30 minutes')]).toEqual([200, true]);
  });
});
