// An authenticator app is added, replaced and taken away: supabase/migrations/0092_totp.sql.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../../db/connect.ts';
import { asOwner } from '../../../db/owner.ts';
import { totpCode, totpStep } from '../../../db/totp.ts';
import { createPerson } from '../../support/practice.ts';
import { type Factors, newToken, openFactors } from './support.ts';

let f: Factors;
beforeAll(async () => {
  f = await openFactors();
});
afterAll(() => f?.close());

const newPerson = (role = 'clinician') =>
  asOwner(f.db.admin, () => createPerson(f.db, { organisation: f.practice.organisation, role }));
const begin = async (token: string) => (await f.call('begin_totp', [token])).secret!;
const confirm = (token: string, code: string, next = newToken(), client = f.gate) =>
  f.call('confirm_totp', [token, code, next], client);
const withApp = async (token: string) => {
  const secret = await begin(token);
  expect((await confirm(token, totpCode(secret))).answer).toBe('ok');
  return secret;
};
/** A passkey that nobody could sign in with: to have a second factor besides the app. */
const addPasskey = (account: string) =>
  f.owner(
    `insert into iam.passkeys (account_id, rp_id, credential_id, public_key, name, user_verified, backup_eligible, backed_up)
     values ($1, 'localhost', $2, 'x', 'x', true, false, false)`,
    [account, Buffer.from(account.replaceAll('-', ''), 'hex')],
  );
const stepUp = (token: string, code: string) => f.call('take_factor', [token, 'totp', { code }, newToken()]);

test('codes of SQL are those of another implementation, whatever the secret and the time', async () => {
  const some = Array.from({ length: 300 }, () => ({
    secret: randomBytes(1 + Math.floor(Math.random() * 80)),
    step: Math.floor(Math.random() * 2 ** 40),
  }));
  const [row] = await f.owner(
    'select array(select iam.totp(secret, step) from unnest($1::bytea[], $2::bigint[]) with ordinality x (secret, step, i) order by i) as codes',
    [some.map(({ secret }) => secret), some.map(({ step }) => step)],
  );
  expect(row?.codes).toEqual(some.map(({ secret, step }) => totpCode(secret, step)));
});

describe('cannot begin', () => {
  test('without a session, with a password alone, on a factor of more than 10 minutes', async () => {
    const one = await newPerson();
    expect(await f.call('begin_totp', [newToken()])).toMatchObject({ answer: 'expired', secret: null });
    const halfway = newToken();
    await f.owner(
      `insert into iam.sessions (token_hash, account_id, membership_id, organisation_id, role, methods)
       select iam.hash_token($1), m.account_id, m.id, m.organisation_id, m.role, '{password}' from access.memberships m where m.account_id = $2`,
      [halfway, one.account],
    );
    expect(await f.call('begin_totp', [halfway])).toMatchObject({ answer: 'second_factor', secret: null });
    await f.age(one.token, '11 minutes');
    expect(await f.call('begin_totp', [one.token])).toMatchObject({ answer: 'step_up', secret: null });
    expect((await f.events(one.account, 'factor.add')).map((e) => JSON.parse(e.details).answer)).toEqual([
      'step_up',
      'second_factor',
    ]);
  });

  test('with a copy of the token from before a factor was shown again, in the seconds in which it serves pages', async () => {
    const copied = await f.openAnother(f.somebody.account);
    await f.age(copied, '11 minutes');
    const next = newToken();
    const showAgain = `select iam.accept_factor($1, iam.find_session($1, $2, '{}'), 'totp', $3, '{}')`;
    await f.owner(showAgain, [f.db.ring, copied, next]);
    for (const [name, values] of [
      ['begin_totp', []],
      ['make_recovery_codes', []],
      ['remove_phone', []],
      ['change_password', ['x', 'y']],
    ] as const)
      expect([name, (await f.call(name, [copied, ...values])).answer]).toEqual([name, 'step_up']);
    expect((await f.call('begin_totp', [next])).answer).toBe('ok');
    // after an ordinary renewal both do: the factor was shown with the older one
    const renewed = newToken();
    await f.owner(
      'select iam.replace_token(id, token_hash, $2) from iam.sessions where token_hash = iam.hash_token($1)',
      [next, renewed],
    );
    expect((await f.call('begin_totp', [next])).answer).toBe('ok');
  });

  test('by a link, once the account has a factor', async () => {
    const one = await newPerson();
    await withApp(one.token);
    expect(await f.call('begin_totp', [await f.openLink(one.account)])).toMatchObject({ answer: 'second_factor' });
  });
});

