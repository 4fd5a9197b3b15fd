// Signing in, through the pages: neither factor alone opens anything, and nothing tells which accounts exist.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { asOwner, createAccount } from '../../db/owner.ts';
import { totpCode } from '../../db/totp.ts';
import { type Running, startApp } from './support.ts';

const email = 'camille@exemple.fr';
const password = 'corde cheval 4 agrafes';
const totpSecret = randomBytes(20);
let app: Running;
let account: string;

beforeAll(async () => {
  app = await startApp();
  const { db, practice } = app;
  const profile = { family_name: 'Roux', given_name: 'Camille' };
  const wanted = { organisation: practice.organisation, role: 'clinician', email, profile, password, totpSecret };
  account = await asOwner(db.admin, () => createAccount(db.admin, db.keys, wanted));
});
afterAll(() => app?.close());

const cookieFrom = (answer: Response) => answer.headers.getSetCookie()[0]?.split(';')[0] ?? '';
const passFirstStep = () => app.ask('/sign-in', { form: { email, password } });
const freshCode = () => totpCode(totpSecret);

/** The page without what differs from one request to the next. */
const text = async (answer: Response) => (await answer.text()).replaceAll(/value="[^"]*@[^"]*"/g, '');

test('the two factors lead to the patients; the cookie is sealed off and the first token is dead', async () => {
  const first = await passFirstStep();
  expect([first.status, first.headers.get('location')]).toEqual([303, '/sign-in/code']);
  const halfway = cookieFrom(first);

  const early = await app.ask('/patients', { cookie: halfway.replace('.anon', '.clinician') });
  expect([early.status, early.headers.get('location')]).toEqual([303, '/sign-in/code']);

  const code = freshCode();
  const second = await app.ask('/sign-in/code', { cookie: halfway, form: { code } });
  expect([second.status, second.headers.get('location')]).toEqual([303, '/']);
  expect(second.headers.getSetCookie()[0]).toMatch(
    /^__Host-vs=[\w-]{43}\.clinician; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
  );
  const cookie = cookieFrom(second);
  expect((await app.ask('/patients', { cookie })).status).toBe(200);
  expect((await app.ask('/patients', { cookie: halfway })).headers.get('location')).toBe('/sign-in');

  const again = await app.ask('/sign-in/code', {
    cookie: cookieFrom(await passFirstStep()),
    form: { code },
  });
  expect(again.status, 'a code works once').toBe(422);

  const out = await app.ask('/sign-out', { cookie, form: {} });
  expect([out.status, out.headers.get('location')]).toEqual([303, '/sign-in']);
  // what the browser keeps of pages goes; that it has signed somebody in before stays (0097)
  expect(out.headers.get('clear-site-data')).toBe('"cache"');
  expect(out.headers.getSetCookie().map((line) => line.split('=')[0])).toEqual(['__Host-vs']);
  const after = await app.ask('/patients', { cookie });
  expect([after.status, after.headers.get('location')]).toEqual([303, '/sign-in?ended']);
});

test('signing out half-way ends what the password opened, and a copy of its cookie shows no second factor', async () => {
  const halfway = cookieFrom(await passFirstStep());
  const out = await app.ask('/sign-out', { cookie: halfway, form: {} });
  expect([out.status, out.headers.get('location')]).toEqual([303, '/sign-in']);
  const late = await app.ask('/sign-in/code', { cookie: halfway, form: { code: freshCode() } });
  expect([late.status, late.headers.getSetCookie().some((one) => one.includes('.clinician'))]).toEqual([422, false]);
  expect(await late.text()).toContain('name="password"');
});

/** As it stands in the message that waits to be delivered. */
async function lastCode(): Promise<string> {
  const { db } = app;
  const { rows } = await asOwner(db.admin, () =>
    db.admin.query(
      `select convert_from(vault.unpack(vault.unwrap($1, o.account_id, 'profile'),
         convert_to('ops.outbox.vars', 'UTF8') || '\\x00'::bytea || uuid_send(o.id) || uuid_send(o.account_id) || int8send(1),
         o.vars), 'UTF8')::jsonb ->> 'code' as code
       from ops.outbox o where o.account_id = $2 and o.template = 'email_code' order by o.created_at desc limit 1`,
      [db.ring, account],
    ),
  );
  return rows[0].code;
}

