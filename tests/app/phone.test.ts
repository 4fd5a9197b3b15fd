// The telephone that codes go to, through its page; and the demo's mailbox.
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApp } from '../../app/app.tsx';
import { connect } from '../../db/connect.ts';
import { asOwner } from '../../db/owner.ts';
import { readAssets } from '../../edge/assets/files.ts';
import { openLog } from '../../edge/logging.ts';
import { openMailbox } from '../../edge/mailbox.ts';
import { owner, take } from '../support/outbox.ts';
import { createPerson, type Person } from '../support/practice.ts';
import { cookieOf, type Running, startApp } from './support.ts';

let app: Running;
let gate: pg.Client;
beforeAll(async () => {
  app = await startApp();
  gate = await connect(app.db.gateUrl);
  await take(app.db, gate); // somebody delivers
});
afterAll(async () => {
  await gate?.end();
  await app?.close();
});

const newPerson = () =>
  asOwner(app.db.admin, () => createPerson(app.db, { organisation: app.practice.organisation, role: 'secretary' }));
const change = (set: string, one: Person) =>
  owner(app.db, `update iam.sessions set ${set} where token_hash = iam.hash_token($1)`, [one.token]);
const get = (one: Person) => app.ask('/account/phone', { cookie: cookieOf(one) });
const post = (one: Person, path: string, form: Record<string, string> = {}) =>
  app.ask(`/account/phone${path}`, { cookie: cookieOf(one), form });

test('nobody sees the page without a session, nor with one factor', async () => {
  const one = await newPerson();
  expect((await app.ask('/account/phone')).headers.get('location')).toBe('/sign-in');
  await change("factors = 1, methods = '{password}'", one);
  expect((await get(one)).headers.get('location')).toBe('/sign-in/code');
  for (const [path, form] of [
    ['', { number: '0612345678' }],
    ['/code', { code: '123456' }],
    ['/remove', {}],
  ] as const)
    expect([path, (await post(one, path, form)).headers.get('location')]).toEqual([path, '/sign-in/code']);
});

test('a number is added by its code, shown by its last two digits, and taken away', async () => {
  const one = await newPerson();
  await owner(app.db, "insert into iam.totp_factors (account_id, secret, confirmed_at) values ($1, '\\x00', now())", [
    one.account,
  ]);
  const sent = await post(one, '', { number: '06 98 76 54 31' });
  expect([sent.status, sent.headers.get('location')]).toEqual([303, '/account/phone?done=sent']);
  const waiting = await (await get(one)).text();
  expect(waiting).toContain('se termine par 31');
  const [message] = await take(app.db, gate);
  const code = String(message?.vars.code);
  expect((await post(one, '/code', { code: 'abc' })).status).toBe(422);
  const wrong = await post(one, '/code', { code: code === '000000' ? '000001' : '000000' });
  expect([wrong.status, (await wrong.text()).includes('Ce code ne convient pas')]).toEqual([422, true]);
  // as it is read off a telephone
  const added = await post(one, '/code', { code: `${code.slice(0, 3)} ${code.slice(3)}` });
  expect(added.headers.get('location')).toBe('/account/phone?done=added');
  for (const page of [waiting, await (await get(one)).text()]) expect(page).not.toMatch(/6\s?98\s?76\s?54|698765431/);
  expect((await post(one, '/remove')).headers.get('location')).toBe('/account/phone?done=removed');
  expect(await (await get(one)).text()).toContain('Aucun numéro');
});

test('an old factor is asked for again, and what was typed is kept', async () => {
  const one = await newPerson();
  await change("factor_at = clock_timestamp() - interval '11 minutes'", one);
  const answer = await post(one, '', { number: '06 99 88 77 66' });
  expect(answer.status).toBe(401);
  expect(await answer.text()).toContain('06 99 88 77 66');
});

test.each(['01 23 45 67 89', '', '"><script>alert(1)</script>', "'; drop table iam.phones --", '+'.repeat(40)])(
  'cannot be a number, and is given back as it was typed: %s',
  async (number) => {
    const answer = await post(await newPerson(), '', { number });
    const text = await answer.text();
    expect(answer.status).toBe(422);
    expect(text).toContain('<title>Erreur');
    expect(text).not.toContain('<script>alert');
    if (/^[\d +]+$/.test(number)) expect(text).toContain(`value="${number}"`);
  },
);

test('too many requests are told how long to wait', async () => {
  const one = await newPerson();
  for (let i = 0; i < 3; i++) expect((await post(one, '', { number: '0612345678' })).status).toBe(303);
  const answer = await post(one, '', { number: '0612345678' });
  expect(answer.status).toBe(429);
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(500);
});

test('says so where the practice doesn’t use SMS, and where nobody delivers them', async () => {
  const one = await newPerson();
  await owner(app.db, 'update access.organisations set sms_codes = false');
  expect(await (await get(one)).text()).toContain('Votre cabinet n’utilise pas les codes par SMS');
  await owner(app.db, 'update access.organisations set sms_codes = true');
  await owner(app.db, "delete from ops.deliveries where channel = 'sms'");
  expect(await (await get(one)).text()).toContain('Aucun SMS ne peut partir');
});

test('the demo’s mailbox is nowhere else, and what it shows is text', async () => {
  expect((await app.ask('/demo/mail')).status).toBe(404);
  const mailbox = openMailbox();
  const log = await openLog(() => {});
  const services = { ring: app.db.ring, pepper: app.db.pepper, demo: true, assets: readAssets(), log, mailbox };
  const demo = createApp({ ...services, door: undefined as never }); // this page asks the database nothing
  const message = {
    lang: 'fr',
    template: 'email_code',
    channel: 'email',
    subject: '<b>x</b>',
    address: '"><i>@exemple.fr',
  } as const;
  await mailbox.send({
    ...message,
    id: 'a',
    text: '</pre><script>alert(1)</script> http://127.0.0.1:3000/invitations/abc',
  });
  for (let i = 0; i < 120; i++) await mailbox.send({ ...message, id: String(i), text: 'de trop' });
  expect(mailbox.all()).toHaveLength(100);
  await mailbox.send({
    ...message,
    id: 'b',
    text: '</pre><script>alert(1)</script> http://127.0.0.1:3000/invitations/abc',
  });
  const text = await (await demo.request('http://127.0.0.1:3000/demo/mail')).text();
  expect(text).not.toMatch(/<script>alert|<b>x|"><i>/);
  expect(text).toContain('<a href="http://127.0.0.1:3000/invitations/abc">');
  // every page of the demo leads there, and none elsewhere
  expect(await (await demo.request('http://127.0.0.1:3000/sign-in')).text()).toContain('href="/demo/mail"');
  expect(await (await app.ask('/sign-in')).text()).not.toContain('/demo/mail');
});
