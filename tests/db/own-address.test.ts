// Another address to sign in with: asked for on a fresh factor, confirmed in a session of one's own, taken back for 7 days.
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { asOwner } from '../../db/owner.ts';
import { take } from '../support/outbox.ts';
import { createHalfway, createPatient, createPerson, type Person } from '../support/practice.ts';
import { type Factors, newToken, openFactors } from './factors/support.ts';

let f: Factors;
let other: pg.Client;
beforeAll(async () => {
  f = await openFactors();
  other = await connect(f.db.gateUrl);
});
afterAll(async () => {
  await other?.end();
  await f?.close();
});

const newPerson = (role = 'clinician'): Promise<Person> =>
  asOwner(f.db.admin, () => createPerson(f.db, { organisation: f.practice.organisation, role }));
const newAddress = () => `nouvelle-${randomBytes(4).toString('hex')}@exemple.fr`;
const begin = async (one: Person, email: string, client?: pg.Client) =>
  (await f.call('begin_address_change', [one.token, email], client)).answer;
const confirm = async (token: string | null, link: string, client?: pg.Client) =>
  (await f.call('confirm_address_change', [token, link], client)).answer;
const disown = async (link: string) => (await f.call('disown_address_change', [link])).answer;
const forgetLimits = () => f.owner('delete from ops.limits');

type Mail = { template: string; address: string; link: string };
/** What has been sent since it was last asked for. */
async function mails(ring = f.db.ring): Promise<Mail[]> {
  const all = await take({ ...f.db, ring }, f.gate);
  return all.map(({ template, address, vars }) => ({
    template,
    address,
    link: String(vars.path ?? '')
      .split('/')
      .at(-1)!,
  }));
}
const linkIn = (sent: Mail[], template: string) => sent.findLast((one) => one.template === template)?.link ?? '';
/** Whose account is found by this address when somebody signs in. */
async function holderOf(email: string, ring = f.db.ring): Promise<unknown> {
  const rows = await f.owner('select id from iam.accounts where email_index = any (iam.email_indexes($1, $2))', [
    ring,
    email,
  ]);
  return rows[0]?.id;
}
const isOver = async (token: string) =>
  (await f.owner('select revoked_because from iam.sessions where token_hash = iam.hash_token($1)', [token]))[0]!
    .revoked_because;

/** Asked for, and confirmed in the session that asked; gives the mails of both. */
async function change(one: Person, email: string): Promise<Mail[]> {
  await mails();
  expect(await begin(one, email)).toBe('ok');
  const asked = await mails();
  expect(await confirm(one.token, linkIn(asked, 'address_link'))).toBe('ok');
  return [...asked, ...(await mails())];
}