/** As /account/recovery-codes makes them. */
async function makeRecoveryCodes(): Promise<string[]> {
  const { db } = app;
  return asOwner(db.admin, async () => {
    const { rows } = await db.admin.query(
      `with code as materialized (select iam.new_recovery_code() as code from generate_series(1, 10)),
            salt as materialized (select extensions.gen_salt('bf', 10) as salt)
       insert into iam.recovery_codes (account_id, code_hash)
       select $2, iam.hash_recovery_code($1, $2, code, salt) from code, salt returning (select array_agg(code) from code) as codes`,
      [db.ring, account],
    );
    return rows[0].codes;
  });
}

test('a wrong password and an unknown address get the same page', async () => {
  const wrong = await app.ask('/sign-in', { form: { email, password: 'faux mais assez long' } });
  const unknown = await app.ask('/sign-in', { form: { email: 'personne@exemple.fr', password } });
  expect([wrong.status, unknown.status]).toEqual([422, 422]);
  const page = await text(wrong);
  expect(await text(unknown)).toBe(page);
  expect(page).toContain('Erreur\u00a0: Se connecter');
  expect(page).not.toContain('faux mais');
});

test('the longest password that may be chosen opens the door: an input of ours never cuts one', async () => {
  const { db, practice } = app;
  const long = 'éàùêî'.repeat(204).normalize('NFD'); // 1,020 characters, as a keyboard may write them: twice as many
  const [mail, profile] = ['longue@exemple.fr', { family_name: 'Longue', given_name: 'Phrase' }];
  const wanted = {
    organisation: practice.organisation,
    role: 'clinician',
    email: mail,
    profile,
    password: long,
    totpSecret,
  };
  await asOwner(db.admin, () => createAccount(db.admin, db.keys, wanted));
  const cut = await app.ask('/sign-in', { form: { email: mail, password: long.slice(0, 1024) } });
  expect(cut.status).toBe(422);
  const whole = await app.ask('/sign-in', { form: { email: mail, password: long } });
  expect([whole.status, whole.headers.get('location')]).toEqual([303, '/sign-in/code']);
  const page = await (await app.ask('/sign-in')).text();
  expect(page.match(/<input[^>]*type="password"[^>]*>/)?.[0]).not.toContain('maxlength');
});

test('a wrong code and one that is no code are refused, each in its words', async () => {
  const cookie = cookieFrom(await passFirstStep());
  const odd = await app.ask('/sign-in/code', { cookie, form: { code: '12a' } });
  expect([odd.status, await odd.text()]).toEqual([422, expect.stringContaining('Saisissez les 6 chiffres')]);
  const wrong = await app.ask('/sign-in/code', {
    cookie,
    form: { code: freshCode() === '000000' ? '000001' : '000000' },
  });
  expect([wrong.status, await wrong.text()]).toEqual([422, expect.stringContaining('Ce code ne convient pas')]);
});

test('another means is a button away; one that the account lacks is not offered, and one that nobody has is not asked for', async () => {
  const cookie = cookieFrom(await passFirstStep());
  const plain = await (await app.ask('/sign-in/code', { cookie })).text();
  expect(plain).not.toContain('Autre moyen');
  const codes = await makeRecoveryCodes();
  const page = await (await app.ask('/sign-in/code', { cookie })).text();
  expect(page).toMatch(/Autre moyen.*name="by" value="recovery_code"/s);
  expect(page).not.toContain('value="email_code"');
  const other = await (await app.ask('/sign-in/code', { cookie, form: { by: 'recovery_code' } })).text();
  expect(other).toMatch(/name="method" value="recovery_code"/);
  const hostile = await app.ask('/sign-in/code', { cookie, form: { by: "x'--", method: '<script>', code: '' } });
  expect([hostile.status, await hostile.text()]).toEqual([422, expect.not.stringContaining('<script>')]);

  const short = await app.ask('/sign-in/code', { cookie, form: { method: 'recovery_code', code: 'abc' } });
  expect([short.status, await short.text()]).toEqual([422, expect.stringContaining('un de vos codes de secours')]);
  const form = { method: 'recovery_code', code: codes[0]!.toUpperCase() };
  const taken = await app.ask('/sign-in/code', { cookie, form });
  expect([taken.status, taken.headers.get('location')]).toEqual([303, '/account/factors?done=recovery_code']);
  const again = await app.ask('/sign-in/code', { cookie: cookieFrom(await passFirstStep()), form });
  expect(again.status).toBe(422);
});

