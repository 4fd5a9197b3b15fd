// Signing out between the two factors: iam.leave_sign_in of supabase/migrations/0090_sign_in.sql.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Factors, newToken, openFactors } from './factors/support.ts';

let f: Factors;
beforeAll(async () => {
  f = await openFactors();
});
afterAll(() => f?.close());

/** The password was right; `before`: the token of the session that this browser had. */
async function halfWay(before: string | null = null, account = f.somebody.account): Promise<string> {
  const token = newToken();
  await f.owner("select iam.start_session($1, $2, $3, '{password}', '{}', $4)", [f.db.ring, account, token, before]);
  return token;
}
const ended = async (token: string) =>
  (await f.owner('select revoked_because from iam.sessions where token_hash = iam.hash_token($1)', [token]))[0]!
    .revoked_because;

test('cannot show a second factor afterwards, and it is an event', async () => {
  const token = await halfWay();
  expect((await f.call('leave_sign_in', [token])).answer).toBe('ok');
  expect((await f.call('take_factor', [token, 'totp', { code: '000000' }, newToken()])).answer).toBe('expired');
  expect(await ended(token)).toBe('signed_out');
  expect(await f.events(f.somebody.account, 'session.end')).toMatchObject([{ outcome: 'success' }]);
});

test('cannot leave open the session that this browser had before, whose cookie is gone', async () => {
  const whole = await f.openAnother(f.somebody.account);
  const elsewhere = await f.openAnother(f.somebody.account);
  expect((await f.call('leave_sign_in', [await halfWay(whole)])).answer).toBe('ok');
  expect([await ended(whole), await ended(elsewhere)]).toEqual(['signed_out', null]);
});

test('cannot end a whole session, one of somebody else, or one that was ended, and records nothing of it', async () => {
  const whole = await f.openAnother(f.somebody.account);
  const over = await halfWay();
  await f.owner('update iam.sessions set expires_at = created_at where token_hash = iam.hash_token($1)', [over]);
  const count = async () => (await f.owner('select count(*)::int as n from audit.events'))[0]!.n;
  const before = await count();
  for (const token of [whole, over, newToken(), '', null])
    expect((await f.call('leave_sign_in', [token])).answer).toBe('none');
  expect(await count()).toBe(before);
  // a cookie of somebody else's, put into a browser before its owner typed a password
  const theirs = await f.openAnother(f.practice.colleague.account);
  await f.call('leave_sign_in', [await halfWay(theirs)]);
  expect([await ended(whole), await ended(theirs)]).toEqual([null, null]);
});
