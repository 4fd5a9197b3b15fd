// One's own factors and password, through the pages: what is shown, what is refused, and the way of somebody new.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { asOwner } from '../../db/owner.ts';
import { fromBase32, totpCode, totpStep } from '../../db/totp.ts';
import { prehash } from '../../edge/password.ts';
import { createPerson, type Person } from '../support/practice.ts';
import { visibleText } from './pages.ts';
import { cookieOf, type Running, startApp } from './support.ts';

let app: Running;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app?.close());

const owner = (query: string, values: unknown[] = []) =>
  asOwner(app.db.admin, async () => (await app.db.admin.query(query, values)).rows);
const newPerson = (role = 'secretary') =>
  asOwner(app.db.admin, () => createPerson(app.db, { organisation: app.practice.organisation, role }));
/** The session of a link: one factor, and it may add the first. */
const byLink = (one: Person) =>
  owner(
    "update iam.sessions set factors = 1, enrols = true, methods = '{link}' where token_hash = iam.hash_token($1)",
    [one.token],
  );
const age = (one: Person, interval: string) =>
  owner('update iam.sessions set factor_at = clock_timestamp() - $2::interval where token_hash = iam.hash_token($1)', [
    one.token,
    interval,
  ]);
const cookieFrom = (answer: Response) => answer.headers.getSetCookie()[0]?.split(';')[0] ?? '';
const secretIn = (page: string) => fromBase32(/<code class="secret">([^<]+)/.exec(page)?.[1] ?? '');
const codesIn = (page: string) => [...page.matchAll(/<code>([0-9a-z]{5}-[0-9a-z]{5})<\/code>/g)].map((m) => m[1]!);

const PAGES = ['/account', '/account/factors', '/account/factors/app', '/account/recovery-codes', '/account/password'];

test('nobody sees an account page without a session, nor with one factor', async () => {
  const one = await newPerson();
  await owner("update iam.sessions set factors = 1, methods = '{password}' where token_hash = iam.hash_token($1)", [
    one.token,
  ]);
  for (const path of [...PAGES, '/enrol', '/enrol/app']) {
    const nobody = await app.ask(path);
    expect([path, nobody.status, nobody.headers.get('location')]).toEqual([path, 303, '/sign-in']);
    const half = await app.ask(path, { cookie: cookieOf(one) });
    expect([path, half.status, half.headers.get('location')]).toEqual([path, 303, '/sign-in/code']);
  }
});

test('what changes something asks for a factor again, before anything is typed', async () => {
  const one = await newPerson();
  await age(one, '6 minutes');
  for (const path of ['/account/recovery-codes', '/account/password'])
    expect([path, (await app.ask(path, { cookie: cookieOf(one) })).status]).toEqual([path, 401]);
  await age(one, '11 minutes');
  expect((await app.ask('/account/factors/app', { cookie: cookieOf(one) })).status).toBe(401);
  expect((await app.ask('/account/recovery-codes', { cookie: cookieOf(one), form: {} })).status).toBe(401);
  expect((await app.ask('/account/factors/app/remove', { cookie: cookieOf(one), form: {} })).status).toBe(401);
  expect((await app.ask('/account/factors', { cookie: cookieOf(one) })).status).toBe(200);
});

test('after the factor was shown again, the page that asked for it is there', async () => {
  const one = await newPerson();
  const cookie = cookieOf(one);
  const secret = secretIn(await (await app.ask('/account/factors/app', { cookie })).text());
  await app.ask('/account/factors/app', { cookie, form: { code: totpCode(secret) } });
  await age(one, '6 minutes');
  const asked = await (await app.ask('/account/password', { cookie })).text();
  const form = Object.fromEntries(
    [...asked.matchAll(/<input type="hidden" name="(step_up_\w+)" value="([^"]*)"/g)].map((m) => [m[1]!, m[2]!]),
  );
  expect(form.step_up_to).toBe('/account/password');
  const shown = await app.ask('/step-up', {
    cookie,
    form: { ...form, step_up_code: totpCode(secret, totpStep() + 1) },
  });
  expect([shown.status, shown.headers.get('location')]).toEqual([303, '/account/password']);
  expect((await app.ask('/account/password', { cookie: cookieFrom(shown) })).status).toBe(200);
});

