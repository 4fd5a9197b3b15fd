// Passkeys in a real browser, with Chromium's virtual authenticator (CDP WebAuthn): added, shown as second factor, alone,
// for a step-up, and removed. At localhost: an address of numbers has none.
import { randomBytes } from 'node:crypto';
import type { CDPSession, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { asOwner } from '../../db/owner.ts';
import { createPatient, openSession, type Person } from '../support/practice.ts';
import { findBarriers, overflowOf, type Stage, setStage } from './support.ts';

let stage: Stage;
let anne: Person;

beforeAll(async () => {
  stage = await setStage({ hostname: 'localhost' });
});
afterAll(() => stage?.close());
beforeEach(async () => {
  await owner('delete from iam.passkeys');
  const { clinician } = stage.practice;
  anne = { ...clinician, token: await asOwner(stage.db.admin, () => openSession(stage.db, clinician.account)) };
});

const owner = (query: string, values: unknown[] = []) =>
  asOwner(stage.db.admin, async () => (await stage.db.admin.query(query, values)).rows);

/** An authenticator inside the browser, as a telephone with a finger on it. */
async function plugIn(page: Page, verified = true): Promise<{ cdp: CDPSession; id: string }> {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: verified,
      automaticPresenceSimulation: true,
    },
  });
  return { cdp, id: authenticatorId };
}
async function add(page: Page, name: string) {
  await page.goto(`${stage.origin}/account/passkeys/new`);
  await page.fill('#name', name);
  await page.click('[data-passkey=register] button');
  await page.waitForURL('**/account/passkeys?done=added');
}
/** Another session of this browser: with its password alone, by a link that lets it add a factor, or none. */
async function become(page: Page, as?: { enrols: boolean }) {
  await page.context().clearCookies();
  if (!as) return;
  const token = randomBytes(32).toString('base64url');
  await owner(
    `insert into iam.sessions (token_hash, account_id, membership_id, organisation_id, role, methods, enrols)
     select iam.hash_token($1), m.account_id, m.id, m.organisation_id, m.role, '{password}', $3 from access.memberships m where m.account_id = $2`,
    [token, anne.account, as.enrols],
  );
  const url = stage.origin.replace('http:', 'https:');
  await page.context().addCookies([{ name: '__Host-vs', value: `${token}.anon`, url, secure: true, httpOnly: true }]);
}
const methods = async () =>
  (
    await owner('select methods from iam.sessions where account_id = $1 order by factor_at desc limit 1', [
      anne.account,
    ])
  )[0].methods;

test('is added by keyboard, then signs in as second factor and alone, and is removed', async () => {
  const page = await stage.open('/account/passkeys/new', anne);
  const { cdp, id } = await plugIn(page);
  await page.focus('#name');
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.type('Téléphone <b>');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/account/passkeys?done=added');
  expect(await page.textContent('tbody th')).toBe('Téléphone <b>');
  expect(await page.textContent('tbody')).toContain('jamais utilisée');

  // the authenticator says by itself that it has one already
  await page.goto(`${stage.origin}/account/passkeys/new`);
  await page.fill('#name', 'Encore');
  await page.click('[data-passkey=register] button');
  await page.waitForFunction(() => document.querySelector('.passkey-status')?.textContent?.includes('déjà'));

  await become(page, { enrols: false });
  await page.goto(`${stage.origin}/sign-in/code`);
  await page.click('[data-passkey=factor] button');
  await page.waitForURL('**/patients');
  expect(await methods()).toEqual(['password', 'passkey']);

  await become(page);
  await page.goto(`${stage.origin}/sign-in`);
  await page.click('[data-passkey=passwordless] button');
  await page.waitForURL('**/patients');
  expect(await methods()).toEqual(['passkey']);

  await page.goto(`${stage.origin}/account/passkeys`);
  await page.click('tbody button');
  expect(await page.textContent('#outcome')).toContain('dernier moyen');
  await cdp.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId: id });
  await plugIn(page);
  await add(page, 'Ordinateur');
  await page.click('tbody tr:first-child button');
  await page.waitForURL('**/account/passkeys?done=removed');
  expect(await page.locator('tbody tr').count()).toBe(1);
  expect(stage.wrongs).toEqual([]);
});

test('is the first factor of somebody whom a link has brought', async () => {
  const page = await stage.open('/sign-in');
  await plugIn(page);
  await become(page, { enrols: true });
  await page.goto(`${stage.origin}/enrol`);
  expect(await page.inputValue('[name=name]')).toBe('Linux');
  await page.click('[data-passkey=register] button');
  await page.waitForURL((url) => url.pathname === '/account/recovery-codes');
  expect(await methods()).toEqual(['password', 'passkey']);
  expect(stage.wrongs).toEqual([]);
});

