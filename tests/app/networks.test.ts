// What somebody from a denied network sees (0088_networks), and who decides where a request comes from (edge/client.ts).
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createApp } from '../../app/app.tsx';
import { openDoor } from '../../db/door.ts';
import { asOwner, createAccount } from '../../db/owner.ts';
import { readAssets } from '../../edge/assets/files.ts';
import type { Bindings } from '../../edge/client.ts';
import { openLog } from '../../edge/logging.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { createPractice, type Practice } from '../support/practice.ts';
import { visibleText } from './pages.ts';
import { cookieOf, ORIGIN } from './support.ts';

const denied = '203.0.113.9';
const email = 'anne@exemple.fr';
const password = 'correct horse battery staple';
const response = { clientDataJSON: 'AAAA', authenticatorData: 'AAAA', signature: 'AAAA' };
const passkey = JSON.stringify({ id: 'AAAA', rawId: 'AAAA', type: 'public-key', response });

let db: TestDatabase;
let practice: Practice;
let app: ReturnType<typeof createApp>;
let door: ReturnType<typeof openDoor>;

beforeAll(async () => {
  db = await createDatabase();
  practice = await createPractice(db);
  const profile = { family_name: 'Roux', given_name: 'Anne' };
  const person = { organisation: practice.organisation, role: 'clinician', email, profile, password };
  await asOwner(db.admin, () => createAccount(db.admin, db.keys, { ...person, totpSecret: Buffer.alloc(20) }));
  await owner("select ops.deny_network('203.0.113.0/24', 'guessing', '1 hour')");
  door = openDoor(db);
  const log = await openLog(() => {});
  app = createApp({ door, ring: db.ring, pepper: db.pepper, demo: false, assets: readAssets(), log });
});
afterAll(async () => {
  await door.close();
  await db.close();
});
beforeEach(() => owner('delete from ops.limits'));

const owner = (query: string) => asOwner(db.admin, async () => (await db.admin.query(query)).rows);

type Asked = { form?: Record<string, string>; headers?: Record<string, string>; from?: Bindings };
async function ask(path: string, { form, headers = {}, from = { address: denied } }: Asked = {}) {
  const typed = form && { Origin: ORIGIN, 'Content-Type': 'application/x-www-form-urlencoded' };
  const body = form && new URLSearchParams(form).toString();
  const request = new Request(`${ORIGIN}${path}`, {
    method: form ? 'POST' : 'GET',
    headers: { ...typed, ...headers },
    body,
  });
  const response = await app.request(request, undefined, from);
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, words: visibleText(text) };
}
const signIn = (rest: Asked = {}, who = { email, password }) => ask('/sign-in', { ...rest, form: who });

describe('somebody from a denied network', () => {
  test('is told so and what to do, in the same words with a right password, a wrong one, or no account', async () => {
    const answers = [
      await signIn(),
      await signIn({}, { email, password: 'wrong' }),
      await signIn({}, { email: 'personne@exemple.fr', password: 'wrong' }),
    ];
    const words = answers.map((one) => one.words.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, ''));
    expect(new Set(words).size).toBe(1);
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403]);
    expect(words[0]).toContain('Accès refusé depuis ce réseau');
    expect(words[0]).toContain('appelez votre cabinet');
    expect(answers[0]!.text).not.toContain(password);
    expect(answers[0]!.text).not.toMatch(/203\.0\.113|ops\.|VS471/);
    expect(answers[0]!.headers.get('set-cookie') ?? '').not.toContain('vs=');
  });

  test('is told so in English', async () => {
    const { words } = await signIn({ headers: { Cookie: '__Host-lang=en; lang=en' } });
    expect(words).toContain('Refused from this network');
    expect(words).toContain('call your practice');
  });

  test.each([
    ['/recover', { email }],
    ['/register', { email, practice: '00000000-0000-7000-8000-000000000000' }],
    ['/passkeys/sign-in', { credential: passkey }],
  ])('can’t ask for anything at %s', async (path, form) => {
    const { status, words } = await ask(path, { form });
    expect(status).toBe(403);
    expect(words).toContain('Accès refusé depuis ce réseau');
  });

  test('gets no challenge for a passkey, and js/passkey.js hears why', async () => {
    const { status, text } = await ask('/passkeys/options', { form: { purpose: 'passwordless' } });
    expect([status, JSON.parse(text)]).toEqual([403, { answer: 'network' }]);
  });

  test('sees nothing with a session either, which goes on elsewhere', async () => {
    const headers = { Cookie: cookieOf(practice.clinician) };
    const refused = await ask('/patients', { headers });
    expect(refused.status).toBe(403);
    expect(refused.words).toContain('Accès refusé depuis ce réseau');
    expect(refused.words).not.toContain('Nomclinician');
    expect((await ask('/patients', { headers, from: { address: '192.0.2.7' } })).status).toBe(200);
  });

  test('has the page with the form all the same', async () => {
    expect((await ask('/sign-in')).status).toBe(200);
  });
});

describe('where a request comes from', () => {
  const lies = {
    'X-Forwarded-For': '192.0.2.7',
    'X-Real-IP': '192.0.2.7',
    Forwarded: 'for=192.0.2.7',
    'CF-Connecting-IP': '192.0.2.7',
    'True-Client-IP': '192.0.2.7',
    'X-Client-IP': '192.0.2.7',
  };

  test('is not for the caller to say', async () => {
    expect((await signIn({ headers: lies })).status).toBe(403);
  });

  test('nor behind our proxy, which appends what it saw', async () => {
    const behind = (forwarded: string) =>
      signIn({
        headers: { ...lies, 'X-Forwarded-For': forwarded, 'X-Forwarded-Proto': 'https', Origin: 'https://vital.test' },
        from: { address: '127.0.0.1', proxied: true, origin: 'https://vital.test' },
      });
    expect((await behind(`192.0.2.7, ${denied}`)).status).toBe(403);
    expect((await behind(`192.0.2.7, ::ffff:${denied}`)).status).toBe(403);
    expect((await behind('192.0.2.7, ::ffff:cb00:7109')).status).toBe(403);
    expect((await behind(`${denied}, 192.0.2.7`)).status).not.toBe(403);
  });

  test('nobody denies somebody else by a header', async () => {
    const { status } = await signIn({ headers: { 'X-Forwarded-For': denied }, from: { address: '192.0.2.7' } });
    expect(status).not.toBe(403);
  });
});
