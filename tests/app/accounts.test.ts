// The administrator's pages of accounts, and the link of an invitation: /admin/accounts, /invitations/….
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { byFamilyName } from '../../app/accounts/sort.ts';
import { connect } from '../../db/connect.ts';
import { owner, take } from '../support/outbox.ts';
import type { Person } from '../support/practice.ts';
import { openPages, type Pages, visibleText } from './pages.ts';

let pages: Pages;
let gate: pg.Client;
let admin: Person;
beforeAll(async () => {
  pages = await openPages();
  gate = await connect(pages.db.gateUrl);
  admin = pages.practice.orgAdmin;
});
afterAll(async () => {
  await gate?.end();
  await pages?.close();
});

const key = () => ({ key: randomUUID() });
const somebody = { role: 'secretary', family_name: 'Petit', given_name: 'Lou', email: 'lou@exemple.fr' };
const password = 'une phrase que personne ne sait';
const stateOf = async (account: string) =>
  (await owner(pages.db, 'select status from iam.accounts where id = $1', [account]))[0].status;
const lastInvited = async () =>
  (await owner(pages.db, 'select account_id as id from iam.invitations order by sent_at desc limit 1'))[0].id as string;
/** Where the last message to somebody leads. */
async function linkTo(address: string): Promise<string> {
  const message = (await take(pages.db, gate)).findLast((one) => one.address === address);
  return String(message?.vars.path);
}

test('nobody else invites, looks at an account or changes one', async () => {
  const { clinician, secretary, auditor } = pages.practice;
  for (const person of [clinician, secretary, auditor, pages.patientPerson]) {
    for (const path of ['/admin/accounts/invite', `/admin/accounts/${admin.account}`]) {
      const { status, text } = await pages.get(person, path);
      expect([403, 404], `${person.role} ${path}`).toContain(status);
      expect(text).not.toContain('@exemple.fr');
    }
    for (const [path, fields] of [
      ['', somebody],
      [`/${secretary.account}/suspend`, {}],
      [`/${secretary.account}/role`, { role: 'org_admin' }],
      ['/sign-out', {}],
    ] as const) {
      const { status } = await pages.post(person, `/admin/accounts${path}`, { ...key(), ...fields });
      expect([403, 404], `${person.role} POST ${path}`).toContain(status);
    }
  }
  expect(await owner(pages.db, 'select * from iam.invitations')).toEqual([]);
  expect(await stateOf(secretary.account)).toBe('active');
});

test('who is locked out is helped in the words of their own screen, and nobody else’s account says so', async () => {
  const { secretary } = pages.practice;
  const theirs = visibleText((await pages.get(null, '/sign-in')).text);
  const { text } = await pages.get(admin, `/admin/accounts/${secretary.account}`);
  const link = /elle choisit « (.+?) »/.exec(visibleText(text).replaceAll('\u202f', ' '))?.[1] ?? 'nothing';
  expect(theirs).toContain(link);
  for (const page of ['/admin/recoveries', '/admin/sign-ins'])
    expect(text.split('<main')[1]).toContain(`href="${page}"`);
  expect(visibleText((await pages.get(admin, '/admin/recoveries')).text)).toContain(link);
  expect(visibleText((await pages.get(admin, `/admin/accounts/${admin.account}`)).text)).not.toContain(link);
});

test('people stand under their family name, with a title or without', () => {
  const named = (...names: string[]) => names.map((display_name) => ({ display_name }));
  const rows = named(
    'Dr Claire MORVAN',
    'Agnès VAN DEN BROCK',
    'Zoé ÉMERY',
    'Jean-Marc',
    'Pr مُحَمَّد العَرَبِيّ',
    'J. R. ABEL',
  );
  expect(byFamilyName(rows).map((row) => row.display_name?.split(' ').at(-1))).toEqual([
    'ABEL',
    'ÉMERY',
    'Jean-Marc',
    'MORVAN',
    'BROCK',
    'العَرَبِيّ',
  ]);
});

test('a patient, and somebody who is not there, have no account page', async () => {
  for (const id of [pages.patientPerson.account, randomUUID(), 'x', '%20', `${admin.account}'`])
    expect((await pages.get(admin, `/admin/accounts/${id}`)).status, id).toBe(404);
  for (const change of ['suspend', 'role', 'end', 'sign-out', 'resend', 'withdraw', 'constructor', '__proto__'])
    expect(
      (await pages.post(admin, `/admin/accounts/${randomUUID()}/${change}`, { ...key(), role: 'dpo' })).status,
    ).toBe(404);
});

test('a form that is not whole comes back with what was typed', async () => {
  const { status, text } = await pages.post(admin, '/admin/accounts', {
    ...key(),
    family_name: '<script>alert(1)</script>',
    email: 'nobody',
    rpps: '12',
  });
  expect(status).toBe(422);
  expect(text).toContain('value="&lt;script>alert(1)&lt;/script>"');
  const seen = visibleText(text);
  // each says which field it is about, in the order of the fields
  const summary = text.slice(text.indexOf('error-summary'), text.indexOf('<form class="card'));
  const sentences = ['Choisissez un rôle', 'Saisissez le prénom', 'Saisissez une adresse comme', '11 chiffres'];
  for (const sentence of sentences) expect(seen).toContain(sentence);
  const places = sentences.map((sentence) => visibleText(summary).indexOf(sentence));
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  expect(await owner(pages.db, 'select * from iam.invitations')).toEqual([]);
});

