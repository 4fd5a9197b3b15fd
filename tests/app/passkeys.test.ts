// Passkeys through the pages, with a software authenticator: what the edge lets through, and that SQL's answers become
// pages. Each check of the standard: tests/db/passkeys; a real browser: tests/browser/passkeys.test.ts.
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { asOwner } from '../../db/owner.ts';
import { type Authenticator, createAuthenticator } from '../support/authenticator.ts';
import { openSession, type Person } from '../support/practice.ts';
import { type Asked, cookieOf, type Running, startApp } from './support.ts';

const ORIGIN = 'http://localhost:3000';
const HEADERS = { Host: 'localhost:3000', Origin: ORIGIN };
let app: Running;
let anne: Person;
let key: Authenticator;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app?.close());
beforeEach(async () => {
  await owner('delete from iam.passkeys');
  const { clinician } = app.practice;
  anne = { ...clinician, token: await asOwner(app.db.admin, () => openSession(app.db, clinician.account)) };
  key = createAuthenticator(ORIGIN, anne.account);
});

const owner = (query: string, values: unknown[] = []) =>
  asOwner(app.db.admin, async () => (await app.db.admin.query(query, values)).rows);
const ask = (path: string, asked: Asked = {}) => app.ask(path, { ...asked, headers: { ...HEADERS, ...asked.headers } });
const asAnne = () => cookieOf(anne);
const cookieFrom = (answer: Response) => answer.headers.getSetCookie()[0]?.split(';')[0] ?? '';
const options = async (purpose: string, cookie?: string) => ask('/passkeys/options', { cookie, form: { purpose } });
// biome-ignore lint/suspicious/noExplicitAny: options of WebAuthn, whose fields the tests name
const publicKey = async (purpose: string, cookie?: string): Promise<any> =>
  ((await (await options(purpose, cookie)).json()) as { publicKey: unknown }).publicKey;
const challenge = async (purpose: string, cookie?: string): Promise<string> =>
  (await publicKey(purpose, cookie)).challenge;
const register = async (name = 'Téléphone') =>
  ask('/account/passkeys/new', {
    cookie: asAnne(),
    form: { name, credential: JSON.stringify(key.register(await challenge('register', asAnne()))) },
  });
async function halfWay(): Promise<string> {
  const token = randomBytes(32).toString('base64url');
  await owner(
    `insert into iam.sessions (token_hash, account_id, membership_id, organisation_id, role, methods)
     select iam.hash_token($1), m.account_id, m.id, m.organisation_id, m.role, '{password}' from access.memberships m where m.account_id = $2`,
    [token, anne.account],
  );
  return `__Host-vs=${token}.anon`;
}

test('a browser is asked for a passkey of this host name, by the account’s address, and for none that exists', async () => {
  const made = await publicKey('register', asAnne());
  expect(made).toMatchObject({
    rp: { id: 'localhost', name: 'Vital Sync' },
    user: { name: anne.email },
    attestation: 'none',
    excludeCredentials: [],
  });
  expect(Buffer.from(made.user.id, 'base64url').toString('hex')).toBe(anne.account.replaceAll('-', ''));
  await register();
  const again = await publicKey('register', asAnne());
  expect(again.excludeCredentials).toEqual([
    { type: 'public-key', id: key.credentialId.toString('base64url'), transports: ['internal', 'hybrid'] },
  ]);
});

test('without two factors nothing is told of an account, not even its address', async () => {
  await register();
  const cookie = await halfWay();
  const refused = await options('register', cookie);
  expect([refused.status, await refused.json()]).toEqual([401, { answer: 'second_factor' }]);
  expect(JSON.stringify(await publicKey('factor', cookie))).not.toContain('@');
  const nobody = await options('factor');
  expect([nobody.status, await nobody.json()]).toEqual([401, { answer: 'expired' }]);
  expect(Object.keys(await publicKey('passwordless', cookie)).sort()).toEqual([
    'allowCredentials',
    'challenge',
    'rpId',
    'timeout',
    'userVerification',
  ]);
  expect((await options('anything')).status).toBe(422);
});

test('one is added, listed with its name, and removed; the last one stays', async () => {
  const added = await register('Clé <b>bleue</b>');
  expect([added.status, added.headers.get('location')]).toEqual([303, '/account/passkeys?done=added']);
  const list = await (await ask('/account/passkeys', { cookie: asAnne() })).text();
  expect(list).toContain('Clé &lt;b>bleue');
  const remove = /\/account\/passkeys\/[0-9a-f-]{36}\/remove/.exec(list)?.[0] ?? '';

  const last = await ask(remove, { cookie: asAnne(), form: {} });
  expect([last.status, await last.text()]).toEqual([409, expect.stringContaining('dernier moyen de connexion')]);
  key = createAuthenticator(ORIGIN, anne.account);
  await register('Ordinateur');
  const removed = await ask(remove, { cookie: asAnne(), form: {} });
  expect([removed.status, removed.headers.get('location')]).toEqual([303, '/account/passkeys?done=removed']);
  expect((await ask(remove, { cookie: asAnne(), form: {} })).status, 'again').toBe(404);
  expect((await ask('/account/passkeys/x/remove', { cookie: asAnne(), form: {} })).status).toBe(404);
});

