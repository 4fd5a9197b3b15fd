// The link that went to a new address: it works in a session of one’s own, once, and what it ends.
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../../db/connect.ts';
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

describe('the link', () => {
  test('opens nothing: without a whole session of the account it does nothing, and is still there', async () => {
    const [email, one, stranger] = [newAddress(), await a.newPerson(), await a.newPerson('org_admin')];
    const half = await a.f.openLink(one.account);
    await a.mails();
    await a.begin(one, email);
    const link = linkIn(await a.mails(), 'address_link');
    for (const token of [null, newToken(), half]) {
      expect(await a.f.call('look_at_address_change', [token, link])).toMatchObject({ answer: 'sign_in', email: null });
      expect(await a.confirm(token, link)).toBe('sign_in');
    }
    // a colleague's session, also an administrator's
    expect(await a.f.call('look_at_address_change', [stranger.token, link])).toMatchObject({
      answer: 'gone',
      email: null,
    });
    expect(await a.confirm(stranger.token, link)).toBe('gone');
    expect([await a.holderOf(email), await a.holderOf(stranger.email)]).toEqual([undefined, stranger.account]);
    // to look changes nothing
    expect(await a.f.call('look_at_address_change', [one.token, link])).toMatchObject({ answer: 'ok', email });
    expect(await a.confirm(one.token, link)).toBe('ok');
    expect([await a.holderOf(email), await a.holderOf(one.email)]).toEqual([one.account, undefined]);
  });

  test('works once, for an hour, until another is asked for, and not when it was cancelled', async () => {
    const one = await a.newPerson();
    const sent = await a.change(one, newAddress());
    expect(await a.confirm(one.token, linkIn(sent, 'address_link'))).toBe('gone');
    const email = newAddress();
    await a.begin(one, email);
    const first = linkIn(await a.mails(), 'address_link');
    await a.begin(one, email);
    const second = linkIn(await a.mails(), 'address_link');
    expect(await a.confirm(one.token, first)).toBe('gone');
    await a.f.owner("update iam.address_changes set ends_at = clock_timestamp() where state = 'waiting'");
    expect(await a.confirm(one.token, second)).toBe('gone');
    await a.begin(one, email);
    const third = linkIn(await a.mails(), 'address_link');
    expect((await a.f.call('cancel_own_address_change', [one.token])).answer).toBe('ok');
    expect(await a.confirm(one.token, third)).toBe('gone');
    for (const wrong of ['', 'x', newToken(), "' or true --"]) expect(await a.confirm(one.token, wrong)).toBe('gone');
    expect(await a.holderOf(email)).toBe(undefined);
  });

  test('ends every other session, and half ones', async () => {
    const one = await a.newPerson();
    const others = [await a.f.openAnother(one.account), await a.f.openLink(one.account)];
    await a.change(one, newAddress());
    for (const token of others) expect(await a.isOver(token)).toBe('address_changed');
    expect(await a.isOver(one.token)).toBe(null);
  });

  test('leads nowhere once somebody else has the address', async () => {
    const [email, one] = [newAddress(), await a.newPerson()];
    await a.mails();
    await a.begin(one, email);
    const link = linkIn(await a.mails(), 'address_link');
    await a.f.owner('select iam.give_address($1, $2, $3)', [a.f.db.ring, (await a.newPerson()).account, email]);
    expect(await a.confirm(one.token, link)).toBe('taken');
    expect(await a.holderOf(one.email)).toBe(one.account);
  });

  test('nor is it theirs when somebody else takes it at this very moment', async () => {
    const [email, one, two] = [newAddress(), await a.newPerson(), await a.newPerson()];
    await a.mails();
    await a.begin(one, email);
    const link = linkIn(await a.mails(), 'address_link');
    const holder = await connect(a.f.db.adminUrl);
    try {
      await holder.query('begin');
      await holder.query('set local role vs_owner');
      await holder.query('select iam.give_address($1, $2, $3)', [a.f.db.ring, two.account, email]);
      const waiting = a.confirm(one.token, link, other);
      const blocked =
        'select count(*)::int as n from pg_locks where not granted and pid in (select pid from pg_stat_activity where datname = current_database())';
      await expect.poll(async () => (await a.f.owner(blocked))[0]!.n).toBe(1);
      await holder.query('commit');
      expect(await waiting).toBe('taken');
    } finally {
      await holder.end();
    }
    expect([await a.holderOf(email), await a.holderOf(one.email)]).toEqual([two.account, one.account]);
  });

  test('two who take the same address at once: one has it', async () => {
    const [email, one, two] = [newAddress(), await a.newPerson(), await a.newPerson()];
    const links: string[] = [];
    for (const person of [one, two]) {
      await a.mails();
      await a.begin(person, email);
      links.push(linkIn(await a.mails(), 'address_link'));
    }
    const answers = await Promise.all([a.confirm(one.token, links[0]!), a.confirm(two.token, links[1]!, other)]);
    expect(answers.sort()).toEqual(['ok', 'taken']);
  });

  test('two who take each other’s address at once keep their own', async () => {
    const [one, two] = [await a.newPerson(), await a.newPerson()];
    expect(await Promise.all([a.begin(one, two.email), a.begin(two, one.email, other)])).toEqual(['ok', 'ok']);
    expect([await a.holderOf(one.email), await a.holderOf(two.email)]).toEqual([one.account, two.account]);
  });

  test('what waited to be sent goes to the address that it was written for', async () => {
    const [email, one] = [newAddress(), await a.newPerson()];
    await a.mails();
    await a.begin(one, email);
    const link = linkIn(await a.mails(), 'address_link');
    await a.f.owner("select ops.post($1, $2, 'email', 'factor_removed', '{}')", [a.f.db.ring, one.account]);
    await a.confirm(one.token, link);
    await a.f.owner("select ops.post($1, $2, 'email', 'factor_added', '{}')", [a.f.db.ring, one.account]);
    expect((await a.mails()).map(({ template, address }) => [template, address]).sort()).toEqual([
      ['address_changed', one.email],
      ['factor_added', email],
      ['factor_removed', one.email],
    ]);
  });
});
