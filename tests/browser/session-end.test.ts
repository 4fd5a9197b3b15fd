// The end of a session and a factor shown again, in a real browser: nothing typed is lost, nothing of a patient stays.
import { randomBytes } from 'node:crypto';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { asOwner } from '../../db/owner.ts';
import { totpCode } from '../../db/totp.ts';
import { createPatient, openSession, type Person } from '../support/practice.ts';
import { findBarriers, overflowOf, type Stage, setStage } from './support.ts';

const secret = randomBytes(20);
let stage: Stage;
let patient: string;
let clinician: Person;

const owner = (query: string, values: unknown[] = []) =>
  asOwner(stage.db.admin, async () => (await stage.db.admin.query(query, values)).rows);

beforeAll(async () => {
  stage = await setStage();
  patient = await createPatient(stage.db, stage.practice);
  await owner(
    `insert into iam.totp_factors (account_id, secret, confirmed_at)
     select $1, vault.seal(vault.unwrap($2, $1, 'profile'), $1, $1, 1, '', 'iam.totp_factors.secret', $3), clock_timestamp()`,
    [stage.practice.clinician.account, stage.db.ring, secret.toString('base64')],
  );
});
afterAll(() => stage?.close());
beforeEach(async () => {
  const token = await asOwner(stage.db.admin, () => openSession(stage.db, stage.practice.clinician.account));
  clinician = { ...stage.practice.clinician, token };
  await owner("update iam.totp_factors set last_step = 0; delete from ops.limits where key like 'code/%'");
});
const end = async () =>
  owner('update iam.sessions set revoked_at = clock_timestamp() where token_hash = iam.hash_token($1)', [
    clinician.token,
  ]);
const agedFactor = () =>
  owner(
    "update iam.sessions set factor_at = clock_timestamp() - interval '11 minutes' where token_hash = iam.hash_token($1)",
    [clinician.token],
  );
/** A page whose clock the test moves. */
async function openTimed(path: string): Promise<Page> {
  const page = await stage.open('/sign-in', clinician);
  await page.clock.install();
  await page.goto(`${stage.origin}${path}`);
  return page;
}
const pathOf = (page: Page) => new URL(page.url()).pathname;

