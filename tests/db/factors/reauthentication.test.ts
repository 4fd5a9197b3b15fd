// Everything shown again before it changes how somebody signs in (ASVS 5.0 §7.5.1): iam.may_change_factors and
// iam.show_password, supabase/migrations/0090_sign_in.sql. bcrypt takes its quarter of a second each time.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { asOwner } from '../../../db/owner.ts';
import { prehash } from '../../../edge/password.ts';
import { createHalfway, createPerson, type Person } from '../../support/practice.ts';
import { type Factors, newToken, openFactors } from './support.ts';

const right = 'correct horse battery staple';
let f: Factors;
let one: Person;
let other: Person;
let token: string;
beforeAll(async () => {
  f = await openFactors();
  one = f.somebody;
  other = await asOwner(f.db.admin, () =>
    createPerson(f.db, { organisation: f.practice.organisation, role: 'secretary' }),
  );
  for (const who of [one, other])
    await f.owner('select iam.set_password($1, $2)', [who.account, await hashOf(who, `${right} ${who.role}`)]);
  await f.owner("insert into ops.deliveries (channel) values ('email'), ('sms') on conflict do nothing");
});
afterAll(() => f?.close());
beforeEach(async () => {
  token = await f.openAnother(one.account);
  await f.owner("delete from ops.delays; delete from ops.limits where key like 'password/%'");
});

const hashOf = (who: Person, password: string) => prehash(f.db.pepper, who.account, password);
const mine = () => hashOf(one, `${right} ${one.role}`);
const passwordAgo = (interval: string | null) =>
  f.owner(
    'update iam.sessions set password_at = clock_timestamp() - $2::interval where token_hash = iam.hash_token($1)',
    [token, interval],
  );
const show = async (hash: string, from = token) => {
  const next = newToken();
  return { ...(await f.call('show_password', [from, hash, next])), next };
};
/** What a mailbox gives to whoever reads it. */
const showMail = async () => {
  const next = newToken();
  await f.owner("select iam.accept_factor($1, iam.find_session($1, $2, '{}'), 'email_code', $3, '{}')", [
    f.db.ring,
    token,
    next,
  ]);
  return next;
};

const changes: [string, (from: string) => Promise<{ answer: string }>][] = [
  ['an app', (from) => f.call('begin_totp', [from])],
  ['the end of an app', (from) => f.call('remove_totp', [from])],
  ['a passkey', (from) => f.call('add_passkey', [from, {}, 'Téléphone', newToken()])],
  ['the end of a passkey', (from) => f.call('remove_passkey', [from, one.account])],
  ['a telephone number', (from) => f.call('begin_phone', [from, '06 12 34 56 78'])],
  ['the code of a telephone number', (from) => f.call('confirm_phone', [from, '123456'])],
  ['the end of a telephone number', (from) => f.call('remove_phone', [from])],
  ['recovery codes', (from) => f.call('make_recovery_codes', [from])],
  ['another address', (from) => f.call('begin_address_change', [from, 'ailleurs@exemple.fr'])],
];

describe('a stolen cookie, and the mailbox', () => {
  test.each(changes)('change nothing without the password: %s', async (_, change) => {
    for (const since of [null, '10 minutes 1 second', '-1 hour']) {
      await passwordAgo(since);
      token = await showMail();
      expect((await change(token)).answer).toBe('step_up');
    }
    await passwordAgo('9 minutes 55 seconds');
    expect((await change(token)).answer).not.toBe('step_up');
  });

  test('change no password: the change asks for the present one by itself', async () => {
    await passwordAgo(null);
    token = await showMail();
    const chosen = await hashOf(one, 'un cheval sur la plage');
    expect((await f.call('change_password', [token, await hashOf(one, 'au hasard'), chosen])).answer).toBe('refused');
  });

  test('begin no form that they could not send', async () => {
    await passwordAgo('6 minutes');
    expect((await f.call('may_begin_change', [token])).answer).toBe('step_up');
    await passwordAgo('4 minutes');
    expect((await f.call('may_begin_change', [token])).answer).toBe('ok');
  });
});

