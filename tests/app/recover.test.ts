// The pages of registration and recovery, from the address to the session: the same words for everybody, and no way around.
import { randomBytes, randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { asOwner, createAccount } from '../../db/owner.ts';
import { totpCode } from '../../db/totp.ts';
import { owner, take } from '../support/outbox.ts';
import { visibleText } from './pages.ts';
import { cookieOf, type Running, startApp } from './support.ts';

let app: Running;
let gate: pg.Client;
let account: string;
const email = 'anne.roux@exemple.fr';
const password = 'correct horse battery staple';
const chosen = 'a wholly different sentence';
const secret = randomBytes(20);
const traits = {
  birth_name: 'Le Goff',
  first_given_name: 'Anaïs',
  sex: 'female',
  birth_date: '1990-07-14',
  phone: '06 12 34 56 78',
};

beforeAll(async () => {
  app = await startApp();
  gate = await connect(app.db.gateUrl);
  const profile = { family_name: 'Roux', given_name: 'Anne' };
  const { organisation } = app.practice;
  account = await asOwner(app.db.admin, () =>
    createAccount(app.db.admin, app.db.keys, {
      organisation,
      role: 'clinician',
      email,
      profile,
      password,
      totpSecret: secret,
    }),
  );
});
beforeEach(() => owner(app.db, 'delete from ops.limits; delete from iam.recoveries; delete from ops.outbox'));
afterAll(async () => {
  await gate.end();
  await app.close();
});

const post = async (path: string, form: Record<string, string>, cookie?: string) => {
  const answer = await app.ask(path, { form, cookie });
  return {
    status: answer.status,
    location: answer.headers.get('location'),
    cookie: answer.headers.get('set-cookie')?.split(';')[0],
    text: await answer.text(),
  };
};
const get = async (path: string, cookie?: string) => {
  const answer = await app.ask(path, { cookie });
  return { status: answer.status, text: await answer.text() };
};
/** Where the last message of this kind leads. */
async function pathIn(template: string): Promise<string> {
  const messages = await take(app.db, gate);
  return String(messages.find((message) => message.template === template)?.vars.path ?? 'none');
}
const agreed = async () => {
  const texts = await gate.query("select 'consent_' || type as name, hash from iam.consent_texts('fr') where needed");
  return Object.fromEntries(texts.rows.map(({ name, hash }) => [name, hash])) as Record<string, string>;
};
const whole = (words: string) => ({ password: words, again: words });
const practice = () => app.practice.organisation;

describe('nobody learns whether an address is known', () => {
  test.each([
    ['/recover', () => ({})],
    ['/register', () => ({ practice: practice() })],
  ])('at %s: one page, word for word', async (path, more) => {
    const pages = [];
    for (const address of [email, 'personne@exemple.fr', app.practice.orgAdmin.email]) {
      const { status, location, text } = await post(path, { email: address, ...more() });
      expect([status, location]).toEqual([303, `${path}/sent`]);
      pages.push(`${status} ${text.replace(/nonce="[^"]*"|value="[0-9a-f-]{36}"/g, '')}`);
    }
    expect(new Set(pages).size).toBe(1);
    // an address of its own: reloading sends nothing again, and the language can be switched
    const sent = await get(`${path}/sent`);
    expect([sent.status, visibleText(sent.text)]).toEqual([200, expect.stringContaining('Consultez votre messagerie')]);
    expect(sent.text).toContain(`name="return" value="${path}/sent"`);
  });

  test.each(['/recover', '/register'])(
    'at %s, tried too often: how long to wait, and a way on',
    async (path) => {
      let last = { status: 0, text: '' };
      for (let i = 0; i < 40 && last.status !== 429; i++)
        last = await post(path, { email: `essai${i}@exemple.fr`, practice: practice() });
      expect([last.status, visibleText(last.text)]).toEqual([429, expect.stringContaining('Réessayez dans')]);
      expect(last.text).toMatch(new RegExp(`<a class="button" href="${path}">[\\s\\S]*<a href="/sign-in">`));
      expect(last.text).toContain(`name="return" value="${path}"`);
    },
    60_000,
  );

  test('nor by the time: an answer comes when both would long be there', async () => {
    const spent = async (address: string) => {
      const started = performance.now();
      await post('/recover', { email: address });
      return performance.now() - started;
    };
    const times = [await spent(email), await spent('personne@exemple.fr'), await spent(email)];
    // on a machine that is busy it may be the second span, or the third: never a time between them
    for (const time of times) expect(time).toBeGreaterThan(395);
  });
});

describe('registering', () => {
  test('leads from an address to one’s own record', async () => {
    expect((await get('/register')).text).toContain('name="email"');
    await post('/register', { practice: practice(), email: 'anais@exemple.fr' });
    const path = await pathIn('email_confirmation');
    expect(path).toMatch(/^\/register\/[A-Za-z0-9_-]{43}$/);
    expect((await get(path)).status).toBe(200);
    const { status, location, cookie } = await post(path, { ...traits, ...whole(chosen), ...(await agreed()) });
    expect([status, location]).toEqual([303, '/enrol']);
    expect(cookie).toMatch(/^__Host-vs=[\w-]{43}\.anon$/);
    // one factor: every page of a record is closed
    for (const page of ['/record', '/account', '/account/consents', '/patients'])
      expect([303, 401, 403], page).toContain((await get(page, cookie)).status);
    expect((await get('/enrol', cookie)).status).toBe(200);
    const [row] = await owner(
      app.db,
      "select count(*)::int as n from privacy.consents c join access.memberships m on m.patient_id = c.patient_id join iam.accounts a on a.id = m.account_id where a.status = 'invited'",
    );
    expect(row.n).toBe(3);
    // the link is for coming back, with the password
    expect(visibleText((await get(path)).text)).toContain('Terminer votre inscription');
    expect((await post(`${path}/resume`, { password: 'not this one' })).status).toBe(422);
    expect((await post(`${path}/resume`, { password: chosen })).location).toBe('/enrol');
  });

  test('gives back what was typed, but for passwords, and says what is missing', async () => {
    await post('/register', { practice: practice(), email: 'autre@exemple.fr' });
    const path = await pathIn('email_confirmation');
    const typed = {
      ...traits,
      birth_name: '<b>Le "Goff"</b>',
      birth_date: '1990-02-30',
      phone: 'douze',
      ...whole('trop court'),
    };
    const { status, text } = await post(path, typed);
    expect(status).toBe(422);
    const retype = 'votre mot de passe n’a pas été gardé';
    expect(visibleText(text)).not.toContain(retype);
    expect(visibleText((await post(path, { ...typed, ...whole(chosen) })).text)).toContain(retype);
    expect(text).toContain('&lt;b>Le &quot;Goff&quot;&lt;/b>');
    expect(text).not.toContain('<b>Le');
    expect(text).not.toContain('trop court"');
    // a switch of language would lose it
    expect(text).not.toContain('name="return"');
    const seen = visibleText(text);
    for (const word of [
      'Saisissez votre date de naissance',
      'Saisissez un numéro',
      'trop court',
      'sans cet accord, votre dossier',
    ])
      expect(seen).toContain(word);
  });

  test('a name with what isn’t seen, or turns the reading direction, is none', async () => {
    await post('/register', { practice: practice(), email: 'signes@exemple.fr' });
    const path = await pathIn('email_confirmation');
    const long = 'Martin'.repeat(1000);
    for (const used_name of ['Ma\u202extra', 'Ma\u2066rtin', 'Mar\u200btin', '<i>Martin', long]) {
      const { status, text } = await post(path, { ...traits, used_name, ...whole(chosen), ...(await agreed()) });
      if (used_name === long) expect(text).toContain(`value="${long}"`);
      expect([status, visibleText(text)]).toEqual([422, expect.stringContaining('sans signe invisible')]);
    }
  });

  test('cannot be done where it is closed, and only an administrator closes it', async () => {
    await post('/register', { practice: practice(), email: 'encore@exemple.fr' });
    const path = await pathIn('email_confirmation');
    const fields = () => ({ key: randomUUID(), registration: 'closed' });
    for (const person of [app.practice.secretary, app.practice.clinician])
      expect((await post('/admin/registration', fields(), cookieOf(person))).status).toBe(403);
    expect((await post('/admin/registration', fields(), cookieOf(app.practice.orgAdmin))).status).toBe(303);
    const closed = await get(path);
    expect([closed.status, closed.text]).toEqual([403, expect.stringMatching(/<h1>[\s\S]*href="\/sign-in"/)]);
    expect((await post(path, { ...traits, ...whole(chosen), ...(await agreed()) })).status).toBe(403);
    expect(visibleText((await get('/register')).text)).toContain('n’ouvre pas de compte en ligne');
    await post('/admin/registration', { ...fields(), registration: 'open' }, cookieOf(app.practice.orgAdmin));
  });

  test.each([
    ['short', '/register/x'],
    ['long', `/register/${'a'.repeat(300)}`],
    ['with a zero byte', '/register/%00'],
    ['that climbs', '/register/..%2f..%2fadmin'],
    ['with signs', "/recover/'--"],
  ])('a made-up link is a page: %s', async (_, path) => {
    for (const answer of [await get(path), await post(path, { lost: 'both', ...whole(chosen) })])
      expect([400, 404, 422, 429]).toContain(answer.status);
  });
});

describe('recovery', () => {
  test('without the password: a new one and the second factor', async () => {
    await post('/recover', { email });
    const path = await pathIn('recovery_link');
    const seen = visibleText((await get(path)).text);
    expect(seen).toContain('Qu’est-ce qui vous manque');
    expect(seen).not.toMatch(/Anne|ROUX|exemple\.fr/i);
    expect((await get(`${path}?lost=password`)).text).toContain('autocomplete="new-password"');
    expect((await post(path, { lost: 'password', ...whole('anne.roux@exemple.fr') })).status).toBe(422);
    const { location, cookie } = await post(path, { lost: 'password', ...whole(chosen) });
    expect(location).toBe('/sign-in/code');
    expect([303, 401]).toContain((await get('/patients', cookie)).status);
    const entered = await post('/sign-in/code', { method: 'totp', code: totpCode(secret) }, cookie);
    expect(entered.status).toBe(303);
    expect((await get('/patients', entered.cookie)).status).toBe(200);
  });

  test('without the factors: a colleague confirms with the code of the page', async () => {
    await post('/recover', { email });
    const path = await pathIn('recovery_link');
    expect((await post(path, { lost: 'factors', password: 'not this one' })).status).toBe(422);
    expect((await post(path, { lost: 'factors', password: chosen })).location).toBe(path);
    const code =
      /(\d{3}) (\d{3})/
        .exec(visibleText((await get(path)).text))
        ?.slice(1)
        .join('') ?? '';
    const admin = cookieOf(app.practice.orgAdmin);
    const list = await get('/admin/recoveries', admin);
    expect(visibleText(list.text)).toContain('Anne ROUX');
    expect(list.text).not.toContain(code);
    const [{ id }] = await owner(app.db, 'select id from iam.recoveries');
    const confirm = (typed: string, cookie = admin) =>
      post(`/admin/recoveries/${id}/confirm`, { [`code_${id}`]: typed }, cookie);
    expect((await confirm(code, cookieOf(app.practice.clinician))).status).toBe(403);
    expect((await confirm(code, cookieOf(app.practice.secretary))).status).toBe(404);
    expect((await confirm(code === '000000' ? '000001' : '000000')).status).toBe(422);
    // a digit that was not heard uses up no try, and what was typed is there
    for (let times = 0; times < 6; times++) {
      const half = await confirm(` ${code.slice(0, 5)}`);
      expect([half.status, visibleText(half.text).includes('Saisissez les 6 chiffres')]).toEqual([422, true]);
      expect(half.text).toContain(`value=" ${code.slice(0, 5)}"`);
    }
    const spoken = ` ${code.slice(0, 3)}\u202f${code.slice(3)} `;
    expect((await confirm(spoken)).location).toBe('/admin/recoveries?done=confirm');
    const ready = await pathIn('recovery_confirmed');
    expect((await get(ready)).text).toContain('/complete');
    expect((await post(`${ready}/complete`, { password: 'not this one' })).status).toBe(422);
    const { location, cookie } = await post(`${ready}/complete`, { password: chosen });
    expect(location).toBe('/enrol');
    expect((await get('/enrol', cookie)).status).toBe(200);
    expect((await get('/patients', cookie)).status).not.toBe(200);
  });

  test('is cancelled by a button, not by reading a link', async () => {
    await owner(app.db, "update iam.accounts set status = 'active' where id = $1", [account]);
    await post('/recover', { email });
    const path = await pathIn('recovery_link');
    await post(path, { lost: 'both', ...whole('yet another sentence') });
    const cancel = await pathIn('recovery_requested');
    expect((await get(cancel)).status).toBe(200);
    expect((await get(path)).status).toBe(200);
    expect(await post(cancel, {})).toMatchObject({ status: 303, location: '/recover/cancelled' });
    expect(visibleText((await get('/recover/cancelled')).text)).toContain('La demande est annulée');
    const late = await post(cancel, {});
    expect([late.status, visibleText(late.text)]).toEqual([404, expect.stringContaining('déjà annulée')]);
    expect((await get(path)).status).toBe(404);
  });

  test('nobody but administrators and secretaries has the list', async () => {
    for (const person of [app.practice.clinician, app.practice.auditor])
      expect((await get('/admin/recoveries', cookieOf(person))).status).toBe(403);
    expect((await get('/admin/recoveries', cookieOf(app.practice.secretary))).status).toBe(200);
    expect((await post(`/admin/recoveries/${randomUUID()}/reject`, {}, cookieOf(app.practice.orgAdmin))).status).toBe(
      404,
    );
  });
});
