// Another address to sign in with, through its pages: /account/address, and the links of its messages.
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compose } from '../../app/mail/compose.ts';
import { connect } from '../../db/connect.ts';
import { asOwner } from '../../db/owner.ts';
import { owner, take } from '../support/outbox.ts';
import { createPerson, type Person } from '../support/practice.ts';
import { openPages, type Pages, visibleText } from './pages.ts';

let pages: Pages;
let gate: pg.Client;
beforeAll(async () => {
  pages = await openPages();
  gate = await connect(pages.db.gateUrl);
});
afterAll(async () => {
  await gate?.end();
  await pages?.close();
});

const newPerson = (): Promise<Person> =>
  asOwner(pages.db.admin, () =>
    createPerson(pages.db, { organisation: pages.practice.organisation, role: 'secretary' }),
  );
const age = (one: Person, set: string) =>
  owner(pages.db, `update iam.sessions set ${set} where token_hash = iam.hash_token($1)`, [one.token]);
async function paths(): Promise<Record<string, string>> {
  const sent = await take(pages.db, gate);
  return Object.fromEntries(sent.map(({ template, vars }) => [template, String(vars.path)]));
}
const ask = async (one: Person, email: string) => {
  await paths();
  expect((await pages.post(one, '/account/address', { email })).location).toBe('/account/address');
  return paths();
};

test('nobody sees the page without a session, nor with half of one', async () => {
  const one = await newPerson();
  expect((await pages.get(null, '/account/address')).location).toBe('/sign-in');
  await age(one, "factors = 1, methods = '{password}'");
  for (const asked of [
    pages.get(one, '/account/address'),
    pages.post(one, '/account/address', { email: 'x@exemple.fr' }),
    pages.post(one, '/account/address/cancel', {}),
  ])
    expect((await asked).location).toBe('/sign-in/code');
});

test('an old factor is asked for again, and what was typed is kept', async () => {
  const one = await newPerson();
  await age(one, "factor_at = clock_timestamp() - interval '11 minutes'");
  const { status, text } = await pages.post(one, '/account/address', { email: 'gardee@exemple.fr' });
  expect([status, text.includes('value="gardee@exemple.fr"')]).toEqual([401, true]);
});

test.each(['', 'nobody', '"><script>alert(1)</script>@exemple.fr', 'a@exemple。fr'])(
  'is no address, and comes back as it was typed: %s',
  async (email) => {
    const { status, text } = await pages.post(await newPerson(), '/account/address', { email });
    expect([status, text.includes('<script>alert'), text.includes('<title>Erreur')]).toEqual([422, false, true]);
  },
);

test('the same page whether somebody has the address or not', async () => {
  const [one, two, holder] = [await newPerson(), await newPerson(), await newPerson()];
  const shown: string[] = [];
  for (const [person, email] of [
    [one, 'personne@exemple.fr'],
    [two, holder.email],
  ] as const) {
    await pages.post(person, '/account/address', { email });
    const { text } = await pages.get(person, '/account/address');
    shown.push(visibleText(text).replaceAll(email, '…').replaceAll(person.email, '…'));
  }
  expect(shown[0]).toBe(shown[1]);
  expect(shown[0]).toContain('Un lien vous attend');
});

test('asked for, confirmed where somebody is signed in, and taken back from the mailbox of before', async () => {
  const one = await newPerson();
  const { address_link, address_asked } = await ask(one, 'nouvelle@exemple.fr');
  // on a phone where nobody is signed in; and in a colleague's browser
  for (const method of ['get', 'post'] as const)
    expect(visibleText((await pages[method](null, address_link!, {})).text)).toContain('Connectez-vous d’abord');
  expect((await pages.post(pages.practice.orgAdmin, address_link!, {})).status).toBe(404);
  expect(visibleText((await pages.get(null, address_asked!)).text)).toContain('toutes ses sessions se ferment');
  expect(visibleText((await pages.get(one, address_link!)).text)).toContain('nouvelle@exemple.fr');
  expect((await pages.post(one, address_link!, {})).location).toBe('/account/address?done=changed');
  const changed = visibleText((await pages.get(one, '/account/address?done=changed')).text);
  for (const words of ['Votre adresse a changé', 'nouvelle@exemple.fr']) expect(changed).toContain(words);
  expect((await pages.post(one, address_link!, {})).status).toBe(404);
  const { address_changed } = await paths();
  expect(visibleText((await pages.post(null, address_changed!, {})).text)).toContain('Votre adresse est rétablie');
  expect((await pages.get(one, '/account')).location).toBe('/sign-in?ended');
  expect(visibleText((await pages.get(null, address_changed!)).text)).toContain('Votre adresse est rétablie');
});

test('one that waits is cancelled by its person, or leads nowhere once somebody else has it', async () => {
  const [one, two] = [await newPerson(), await newPerson()];
  const first = await ask(one, 'partagee@exemple.fr');
  expect((await pages.post(one, '/account/address/cancel', {})).location).toBe('/account/address?done=cancelled');
  expect((await pages.get(one, first.address_link!)).status).toBe(404);
  const [mine, theirs] = [await ask(one, 'partagee@exemple.fr'), await ask(two, 'partagee@exemple.fr')];
  expect((await pages.post(two, theirs.address_link!, {})).status).toBe(303);
  const { status, text } = await pages.post(one, mine.address_link!, {});
  expect([status, visibleText(text).includes('sert à un autre compte')]).toEqual([409, true]);
});

test('links that nobody sent lead nowhere, and not for ever', async () => {
  await owner(pages.db, 'delete from ops.limits');
  for (const path of ['confirm', 'not-me'])
    for (const link of ['x', '%00', '%F0%9F%92%A9', 'a'.repeat(300), "'--"]) {
      for (const answer of [
        await pages.get(null, `/account/address/${path}/${link}`),
        await pages.post(null, `/account/address/${path}/${link}`, {}),
      ])
        expect([404, 429, 400], `${path} ${link}`).toContain(answer.status);
    }
  const statuses = [];
  for (let n = 0; n < 20; n++) statuses.push((await pages.post(null, '/account/address/not-me/x', {})).status);
  expect(statuses.at(-1)).toBe(429);
});

test('no message of it names an address or anybody', () => {
  const vars = { path: '/x', ready_at: '2026-11-29T10:00:00Z' };
  for (const template of ['address_link', 'address_exists', 'address_asked', 'address_changed', 'address_kept'])
    for (const lang of ['fr', 'en'] as const) {
      const letter = {
        template,
        lang,
        vars: { ...vars, to: 'secret@exemple.fr' },
        organisation: 'Cabinet',
        writtenAt: new Date(),
        origin: 'https://vital.test',
      };
      expect(compose(letter).text).not.toMatch(/secret|Cabinet /);
    }
});