describe('a page that nobody uses', () => {
  test('asks five minutes before the end, with the time that is left, and one click stays', async () => {
    const page = await openTimed(`/patients/${patient}`);
    await page.clock.fastForward('24:30');
    expect(await page.locator('#session-end').isVisible()).toBe(false);
    await page.clock.fastForward('01:00');
    const dialog = page.locator('#session-end');
    await dialog.waitFor();
    expect(await dialog.textContent()).toMatch(/4:[0-5]\d/);
    expect(await page.evaluate(() => document.activeElement?.textContent?.trim())).toBe('Rester connecté');
    await owner(
      "update iam.sessions set last_seen_at = clock_timestamp() - interval '26 minutes' where token_hash = iam.hash_token($1)",
      [clinician.token],
    );
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'hidden' });
    const [row] = await owner(
      "select last_seen_at > clock_timestamp() - interval '1 minute' as fresh from iam.sessions where token_hash = iam.hash_token($1)",
      [clinician.token],
    );
    expect(row.fresh).toBe(true);
    await page.clock.fastForward('20:00');
    expect(await dialog.isVisible()).toBe(false);
  });

  test('shows nothing of the patient once it is over', async () => {
    const page = await openTimed(`/patients/${patient}`);
    await page.clock.fastForward('30:30');
    await page.waitForURL('**/session/ended');
    expect(await page.textContent('main')).toContain('30 minutes');
  });

  test('keeps what was typed behind the dialog, hides the record, and comes back after signing in elsewhere', async () => {
    const page = await openTimed(`/patients/${patient}`);
    await page.click('#write-note');
    await page.fill('#subjective', 'Dyspnée d’effort');
    await end();
    await page.clock.fastForward('30:30');
    await page.clock.fastForward('00:10');
    const dialog = page.locator('#session-end');
    await dialog.waitFor();
    expect(await dialog.textContent()).toContain('reste dans cet onglet');
    const behind = await page.evaluate(() => {
      const backdrop = getComputedStyle(
        document.querySelector('#session-end') as Element,
        '::backdrop',
      ).backgroundColor;
      return [backdrop, getComputedStyle(document.body).backgroundColor];
    });
    expect(behind[0]).not.toMatch(/\/|rgba/);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    // the browser closes it at the second one, and the page shows it again
    await dialog.waitFor();
    // signed in again, in another tab of the same browser
    const token = await asOwner(stage.db.admin, () => openSession(stage.db, clinician.account));
    const [cookie] = await page.context().cookies(stage.origin.replace('http:', 'https:'));
    if (cookie) await page.context().addCookies([{ ...cookie, value: `${token}.clinician` }]);
    else
      await page.context().addCookies([
        {
          name: '__Host-vs',
          value: `${token}.clinician`,
          url: `${stage.origin.replace('http:', 'https:')}/`,
          secure: true,
          httpOnly: true,
          sameSite: 'Lax',
        },
      ]);
    const other = await page.context().newPage();
    await other.clock.install({ time: await page.evaluate(() => Date.now()) });
    await other.goto(`${stage.origin}/patients`);
    await dialog.waitFor({ state: 'hidden' });
    expect(await page.inputValue('#subjective')).toBe('Dyspnée d’effort');
  });

  test('knows of the other tabs: what one does there counts here, and signing out there ends it here', async () => {
    const page = await openTimed(`/patients/${patient}`);
    await page.clock.fastForward('26:00');
    const dialog = page.locator('#session-end');
    await dialog.waitFor();
    const other = await page.context().newPage();
    await other.clock.install({ time: await page.evaluate(() => Date.now()) });
    await other.goto(`${stage.origin}/patients`);
    await dialog.waitFor({ state: 'hidden' });
    await other.click('.account summary');
    await other.getByRole('button', { name: 'Se déconnecter' }).click();
    await page.waitForURL('**/session/ended');
  });

  test('typing is being there: the server hears of it before the warning comes', async () => {
    const page = await openTimed(`/patients/${patient}`);
    await page.click('#write-note');
    await page.locator('#subjective').waitFor();
    await page.clock.fastForward('12:00');
    const asked = page.waitForRequest('**/session/stay');
    await page.locator('#subjective').pressSequentially('Toux');
    await asked;
    await page.clock.fastForward('20:00');
    expect(await page.locator('#session-end').isVisible()).toBe(false);
  });
});

describe('nobody is kept out', () => {
  test.each(['light', 'dark'] as const)('by these pages and dialogs, in %s', async (colorScheme) => {
    const options = { bypassCSP: true, colorScheme };
    const page = await stage.open('/account/sessions', clinician, options);
    expect(await findBarriers(page)).toEqual([]);
    await page.goto(`${stage.origin}/step-up?return=/patients`);
    expect(await findBarriers(page)).toEqual([]);
    await page.goto(`${stage.origin}/session/ended`);
    expect(await findBarriers(page)).toEqual([]);
    await page.clock.install();
    await page.goto(`${stage.origin}/patients/${patient}`);
    await page.clock.fastForward('26:00');
    await page.locator('#session-end').waitFor();
    expect(await findBarriers(page)).toEqual([]);
  });

  test.each([320, 390])('at %i pixels nothing is wider than the screen', async (width) => {
    const page = await stage.open('/account/sessions', clinician, { viewport: { width, height: 800 } });
    expect(await overflowOf(page)).toBeLessThanOrEqual(0);
    await page.goto(`${stage.origin}/step-up?return=/patients`);
    expect(await overflowOf(page)).toBeLessThanOrEqual(0);
  });
});

