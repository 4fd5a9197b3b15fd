// A change of the address beside a recovery, and in the middle of a key rotation.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newToken } from '../factors/support.ts';
import { type Addresses, linkIn, newAddress, openAddresses } from './support.ts';

let a: Addresses;
beforeAll(async () => {
  a = await openAddresses();
});
afterAll(() => a?.f.close());

describe('beside a recovery', () => {
  test('it goes to the confirmed address, and one that was asked for is over when the address changes', async () => {
    const [email, one] = [newAddress(), await a.newPerson()];
    await a.mails();
    await a.begin(one, email);
    const link = linkIn(await a.mails(), 'address_link');
    const recovery = newToken();
    expect((await a.f.call('request_recovery', [one.email, recovery])).answer).toBe('ok');
    expect(await a.confirm(one.token, link)).toBe('ok');
    expect((await a.f.call('read_recovery', [recovery])).answer).toBe('gone');
    for (const asked of [one.email, email])
      expect((await a.f.call('request_recovery', [asked, newToken()])).answer).toBe('ok');
    const sent = (await a.mails()).filter(({ template }) => template === 'recovery_link');
    // the first one, of which the link is dead, and the last
    expect(sent.map(({ address }) => address)).toEqual([one.email, email]);
  });

  test('one that goes further than its link ends a change that waits', async () => {
    const [email, one] = [newAddress(), await a.newPerson()];
    await a.mails();
    await a.begin(one, email);
    const link = linkIn(await a.mails(), 'address_link');
    const recovery = newToken();
    await a.f.call('request_recovery', [one.email, recovery]);
    expect((await a.f.call('choose_recovery', [recovery, 'both', 'p:chosen', newToken(), newToken()])).answer).toBe(
      'waiting',
    );
    expect(await a.confirm(one.token, link)).toBe('gone');
  });

  test('one that waits is over when the address changes, and its notice goes where it was asked', async () => {
    const [email, one] = [newAddress(), await a.newPerson()];
    const recovery = newToken();
    await a.f.call('request_recovery', [one.email, recovery]);
    await a.f.call('choose_recovery', [recovery, 'both', 'p:chosen', newToken(), newToken()]);
    await a.mails();
    const sent = await a.change(one, email);
    expect(sent.filter(({ template }) => template === 'recovery_cancelled').map(({ address }) => address)).toEqual([
      one.email,
    ]);
    expect((await a.f.call('read_recovery', [recovery])).answer).toBe('gone');
  });
});

// last: the keys change
test('an address that was left in the middle of a key rotation comes back under the new key', async () => {
  const next = randomBytes(64);
  const nextRing = `next=${next.toString('base64')}`;
  const both = `${a.f.db.ring},${nextRing}`;
  const [email, one] = [newAddress(), await a.newPerson()];
  await a.mails();
  await a.begin(one, email);
  const link = linkIn(await a.mails(), 'address_link');
  const rotate = async () => {
    for (const step of ['rewrap', 'reindex'])
      while ((await a.f.owner(`select vault.${step}($1, 'next') as n`, [both]))[0]!.n !== 0);
  };
  const kept = await a.newPerson();
  const earlier = await a.change(kept, newAddress());
  await a.f.owner("select vault.add_master('next', $1)", [next]);
  await a.f.owner("select vault.promote($1, 'next')", [both]);
  await rotate();
  // by an edge that still puts the old key first
  const caller = { ip: '192.0.2.1', user_agent: 'test' };
  const confirming = 'select answer from iam.confirm_address_change($1, $2, $3, $4)';
  expect((await a.f.gate.query(confirming, [both, one.token, link, caller])).rows).toEqual([{ answer: 'ok' }]);
  const notice = linkIn(await a.mails(both), 'address_changed');
  await a.f.owner("select vault.retire($1, '0 s')", [a.f.db.ring.split('=')[0]]);
  expect([await a.holderOf(email, nextRing), await a.holderOf(one.email, nextRing)]).toEqual([one.account, undefined]);
  const reserved = await a.f.owner('select iam.holder_of($1, $2) as a, iam.holder_of($1, $3) as b', [
    nextRing,
    one.email,
    kept.email,
  ]);
  expect(reserved).toEqual([{ a: one.account, b: kept.account }]);
  for (const taken of [notice, linkIn(earlier, 'address_changed')])
    expect(
      (await a.f.gate.query('select answer from iam.disown_address_change($1, $2, $3)', [nextRing, taken, caller]))
        .rows,
    ).toEqual([{ answer: 'taken_back' }]);
  expect([await a.holderOf(one.email, nextRing), await a.holderOf(kept.email, nextRing)]).toEqual([
    one.account,
    kept.account,
  ]);
});