test('a code that was sent signs in; nothing is sent where nothing may be', async () => {
  const cookie = cookieFrom(await passFirstStep());
  const ask = (form: Record<string, string>) => app.ask('/sign-in/code', { cookie, form });
  const refused = await ask({ by: 'email_code' });
  expect([refused.status, await refused.text()]).toEqual([422, expect.stringContaining('Aucun code')]);
  await asOwner(app.db.admin, async () => {
    await app.db.admin.query('update iam.accounts set email_confirmed_at = clock_timestamp() where id = $1', [account]);
    await app.db.admin.query("insert into ops.deliveries (channel) values ('email') on conflict do nothing");
  });
  const sent = await ask({ by: 'email_code' });
  expect([sent.status, await sent.text()]).toEqual([200, expect.stringContaining('Un code est parti')]);
  const code = await lastCode();
  const wrong = await ask({ method: 'email_code', code: code === '000000' ? '000001' : '000000' });
  expect([wrong.status, await wrong.text()]).toEqual([422, expect.stringContaining('dernier message reçu')]);
  const right = await ask({ method: 'email_code', code });
  expect([right.status, right.headers.get('location')]).toEqual([303, '/']);
});

test('nobody is asked for a code, or told that one is sent again, before one was', async () => {
  const cookie = cookieFrom(await passFirstStep());
  const ask = async (query: string, form?: Record<string, string>) =>
    (await app.ask(`/sign-in/code${query}`, { cookie, form })).text();
  const before = await ask('?by=email_code');
  expect(before).toMatch(/<button[^>]*data-primary[^>]*name="by" value="email_code"/);
  expect(before).not.toMatch(/id="code"|Renvoyer/);
  for (const after of [await ask('?by=email_code&sent=1'), await ask('', { method: 'email_code', code: '12' })])
    expect(after).toMatch(/id="code"[\s\S]*Renvoyer un code/);
  const odd = await ask("?by=x'--&sent=%3Cscript%3E");
  expect(odd).toMatch(/name="method" value="totp"/);
});

test('a switch of language loses nothing that was typed: it is offered where nothing would be', async () => {
  const cookie = cookieFrom(await passFirstStep());
  const back = (page: string) => /name="return" value="([^"]*)"/.exec(page)?.[1];
  const plain = await (await app.ask('/sign-in')).text();
  expect([back(plain), visiblyFirst(plain)]).toEqual(['/sign-in', true]);
  expect(back(await (await app.ask('/sign-in', { form: { email: '', password: '' } })).text())).toBe('/sign-in');
  expect(back(await (await app.ask('/sign-in', { form: { email: 'a@exemple.fr' } })).text())).toBeUndefined();
  const wrong = await app.ask('/sign-in/code', { cookie, form: { method: 'email_code', code: '12' } });
  expect(back(await wrong.text())).toBe('/sign-in/code?by=email_code&amp;sent=1');
});
const visiblyFirst = (page: string) => page.includes('Étape 1 sur 2');

test('what is missing is said, tied to its field, and what was typed stays', async () => {
  const answer = await app.ask('/sign-in', { form: { email: 'a"b@exemple.fr', password: '' } });
  const page = await answer.text();
  expect(answer.status).toBe(422);
  expect(page).toContain('<a href="#password">');
  expect(page).toMatch(/id="password"[^>]*aria-describedby="password-error" aria-invalid="true"/);
  expect(page).toContain('value="a&quot;b@exemple.fr"');
});

test('inputs carry the standard autocomplete values', async () => {
  const first = await (await app.ask('/sign-in')).text();
  expect(first).toMatch(/id="email"[^>]*autocomplete="username"/);
  expect(first).toMatch(/id="password"[^>]*autocomplete="current-password"/);
  const second = await (await app.ask('/sign-in/code', { cookie: cookieFrom(await passFirstStep()) })).text();
  expect(second).toMatch(/id="code"[^>]*autocomplete="one-time-code"/);
});

test('too many attempts are told how long to wait', async () => {
  let answer: Response | undefined;
  for (let i = 0; i < 12 && answer?.status !== 429; i++) {
    answer = await app.ask('/sign-in', { form: { email: 'autre@exemple.fr', password: 'peu importe ici' } });
  }
  expect(answer?.status).toBe(429);
  expect(Number(answer?.headers.get('Retry-After'))).toBeGreaterThan(0);
  expect(await answer?.text()).toContain('réessayez dans');
});
