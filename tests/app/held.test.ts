// A sign-in that is held back, through the pages: right password, right code, wrong side of the ocean; then the mailed link.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApp } from '../../app/app.tsx';
import { openDoor } from '../../db/door.ts';
import { asOwner, createAccount } from '../../db/owner.ts';
import { totpCode, totpStep } from '../../db/totp.ts';
import { readAssets } from '../../edge/assets/files.ts';
import { openLog } from '../../edge/logging.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { createPractice } from '../support/practice.ts';
import { visibleText } from './pages.ts';

const ORIGIN = 'http://vital.test';
const email = 'sage-femme@exemple.fr';
const password = 'correct horse battery staple';
const secret = randomBytes(20);

let db: TestDatabase;
let account: string;
let app: ReturnType<typeof createApp>;
let close: () => Promise<void>;

beforeAll(async () => {
  db = await createDatabase();
  const { organisation } = await createPractice(db);
  const profile = { family_name: 'Roux', given_name: 'Anne' };
  const person = { organisation, role: 'clinician', email, profile, password, totpSecret: secret };
  account = await asOwner(db.admin, () => createAccount(db.admin, db.keys, person));
  const door = openDoor(db);
  app = createApp({
    door,
    ring: db.ring,
    pepper: db.pepper,
    demo: false,
    assets: readAssets(),
    log: await openLog(() => {}),
  });
  close = () => door.close().then(() => db.close());
}, 30_000);
afterAll(() => close());

/** A browser behind our proxy, with the cookies that it was given. */
class Browser {
  readonly cookies = new Map<string, string>();
  readonly #headers: Record<string, string>;
  constructor(address: string, place: string) {
    this.#headers = { 'X-Forwarded-For': address, 'X-Forwarded-Proto': 'http', 'X-Geo': place };
  }

  async ask(
    path: string,
    form?: Record<string, string>,
  ): Promise<{ status: number; location: string | null; text: string }> {
    const headers = new Headers({ ...this.#headers, Origin: ORIGIN });
    headers.set('Cookie', [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; '));
    const init = form ? { method: 'POST', headers, body: new URLSearchParams(form) } : { headers };
    const proxy = { address: '10.0.0.1', proxied: true, placeHeader: 'x-geo' };
    const answer = await app.request(new Request(ORIGIN + path, init), undefined, proxy);
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value) this.cookies.set(name, value);
      else this.cookies.delete(name);
    }
    return { status: answer.status, location: answer.headers.get('location'), text: await answer.text() };
  }

  /** Both steps; where they lead. */
  async signIn(): Promise<string | null> {
    // the step that was used up a moment ago counts again
    await asOwner(db.admin, () => db.admin.query('update iam.totp_factors set last_step = 0'));
    expect(await this.ask('/sign-in', { email, password })).toMatchObject({ location: '/sign-in/code' });
    return (await this.ask('/sign-in/code', { method: 'totp', code: totpCode(secret, totpStep()) })).location;
  }
}

const mailedLink = () =>
  asOwner(db.admin, async () => {
    const { rows } = await db.admin.query<{ path: string }>(
      `select convert_from(vault.unpack(vault.unwrap($1, o.account_id, 'profile'),
         convert_to('ops.outbox.vars', 'UTF8') || '\\x00'::bytea || uuid_send(o.id) || uuid_send(o.account_id) || int8send(1), o.vars), 'UTF8')::jsonb ->> 'path' as path
       from ops.outbox o where o.account_id = $2 order by o.id desc limit 1`,
      [db.ring, account],
    );
    return rows[0]!.path;
  });

test('is held back, opens nothing, and is let in once its owner has said so', async () => {
  const home = new Browser('192.0.2.7', 'FR/Lyon/45.76,4.84');
  expect(await home.signIn()).toBe('/');
  const far = new Browser('198.51.100.9', 'BR/Recife/-8.05,-34.9');
  expect(await far.signIn()).toBe('/sign-ins/held');
  // what the browser holds now is a device that isn't known yet, and no session
  expect([...far.cookies.keys()]).toEqual(['__Host-device']);
  expect((await far.ask('/patients')).location).toBe('/sign-in');
  expect(visibleText((await far.ask('/sign-ins/held')).text)).toContain('Connexion mise en attente');

  const link = await mailedLink();
  const mailbox = new Browser('192.0.2.7', 'FR/Lyon/45.76,4.84');
  expect(visibleText((await mailbox.ask(link)).text)).toContain('est en attente');
  expect((await mailbox.ask(link, { answer: 'mine' })).location).toBe(link);
  // the link lets nobody in by itself
  expect([...mailbox.cookies.keys()]).toEqual([]);

  expect(await far.signIn()).toBe('/');
  const seen = visibleText((await far.ask('/account/sign-ins')).text);
  expect(seen).toMatch(/Recife \(BR\) 198\.51\.100\.9 Habituelle/);
  expect(seen).toContain('Autorisée ensuite');
}, 30_000);

test('"not me" by the link signs everybody out, and leads to a new password', async () => {
  const home = new Browser('192.0.2.7', 'FR/Lyon/45.76,4.84');
  expect(await home.signIn()).toBe('/');
  const far = new Browser('203.0.113.20', 'NZ/Wellington/-41.29,174.78');
  expect(await far.signIn()).toBe('/sign-ins/held');
  const link = await mailedLink();
  const mailbox = new Browser('203.0.113.99', 'FR/Lyon/45.76,4.84');
  await mailbox.ask(link, { answer: 'not_mine' });
  const { text } = await mailbox.ask(link);
  expect(text).toContain('href="/recover"');
  expect((await home.ask('/account/sign-ins')).location).toBe('/sign-in?ended');
  // too late to say otherwise
  await mailbox.ask(link, { answer: 'mine' });
  expect(await far.signIn()).toBe('/sign-ins/held');
}, 30_000);