describe('asking', () => {
  test('cannot be done without a session, with half of one, by a link, or on a factor shown long ago', async () => {
    const [email, one] = [newAddress(), await newPerson()];
    await mails();
    expect((await f.call('begin_address_change', [newToken(), email])).answer).toBe('expired');
    for (const by of ['link', 'password'] as const) {
      const half = await asOwner(f.db.admin, () => createHalfway(f.db, f.practice.organisation, by));
      expect(await begin(half, email)).toBe('second_factor');
      expect((await f.call('read_address_change', [half.token])).answer).toBe('second_factor');
      expect((await f.call('cancel_own_address_change', [half.token])).answer).toBe('second_factor');
    }
    await f.age(one.token, '11 minutes');
    expect(await begin(one, email)).toBe('step_up');
    expect(await mails()).toEqual([]);
    expect((await f.events(one.account, 'account.change'))[0]).toMatchObject({ outcome: 'failure' });
  });

  test.each([
    'nobody',
    'a@b@exemple.fr',
    'a@exemple。fr',
    '<a@exemple.fr>',
    'a@exemple.fr\nBcc: b@exemple.fr',
    'a b@exemple.fr',
    '',
  ])('cannot be done for what is no address: %j', async (email) =>
    expect(await begin(await newPerson(), email)).toBe('address'),
  );

  test('one’s own address, written in another way, changes nothing', async () => {
    const one = await newPerson();
    expect(await begin(one, `  ${one.email.toUpperCase()} `)).toBe('same');
  });

  test('sends a link to the new address alone, and a notice to the one of before', async () => {
    const [email, one] = [newAddress(), await newPerson()];
    await mails();
    expect(await begin(one, email)).toBe('ok');
    const sent = await mails();
    expect(sent.map(({ template, address }) => [template, address]).sort()).toEqual([
      ['address_asked', one.email],
      ['address_link', email],
    ]);
    expect([await holderOf(email), await holderOf(one.email)]).toEqual([undefined, one.account]);
    const [row] = await f.owner('select * from iam.address_changes where account_id = $1', [one.account]);
    for (const { link } of sent) expect(JSON.stringify(row)).not.toContain(link);
    expect(Buffer.from(row!.email as Buffer).includes(Buffer.from(email))).toBe(false);
  });

  test('answers alike for an address that somebody else has, whose holder is told, and whose link leads nowhere', async () => {
    const [one, holder] = [await newPerson(), await newPerson('secretary')];
    await mails();
    expect(await begin(one, holder.email)).toBe('ok');
    const sent = await mails();
    expect(sent.map(({ template, address }) => [template, address]).sort()).toEqual([
      ['address_asked', one.email],
      ['address_exists', holder.email],
    ]);
    const seen = await f.call('read_address_change', [one.token]);
    expect(seen).toMatchObject({ answer: 'ok', waiting: holder.email });
    expect(await holderOf(holder.email)).toBe(holder.account);
  });

  test('cannot fill a mailbox, nor be repeated for ever', async () => {
    const email = newAddress();
    await mails();
    for (let n = 0; n < 5; n++) expect(await begin(await newPerson(), email)).toBe('ok');
    expect((await mails()).filter(({ address }) => address === email)).toHaveLength(3);
    const one = await newPerson();
    for (let n = 0; n < 5; n++) expect(await begin(one, newAddress())).toBe('ok');
    expect(await f.call('begin_address_change', [one.token, newAddress()])).toMatchObject({ answer: 'wait' });
    await forgetLimits();
  });
});

describe('the link', () => {
  test('opens nothing: without a whole session of the account it does nothing, and is still there', async () => {
    const [email, one, stranger] = [newAddress(), await newPerson(), await newPerson('org_admin')];
    const half = await f.openLink(one.account);
    await mails();
    await begin(one, email);
    const link = linkIn(await mails(), 'address_link');
    for (const token of [null, newToken(), half]) {
      expect(await f.call('look_at_address_change', [token, link])).toMatchObject({ answer: 'sign_in', email: null });
      expect(await confirm(token, link)).toBe('sign_in');
    }
    // a colleague's session, also an administrator's
    expect(await f.call('look_at_address_change', [stranger.token, link])).toMatchObject({
      answer: 'gone',
      email: null,
    });
    expect(await confirm(stranger.token, link)).toBe('gone');
    expect([await holderOf(email), await holderOf(stranger.email)]).toEqual([undefined, stranger.account]);
    // to look changes nothing
    expect(await f.call('look_at_address_change', [one.token, link])).toMatchObject({ answer: 'ok', email });
    expect(await confirm(one.token, link)).toBe('ok');
    expect([await holderOf(email), await holderOf(one.email)]).toEqual([one.account, undefined]);
  });

  test('works once, for an hour, until another is asked for, and not when it was cancelled', async () => {
    const one = await newPerson();
    const sent = await change(one, newAddress());
    expect(await confirm(one.token, linkIn(sent, 'address_link'))).toBe('gone');
    const email = newAddress();
    await begin(one, email);
    const first = linkIn(await mails(), 'address_link');
    await begin(one, email);
    const second = linkIn(await mails(), 'address_link');
    expect(await confirm(one.token, first)).toBe('gone');
    await f.owner("update iam.address_changes set ends_at = clock_timestamp() where state = 'waiting'");
    expect(await confirm(one.token, second)).toBe('gone');
    await begin(one, email);
    const third = linkIn(await mails(), 'address_link');
    expect((await f.call('cancel_own_address_change', [one.token])).answer).toBe('ok');
    expect(await confirm(one.token, third)).toBe('gone');
    for (const wrong of ['', 'x', newToken(), "' or true --"]) expect(await confirm(one.token, wrong)).toBe('gone');
    expect(await holderOf(email)).toBe(undefined);
  });

  test('ends every other session, and half ones', async () => {
    const one = await newPerson();
    const others = [await f.openAnother(one.account), await f.openLink(one.account)];
    await change(one, newAddress());
    for (const token of others) expect(await isOver(token)).toBe('address_changed');
    expect(await isOver(one.token)).toBe(null);
  });

  test('leads nowhere once somebody else has the address', async () => {
    const [email, one] = [newAddress(), await newPerson()];
    await mails();
    await begin(one, email);
    const link = linkIn(await mails(), 'address_link');
    await f.owner('select iam.give_address($1, $2, $3)', [f.db.ring, (await newPerson()).account, email]);
    expect(await confirm(one.token, link)).toBe('taken');
    expect(await holderOf(one.email)).toBe(one.account);
  });

  test('two who take the same address at once: one has it', async () => {
    const [email, one, two] = [newAddress(), await newPerson(), await newPerson()];
    const links: string[] = [];
    for (const person of [one, two]) {
      await mails();
      await begin(person, email);
      links.push(linkIn(await mails(), 'address_link'));
    }
    const answers = await Promise.all([confirm(one.token, links[0]!), confirm(two.token, links[1]!, other)]);
    expect(answers.sort()).toEqual(['ok', 'taken']);
  });

  test('two who take each other’s address at once keep their own', async () => {
    const [one, two] = [await newPerson(), await newPerson()];
    expect(await Promise.all([begin(one, two.email), begin(two, one.email, other)])).toEqual(['ok', 'ok']);
    expect([await holderOf(one.email), await holderOf(two.email)]).toEqual([one.account, two.account]);
  });

  test('what waited to be sent goes to the address that it was written for', async () => {
    const [email, one] = [newAddress(), await newPerson()];
    await mails();
    await begin(one, email);
    const link = linkIn(await mails(), 'address_link');
    await f.owner("select ops.post($1, $2, 'email', 'factor_removed', '{}')", [f.db.ring, one.account]);
    await confirm(one.token, link);
    await f.owner("select ops.post($1, $2, 'email', 'factor_added', '{}')", [f.db.ring, one.account]);
    expect((await mails()).map(({ template, address }) => [template, address]).sort()).toEqual([
      ['address_changed', one.email],
      ['factor_added', email],
      ['factor_removed', one.email],
    ]);
  });
});