test('somebody whom a link has brought chooses a factor, keeps codes, and works', async () => {
  const one = await newPerson('clinician');
  await byLink(one);
  const cookie = `__Host-vs=${one.token}.anon`;
  const sent = await app.ask('/sign-in/code', { cookie });
  expect([sent.status, sent.headers.get('location')]).toEqual([303, '/enrol']);
  expect(await (await app.ask('/enrol', { cookie })).text()).toContain('href="/enrol/app"');
  const page = await (await app.ask('/enrol/app', { cookie })).text();
  expect(page).toContain('Recopiez le code');
  expect(page).toContain('<a href="/enrol">Choisir autre chose</a>');
  // nothing of the person on a page that one factor opens
  for (const personal of [one.email, 'Nomclinician', 'Camille']) expect(page).not.toContain(personal);
  const secret = secretIn(page);

  const odd = await app.ask('/enrol/app', { cookie, form: { code: 'x'.repeat(5000) } });
  expect([odd.status, secretIn(await odd.text())]).toEqual([422, secret]);
  const wrong = await app.ask('/enrol/app', { cookie, form: { code: totpCode(secret, totpStep() - 20) } });
  const again = await wrong.text();
  expect([wrong.status, visibleText(again)]).toEqual([422, expect.stringContaining('ne convient pas')]);
  // on a telephone the field is all that is in sight
  expect(again).toMatch(/name="code"[^>]*aria-invalid="true"|aria-invalid="true"[^>]*name="code"/);

  const right = await app.ask('/enrol/app', { cookie, form: { code: ` ${totpCode(secret)} ` } });
  expect([right.status, right.headers.get('location')]).toEqual([303, '/account/recovery-codes?first=1']);
  const whole = cookieFrom(right);
  expect(whole).toMatch(/\.clinician$/);
  expect((await app.ask('/enrol/app', { cookie })).headers.get('location')).toBe('/sign-in');
  expect((await app.ask('/enrol', { cookie: whole })).headers.get('location')).toBe('/account/factors');

  // the way leads on to one's own home
  const first = await (await app.ask('/account/recovery-codes?first=1', { cookie: whole })).text();
  expect(visibleText(first)).toContain('votre compte est protégé');
  expect(first).toMatch(/action="\/account\/recovery-codes\?first=1"[\s\S]*<a href="\/">Plus tard/);
  const codes = codesIn(await (await app.ask('/account/recovery-codes', { cookie: whole, form: {} })).text());
  expect(new Set(codes).size).toBe(10);
  expect(codesIn(await (await app.ask('/account/recovery-codes', { cookie: whole })).text())).toEqual([]);
  const account = visibleText(await (await app.ask('/account', { cookie: whole })).text());
  expect(account).toContain('application d’authentification, 10 codes de secours');
  expect((await app.ask('/patients', { cookie: whole })).status).toBe(200);
});

test('the same link in a second browser adds no second factor, and says where to go', async () => {
  const one = await newPerson();
  await owner("insert into iam.totp_factors (account_id, secret, confirmed_at) values ($1, '', now())", [one.account]);
  await byLink(one);
  const cookie = `__Host-vs=${one.token}.anon`;
  expect((await app.ask('/enrol', { cookie })).headers.get('location')).toBe('/sign-in');
  expect((await app.ask('/enrol/app', { cookie })).headers.get('location')).toBe('/sign-in/code');
});

test('codes are saved to a file, and nothing else is', async () => {
  const codes = Array.from({ length: 10 }, (_, i) => `abcd${i}-fgh1${i}`);
  const cookie = cookieOf(app.practice.clinician);
  const save = (codes: string) => app.ask('/account/recovery-codes/file', { cookie, form: { codes } });
  const file = await save(codes.join(' '));
  expect(file.headers.get('Content-Disposition')).toMatch(/^attachment; filename="[\w.-]+"$/);
  expect(file.headers.get('Content-Type')).toContain('text/plain');
  expect((await file.text()).match(/[0-9a-z]{5}-[0-9a-z]{5}/g)).toEqual(codes);
  for (const odd of ['', codes.slice(1).join(' '), ['<script>', ...codes.slice(1)].join(' '), `${codes.join(' ')} x`])
    expect((await save(odd)).status).toBe(422);
});

