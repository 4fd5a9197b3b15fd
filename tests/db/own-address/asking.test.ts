// Another address to sign in with is asked for: by whom, how often, and what that tells about it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asOwner } from '../../../db/owner.ts';
import { createHalfway } from '../../support/practice.ts';
import { newToken } from '../factors/support.ts';
import { type Addresses, newAddress, openAddresses } from './support.ts';

let a: Addresses;
beforeAll(async () => {
  a = await openAddresses();
});
afterAll(() => a?.f.close());

describe('asking', () => {
  test('cannot be done without a session, with half of one, by a link, or on a factor shown long ago', async () => {
    const [email, one] = [newAddress(), await a.newPerson()];
    await a.mails();
    expect((await a.f.call('begin_address_change', [newToken(), email])).answer).toBe('expired');
    for (const by of ['link', 'password'] as const) {
      const half = await asOwner(a.f.db.admin, () => createHalfway(a.f.db, a.f.practice.organisation, by));
      expect(await a.begin(half, email)).toBe('second_factor');
      expect((await a.f.call('read_address_change', [half.token])).answer).toBe('second_factor');
      expect((await a.f.call('cancel_own_address_change', [half.token])).answer).toBe('second_factor');
    }
    await a.f.age(one.token, '11 minutes');
    expect(await a.begin(one, email)).toBe('step_up');
    expect(await a.mails()).toEqual([]);
    expect((await a.f.events(one.account, 'account.change'))[0]).toMatchObject({ outcome: 'failure' });
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
    expect(await a.begin(await a.newPerson(), email)).toBe('address'),
  );

  test('one’s own address, written in another way, changes nothing', async () => {
    const one = await a.newPerson();
    expect(await a.begin(one, `  ${one.email.toUpperCase()} `)).toBe('same');
  });

  test('ends nobody’s registration or invitation, and gives its address to whoever reads its mailbox', async () => {
    await a.forgetLimits();
    const [email, link, one] = [newAddress(), newToken(), await a.newPerson()];
    expect((await a.f.call('request_registration', [a.f.practice.organisation, email, 'fr', link])).answer).toBe('ok');
    await a.mails();
    expect(await a.begin(one, email)).toBe('ok');
    expect((await a.f.call('read_registration', [link])).answer).toBe('new');
    const sent = await a.mails();
    expect(sent.map(({ template }) => template).sort()).toEqual(['address_asked', 'address_link']);
    expect(await a.confirm(one.token, sent.find(({ template }) => template === 'address_link')!.link)).toBe('ok');
    expect(await a.holderOf(email)).toBe(one.account);
    expect((await a.f.call('read_registration', [link])).answer).toBe('gone');
  });

  test('sends a link to the new address alone, and a notice to the one of before', async () => {
    const [email, one] = [newAddress(), await a.newPerson()];
    await a.mails();
    expect(await a.begin(one, email)).toBe('ok');
    const sent = await a.mails();
    expect(sent.map(({ template, address }) => [template, address]).sort()).toEqual([
      ['address_asked', one.email],
      ['address_link', email],
    ]);
    expect([await a.holderOf(email), await a.holderOf(one.email)]).toEqual([undefined, one.account]);
    const [row] = await a.f.owner('select * from iam.address_changes where account_id = $1', [one.account]);
    for (const { link } of sent) expect(JSON.stringify(row)).not.toContain(link);
    expect(Buffer.from(row!.email as Buffer).includes(Buffer.from(email))).toBe(false);
  });

  test('answers alike for an address that somebody else has, whose holder is told, and whose link leads nowhere', async () => {
    const [one, holder] = [await a.newPerson(), await a.newPerson('secretary')];
    await a.mails();
    expect(await a.begin(one, holder.email)).toBe('ok');
    const sent = await a.mails();
    expect(sent.map(({ template, address }) => [template, address]).sort()).toEqual([
      ['address_asked', one.email],
      ['address_exists', holder.email],
    ]);
    const seen = await a.f.call('read_address_change', [one.token]);
    expect(seen).toMatchObject({ answer: 'ok', waiting: holder.email });
    expect(await a.holderOf(holder.email)).toBe(holder.account);
  });

  test('cannot fill a mailbox, nor be repeated for ever', async () => {
    const email = newAddress();
    await a.mails();
    for (let n = 0; n < 5; n++) expect(await a.begin(await a.newPerson(), email)).toBe('ok');
    expect((await a.mails()).filter(({ address }) => address === email)).toHaveLength(3);
    const one = await a.newPerson();
    for (let n = 0; n < 5; n++) expect(await a.begin(one, newAddress())).toBe('ok');
    expect(await a.f.call('begin_address_change', [one.token, newAddress()])).toMatchObject({ answer: 'wait' });
    await a.forgetLimits();
  });
});

test('no administrator has a function for it', async () => {
  const rows = await a.f.owner(
    "select p.proname from pg_proc p where p.pronamespace in ('iam'::regnamespace, 'clinic'::regnamespace, 'ops'::regnamespace) and p.proname ~ 'address' and has_function_privilege('vs_org_admin', p.oid, 'execute')",
  );
  expect(rows).toEqual([]);
});
