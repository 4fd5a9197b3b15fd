// The password shown again beside a factor before how somebody signs in changes, in a real browser: with script and without,
// and in the dialog, where the form stands behind it.
import { randomBytes } from 'node:crypto';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { asOwner } from '../../db/owner.ts';
import { totpCode } from '../../db/totp.ts';
import { prehash } from '../../edge/password.ts';
import { openSession, type Person } from '../support/practice.ts';
import { findBarriers, overflowOf, type Stage, setStage } from './support.ts';

const secret = randomBytes(20);
const right = 'correct horse battery staple';
let stage: Stage;
let clinician: Person;
const owner = (query: string, values: unknown[] = []) =>
  asOwner(stage.db.admin, async () => (await stage.db.admin.query(query, values)).rows);

beforeAll(async () => {
  stage = await setStage();
  const { account } = stage.practice.clinician;
  await owner(
    `insert into iam.totp_factors (account_id, secret, confirmed_at)
     select $1, vault.seal(vault.unwrap($2, $1, 'profile'), $1, $1, 1, '', 'iam.totp_factors.secret', $3), clock_timestamp()`,
    [account, stage.db.ring, secret.toString('base64')],
  );
  await owner('select iam.set_password($1, $2)', [account, await prehash(stage.db.pepper, account, right)]);
});
afterAll(() => stage?.close());
beforeEach(async () => {
  const token = await asOwner(stage.db.admin, () => openSession(stage.db, stage.practice.clinician.account));
  clinician = { ...stage.practice.clinician, token };
  await owner("update iam.totp_factors set last_step = 0; delete from ops.limits where key like 'code/%'");
  await age("factor_at = clock_timestamp() - interval '11 minutes', password_at = null");
});
const age = (set: string) => owner(`update iam.sessions set ${set}`);
const path = '/account/recovery-codes';
const focused = (page: Page) => page.evaluate(() => document.activeElement?.id);

test.each([true, false])('one page takes both (script: %s), and leads to where somebody was going', async (script) => {
  const page = await stage.open(path, clinician, { javaScriptEnabled: script });
  await page.getByText('saisissez aussi votre mot de passe').waitFor();
  if (script) {
    expect(await focused(page)).toBe('step_up_password');
    expect([await findBarriers(page), await overflowOf(page)]).toEqual([[], 0]);
    expect(await page.getByRole('button', { name: 'Afficher' }).count()).toBeGreaterThan(0);
  }
  await page.fill('#step_up_password', 'au hasard');
  await page.fill('#step_up_code', totpCode(secret));
  await page.click('main form[action="/step-up"] [data-primary]');
  await page.getByText('Votre code n’a pas été utilisé').waitFor();
  await page.fill('#step_up_password', right);
  await page.fill('#step_up_code', totpCode(secret));
  await page.click('main form[action="/step-up"] [data-primary]');
  await page.locator(`main form[action="${path}"]`).waitFor();
  expect(await page.locator('#step_up_password').count()).toBe(0);
  expect(stage.wrongs).toEqual([]);
});

test('a password from this moment isn’t asked for again, nor a factor', async () => {
  await age('password_at = clock_timestamp()');
  const page = await stage.open(path, clinician);
  await page.locator('#step_up_code').waitFor();
  expect(await page.locator('#step_up_password').count()).toBe(0);
  await age('password_at = null, factor_at = clock_timestamp()');
  await page.goto(stage.origin + path);
  await page.locator('#step_up_password').waitFor();
  expect(await page.locator('#step_up_code').count()).toBe(0);
  await page.keyboard.type(right);
  await page.keyboard.press('Enter');
  await page.locator(`main form[action="${path}"]`).waitFor();
  expect(await page.locator('#step_up_password').count()).toBe(0);
});

test('in the dialog the form stands behind it, and is sent once both are shown', async () => {
  await age('factor_at = clock_timestamp(), password_at = clock_timestamp()');
  const page = await stage.open(path, clinician);
  // no form of ours that changes a factor is sent by htmx today; one that will be is answered
  await page.evaluate((to) => {
    const form = document.querySelector(`main form[action="${to}"]`);
    form?.setAttribute('hx-post', to);
    (globalThis as unknown as { htmx: { process(element: unknown): void } }).htmx.process(form);
  }, path);
  await age("factor_at = clock_timestamp() - interval '11 minutes', password_at = null");
  await page.click(`main form[action="${path}"] button`);
  const dialog = page.locator('#step-up-dialog');
  await dialog.locator('#step_up_password').waitFor();
  await dialog.locator('#step_up_password').fill('au hasard');
  await dialog.locator('#step_up_code').fill(totpCode(secret));
  await page.keyboard.press('Enter');
  await dialog.locator('.alert').waitFor();
  expect([await findBarriers(page), await overflowOf(page)]).toEqual([[], 0]);
  await dialog.locator('#step_up_password').fill(right);
  await dialog.locator('#step_up_code').fill(totpCode(secret));
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'hidden' });
});
