// "That wasn't me", and what such a sign-in has left behind: supabase/migrations/0335_disownings.sql.
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { asOwner } from '../../db/owner.ts';
import { totpCode } from '../../db/totp.ts';
import { change } from '../support/care.ts';
import { take } from '../support/outbox.ts';
import { createPerson, openSession, type Person } from '../support/practice.ts';
import { callerFrom, type From, newToken, signInFrom } from '../support/sign-ins.ts';
import { outcome } from '../support/world.ts';
import { type Factors, openFactors } from './factors/support.ts';

const home = { ip: '192.0.2.7', device: 'a' };
const office = { ip: '192.0.2.7', device: 'b' };
const stranger = { ip: '203.0.113.5', device: 'x' };

let f: Factors;
let edge: pg.Client;
/** A new nurse for each test, who has signed in at home and at the office. */
let nurse: Person;
let mine: string;

beforeAll(async () => {
  f = await openFactors();
  edge = await connect(f.db.edgeUrl);
});
afterAll(async () => {
  await edge?.end();
  await f?.close();
});
beforeEach(async () => {
  nurse = await asOwner(f.db.admin, () =>
    createPerson(f.db, { organisation: f.practice.organisation, role: 'clinician' }),
  );
  mine = await signIn(home);
  await signIn(office);
});

const signIn = async (where: From): Promise<string> => {
  const { answer, token } = await signInFrom(f.db, nurse.account, where);
  expect(answer).toBe('ok');
  return token;
};
const last = async () =>
  (
    await f.owner(
      'select id, undone from iam.sign_ins where account_id = $1 order by coalesce(disowned_at, at) desc, at desc limit 1',
      [nurse.account],
    )
  )[0] as { id: string; undone: string[] };
const disown = (token: string, id: string) =>
  outcome(change(edge, { token, ring: f.db.ring }, 'sign_ins.disown', 'clinic.disown_sign_in($1, $2)', [id]));
const methods = async () => (await f.owner('select iam.methods_of($1) as m', [nurse.account]))[0]!.m as string[];
async function addApp(token: string): Promise<Buffer> {
  const { secret } = await f.call('begin_totp', [token]);
  expect((await f.call('confirm_totp', [token, totpCode(secret!), newToken()])).answer).toBe('ok');
  return secret!;
}
const addPasskey = (token: string) =>
  f.owner(
    `insert into iam.passkeys (account_id, rp_id, credential_id, public_key, name, user_verified, backup_eligible, backed_up, added_in)
     select s.account_id, 'vital.test', $2, '\\x00', '\\x00', true, false, false, s.id from iam.sessions s where s.token_hash = iam.hash_token($1)`,
    [token, randomBytes(16)],
  );
/** The link of the message that was posted last. */
async function mailedLink(): Promise<string> {
  const [row] = await f.owner(
    `select convert_from(vault.unpack(vault.unwrap($1, o.account_id, 'profile'),
       convert_to('ops.outbox.vars', 'UTF8') || '\\x00'::bytea || uuid_send(o.id) || uuid_send(o.account_id) || int8send(1), o.vars), 'UTF8')::jsonb ->> 'path' as link
     from ops.outbox o where o.account_id = $2 and o.template = 'unusual_sign_in' order by o.id desc limit 1`,
    [f.db.ring, nurse.account],
  );
  return String(row!.link).replace('/sign-ins/', '');
}
const answerLink = async (link: string) =>
  (await f.gate.query('select iam.answer_sign_in($1, $2, false, $3) as answer', [f.db.ring, link, callerFrom(home)]))
    .rows[0].answer;
const ask = (state: 'asked' | 'waiting', token = newToken()) =>
  f
    .owner(
      `insert into iam.recoveries (account_id, organisation_id, token_hash, lost, state, ready_at, ends_at)
       values ($1, $2, iam.hash_token($3), 'factors', $4, now() + interval '1 day', now() + interval '4 days')`,
      [nurse.account, f.practice.organisation, token, state],
    )
    .then(() => token);