describe('without script', () => {
  test('the page names the hour, and staying answers in another tab', async () => {
    const page = await stage.open(`/patients/${patient}`, clinician, { javaScriptEnabled: false });
    expect(await page.locator('.session-notice').textContent()).toMatch(/se termine à \d\d:\d\d/);
    const [other] = await Promise.all([page.context().waitForEvent('page'), page.click('.session-notice button')]);
    await other.waitForLoadState();
    expect(await other.textContent('h1')).toBe('Votre session continue');
    expect(pathOf(page)).toBe(`/patients/${patient}`);
  });
});

describe('a factor that is older than ten minutes', () => {
  test('in the chart: a dialog takes the code, the note is written, and the focus was never lost', async () => {
    const page = await stage.open(`/patients/${patient}`, clinician);
    await page.click('#write-note');
    await page.fill('#subjective', 'Signée par le dialogue');
    await agedFactor();
    await page.click('[data-key-submit]');
    const dialog = page.locator('#step-up-dialog');
    await dialog.waitFor();
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('step_up_code');
    await page.keyboard.type('000000');
    await page.keyboard.press('Enter');
    await dialog.locator('.alert').waitFor();
    expect(await page.inputValue('#subjective')).toBe('Signée par le dialogue');
    await page.fill('#step_up_code', totpCode(secret));
    await page.keyboard.press('Enter');
    await page.waitForSelector('article.note');
    expect(await page.textContent('article.note')).toContain('Signée par le dialogue');
    expect(await dialog.isVisible()).toBe(false);
  });

  test('Esc leaves the dialog, and the note as it stands', async () => {
    const page = await stage.open(`/patients/${patient}`, clinician);
    await page.click('#write-note');
    await page.fill('#subjective', 'Pas encore');
    await agedFactor();
    await page.click('[data-key-submit]');
    await page.locator('#step-up-dialog').waitFor();
    await page.keyboard.press('Escape');
    expect(await page.locator('#step-up-dialog').isVisible()).toBe(false);
    expect(await page.inputValue('#subjective')).toBe('Pas encore');
    // and it asks again the next time
    await page.click('[data-key-submit]');
    await page.locator('#step-up-dialog').waitFor();
  });

  test('a button that is clicked twice sends the code once, and nobody is signed out for it', async () => {
    const page = await stage.open('/step-up?return=/patients', clinician);
    await page.fill('#step_up_code', totpCode(secret));
    // an answer that takes its time
    const slow = await connect(stage.db.superuserUrl);
    await slow.query('begin; select from iam.totp_factors for update');
    await page.evaluate(() => {
      const confirm = document.querySelector<HTMLButtonElement>('main [data-primary]');
      confirm?.click();
      setTimeout(() => confirm?.click(), 200);
    });
    await new Promise((done) => setTimeout(done, 600));
    await slow.query('rollback');
    await slow.end();
    await page.waitForURL((url) => url.pathname === '/patients');
    await owner("update iam.old_tokens set retired_at = retired_at - interval '30 seconds'");
    await page.reload();
    expect(pathOf(page)).toBe('/patients');
  });

  test('without script: a page takes the code, and the browser sends the note again by itself', async () => {
    const page = await stage.open(`/patients/${patient}/notes/new`, clinician, { javaScriptEnabled: false });
    const text = 'Ligne une "citée" <b>\nligne deux & fin';
    await page.getByLabel('Subjectif').fill(text);
    await agedFactor();
    await page.getByRole('button', { name: 'Enregistrer la note' }).click();
    await page.getByRole('heading', { name: 'Confirmez que c’est vous' }).waitFor();
    expect(await page.textContent('.unsent')).toContain('ligne deux & fin');
    await page.getByLabel('Code à 6 chiffres').fill('000000');
    await page.keyboard.press('Enter');
    await page.getByText('Ce code ne convient pas').waitFor();
    await page.getByLabel('Code à 6 chiffres').fill(totpCode(secret));
    await page.keyboard.press('Enter');
    await page.waitForURL(`**/patients/${patient}#*`);
    expect(await page.locator('article.note').first().textContent()).toContain(
      'Ligne une "citée" <b>\nligne deux & fin',
    );
  });
});

test('no page was stopped by the policy or threw', () => expect(stage.wrongs).toEqual([]));
