// Somebody who changes the address that they sign in with, and the messages of it.
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { asOwner } from '../../../db/owner.ts';
import { take } from '../../support/outbox.ts';
import { createPerson, type Person } from '../../support/practice.ts';
import { type Factors, openFactors } from '../factors/support.ts';

export type Mail = { template: string; address: string; link: string };
export type Addresses = Awaited<ReturnType<typeof openAddresses>>;

export const newAddress = () => `nouvelle-${randomBytes(4).toString('hex')}@exemple.fr`;
export const linkIn = (sent: Mail[], template: string) => sent.findLast((one) => one.template === template)?.link ?? '';

export async function openAddresses() {
  const f: Factors = await openFactors();

  const newPerson = (role = 'clinician'): Promise<Person> =>
    asOwner(f.db.admin, () => createPerson(f.db, { organisation: f.practice.organisation, role }));
  const begin = async (one: Person, email: string, client?: pg.Client) =>
    (await f.call('begin_address_change', [one.token, email], client)).answer;
  const confirm = async (token: string | null, link: string, client?: pg.Client) =>
    (await f.call('confirm_address_change', [token, link], client)).answer;
  const disown = async (link: string) => (await f.call('disown_address_change', [link])).answer;
  const forgetLimits = () => f.owner('delete from ops.limits');

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
  /** Whose account is found by this address when somebody signs in. */
  async function holderOf(email: string, ring = f.db.ring): Promise<unknown> {
    const query = 'select id from iam.accounts where email_index = any (iam.email_indexes($1, $2))';
    return (await f.owner(query, [ring, email]))[0]?.id;
  }
  const isOver = async (token: string) =>
    (await f.owner('select revoked_because from iam.sessions where token_hash = iam.hash_token($1)', [token]))[0]!
      .revoked_because;

  /** Asked for, and confirmed in the session that asked; gives the mails of both. */
  async function change(one: Person, email: string): Promise<Mail[]> {
    await mails();
    const answers = [await begin(one, email)];
    const asked = await mails();
    answers.push(await confirm(one.token, linkIn(asked, 'address_link')));
    if (answers.join() !== 'ok,ok') throw new Error(`the address did not change: ${answers}`);
    return [...asked, ...(await mails())];
  }
  return { f, newPerson, begin, confirm, disown, forgetLimits, mails, holderOf, isOver, change };
}