describe('by the link that was mailed', () => {
  test('a recovery that waits cannot go on, nor one whose link was only asked for', async () => {
    await signIn(stranger);
    const tokens = [await ask('waiting'), await ask('asked')];
    expect(await answerLink(await mailedLink())).toBe('disowned');
    for (const token of tokens) expect((await f.call('read_recovery', [token])).answer).toBe('gone');
    expect((await last()).undone).toContain('recovery');
    expect(await f.events(nurse.account, 'recovery.cancel')).toHaveLength(1);
    expect(await f.mails(nurse.account)).toEqual(['unusual_sign_in', 'recovery_cancelled', 'sign_in_disowned']);
  });

  test('nothing that the stranger has added signs in any more, and each of it is named', async () => {
    const theirs = await signIn(stranger);
    await addApp(theirs);
    await addPasskey(theirs);
    await f.call('make_recovery_codes', [theirs]);
    await f.owner(
      `insert into iam.phones (account_id, number, confirmed_at, added_in)
       select account_id, '\\x00', now(), id from iam.sessions where token_hash = iam.hash_token($1)`,
      [theirs],
    );
    const link = await mailedLink();
    expect(await answerLink(link)).toBe('disowned');
    expect(await methods()).not.toEqual(expect.arrayContaining(['totp']));
    for (const left of ['totp', 'passkey', 'sms_code', 'recovery_code']) expect(await methods()).not.toContain(left);
    const { undone } = await last();
    expect(undone.toSorted()).toEqual(['device', 'passkey', 'recovery_code', 'session', 'sms_code', 'totp']);
    const { rows } = await f.gate.query('select * from iam.look_at_sign_in($1, $2, $3)', [
      ...[f.db.ring, link],
      callerFrom(home),
    ]);
    expect(rows[0]).toMatchObject({ answer: 'disowned', undone });
    expect(await f.events(nurse.account, 'factor.remove')).toHaveLength(1);
  });

  test('nor what they added after they came in again, elsewhere', async () => {
    await signIn(stranger);
    const link = await mailedLink();
    await addPasskey(await signIn({ ip: '198.51.100.3', device: 'y' }));
    await addApp(await signIn({ ip: '198.51.100.4' }));
    expect(await answerLink(link)).toBe('disowned');
    expect(await methods()).not.toContain('passkey');
    expect(await methods()).not.toContain('totp');
    await signIn({ ip: '192.0.2.7', device: 'y' });
    expect(
      (
        await f.owner('select signals from iam.sign_ins where account_id = $1 order by at desc limit 1', [
          nurse.account,
        ])
      )[0]!.signals,
    ).toContain('new_device');
  });

  test('nor what they added before, in the same browser', async () => {
    await addPasskey(await signIn(stranger));
    await addApp(await signIn(stranger));
    await signIn(stranger);
    const { id } = await last();
    expect(await disown(mine, id)).toBe(id);
    expect(await methods()).not.toContain('passkey');
    expect(await methods()).not.toContain('totp');
  });

  test('what the person had before, or added since in a browser that was known, stays', async () => {
    await addApp(mine);
    await signIn(stranger);
    await addPasskey(await signIn(office));
    expect(await answerLink(await mailedLink())).toBe('disowned');
    expect(await methods()).toEqual(expect.arrayContaining(['totp', 'passkey']));
    expect((await last()).undone.toSorted()).toEqual(['device', 'session']);
  });
});

describe('on the page', () => {
  test('cannot be said on a factor of more than 10 minutes ago, and then nothing is undone', async () => {
    const theirs = await signIn(stranger);
    await addApp(theirs);
    await f.age(mine, '11 minutes');
    expect(await disown(mine, (await last()).id)).toMatch(/^VS4(28|70)$/);
    expect(await methods()).toContain('totp');
  });

  test('what the session that says so has added stays, and its browser is known', async () => {
    await signIn(stranger);
    const { id } = await last();
    await addApp(await signIn({ ip: '192.0.2.7', device: 'n' }));
    const here = await signIn({ ip: '192.0.2.7', device: 'n' });
    await addPasskey(here);
    await disown(here, id);
    expect(await methods()).toEqual(expect.arrayContaining(['passkey', 'totp']));
    const [row] = await f.owner(
      'select revoked_at is null as live from iam.sessions where token_hash = iam.hash_token($1)',
      [here],
    );
    expect(row!.live).toBe(true);
    await signIn({ ip: '192.0.2.7', device: 'n' });
    expect(
      (
        await f.owner('select signals from iam.sign_ins where account_id = $1 order by at desc limit 1', [
          nurse.account,
        ])
      )[0]!.signals,
    ).toEqual([]);
  });

  test('nor what it has added where the browser keeps no cookie', async () => {
    await signIn(stranger);
    const { id } = await last();
    const here = await asOwner(f.db.admin, () => openSession(f.db, nurse.account));
    await addApp(here);
    await disown(here, id);
    expect(await methods()).toContain('totp');
  });

  test('a colleague’s factors are not touched', async () => {
    const { colleague } = f.practice;
    const theirs = await asOwner(f.db.admin, () => openSession(f.db, colleague.account));
    await addApp(theirs);
    await signIn(stranger);
    await disown(mine, (await last()).id);
    expect((await f.owner('select iam.methods_of($1) as m', [colleague.account]))[0]!.m).toContain('totp');
  });

  test('twice changes nothing the second time', async () => {
    await signIn(stranger);
    const { id } = await last();
    expect(await disown(mine, id)).not.toMatch(/^VS/);
    const before = await f.mails(nurse.account);
    await disown(mine, id);
    expect(await f.mails(nurse.account)).toEqual(before);
  });
});