describe('that wasn’t me', () => {
  test('takes the address back, ends every session and knows no browser any more', async () => {
    const [email, one] = [newAddress(), await newPerson()];
    await f.owner('insert into iam.devices (account_id, token_hash) values ($1, iam.hash_token($2))', [
      one.account,
      newToken(),
    ]);
    const sent = await change(one, email);
    const notice = linkIn(sent, 'address_changed');
    expect(await f.call('look_at_address_notice', [notice])).toMatchObject({ answer: 'ok' });
    expect(await holderOf(email)).toBe(one.account);
    expect(await disown(notice)).toBe('taken_back');
    expect([await holderOf(email), await holderOf(one.email)]).toEqual([undefined, one.account]);
    expect(await isOver(one.token)).toBe('disowned');
    expect(
      await f.owner('select id from iam.devices where account_id = $1 and forgotten_at is null', [one.account]),
    ).toEqual([]);
    expect((await mails()).map(({ template, address }) => [template, address])).toEqual([['address_kept', one.email]]);
    // once, and the other link is about the same
    for (const link of [notice, linkIn(sent, 'address_asked')]) expect(await disown(link)).toBe('taken_back');
    expect(await mails()).toEqual([]);
  });

  test('also before it changed: the link is dead', async () => {
    const [email, one] = [newAddress(), await newPerson()];
    await mails();
    await begin(one, email);
    const sent = await mails();
    expect(await disown(linkIn(sent, 'address_asked'))).toBe('taken_back');
    const session = await f.openAnother(one.account);
    expect(await confirm(session, linkIn(sent, 'address_link'))).toBe('gone');
    expect([await isOver(one.token), await holderOf(one.email)]).toEqual(['disowned', one.account]);
  });

  test('with what was changed after it, of which the notices are worth nothing', async () => {
    const [first, second, one] = [newAddress(), newAddress(), await newPerson()];
    const [mine, theirs] = [await change(one, first), await change(one, second)];
    expect(await disown(linkIn(mine, 'address_asked'))).toBe('taken_back');
    expect([await holderOf(one.email), await holderOf(first), await holderOf(second)]).toEqual([
      one.account,
      undefined,
      undefined,
    ]);
    expect(await disown(linkIn(theirs, 'address_changed'))).toBe('taken_back');
    expect(await holderOf(one.email)).toBe(one.account);
  });

  test('the notice of a request that another one replaced takes that one back', async () => {
    const [email, one] = [newAddress(), await newPerson()];
    await mails();
    await begin(one, newAddress());
    const notice = linkIn(await mails(), 'address_asked');
    await change(one, email);
    expect(await disown(notice)).toBe('taken_back');
    expect([await holderOf(email), await holderOf(one.email)]).toEqual([undefined, one.account]);
  });

  test('for 7 days, and never a change that came before', async () => {
    const [first, second, one] = [newAddress(), newAddress(), await newPerson()];
    const old = await change(one, first);
    const notices = await change(one, second);
    await f.owner(
      "update iam.address_changes set changed_at = changed_at - interval '8 days', asked_at = asked_at - interval '8 days' where former is not null and account_id = $1 and changed_at < (select max(changed_at) from iam.address_changes where account_id = $1)",
      [one.account],
    );
    expect(await disown(linkIn(old, 'address_changed'))).toBe('gone');
    expect(await disown(linkIn(notices, 'address_changed'))).toBe('taken_back');
    expect(await holderOf(first)).toBe(one.account);
    for (const wrong of ['', newToken(), linkIn(notices, 'address_link')]) expect(await disown(wrong)).toBe('gone');
    await f.owner("update iam.address_changes set changed_at = changed_at - interval '8 days' where account_id = $1", [
      one.account,
    ]);
    await f.owner('select iam.forget_address_changes()');
    expect(
      await f.owner(
        'select id from iam.address_changes where account_id = $1 and (former is not null or email is not null)',
        [one.account],
      ),
    ).toEqual([]);
  });

  test('nobody else gets the address meanwhile, and whoever tries learns nothing', async () => {
    const one = await newPerson();
    const sent = await change(one, newAddress());
    await mails();
    const two = await newPerson();
    expect(await begin(two, one.email)).toBe('ok');
    expect((await mails()).map(({ template }) => template).sort()).toEqual(['address_asked', 'address_exists']);
    const profile = { family_name: 'Autre', given_name: 'Une' };
    const [elsewhere] = await f.owner("select iam.create_organisation($1, 'Ailleurs') as id", [f.db.ring]);
    const [invited] = await f.owner("select iam.invite($1, $2, 'clinician', $3, $4) as id", [
      f.db.ring,
      elsewhere!.id,
      one.email,
      profile,
    ]);
    await f.owner('select iam.send_invitation($1, $2)', [f.db.ring, invited!.id]);
    expect((await f.call('request_registration', [f.practice.organisation, one.email, 'fr', newToken()])).answer).toBe(
      'ok',
    );
    expect((await mails()).map(({ template }) => template).sort()).toEqual([
      'invitation_exists',
      'registration_exists',
    ]);
    expect(await holderOf(one.email)).toBe(undefined);
    expect(await disown(linkIn(sent, 'address_changed'))).toBe('taken_back');
    expect(await holderOf(one.email)).toBe(one.account);
    await forgetLimits();
  });
});

