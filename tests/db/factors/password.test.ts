// A password is changed: supabase/migrations/0098_passwords.sql. bcrypt takes its quarter of a second each time.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { asOwner } from '../../../db/owner.ts';
import { prehash } from '../../../edge/password.ts';
import { createPerson, type Person } from '../../support/practice.ts';
import { type Factors, newToken, openFactors } from './support.ts';

const present = 'correct horse battery staple';
const chosen = 'un cheval sur la plage';
let f: Factors;
let one: Person;
beforeAll(async () => {
  f = await openFactors();
  one = f.somebody;
  await f.owner('select iam.set_password($1, $2)', [one.account, await prehash(f.db.pepper, one.account, present)]);
});
afterAll(() => f?.close());

const change = async (token: string, from: string, to: string, account = one.account) =>
  f.call('change_password', [
    token,
    await prehash(f.db.pepper, account, from),
    await prehash(f.db.pepper, account, to),
  ]);
const live = async (account: string) =>
  (await f.owner('select from iam.sessions where account_id = $1 and revoked_at is null', [account])).length;

test('cannot be changed without a session, by a link, or on a factor of more than 10 minutes', async () => {
  expect((await change(newToken(), present, chosen)).answer).toBe('expired');
  const other = await asOwner(f.db.admin, () =>
    createPerson(f.db, { organisation: f.practice.organisation, role: 'secretary' }),
  );
  expect((await change(await f.openLink(other.account), present, chosen, other.account)).answer).toBe('second_factor');
  await f.age(one.token, '11 minutes');
  expect((await change(one.token, present, chosen)).answer).toBe('step_up');
  await f.age(one.token, '-11 minutes');
});

test('cannot be changed without the present one, to the same, or by guessing it more than five times', async () => {
  expect((await change(one.token, present, present)).answer).toBe('same');
  expect((await change(one.token, 'une autre phrase', chosen)).answer).toBe('refused');
  await f.owner(
    "update ops.delays set not_before = clock_timestamp() + interval '59 minutes' where key like 'password/change/%'",
  );
  const answer = await change(one.token, present, chosen);
  expect(answer.answer).toBe('wait');
  expect(answer.retry_after).toBeGreaterThan(600);
  await f.owner("delete from ops.delays where key like 'password/change/%'");
  expect(await live(one.account)).toBe(1);
});

test('a password that is changed while the old one is hashed opens no session', async () => {
  const hash = await prehash(f.db.pepper, one.account, present);
  const after = await prehash(f.db.pepper, one.account, chosen);
  await f.db.admin.query('begin');
  try {
    await f.db.admin.query('set local role vs_owner');
    await f.db.admin.query('select iam.set_password($1, $2)', [one.account, after]);
    const waiting = f.gate.query('select answer from iam.sign_in_password($1, $2, $3, $4, $5)', [
      f.db.ring,
      one.account,
      hash,
      newToken(),
      { ip: '192.0.2.8', user_agent: 'test' },
    ]);
    await new Promise((done) => setTimeout(done, 1000));
    await f.db.admin.query('commit');
    expect((await waiting).rows[0].answer).toBe('refused');
  } finally {
    await f.db.admin.query('rollback');
  }
  await f.owner('select iam.set_password($1, $2)', [one.account, hash]);
});

test('ends every session of the account and no other, is recorded, and the person is told', async () => {
  await f.openAnother(one.account);
  await f.openLink(one.account);
  const colleague = await live(f.practice.colleague.account);
  expect((await change(one.token, present, chosen)).answer).toBe('ok');
  expect([await live(one.account), await live(f.practice.colleague.account)]).toEqual([0, colleague]);
  // step_up, same, refused; having to wait is an event of its own
  expect((await f.events(one.account, 'password.change')).map((e) => e.outcome)).toEqual([
    'success',
    'failure',
    'failure',
    'failure',
  ]);
  expect(await f.events(one.account, 'session.limited')).toHaveLength(1);
  expect(await f.mails(one.account)).toEqual(['password_changed']);
  const signIn = async (password: string) =>
    (
      await f.gate.query('select answer from iam.sign_in_password($1, $2, $3, $4, $5)', [
        f.db.ring,
        one.account,
        await prehash(f.db.pepper, one.account, password),
        newToken(),
        { ip: '192.0.2.9', user_agent: 'test' },
      ])
    ).rows[0].answer;
  expect(await signIn(present)).toBe('refused');
  expect(await signIn(chosen)).toBe('second_factor');
});
