// A patient registers on a telephone, then loses it: in a real browser, with script and without, and looked at by axe.
import type pg from 'pg';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { fromBase32, totpCode } from '../../db/totp.ts';
import { owner } from '../support/outbox.ts';
import { linkTo, type Stage, setStage, wrongIn } from './support.ts';

let stage: Stage;
let gate: pg.Client;
beforeAll(async () => {
  stage = await setStage();
  gate = await connect(stage.db.gateUrl);
});
afterAll(async () => {
  await gate?.end();
  await stage?.close();
});

const password = 'une phrase que personne ne sait';
const phone = { viewport: { width: 390, height: 844 }, bypassCSP: true } as const;
const secrets = new Map<string, Uint8Array>();

/** From /enrol, as an app would. */
async function addApp(page: Page, address: string): Promise<void> {
  await page.goto(`${stage.origin}/enrol/app`);
  const uri = await page.getAttribute('a[href^="otpauth:"]', 'href');
  secrets.set(address, fromBase32(new URL(uri ?? '').searchParams.get('secret') ?? ''));
  await page.fill('#code', totpCode(secrets.get(address) as Uint8Array));
  await page.press('#code', 'Enter');
  await page.waitForURL((url) => !url.pathname.startsWith('/enrol/app'));
}

test.each([true, false])(
  'a patient registers and sees their own record (script: %s)',
  { timeout: 40_000 },
  async (javaScriptEnabled) => {
    const address = `anais.${javaScriptEnabled}@exemple.fr`;
    const page = await stage.open('/sign-in', undefined, { ...phone, javaScriptEnabled });
    await page.click('text=Créer un compte de patient');
    await page.waitForURL('**/register');
    if (javaScriptEnabled) expect(await wrongIn(page)).toEqual([]);
    await page.fill('#email', address);
    await page.press('#email', 'Enter');
    await page.waitForSelector('h1:has-text("Consultez votre messagerie")');
    await page.goto(stage.origin + (await linkTo(stage, gate, address, 'email_confirmation')));
    if (javaScriptEnabled) expect(await wrongIn(page)).toEqual([]);
    // what is missing is said, and what was typed is there
    await page.fill('#birth_name', 'Le Goff');
    await page.click('button:has-text("Continuer")');
    await page.waitForSelector('#error-summary');
    if (javaScriptEnabled) {
      expect(await wrongIn(page)).toEqual([]);
      expect(await page.evaluate(() => document.activeElement?.id)).toBe('error-summary');
    }
    expect(await page.inputValue('#birth_name')).toBe('Le Goff');
    await page.fill('#first_given_name', 'Anaïs');
    await page.selectOption('#sex', 'female');
    await page.fill('#birth_date', '1990-07-14');
    await page.fill('#password', password);
    await page.fill('#again', password);
    // with the keyboard alone
    for (const type of ['data_processing', 'medical_record_storage', 'telemedicine_usage']) {
      await page.focus(`#consent_${type}`);
      await page.keyboard.press('Space');
    }
    await page.press('#again', 'Enter');
    await page.waitForURL('**/enrol');
    await page.goto(`${stage.origin}/record`);
    expect(new URL(page.url()).pathname).toBe('/enrol');
    await addApp(page, address);
    await page.goto(`${stage.origin}/record`);
    expect(await page.textContent('main')).toContain('Le Goff');
    await page.goto(`${stage.origin}/account/consents`);
    if (javaScriptEnabled) expect(await wrongIn(page)).toEqual([]);
    await page.click('#telemedicine_usage button');
    await page.waitForSelector('#telemedicine_usage :text("retiré")');
    expect(stage.wrongs).toEqual([]);
  },
);

test('who lost the telephone and the password gets back in when the secretary confirms, and only then', {
  timeout: 40_000,
}, async () => {
  const address = 'anais.true@exemple.fr';
  await owner(stage.db, 'delete from ops.limits');
  const page = await stage.open('/sign-in', undefined, phone);
  await page.click('text=Mot de passe oublié');
  await page.waitForURL('**/recover');
  expect(await wrongIn(page)).toEqual([]);
  await page.fill('#email', address);
  await page.press('#email', 'Enter');
  await page.waitForSelector('h1:has-text("Consultez votre messagerie")');
  const link = await linkTo(stage, gate, address, 'recovery_link');
  await page.goto(stage.origin + link);
  expect(await wrongIn(page)).toEqual([]);
  await page.click('text=Les deux me manquent');
  await page.waitForSelector('#again');
  expect(await wrongIn(page)).toEqual([]);
  await page.fill('#password', 'une autre phrase, tout aussi longue');
  await page.fill('#again', 'une autre phrase, tout aussi longue');
  await page.press('#again', 'Enter');
  await page.waitForSelector('.spoken-code');
  expect(await wrongIn(page)).toEqual([]);
  const code = (await page.textContent('.spoken-code'))?.match(/\d/g)?.join('') ?? '';

  const secretary = await stage.open('/admin/recoveries', stage.practice.secretary, { bypassCSP: true });
  expect(await wrongIn(secretary)).toEqual([]);
  await secretary.fill('input[name^=code_]', code === '000000' ? '000001' : '000000');
  await secretary.keyboard.press('Enter');
  await secretary.waitForSelector('text=Rien n’est confirmé');
  expect(await wrongIn(secretary)).toEqual([]);
  await page.click('text=Actualiser cette page');
  await page.waitForSelector('.spoken-code');
  await secretary.fill('input[name^=code_]', code);
  await secretary.keyboard.press('Enter');
  await secretary.waitForURL('**/admin/recoveries?done=confirm');

  await page.click('text=Actualiser cette page');
  await page.waitForSelector('h1:has-text("Vous pouvez continuer")');
  expect(await wrongIn(page)).toEqual([]);
  await page.fill('#password', 'une autre phrase, tout aussi longue');
  await page.press('#password', 'Enter');
  await page.waitForURL('**/enrol');
  await addApp(page, address);
  await page.goto(`${stage.origin}/record`);
  expect(await page.textContent('main')).toContain('Le Goff');
  expect(stage.wrongs).toEqual([]);
});