describe('beside a recovery', () => {
  test('it goes to the confirmed address, and one that was asked for is over when the address changes', async () => {
    const [email, one] = [newAddress(), await newPerson()];
    await mails();
    await begin(one, email);
    const link = linkIn(await mails(), 'address_link');
    const recovery = newToken();
    expect((await f.call('request_recovery', [one.email, recovery])).answer).toBe('ok');
    expect(await confirm(one.token, link)).toBe('ok');
    expect((await f.call('read_recovery', [recovery])).answer).toBe('gone');
    for (const asked of [one.email, email])
      expect((await f.call('request_recovery', [asked, newToken()])).answer).toBe('ok');
    const sent = (await mails()).filter(({ template }) => template === 'recovery_link');
    // the first one, of which the link is dead, and the last
    expect(sent.map(({ address }) => address)).toEqual([one.email, email]);
  });

  test('one that goes further than its link ends a change that waits', async () => {
    const [email, one] = [newAddress(), await newPerson()];
    await mails();
    await begin(one, email);
    const link = linkIn(await mails(), 'address_link');
    const recovery = newToken();
    await f.call('request_recovery', [one.email, recovery]);
    expect((await f.call('choose_recovery', [recovery, 'both', 'p:chosen', newToken(), newToken()])).answer).toBe(
      'waiting',
    );
    expect(await confirm(one.token, link)).toBe('gone');
  });

  test('one that waits is over when the address changes, and its notice goes where it was asked', async () => {
    const [email, one] = [newAddress(), await newPerson()];
    const recovery = newToken();
    await f.call('request_recovery', [one.email, recovery]);
    await f.call('choose_recovery', [recovery, 'both', 'p:chosen', newToken(), newToken()]);
    await mails();
    const sent = await change(one, email);
    expect(sent.filter(({ template }) => template === 'recovery_cancelled').map(({ address }) => address)).toEqual([
      one.email,
    ]);
    expect((await f.call('read_recovery', [recovery])).answer).toBe('gone');
  });
});

