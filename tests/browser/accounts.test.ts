// An administrator invites somebody, who opens the account on a telephone, with the keyboard alone and without a mouse;
// then signs them out, suspends and restores them. In a real browser, and without script too.
import type pg from 'pg';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { asOwner } from '../../db/owner.ts';
import { fromBase32, totpCode } from '../../db/totp.ts';
import { createPatient, createPerson } from '../support/practice.ts';
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

/** Goes on with the keyboard until something with these words has the focus. */
async function tabTo(page: Page, words: string): Promise<void> {
  for (let pressed = 0; pressed < 60; pressed++) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(() => {
      const it = document.activeElement as HTMLInputElement | null;
      return `${it?.textContent ?? ''} ${it?.labels?.[0]?.textContent ?? ''}`;
    });
    if (focused.includes(words)) return;
  }
  throw new Error(`the keyboard doesn't reach « ${words} »`);
}

test.each([true, false])(
  'somebody is invited and opens the account on a telephone (script: %s)',
  async (javaScriptEnabled) => {
    const address = `lou.${javaScriptEnabled}@exemple.fr`;
    const admin = await stage.open('/admin/accounts', stage.practice.orgAdmin, { bypassCSP: true, javaScriptEnabled });
    if (javaScriptEnabled) expect(await wrongIn(admin)).toEqual([]);
    await tabTo(admin, 'Inviter une personne').catch(() => admin.focus('text=Inviter une personne'));
    await admin.keyboard.press('Enter');
    await admin.waitForURL('**/invite');
    if (javaScriptEnabled) expect(await wrongIn(admin)).toEqual([]);
    await admin.selectOption('#role', 'secretary');
    await admin.fill('#family_name', 'Petit');
    await admin.fill('#given_name', 'Lou');
    await admin.fill('#email', address);
    await admin.press('#email', 'Enter');
    await admin.waitForURL('**/admin/accounts?done=invited');

    const person = await stage.open(await linkTo(stage, gate, address), undefined, { ...phone, javaScriptEnabled });
    if (javaScriptEnabled) expect(await wrongIn(person)).toEqual([]);
    await person.fill('#password', password);
    await person.fill('#again', password);
    await person.press('#again', 'Enter');
    await person.waitForURL('**/enrol');
    // half way: nothing opens, and the pages say where to go on
    await person.goto(`${stage.origin}/patients`);
    expect(new URL(person.url()).pathname).toBe('/enrol');
    expect(await person.content()).not.toContain('Petit');
    await person.goto(`${stage.origin}/enrol/app`);
    const uri = await person.getAttribute('a[href^="otpauth:"]', 'href');
    const secret = fromBase32(new URL(uri ?? '').searchParams.get('secret') ?? '');
    await person.fill('#code', totpCode(secret));
    await person.press('#code', 'Enter');
    await person.waitForURL((url) => !url.pathname.startsWith('/enrol/app'));
    await person.goto(`${stage.origin}/patients`);
    expect(await person.textContent('.account-name')).toContain('PETIT');

    if (!javaScriptEnabled) return;

    await admin.goto(`${stage.origin}/admin/accounts`);
    await admin.click(`tr:has-text("${address}") a`);
    expect(await admin.textContent('main')).toContain('application d’authentification');
    expect(await wrongIn(admin)).toEqual([]);
    await admin.click('text=Fermer ses sessions');
    await admin.waitForURL('**?done=signed_out');
    await person.goto(`${stage.origin}/patients`);
    expect(new URL(person.url()).pathname).toBe('/sign-in');

    await admin.click('text=Suspendre');
    await admin.waitForURL('**?done=suspended');
    expect(await wrongIn(admin)).toEqual([]);
    await person.fill('#email', address);
    await person.fill('#password', password);
    await person.press('#password', 'Enter');
    await person.waitForSelector('#setback');
    expect(await person.textContent('#setback')).toContain('incorrect');
    await admin.click('text=Rétablir l’accès');
    await admin.waitForURL('**?done=restored');
    await person.fill('#email', address);
    await person.fill('#password', password);
    await person.press('#password', 'Enter');
    await person.waitForURL('**/sign-in/code');
    expect(stage.wrongs).toEqual([]);
  },
  60_000,
);