test('an app that is the only factor stays; with another one it may go', async () => {
  const one = await newPerson();
  const cookie = cookieOf(one);
  const secret = secretIn(await (await app.ask('/account/factors/app', { cookie })).text());
  const done = await app.ask('/account/factors/app', { cookie, form: { code: totpCode(secret) } });
  expect([done.status, done.headers.get('location')]).toEqual([303, '/account/factors?done=totp']);
  expect(done.headers.getSetCookie()).toEqual([]);
  const page = await (await app.ask('/account/factors?done=totp', { cookie })).text();
  expect(page).toContain('Votre application est en place');
  expect(page).not.toContain('/app/remove');
  expect((await app.ask('/account/factors/app/remove', { cookie, form: {} })).status).toBe(409);
  await owner(
    `insert into iam.passkeys (account_id, rp_id, credential_id, public_key, name, user_verified, backup_eligible, backed_up)
     values ($1, 'localhost', $2, 'x', 'x', true, false, false)`,
    [one.account, Buffer.from(one.account.replaceAll('-', ''), 'hex')],
  );
  expect(await (await app.ask('/account/factors', { cookie })).text()).toContain('/app/remove');
  const gone = await app.ask('/account/factors/app/remove', { cookie, form: {} });
  expect([gone.status, gone.headers.get('location')]).toEqual([303, '/account/factors?done=totp_removed']);
  expect(await (await app.ask('/account/factors?done=<img', { cookie })).text()).not.toContain('<img');
});

test.each([
  ['/account/factors?done=totp'],
  ['/account/phone?done=added'],
  ['/account/phone?done=removed'],
  ['/account/passkeys?done=added'],
  ['/account/passkeys?done=removed'],
])('after a change the other sessions can be ended: %s', async (path) => {
  const page = await (await app.ask(path, { cookie: cookieOf(await newPerson()) })).text();
  expect(page).toMatch(/<a href="\/account\/sessions">Si quelqu’un d’autre/);
});

test('a password manager finds the page, and nothing else there', async () => {
  const led = await app.ask('/.well-known/change-password');
  expect([led.status, led.headers.get('location')]).toEqual([303, '/account/password']);
  // by which it knows that we don't answer just anything
  const odd = await app.ask('/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200');
  expect(odd.status).toBe(404);
});

test('a password is changed with the present one, by the rules, and everybody is signed out', async () => {
  const one = await newPerson();
  const cookie = cookieOf(one);
  const present = 'correct horse battery staple';
  await owner('select iam.set_password($1, $2)', [one.account, await prehash(app.db.pepper, one.account, present)]);
  const send = async (form: Record<string, string>) => {
    const answer = await app.ask('/account/password', { cookie, form });
    return { status: answer.status, cookies: answer.headers.getSetCookie(), page: await answer.text() };
  };
  const chosen = 'un cheval sur la plage';
  for (const [form, sentence] of [
    [{}, 'Saisissez votre mot de passe actuel'],
    [{ present, password: 'trop court', again: 'trop court' }, 'trop court'],
    [{ present, password: 'Nomsecretary 2026', again: 'Nomsecretary 2026' }, 'se devine'],
    [{ present, password: 'qwertyuiop123', again: 'qwertyuiop123' }, 'trop connu'],
    // what stands on every page: the practice, and what everybody tries
    [{ present, password: 'Cabinet 2026 !!!', again: 'Cabinet 2026 !!!' }, 'votre cabinet'],
    [{ present, password: 'Motdepasse2026!', again: 'Motdepasse2026!' }, 'trop connu'],
    [{ present, password: chosen, again: `${chosen}!` }, 'ne sont pas les mêmes'],
    [{ present: 'faux', password: chosen, again: chosen }, 'n’est pas le bon'],
    [{ present, password: present, again: present }, 'est le même que l’actuel'],
  ] as const) {
    const answer = await send(form);
    expect([sentence, answer.status]).toEqual([sentence, 422]);
    expect(visibleText(answer.page)).toContain(sentence);
    for (const typed of [present, chosen]) expect(answer.page).not.toContain(typed);
  }
  const changed = await send({ present, password: chosen, again: chosen });
  expect([changed.status, changed.cookies[0]]).toEqual([200, expect.stringContaining('Max-Age=0')]);
  expect(changed.page, 'nobody is signed in').not.toContain('action="/sign-out"');
  expect((await app.ask('/account', { cookie })).headers.get('location')).toBe('/sign-in?ended');
});

test('few codes and an old password are told, and nothing stands in the way', async () => {
  const one = await newPerson();
  await owner("update iam.accounts set password_changed_at = clock_timestamp() - interval '91 days' where id = $1", [
    one.account,
  ]);
  const page = visibleText(await (await app.ask('/account', { cookie: cookieOf(one) })).text());
  expect(page).toContain('plus de 90 jours');
  expect(page).toContain('Vous n’avez qu’un moyen de connexion');
});