describe('a password shown again', () => {
  beforeEach(() => passwordAgo(null));

  test('is enough beside a factor of now, under a new token, and recorded', async () => {
    const shown = await show(await mine());
    expect([shown.answer, shown.role]).toEqual(['ok', one.role]);
    expect((await f.call('begin_totp', [shown.next])).answer).toBe('ok');
    // a copy of the cookie from before, in the seconds in which it serves pages
    expect((await f.call('begin_totp', [token])).answer).toBe('step_up');
    expect((await f.events(one.account, 'session.password'))[0]?.outcome).toBe('success');
    expect((await f.events(one.account, 'session.step_up'))[0]).toMatchObject({ outcome: 'success' });
  });

  test('is not enough beside a factor of more than 10 minutes', async () => {
    await f.age(token, '11 minutes');
    const shown = await show(await mine());
    expect([shown.answer, (await f.call('begin_totp', [shown.next])).answer]).toEqual(['ok', 'step_up']);
  });

  test('is one’s own: another’s is refused, and so is none', async () => {
    const theirs = `${right} ${other.role}`;
    for (const hash of [await hashOf(other, theirs), await hashOf(one, theirs), '']) {
      const shown = await show(hash);
      expect([shown.answer, shown.role]).toEqual(['refused', null]);
    }
    expect((await f.call('begin_totp', [token])).answer).toBe('step_up');
    expect((await f.events(one.account, 'session.password'))[0]?.outcome).toBe('failure');
  });

  test('makes no half session whole, and takes none that is over', async () => {
    for (const by of ['password', 'link'] as const) {
      const half = await asOwner(f.db.admin, () => createHalfway(f.db, f.practice.organisation, by));
      await f.owner('select iam.set_password($1, $2)', [half.account, await hashOf(half, right)]);
      expect((await show(await hashOf(half, right), half.token)).answer).toBe('second_factor');
      expect(await f.owner('select factors from iam.sessions where account_id = $1', [half.account])).toEqual([
        { factors: 1 },
      ]);
    }
    expect((await show(await mine(), newToken())).answer).toBe('expired');
  });

  test('is guessed no more often than at sign-in: the tries are the same ones', async () => {
    const wrong = await hashOf(one, 'au hasard');
    const signIn = () => f.call('sign_in_password', [one.account, wrong, newToken()]);
    for (let i = 0; i < 3; i++) expect((await show(wrong)).answer).toBe('refused');
    for (let i = 0; i < 2; i++) expect((await signIn()).answer).toBe('refused');
    expect((await show(await mine())).answer).toBe('wait');
    expect((await signIn()).answer).toBe('wait');
  });
});

describe('a copy of the cookie from before', () => {
  test('gains nothing by what its owner has shown since', async () => {
    const codes = (await f.call('make_recovery_codes', [token])).codes!;
    await passwordAgo(null);
    const shown = await show(await mine());
    expect(shown.answer).toBe('ok');
    const thief = newToken();
    expect((await f.call('take_factor', [token, 'recovery_code', { code: codes[0] }, thief])).answer).toBe('ok');
    expect((await f.call('begin_totp', [thief])).answer).toBe('step_up');
  });

  test('and with the password gains nothing by a factor that its owner has shown since', async () => {
    const codes = (await f.call('make_recovery_codes', [token])).codes!;
    expect((await f.call('take_factor', [token, 'recovery_code', { code: codes[0] }, newToken()])).answer).toBe('ok');
    const thief = await show(await mine());
    expect(thief.answer).toBe('ok');
    expect((await f.call('begin_totp', [thief.next])).answer).toBe('step_up');
  });
});

test('nobody is asked for a password that they don’t have', async () => {
  await f.owner('update iam.accounts set password_hash = null where id = $1', [other.account]);
  token = await f.openAnother(other.account);
  await passwordAgo(null);
  expect((await f.call('begin_totp', [token])).answer).toBe('ok');
});