describe('a secret that is shown', () => {
  test("doesn't count before a code of it was shown", async () => {
    const one = await newPerson();
    const secret = await begin(one.token);
    expect(secret.length).toBe(20);
    expect((await stepUp(one.token, totpCode(secret))).answer).toBe('refused');
    // loaded again, it is the one that may have been scanned
    expect(await begin(one.token)).toEqual(secret);
    expect(await confirm(one.token, '000000')).toMatchObject({ answer: 'refused', role: null });
    expect(await confirm(one.token, totpCode(secret))).toMatchObject({ answer: 'ok', role: null });
    expect((await f.events(one.account, 'factor.add')).map((e) => e.outcome)).toEqual(['success', 'failure']);
    expect(await f.mails(one.account)).toEqual(['factor_added']);
  });

  test('is nowhere in clear, before and after', async () => {
    const one = await newPerson();
    const secret = await begin(one.token);
    const stored = () =>
      f.owner('select secret from iam.totp_enrolments union all select secret from iam.totp_factors');
    const clear = (rows: Record<string, unknown>[]) => rows.some((row) => (row.secret as Buffer).includes(secret));
    expect(clear(await stored())).toBe(false);
    await confirm(one.token, totpCode(secret));
    expect(clear(await stored())).toBe(false);
  });

  test("isn't confirmed by the code of another session's, nor after an hour, nor twice", async () => {
    const [one, other] = [await newPerson(), await newPerson()];
    const [secret, foreign] = [await begin(one.token), await begin(other.token)];
    expect((await confirm(one.token, totpCode(foreign))).answer).toBe('refused');
    await f.owner("update iam.totp_enrolments set made_at = made_at - interval '61 minutes'");
    expect((await confirm(one.token, totpCode(secret))).answer).toBe('restart');
    const fresh = await begin(one.token);
    expect(fresh).not.toEqual(secret);
    expect((await confirm(one.token, totpCode(fresh))).answer).toBe('ok');
    expect((await confirm(one.token, totpCode(fresh))).answer).toBe('restart');
  });

  test('may be missed ten times, then the answer is to wait', async () => {
    const one = await newPerson();
    const secret = await begin(one.token);
    for (let i = 0; i < 10; i += 1) expect((await confirm(one.token, '1')).answer).toBe('refused');
    const answer = await confirm(one.token, totpCode(secret));
    expect(answer.answer).toBe('wait');
    expect(answer.retry_after).toBeGreaterThan(0);
  });
});

describe('the code that confirmed', () => {
  test('is used up', async () => {
    const one = await newPerson();
    const secret = await begin(one.token);
    const code = totpCode(secret);
    await confirm(one.token, code);
    expect((await stepUp(one.token, code)).answer).toBe('refused');
    expect((await stepUp(one.token, totpCode(secret, totpStep() + 1))).answer).toBe('ok');
  });

  test('makes a session of a link whole, under a new token, and an invited account active', async () => {
    const one = await newPerson();
    await f.owner("update iam.accounts set status = 'invited' where id = $1", [one.account]);
    const link = await f.openLink(one.account);
    const next = newToken();
    expect(await confirm(link, totpCode(await begin(link)), next)).toMatchObject({ answer: 'ok', role: 'clinician' });
    const [account] = await f.owner('select status from iam.accounts where id = $1', [one.account]);
    expect(account).toEqual({ status: 'active' });
    const sessions = await f.owner(
      'select factors, methods, enrols from iam.sessions where token_hash = any (array[iam.hash_token($1), iam.hash_token($2)])',
      [link, next],
    );
    expect(sessions).toEqual([{ factors: 2, methods: ['link', 'totp'], enrols: false }]);
  });
});

describe('a new phone', () => {
  test('replaces the app once it is confirmed; the one before goes on until then, and is worth nothing after', async () => {
    const one = await newPerson();
    const before = await withApp(one.token);
    const after = await begin(one.token);
    await f.owner('update iam.totp_factors set last_step = 0 where account_id = $1', [one.account]);
    expect((await stepUp(await f.openAnother(one.account), totpCode(before))).answer).toBe('ok');
    await f.owner('update iam.totp_factors set last_step = 0 where account_id = $1', [one.account]);
    const code = totpCode(after);
    expect((await confirm(one.token, code)).answer).toBe('ok');
    const another = await f.openAnother(one.account);
    expect((await stepUp(another, totpCode(before, totpStep() + 1))).answer).toBe('refused');
    // the code that confirmed it is used up, as the first one was
    expect((await stepUp(another, code)).answer).toBe('refused');
    expect((await stepUp(another, totpCode(after, totpStep() + 1))).answer).toBe('ok');
    expect((await f.events(one.account, 'factor.add'))[0]?.details).toContain('"replaced" : true');
  });
});

describe('an app', () => {
  test("isn't taken away when it is the last factor, on an old factor, or by a link", async () => {
    const one = await newPerson();
    await withApp(one.token);
    expect((await f.call('remove_totp', [one.token])).answer).toBe('last');
    await addPasskey(one.account);
    expect((await f.call('remove_totp', [await f.openLink(one.account)])).answer).toBe('second_factor');
    await f.age(one.token, '11 minutes');
    expect((await f.call('remove_totp', [one.token])).answer).toBe('step_up');
    await f.age(one.token, '-11 minutes');
    expect((await f.call('remove_totp', [one.token])).answer).toBe('ok');
    expect((await f.call('remove_totp', [one.token])).answer).toBe('none');
    expect((await f.events(one.account, 'factor.remove')).map((e) => e.outcome)).toEqual([
      'failure',
      'success',
      'failure',
      'failure',
      'failure',
    ]);
    expect(await f.mails(one.account)).toEqual(['factor_added', 'factor_removed']);
  });

  test("isn't taken away while somebody else takes the only other factor", async () => {
    const one = await newPerson();
    await withApp(one.token);
    await addPasskey(one.account);
    const another = await connect(f.db.gateUrl);
    await f.db.admin.query('begin');
    try {
      await f.db.admin.query('set local role vs_owner');
      // as a removal of the passkey under way
      await f.db.admin.query('select iam.lock_factors($1)', [one.account]);
      await f.db.admin.query('delete from iam.passkeys where account_id = $1', [one.account]);
      const waiting = f.call('remove_totp', [one.token], another);
      await new Promise((done) => setTimeout(done, 100));
      await f.db.admin.query('commit');
      expect((await waiting).answer).toBe('last');
    } finally {
      await f.db.admin.query('rollback').catch(() => {});
      await another.end();
    }
  });
});
