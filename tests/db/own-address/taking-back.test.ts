// "That wasn’t me": the mailbox of before takes a change of the address back.
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../../db/connect.ts';
import { asOwner } from '../../../db/owner.ts';
import { createPatient, createPerson } from '../../support/practice.ts';
import { newToken } from '../factors/support.ts';
import { type Addresses, linkIn, newAddress, openAddresses } from './support.ts';

let a: Addresses;
let other: pg.Client;
beforeAll(async () => {
  a = await openAddresses();
  other = await connect(a.f.db.gateUrl);
});
afterAll(async () => {
  await other?.end();
  await a?.f.close();
});

describe('that wasn’t me', () => {
  test('takes the address back, ends every session and knows no browser any more', async () => {
    const [email, one] = [newAddress(), await a.newPerson()];
    await a.f.owner('insert into iam.devices (account_id, token_hash) values ($1, iam.hash_token($2))', [
      one.account,
      newToken(),
    ]);
    const sent = await a.change(one, email);
    const notice = linkIn(sent, 'address_changed');
    expect(await a.f.call('look_at_address_notice', [notice])).toMatchObject({ answer: 'ok' });
    expect(await a.holderOf(email)).toBe(one.account);
    expect(await a.disown(notice)).toBe('taken_back');
    expect([await a.holderOf(email), await a.holderOf(one.email)]).toEqual([undefined, one.account]);
    expect(await a.isOver(one.token)).toBe('disowned');
    expect(
      await a.f.owner('select id from iam.devices where account_id = $1 and forgotten_at is null', [one.account]),
    ).toEqual([]);
    expect((await a.mails()).map(({ template, address }) => [template, address])).toEqual([
      ['address_kept', one.email],
    ]);
    // once, and the other link is about the same
    for (const link of [notice, linkIn(sent, 'address_asked')]) expect(await a.disown(link)).toBe('taken_back');
    expect(await a.mails()).toEqual([]);
  });

  test('also before it changed: the link is dead', async () => {
    const [email, one] = [newAddress(), await a.newPerson()];
    await a.mails();
    await a.begin(one, email);
    const sent = await a.mails();
    expect(await a.disown(linkIn(sent, 'address_asked'))).toBe('taken_back');
    const session = await a.f.openAnother(one.account);
    expect(await a.confirm(session, linkIn(sent, 'address_link'))).toBe('gone');
    expect([await a.isOver(one.token), await a.holderOf(one.email)]).toEqual(['disowned', one.account]);
  });

  test('with what was changed after it, of which the notices are worth nothing', async () => {
    const [first, second, one] = [newAddress(), newAddress(), await a.newPerson()];
    const [mine, theirs] = [await a.change(one, first), await a.change(one, second)];
    expect(await a.disown(linkIn(mine, 'address_asked'))).toBe('taken_back');
    expect([await a.holderOf(one.email), await a.holderOf(first), await a.holderOf(second)]).toEqual([
      one.account,
      undefined,
      undefined,
    ]);
    expect(await a.disown(linkIn(theirs, 'address_changed'))).toBe('taken_back');
    expect(await a.holderOf(one.email)).toBe(one.account);
  });

  test('the notice of a request that another one replaced takes that one back', async () => {
    const [email, one] = [newAddress(), await a.newPerson()];
    await a.mails();
    await a.begin(one, newAddress());
    const notice = linkIn(await a.mails(), 'address_asked');
    await a.change(one, email);
    expect(await a.disown(notice)).toBe('taken_back');
    expect([await a.holderOf(email), await a.holderOf(one.email)]).toEqual([undefined, one.account]);
  });

  test('leaves no link in the mailbox that was taken away: neither one about a change nor one about a sign-in', async () => {
    await a.forgetLimits();
    const [theirs, one] = [newAddress(), await a.newPerson()];
    const sent = await a.change(one, theirs);
    const [session] = await a.f.owner('select id from iam.sessions where token_hash = iam.hash_token($1)', [one.token]);
    await a.begin(one, newAddress());
    const left = linkIn(await a.mails(), 'address_asked');
    const link = newToken();
    await a.f.owner(
      `insert into iam.sign_ins (account_id, organisation_id, session_id, placed, signals, score, outcome, facts, link_hash)
       values ($1, $2, $3, false, '{}', 3, 'told', '', iam.hash_token($4))`,
      [one.account, a.f.practice.organisation, session!.id, link],
    );
    expect(await a.disown(linkIn(sent, 'address_changed'))).toBe('taken_back');

    // its person is back, in a browser that the account didn't know, with another address and an app
    const back = { ...one, token: await a.f.openAnother(one.account) };
    const mine = newAddress();
    await a.change(back, mine);
    await a.f.owner(
      `insert into iam.totp_factors (account_id, secret, confirmed_at, added_in)
       select account_id, '', now(), id from iam.sessions where token_hash = iam.hash_token($1)
       on conflict on constraint totp_factors_pkey do update set added_in = excluded.added_in`,
      [back.token],
    );
    expect(await a.disown(left)).toBe('taken_back');
    expect((await a.f.call('answer_sign_in', [link, false])).answer).toBe('expired');
    expect([await a.holderOf(mine), await a.isOver(back.token)]).toEqual([one.account, null]);
    expect(await a.f.owner('select 1 as one from iam.totp_factors where account_id = $1', [one.account])).toEqual([
      { one: 1 },
    ]);
  });

  test('for 7 days, and never a change that came before', async () => {
    const [first, second, one] = [newAddress(), newAddress(), await a.newPerson()];
    const old = await a.change(one, first);
    const notices = await a.change(one, second);
    await a.f.owner(
      "update iam.address_changes set changed_at = changed_at - interval '8 days', asked_at = asked_at - interval '8 days' where former is not null and account_id = $1 and changed_at < (select max(changed_at) from iam.address_changes where account_id = $1)",
      [one.account],
    );
    expect(await a.disown(linkIn(old, 'address_changed'))).toBe('gone');
    expect(await a.disown(linkIn(notices, 'address_changed'))).toBe('taken_back');
    expect(await a.holderOf(first)).toBe(one.account);
    for (const wrong of ['', newToken(), linkIn(notices, 'address_link')]) expect(await a.disown(wrong)).toBe('gone');
    await a.f.owner(
      "update iam.address_changes set changed_at = changed_at - interval '8 days' where account_id = $1",
      [one.account],
    );
    await a.f.owner('select iam.forget_address_changes()');
    expect(
      await a.f.owner(
        'select id from iam.address_changes where account_id = $1 and (former is not null or email is not null)',
        [one.account],
      ),
    ).toEqual([]);
  });

  test('nobody else gets the address meanwhile, and whoever tries learns nothing', async () => {
    const one = await a.newPerson();
    const sent = await a.change(one, newAddress());
    await a.mails();
    const two = await a.newPerson();
    expect(await a.begin(two, one.email)).toBe('ok');
    expect((await a.mails()).map(({ template }) => template).sort()).toEqual(['address_asked', 'address_exists']);
    const profile = { family_name: 'Autre', given_name: 'Une' };
    const [elsewhere] = await a.f.owner("select iam.create_organisation($1, 'Ailleurs') as id", [a.f.db.ring]);
    const [invited] = await a.f.owner("select iam.invite($1, $2, 'clinician', $3, $4) as id", [
      a.f.db.ring,
      elsewhere!.id,
      one.email,
      profile,
    ]);
    await a.f.owner('select iam.send_invitation($1, $2)', [a.f.db.ring, invited!.id]);
    expect(
      (await a.f.call('request_registration', [a.f.practice.organisation, one.email, 'fr', newToken()])).answer,
    ).toBe('ok');
    expect((await a.mails()).map(({ template }) => template).sort()).toEqual([
      'invitation_exists',
      'registration_exists',
    ]);
    expect(await a.holderOf(one.email)).toBe(undefined);
    expect(await a.disown(linkIn(sent, 'address_changed'))).toBe('taken_back');
    expect(await a.holderOf(one.email)).toBe(one.account);
    await a.forgetLimits();
  });
});

test('an erased patient has no change, and its notice leads nowhere', async () => {
  await a.forgetLimits();
  const patient = await createPatient(a.f.db, a.f.practice);
  const one = await asOwner(a.f.db.admin, () =>
    createPerson(a.f.db, { organisation: a.f.practice.organisation, role: 'patient', patient }),
  );
  const sent = await a.change(one, newAddress());
  await a.f.owner('select privacy.destroy($1)', [patient]);
  expect(await a.disown(linkIn(sent, 'address_changed'))).toBe('gone');
  expect(await a.f.owner('select id from iam.address_changes where account_id = $1', [one.account])).toEqual([]);
  expect(await a.holderOf(one.email)).toBe(undefined);
});