test('a factor that is asked for on the way is shown, and the name that was typed stands there again', async () => {
  const page = await stage.open('/account/passkeys', anne);
  await plugIn(page);
  await add(page, 'Premier');
  await page.goto(`${stage.origin}/account/passkeys/new`);
  await owner("update iam.sessions set factor_at = clock_timestamp() - interval '11 minutes'");
  await page.fill('#name', 'Second');
  await page.click('[data-passkey=register] button');
  await page.waitForSelector('[data-passkey=factor] button:focus');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#outcome');
  expect(await page.textContent('#outcome')).toContain('c’est bien vous');
  expect(await page.inputValue('#name')).toBe('Second');
  await page.waitForSelector('[data-passkey=register] button:focus');
  expect(stage.wrongs).toEqual([]);
});

test('a note is signed with one, in the dialog over the form, which stands there untouched', async () => {
  const patient = await createPatient(stage.db, stage.practice);
  const page = await stage.open('/account/passkeys/new', anne);
  await plugIn(page);
  await add(page, 'Clé');
  await page.goto(`${stage.origin}/patients/${patient}`);
  await page.click('#write-note');
  await page.fill('#subjective', 'Vu ce matin');
  await owner("update iam.sessions set factor_at = clock_timestamp() - interval '11 minutes'");
  await page.click('[data-key-submit]');
  await page.waitForSelector('dialog[open] [data-passkey=factor] button:focus');
  expect(await page.inputValue('#subjective')).toBe('Vu ce matin');
  await page.keyboard.press('Enter');
  await page.waitForSelector('article.note');
  expect(await page.textContent('article.note')).toContain('Vu ce matin');
  expect(await page.locator('dialog[open]').count()).toBe(0);
  expect(stage.wrongs).toEqual([]);
});

test('whoever isn’t verified by the device is told so, and goes on with a password', async () => {
  const page = await stage.open('/account/passkeys', anne);
  const { cdp, id } = await plugIn(page);
  await add(page, 'Clé');
  await cdp.send('WebAuthn.setUserVerified', { authenticatorId: id, isUserVerified: false });
  await become(page);
  await page.goto(`${stage.origin}/sign-in`);
  await page.click('[data-passkey=passwordless] button');
  await page.waitForFunction(() =>
    document.querySelector('.passkey-status')?.textContent?.includes('n’a pas été utilisée'),
  );
  await page.waitForSelector('[data-passkey=passwordless] button:focus');
});

test('one that was removed is refused on a page that leads on', async () => {
  const page = await stage.open('/account/passkeys', anne);
  await plugIn(page);
  await add(page, 'Clé');
  await owner('delete from iam.passkeys');
  await become(page);
  await page.goto(`${stage.origin}/sign-in`);
  await page.click('[data-passkey=passwordless] button');
  await page.waitForSelector('#setback');
  expect(await page.textContent('h1')).toContain('clé d’accès');
  expect(await page.locator('a[href="/sign-in"]').count()).toBe(1);
});

test('without script, and at an address of numbers, nobody is led into a wall', async () => {
  const plain = await stage.open('/account/passkeys/new', anne, { javaScriptEnabled: false });
  expect(await plain.locator('[data-passkey] button').isVisible()).toBe(false);
  expect(await plain.textContent('body')).toContain('ont besoin de JavaScript');
  const page = await stage.open('/sign-in');
  await page.goto(`${stage.origin.replace('localhost', '127.0.0.1')}/sign-in`);
  expect(await page.locator('[data-passkey] button').isVisible()).toBe(false);
  expect(await page.isVisible('#password')).toBe(true);
});

test('the pages have no barriers, at any width', async () => {
  for (const width of [320, 1280]) {
    const page = await stage.open('/account/passkeys', anne, { viewport: { width, height: 800 }, bypassCSP: true });
    await plugIn(page);
    await add(page, 'Un nom de clé très long, de soixante caractères exactement !');
    for (const path of ['/account/passkeys', '/account/passkeys/new', '/account/factors', '/sign-in']) {
      await page.goto(`${stage.origin}${path}`);
      expect([path, await findBarriers(page)]).toEqual([path, []]);
      expect(await overflowOf(page)).toBeLessThanOrEqual(0);
    }
  }
}, 60_000);