test('a patient is invited, agrees, adds an app and reads the own record', async () => {
  const address = 'moreau@exemple.fr';
  const patient = await createPatient(stage.db, stage.practice, { email: address });
  const path = `/patients/${patient}/invitation`;
  const desk = await stage.open(path, stage.practice.secretary, { bypassCSP: true });
  expect(await wrongIn(desk)).toEqual([]);
  await desk.click('text=Envoyer l’invitation');
  await desk.waitForSelector('text=Retirer l’invitation');
  expect(await wrongIn(desk)).toEqual([]);

  const person = await stage.open(await linkTo(stage, gate, address), undefined, phone);
  expect(await wrongIn(person)).toEqual([]);
  await person.fill('#password', password);
  await person.fill('#again', password);
  for (const box of await person.$$('input[type=checkbox][required]')) {
    await box.focus();
    await person.keyboard.press('Space');
  }
  await person.press('#again', 'Enter');
  await person.waitForURL('**/enrol');
  await person.click('a[href="/enrol/app"]');
  const uri = await person.getAttribute('a[href^="otpauth:"]', 'href');
  await person.fill('#code', totpCode(fromBase32(new URL(uri ?? '').searchParams.get('secret') ?? '')));
  await person.press('#code', 'Enter');
  await person.waitForURL((url) => !url.pathname.startsWith('/enrol/app'));
  await person.goto(`${stage.origin}/record/accesses`);
  expect(await person.textContent('main')).toContain('invitation à ouvrir votre dossier');
  await person.goto(`${stage.origin}/record`);
  expect(await person.textContent('body')).toContain('MOREAU');
  expect(stage.wrongs).toEqual([]);
}, 60_000);

test('one of many is found as one types, and nothing of it leaves the browser', async () => {
  await asOwner(stage.db.admin, async () => {
    for (const family_name of ['Lefèvre', 'Lefort', 'Roux', 'Blanc', 'Noir', '<b>Gras</b>'])
      await createPerson(stage.db, { organisation: stage.practice.organisation, role: 'secretary', family_name });
  });
  const page = await stage.open('/admin/accounts', stage.practice.orgAdmin, phone);
  const sent: string[] = [];
  page.on('request', (request) => request.url().includes('/static/') || sent.push(request.url()));
  expect(await wrongIn(page)).toEqual([]);
  await page.fill('#find', 'lef');
  expect(await page.locator('#accounts tbody tr:visible').allTextContents()).toEqual([
    expect.stringContaining('LEFÈVRE'),
    expect.stringContaining('LEFORT'),
  ]);
  await page.locator('[role=status]', { hasText: '2 comptes' }).waitFor();
  expect(await wrongIn(page)).toEqual([]);
  await page.fill('#find', 'nobody at all');
  expect(await page.textContent('.find')).toContain('aucun compte');
  expect(await page.locator('#accounts tbody tr:visible').count()).toBe(0);
  expect(sent).toEqual([]);
  await page.fill('#find', 'camille lefevre');
  await page.keyboard.press('Enter');
  await page.locator('h1', { hasText: 'LEFÈVRE' }).waitFor();
  expect(await wrongIn(page)).toEqual([]);
  // the longest role is wider than a telephone
  await page.goto(`${stage.origin}/admin/accounts/invite`);
  expect(await wrongIn(page)).toEqual([]);
  await page.click('text=Envoyer l’invitation');
  await page.waitForSelector('#error-summary');
  expect(await wrongIn(page)).toEqual([]);
  expect(stage.wrongs).toEqual([]);
  const without = await stage.open('/admin/accounts', stage.practice.orgAdmin, { javaScriptEnabled: false });
  expect(await without.locator('#find').isVisible()).toBe(false);
  expect(await without.textContent('#accounts')).toContain('LEFÈVRE');
}, 30_000);

test('a link that leads nowhere says what to do', async () => {
  const page = await stage.open('/invitations/nothing', undefined, phone);
  expect(await wrongIn(page)).toEqual([]);
  expect(await page.textContent('h1')).toContain('ne fonctionne plus');
});
