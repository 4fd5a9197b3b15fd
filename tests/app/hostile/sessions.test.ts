// Sessions that somebody else has made, planted or guessed: session fixation (ASVS 5.0 §7.2.4), and ten thousand tokens.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { asOwner } from '../../../db/owner.ts';
import { totpCode } from '../../../db/totp.ts';
import { openSession } from '../../support/practice.ts';
import { cookieOf } from '../support.ts';
import { type Attacked, cookieIn, email, newToken, password, startAttacked, tokenIn, totpSecret } from './support.ts';

let app: Attacked;
beforeAll(async () => {
  app = await startAttacked();
});
afterAll(() => app?.close());
afterEach(() => app.owner('delete from ops.limits; delete from ops.delays; update iam.totp_factors set last_step = 0'));

const form = (fields: Record<string, string>) => new URLSearchParams(fields).toString();
const passFirstStep = (cookie?: string) =>
  app.send('/sign-in', { method: 'POST', cookie, body: form({ email, password }) });
const passSecondStep = (cookie: string) =>
  app.send('/sign-in/code', { method: 'POST', cookie, body: form({ code: totpCode(totpSecret) }) });
const opens = async (cookie: string) => (await app.send('/patients', { cookie })).status === 200;
const session = async (cookie: string) =>
  (await app.owner('select * from iam.sessions where token_hash = iam.hash_token($1)', [tokenIn(cookie)]))[0];

describe('a session that was planted', () => {
  test('under a token of the attacker’s choice is not the one that signing in makes', async () => {
    const planted = `__Host-vs=${newToken()}.clinician`;
    const half = cookieIn(await passFirstStep(planted));
    expect(tokenIn(half)).not.toBe(tokenIn(planted));
    const whole = cookieIn(await passSecondStep(half));
    expect(new Set([planted, half, whole].map(tokenIn)).size).toBe(3);
    expect([await opens(planted), await opens(half), await opens(whole)]).toEqual([false, false, true]);
    expect([await session(planted), await session(half)]).toEqual([undefined, undefined]);
  });

  test('of an attacker who has one stays the attacker’s: nothing of whoever signs in goes into it', async () => {
    const attacker = cookieOf(app.practice.colleague);
    const half = cookieIn(await passFirstStep(attacker));
    expect(tokenIn(half)).not.toBe(tokenIn(attacker));
    const whole = cookieIn(await passSecondStep(half));
    expect(await opens(whole)).toBe(true);
    expect(await session(attacker)).toMatchObject({ account_id: app.practice.colleague.account, revoked_at: null });
  });

  test('half-way by an attacker who waits for the victim’s code isn’t there to be completed', async () => {
    const half = cookieIn(await passFirstStep());
    const victims = cookieIn(await passFirstStep(half));
    await passSecondStep(victims);
    expect([await opens(half), (await session(half))?.factors]).toEqual([false, 1]);
  });

  test('in front of the own one, or behind it, is no session at all', async () => {
    const { clinician, colleague } = app.practice;
    for (const pair of [
      [clinician, colleague],
      [colleague, clinician],
    ]) {
      const cookie = pair.map((one) => cookieOf(one!)).join('; ');
      expect((await app.send('/patients', { cookie })).headers.get('location')).toBe('/sign-in');
    }
  });

  test('ends with the next sign-in in the same browser, and with signing out', async () => {
    const old = await asOwner(app.db.admin, () => openSession(app.db, app.account));
    const cookie = `__Host-vs=${old}.clinician`;
    const whole = cookieIn(await passSecondStep(cookieIn(await passFirstStep(cookie))));
    expect([await opens(cookie), await opens(whole)]).toEqual([false, true]);
    const out = await app.send('/sign-out', { method: 'POST', cookie: whole, body: '' });
    expect([out.status, await opens(whole)]).toEqual([303, false]);
  });

  test('says a role that it hasn’t: the page that is asked for is refused', async () => {
    const { secretary } = app.practice;
    for (const role of ['clinician', 'org_admin', 'auditor', 'dpo', 'patient', 'anon']) {
      const cookie = `__Host-vs=${secretary.token}.${role}`;
      for (const path of ['/admin', '/audit', '/record'])
        expect([role, path, [403, 404].includes((await app.send(path, { cookie })).status)]).toEqual([
          role,
          path,
          true,
        ]);
    }
  });
});

test('ten thousand tokens at random open nothing, are recorded, and never end in an error', {
  timeout: 120_000,
}, async () => {
  const statuses: Record<string, number> = {};
  let sent = 0;
  const before = Number((await app.owner("select count(*) from audit.events where event = 'page.refused'"))[0]?.count);
  const guess = async () => {
    while (sent < 10_000) {
      sent += 1;
      const answer = await app.send('/patients', {
        cookie: `__Host-vs=${newToken()}.clinician`,
        address: `198.51.${sent % 100}.${sent % 250}`,
      });
      const outcome = `${answer.status} ${answer.headers.get('location')}`;
      statuses[outcome] = (statuses[outcome] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: 16 }, guess));
  expect(statuses).toEqual({ '303 /sign-in?ended': 10_000 });
  const [row] = await app.owner(
    "select count(*)::int as recorded, count(distinct origin_id)::int as places from audit.events where event = 'page.refused'",
  );
  // a hundred at once and one in ten seconds: a flood doesn't fill the log
  expect(Number(row?.recorded) - before).toBeGreaterThanOrEqual(100);
  expect(Number(row?.recorded) - before).toBeLessThan(120);
  expect(Number(row?.places)).toBeGreaterThan(10);
});