test('one gets another name; nobody renames another’s', async () => {
  await register();
  const list = await (await ask('/account/passkeys', { cookie: asAnne() })).text();
  const path = /\/account\/passkeys\/[0-9a-f-]{36}\/name/.exec(list)?.[0] ?? '';
  expect(await (await ask(path, { cookie: asAnne() })).text()).toContain('value="Téléphone"');
  const empty = await ask(path, { cookie: asAnne(), form: { name: ' ' } });
  expect([empty.status, await empty.text()]).toEqual([422, expect.stringContaining('Donnez un nom')]);
  const other = cookieOf(app.practice.colleague);
  for (const form of [undefined, { name: 'Volée' }])
    expect((await ask(path, { cookie: other, form })).status).toBe(404);
  const half = await ask(path, { cookie: await halfWay(), form: { name: 'Volée' } });
  expect(half.headers.get('location')).toBe('/sign-in/code');
  const renamed = await ask(path, { cookie: asAnne(), form: { name: 'Clé "verte"' } });
  expect(renamed.headers.get('location')).toBe('/account/passkeys?done=renamed');
  expect(await (await ask('/account/passkeys', { cookie: asAnne() })).text()).toContain('Clé &quot;verte');
  const [event] = await owner(
    "select details from audit.events where event = 'row.update' and resource_type = 'passkey'",
  );
  expect(event.details).toBe('{"columns":["name"]}');
});

test('one of another host name says so', async () => {
  await register();
  await owner("update iam.passkeys set rp_id = 'ancien.exemple.fr'");
  const list = await (await ask('/account/passkeys', { cookie: asAnne() })).text();
  expect(list).toContain('elle ne sert qu’à l’adresse ancien.exemple.fr');
});

test('whoever has nothing but one of a former host name is told so, and led to a way back', async () => {
  await register();
  await owner("delete from iam.totp_factors; update iam.hosts set origin = 'https://nouveau.exemple.fr'");
  const cookie = await halfWay();
  const [code, list] = [
    await (await ask('/sign-in/code', { cookie })).text(),
    await (await ask('/account/factors', { cookie: asAnne() })).text(),
  ];
  await owner('update iam.hosts set origin = null');
  expect(code).toContain('ancienne adresse de ce site');
  expect(code).toContain('href="/recover"');
  expect(code).not.toContain('name="code"');
  expect(list).toContain('elle ne sert plus ici');
});

test('one without a name is refused in words, and what is no credential as well', async () => {
  const nameless = await ask('/account/passkeys/new', { cookie: asAnne(), form: { name: ' ', credential: '{}' } });
  expect([nameless.status, await nameless.text()]).toEqual([422, expect.stringContaining('Donnez un nom')]);
  for (const credential of ['{}', 'null', '[[', '{"id":{}}', 'x'.repeat(70_000)]) {
    const answer = await ask('/account/passkeys/new', { cookie: asAnne(), form: { name: 'Clé', credential } });
    expect([200, 422], credential.slice(0, 10)).toContain(answer.status);
  }
  expect(await owner('select from iam.passkeys')).toHaveLength(0);
});

test('whatever a browser sends for a credential, it is refused on a page', async () => {
  await register();
  const cookie = await halfWay();
  const whole = key.answer(await challenge('factor', cookie));
  const anything = fc.oneof(
    fc.jsonValue({ maxDepth: 3 }),
    fc.string().map((text) => Buffer.from(text).toString('base64url')),
  );
  const spoiled = fc
    .tuple(fc.constantFrom('id', 'clientDataJSON', 'authenticatorData', 'signature', 'userHandle'), anything)
    .map(([name, value]) =>
      JSON.stringify(
        name === 'id' ? { ...whole, id: value } : { ...whole, response: { ...whole.response, [name]: value } },
      ),
    );
  const credential = fc.oneof(spoiled, fc.json(), fc.string()).map((text) => text.replace(/[^\P{Cc}\n\t]/gu, ''));
  const asked = async (text: string) => {
    await owner('delete from ops.limits; update iam.sessions set attempts = 0');
    const statuses = [
      (await ask('/passkeys/sign-in', { form: { credential: text } })).status,
      (await ask('/sign-in/code', { cookie, form: { method: 'passkey', credential: text } })).status,
      (await ask('/account/passkeys/new', { cookie: asAnne(), form: { name: 'Clé', credential: text } })).status,
    ];
    // 200 and 303: nothing was sent but spaces
    for (const status of statuses) expect([200, 303, 422]).toContain(status);
  };
  await fc.assert(fc.asyncProperty(credential, asked), { numRuns: 40 });
  expect(await owner('select from iam.passkeys')).toHaveLength(1);
});