describe('another address to sign in with', () => {
  const address = () => `volee-${randomBytes(4).toString('hex')}@exemple.fr`;
  const emailIs = async (email: string) =>
    (
      await f.owner('select id from iam.accounts where email_index = any (iam.email_indexes($1, $2))', [
        f.db.ring,
        email,
      ])
    ).length === 1;
  /** Asked for in this session, and confirmed. */
  async function changeAddress(token: string, email: string): Promise<void> {
    await f.owner('delete from ops.outbox');
    expect((await f.call('begin_address_change', [token, email])).answer).toBe('ok');
    const message = (await take(f.db, f.gate)).find(({ template }) => template === 'address_link');
    const link = String(message?.vars.path).split('/').at(-1);
    expect((await f.call('confirm_address_change', [token, link])).answer).toBe('ok');
  }

  test('that a stranger’s session has asked for waits no more', async () => {
    const token = await signIn(stranger);
    expect((await f.call('begin_address_change', [token, address()])).answer).toBe('ok');
    await answerLink(await mailedLink());
    expect(
      await f.owner("select id from iam.address_changes where account_id = $1 and state = 'waiting'", [nurse.account]),
    ).toEqual([]);
  });

  test('that a stranger’s session has changed is taken back, and the person is told at the one of before', async () => {
    const email = address();
    const token = await signIn(stranger);
    const link = await mailedLink();
    await changeAddress(token, email);
    await f.owner('delete from ops.outbox');
    expect(await answerLink(link)).toBe('disowned');
    expect([await emailIs(email), await emailIs(nurse.email)]).toEqual([false, true]);
    expect((await last()).undone).toContain('address');
    const told = (await take(f.db, f.gate)).find(({ template }) => template === 'sign_in_disowned');
    expect(told?.address).toBe(nurse.email);
  });

  test('that the person has changed at home stays, though a stranger signed in later', async () => {
    const email = address();
    await changeAddress(mine, email);
    await signIn(stranger);
    await answerLink(await mailedLink());
    expect([await emailIs(email), await emailIs(nurse.email)]).toEqual([true, false]);
  });

  test('taken back by the notice, takes the factors along that its session has added', async () => {
    const token = await signIn(stranger);
    await addPasskey(mine);
    await f.owner('delete from ops.outbox');
    expect((await f.call('begin_address_change', [token, address()])).answer).toBe('ok');
    const message = (await take(f.db, f.gate)).find(({ template }) => template === 'address_asked');
    await addApp(token);
    expect(await methods()).toEqual(['passkey', 'totp']);
    const link = String(message?.vars.path).split('/').at(-1);
    expect((await f.call('disown_address_change', [link])).answer).toBe('taken_back');
    expect(await methods()).toEqual(['passkey']);
  });

  test('taken back by the notice, takes along what its browser has added before, and nothing of the person’s', async () => {
    await addPasskey(mine);
    await addApp(await signIn(stranger));
    const token = await signIn(stranger);
    await f.owner('delete from ops.outbox');
    expect((await f.call('begin_address_change', [token, address()])).answer).toBe('ok');
    const message = (await take(f.db, f.gate)).find(({ template }) => template === 'address_asked');
    const link = String(message?.vars.path).split('/').at(-1);
    expect((await f.call('disown_address_change', [link])).answer).toBe('taken_back');
    expect(await methods()).toEqual(['passkey']);
  });

  test('asked for in the person’s own first browser, leaves what they had added there before', async () => {
    await addPasskey(mine);
    const token = await signIn(home);
    await f.owner('delete from ops.outbox');
    expect((await f.call('begin_address_change', [token, address()])).answer).toBe('ok');
    const message = (await take(f.db, f.gate)).find(({ template }) => template === 'address_asked');
    const link = String(message?.vars.path).split('/').at(-1);
    expect((await f.call('disown_address_change', [link])).answer).toBe('taken_back');
    expect(await methods()).toEqual(['passkey']);
  });
});