test('a factor that was shown long ago invites nobody', async () => {
  await owner(pages.db, "update iam.sessions set factor_at = clock_timestamp() - interval '11 minutes'");
  const asked = await pages.post(admin, '/admin/accounts', { ...key(), ...somebody });
  expect(asked.status).toBe(401);
  // nothing typed is lost meanwhile
  for (const typed of Object.values(somebody)) expect(asked.text).toContain(`value="${typed}"`);
  await owner(pages.db, 'update iam.sessions set factor_at = clock_timestamp()');
  expect(await owner(pages.db, 'select * from iam.invitations')).toEqual([]);
});

test('somebody is invited, and takes it up once', async () => {
  const again = { ...key(), ...somebody };
  for (let sent = 0; sent < 2; sent++) {
    const { status, location } = await pages.post(admin, '/admin/accounts', again);
    expect([status, location]).toEqual([303, '/admin/accounts?done=invited']);
  }
  expect(await owner(pages.db, 'select * from iam.invitations')).toHaveLength(1);
  expect(visibleText((await pages.get(admin, '/admin/accounts?done=invited')).text)).toContain('Invitation envoyée.');
  expect((await pages.post(admin, '/admin/accounts', { ...key(), ...somebody })).status).toBe(409);

  const link = await linkTo(somebody.email);
  expect(link).toMatch(/^\/invitations\/[\w-]{43}$/);
  for (let looked = 0; looked < 2; looked++) {
    const { status, text } = await pages.get(null, link);
    expect(status).toBe(200);
    // a link is one factor: it names the practice and nobody
    for (const word of ['Petit', 'PETIT', 'Lou', 'lou@']) expect(text).not.toContain(word);
  }
  for (const [typed, again] of [
    ['court', 'court'],
    ['lou petit exemple', 'lou petit exemple'],
    [password, 'une autre phrase entière'],
  ] as const)
    expect((await pages.post(null, link, { password: typed, again })).status, typed).toBe(422);
  const accepted = await pages.post(null, link, { password, again: password });
  expect([accepted.status, accepted.location]).toEqual([303, '/enrol']);
  for (const { status, text } of [
    await pages.get(null, link),
    await pages.post(null, link, { password, again: password }),
  ]) {
    expect(status).toBe(404);
    expect(visibleText(text)).toContain('Ce lien ne fonctionne plus');
  }
  expect(await stateOf(await lastInvited())).toBe('invited');
  expect(visibleText((await pages.get(admin, `/admin/accounts/${await lastInvited()}`)).text)).toContain(
    'second facteur pas encore ajouté',
  );
});

test('a link that was replaced or withdrawn leads nowhere', async () => {
  const account = await lastInvited();
  expect((await pages.post(admin, `/admin/accounts/${account}/resend`, key())).status).toBe(303);
  const link = await linkTo(somebody.email);
  expect((await pages.get(null, link)).status).toBe(200);
  expect((await pages.post(admin, `/admin/accounts/${account}/withdraw`, key())).location).toBe(
    '/admin/accounts?done=withdrawn',
  );
  expect((await pages.get(null, link)).status).toBe(404);
  expect((await pages.get(admin, `/admin/accounts/${account}`)).status).toBe(404);
  for (const odd of ['x', '%20', 'a'.repeat(4000), "'--"])
    expect((await pages.get(null, `/invitations/${odd}`)).status).toBe(404);
});

test('who is suspended is out at the next page, and restored comes back with what they had', async () => {
  const { colleague } = pages.practice;
  const page = `/admin/accounts/${colleague.account}`;
  expect((await pages.get(colleague, '/patients')).status).toBe(200);
  expect((await pages.post(admin, `${page}/suspend`, key())).location).toBe(`${page}?done=suspended`);
  expect((await pages.get(colleague, '/patients')).location).toBe('/sign-in?ended');
  expect(visibleText((await pages.get(admin, page)).text)).toContain('Rétablir l’accès');
  const twice = await pages.post(admin, `${page}/suspend`, key());
  expect([twice.status, visibleText(twice.text).includes('l’état du compte n’est plus le même')]).toEqual([422, true]);
  expect((await pages.post(admin, `${page}/restore`, key())).location).toBe(`${page}?done=restored`);
  expect(await stateOf(colleague.account)).toBe('active');
});

test('the only administrator stays one', async () => {
  for (const [change, fields] of [
    ['role', { role: 'auditor' }],
    ['end', {}],
    ['suspend', {}],
  ] as const) {
    const { status, text } = await pages.post(admin, `/admin/accounts/${admin.account}/${change}`, {
      ...key(),
      ...fields,
    });
    expect([change, status]).toEqual([change, 409]);
    expect(visibleText(text)).toContain('il faut d’abord une autre personne administratrice');
  }
  expect((await pages.get(admin, '/admin/accounts')).status).toBe(200);
});

test('signing everybody out spares oneself, and no word of the address becomes a sentence', async () => {
  expect(visibleText((await pages.get(admin, '/admin/accounts?done=<b>constructor')).text)).not.toContain(
    'constructor',
  );
  expect((await pages.post(admin, '/admin/accounts/sign-out', key())).location).toBe('/admin/accounts?done=everybody');
  expect((await pages.get(pages.practice.secretary, '/patients')).location).toBe('/sign-in?ended');
  expect((await pages.get(admin, '/admin/accounts')).status).toBe(200);
});