test('an erased patient has no change, and its notice leads nowhere', async () => {
  await forgetLimits();
  const patient = await createPatient(f.db, f.practice);
  const one = await asOwner(f.db.admin, () =>
    createPerson(f.db, { organisation: f.practice.organisation, role: 'patient', patient }),
  );
  const sent = await change(one, newAddress());
  await f.owner('select privacy.destroy($1)', [patient]);
  expect(await disown(linkIn(sent, 'address_changed'))).toBe('gone');
  expect(await f.owner('select id from iam.address_changes where account_id = $1', [one.account])).toEqual([]);
  expect(await holderOf(one.email)).toBe(undefined);
});

test('no administrator has a function for it', async () => {
  const rows = await f.owner(
    "select p.proname from pg_proc p where p.pronamespace in ('iam'::regnamespace, 'clinic'::regnamespace, 'ops'::regnamespace) and p.proname ~ 'address' and has_function_privilege('vs_org_admin', p.oid, 'execute')",
  );
  expect(rows).toEqual([]);
});

// last: the keys change
test('an address that was left in the middle of a key rotation comes back under the new key', async () => {
  const next = randomBytes(64);
  const nextRing = `next=${next.toString('base64')}`;
  const both = `${f.db.ring},${nextRing}`;
  const [email, one] = [newAddress(), await newPerson()];
  await mails();
  await begin(one, email);
  const link = linkIn(await mails(), 'address_link');
  const rotate = async () => {
    for (const step of ['rewrap', 'reindex'])
      while ((await f.owner(`select vault.${step}($1, 'next') as n`, [both]))[0]!.n !== 0);
  };
  const kept = await newPerson();
  const earlier = await change(kept, newAddress());
  await f.owner("select vault.add_master('next', $1)", [next]);
  await f.owner("select vault.promote($1, 'next')", [both]);
  await rotate();
  // by an edge that still puts the old key first
  const caller = { ip: '192.0.2.1', user_agent: 'test' };
  const confirming = 'select answer from iam.confirm_address_change($1, $2, $3, $4)';
  expect((await f.gate.query(confirming, [both, one.token, link, caller])).rows).toEqual([{ answer: 'ok' }]);
  const notice = linkIn(await mails(both), 'address_changed');
  await f.owner("select vault.retire($1, '0 s')", [f.db.ring.split('=')[0]]);
  expect([await holderOf(email, nextRing), await holderOf(one.email, nextRing)]).toEqual([one.account, undefined]);
  const reserved = await f.owner('select iam.holder_of($1, $2) as a, iam.holder_of($1, $3) as b', [
    nextRing,
    one.email,
    kept.email,
  ]);
  expect(reserved).toEqual([{ a: one.account, b: kept.account }]);
  for (const taken of [notice, linkIn(earlier, 'address_changed')])
    expect(
      (await f.gate.query('select answer from iam.disown_address_change($1, $2, $3)', [nextRing, taken, caller])).rows,
    ).toEqual([{ answer: 'taken_back' }]);
  expect([await holderOf(one.email, nextRing), await holderOf(kept.email, nextRing)]).toEqual([
    one.account,
    kept.account,
  ]);
});