test('a factor is asked for first when the last one is old', async () => {
  await owner("update iam.sessions set factor_at = clock_timestamp() - interval '11 minutes'");
  const asked = await options('register', asAnne());
  expect([asked.status, await asked.json()]).toEqual([401, { answer: 'step_up' }]);
  for (const form of [
    { name: 'Clé', credential: '' },
    { name: 'Clé', credential: '{}' },
  ]) {
    const answer = await ask('/account/passkeys/new', { cookie: asAnne(), form });
    expect([answer.status, await answer.text()]).toEqual([401, expect.stringContaining('Confirmez que c’est vous')]);
  }
});

test('it is the second step of signing in', async () => {
  await register();
  const cookie = await halfWay();
  const form = {
    method: 'passkey',
    credential: JSON.stringify(key.answer(await challenge('factor', cookie), { flags: { verified: false } })),
  };
  const answer = await ask('/sign-in/code', { cookie, form });
  expect([answer.status, answer.headers.get('location')]).toEqual([303, '/']);
  expect((await ask('/patients', { cookie: cookieFrom(answer) })).status).toBe(200);
  const again = await ask('/sign-in/code', { cookie: await halfWay(), form });
  expect([again.status, await again.text()]).toEqual([422, expect.stringContaining('n’a pas été reconnue')]);
});

test('what a browser says of the signature isn’t believed: it is checked', async () => {
  await register();
  const { response, id } = key.answer(await challenge('factor', await halfWay()));
  const lie = {
    id,
    client_data: response.clientDataJSON,
    authenticator_data: response.authenticatorData,
    signed: true,
  };
  const cookie = await halfWay();
  const forged = { ...key.answer(await challenge('factor', cookie)), ...lie, signed: true };
  for (const credential of [lie, { ...forged, response: { ...forged.response, signature: 'AAAA' } }]) {
    const answer = await ask('/sign-in/code', {
      cookie,
      form: { method: 'passkey', credential: JSON.stringify(credential) },
    });
    expect(answer.status).toBe(422);
  }
  await owner("update iam.sessions set factor_at = clock_timestamp() - interval '11 minutes'");
  const step = { step_up_method: 'passkey', step_up_credential: JSON.stringify({ ...lie, ...(await stepUpLie()) }) };
  expect((await ask('/step-up', { cookie: asAnne(), form: step })).status).toBe(422);
  const [event] = await owner(
    "select outcome from audit.events where event = 'session.step_up' order by at desc limit 1",
  );
  expect(event.outcome).toBe('failure');
});

/** In order but for its signature. */
async function stepUpLie() {
  const { response } = key.answer(await challenge('factor', asAnne()));
  return { client_data: response.clientDataJSON, authenticator_data: response.authenticatorData };
}

test('a step-up takes it', async () => {
  await register();
  await owner("update iam.sessions set factor_at = clock_timestamp() - interval '11 minutes'");
  const page = await (await ask('/step-up?return=/account/passkeys', { cookie: asAnne() })).text();
  expect(page).toContain('data-passkey="factor"');
  const form = {
    step_up_to: '/account/passkeys',
    step_up_method: 'passkey',
    step_up_credential: JSON.stringify(key.answer(await challenge('factor', asAnne()))),
  };
  const answer = await ask('/step-up', { cookie: asAnne(), form });
  expect([answer.status, answer.headers.get('location')]).toEqual([303, '/account/passkeys']);
});

test('alone it signs in, without an address and a password', async () => {
  await register();
  const form = { credential: JSON.stringify(key.answer(await challenge('passwordless'))) };
  const answer = await ask('/passkeys/sign-in', { form });
  expect([answer.status, answer.headers.get('location')]).toEqual([303, '/']);
  expect(cookieFrom(answer)).toMatch(/^__Host-vs=[\w-]{43}\.clinician$/);
  expect((await ask('/patients', { cookie: cookieFrom(answer) })).status).toBe(200);

  const again = await ask('/passkeys/sign-in', { form });
  expect([again.status, await again.text()]).toEqual([422, expect.stringContaining('ne vous connecte pas')]);
  expect(again.headers.getSetCookie()).toEqual([]);
  expect((await ask('/passkeys/sign-in', { form: {} })).headers.get('location')).toBe('/sign-in');
});

test('at an address of numbers, and without TLS, none is asked for', async () => {
  for (const host of ['127.0.0.1:3000', 'vital.test', '[::1]:3000', 'evil.example']) {
    const headers = { Host: host, Origin: `http://${host}` };
    const answer = await app.ask('/passkeys/options', { form: { purpose: 'passwordless' }, headers });
    expect([host, answer.status, await answer.json()]).toEqual([host, 422, { answer: 'place' }]);
  }
});

test('another site gets no challenge', async () => {
  const answer = await app.ask('/passkeys/options', {
    form: { purpose: 'passwordless' },
    headers: { ...HEADERS, Origin: 'https://evil.example' },
  });
  expect(answer.status).toBe(403);
});
