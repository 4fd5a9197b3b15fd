// An authenticator app as others make it: zbar reads our QR code, oathtool makes the codes, and a person without script uses
// both to set up a factor and to sign in (requirement A2).
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { asOwner } from '../../db/owner.ts';
import { prehash } from '../../edge/password.ts';
import { createPerson, type Person } from '../support/practice.ts';
import { type Stage, setStage } from './support.ts';

const password = 'correct horse battery staple';
let stage: Stage;
let newcomer: Person;
let directory: string;

beforeAll(async () => {
  stage = await setStage();
  directory = mkdtempSync(join(tmpdir(), 'vitalsync-qr-'));
  const { db, practice } = stage;
  newcomer = await asOwner(db.admin, async () => {
    const made = await createPerson(db, { organisation: practice.organisation, role: 'clinician' });
    await db.admin.query('select iam.set_password($1, $2)', [
      made.account,
      await prehash(db.pepper, made.account, password),
    ]);
    // as the link of an invitation leaves it
    await db.admin.query(
      "update iam.sessions set factors = 1, enrols = true, methods = '{link}' where account_id = $1",
      [made.account],
    );
    return { ...made, role: 'anon' };
  });
});
afterAll(async () => {
  await stage?.close();
  if (directory) rmSync(directory, { recursive: true });
});

/** What a phone sees. */
async function scan(page: Page): Promise<URL> {
  const file = join(directory, 'qr.png');
  await page.locator('svg.qr').screenshot({ path: file });
  return new URL(execFileSync('zbarimg', ['--quiet', '--raw', file], { encoding: 'utf8', stdio: 'pipe' }).trim());
}
/** `when` as oathtool reads it: 'now', 'now + 30 seconds'. */
const oathtool = (secret: string, when = 'now') =>
  execFileSync('oathtool', ['--totp', '--base32', '--now', when, secret], { encoding: 'utf8' }).trim();
/** Sends the form, and waits for the page that answers. */
const enter = (page: Page) => Promise.all([page.waitForEvent('domcontentloaded'), page.keyboard.press('Enter')]);
const path = (page: Page) => new URL(page.url()).pathname;
/** A step may end between making a code and checking it. */
const untilMidStep = async () => {
  const left = 30_000 - (Date.now() % 30_000);
  if (left < 5000) await new Promise((done) => setTimeout(done, left + 100));
};

let secret: string;
let codes: string[];

test.each(['light', 'dark'] as const)('zbar reads the code, %s, and it holds what apps want', async (colorScheme) => {
  const page = await stage.open('/enrol/app', newcomer, { colorScheme, viewport: { width: 390, height: 844 } });
  const uri = await scan(page);
  expect(uri.href).toBe(await page.getByRole('link', { name: 'Ouvrir l’application' }).getAttribute('href'));
  expect([uri.protocol, uri.host, uri.searchParams.get('issuer')]).toEqual(['otpauth:', 'totp', 'Vital Sync']);
  secret = uri.searchParams.get('secret') ?? '';
  const shown = (await page.locator('code.secret').textContent())?.replaceAll(' ', '');
  expect([secret, secret.length]).toEqual([shown, 32]);
  expect(stage.wrongs).toEqual([]);
});

test('somebody new sets the app up with the keyboard alone, without script, and keeps ten codes', async () => {
  const page = await stage.open('/sign-in/code', newcomer, { javaScriptEnabled: false });
  expect(path(page)).toBe('/enrol');
  await page.getByRole('link', { name: 'Choisir l’application' }).focus();
  await enter(page);
  await untilMidStep();
  await page.getByLabel('Code à 6 chiffres').fill(oathtool(secret));
  await enter(page);
  expect(path(page)).toBe('/account/recovery-codes');
  await page.getByRole('button', { name: 'Afficher dix codes' }).focus();
  await enter(page);
  codes = await page.locator('.recovery-codes code').allTextContents();
  expect(codes).toHaveLength(10);
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Enregistrer' }).press('Enter'),
  ]);
  expect(file.suggestedFilename()).toMatch(/\.txt$/);
  await page.getByRole('link', { name: 'Je les ai notés' }).focus();
  await enter(page);
  expect(path(page)).toBe('/patients');
});

/** The first screen of signing in. */
async function passFirst(page: Page): Promise<void> {
  await page.goto(`${stage.origin}/sign-in`);
  await page.getByLabel('Adresse électronique').fill(newcomer.email);
  await page.getByLabel('Mot de passe').fill(password);
  await enter(page);
  expect(path(page)).toBe('/sign-in/code');
}

test('oathtool signs in; the same code twice, or one of two steps ago, does not', async () => {
  const page = await stage.open('/sign-in', undefined, { javaScriptEnabled: false });
  const show = async (code: string) => {
    await page.getByLabel('Code à 6 chiffres').fill(code);
    await enter(page);
    return path(page);
  };
  await passFirst(page);
  await untilMidStep();
  expect(await show(oathtool(secret, 'now - 60 seconds'))).toBe('/sign-in/code');
  // the code of this step confirmed the app
  expect(await show(oathtool(secret, 'now - 30 seconds'))).toBe('/sign-in/code');
  expect(await page.locator('#setback').textContent()).toContain('Ce code ne convient pas');
  const next = oathtool(secret, 'now + 30 seconds');
  expect(await show(next)).toBe('/patients');
  await passFirst(page);
  expect(await show(next)).toBe('/sign-in/code');
});

test('one of the ten codes signs in on the day that the telephone is lost, and once', async () => {
  const page = await stage.open('/sign-in', undefined, { javaScriptEnabled: false });
  const show = async (code: string) => {
    await page.locator('summary', { hasText: 'Autre moyen' }).press('Enter');
    await page
      .getByRole('button', { name: 'Code de secours' })
      .or(page.getByRole('link', { name: 'Code de secours' }))
      .focus();
    await enter(page);
    await page.getByLabel('Code de secours').fill(code);
    await enter(page);
    return path(page);
  };
  await passFirst(page);
  expect(await show(codes[0]!.toUpperCase())).not.toMatch(/^\/sign-in/);
  await page.goto(`${stage.origin}/patients`);
  expect(path(page)).toBe('/patients');
  await passFirst(page);
  expect(await show(codes[0]!)).toBe('/sign-in/code');
  expect(await page.locator('#setback').textContent()).toContain('ne convient pas');
});
