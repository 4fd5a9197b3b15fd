// An administrator ends the sessions of the whole practice, or of one person, while colleagues have records open: in real
// browsers, each of them loses the record with the next thing they do, by a link, by htmx, by a form, with script or without.
import { randomBytes } from 'node:crypto';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { asOwner } from '../../db/owner.ts';
import { totpCode } from '../../db/totp.ts';
import { createPatient, createPerson, createPractice, openSession, type Person } from '../support/practice.ts';
import { type Stage, setStage, wrongIn } from './support.ts';

const secret = randomBytes(20);
const personal = /MOREAU|Moreau|Élise|12\/03\/1958/;
const phone = { viewport: { width: 390, height: 844 }, bypassCSP: true } as const;
let stage: Stage;
let patient: string;
let elsewhere: Person;

const owner = (query: string, values: unknown[] = []) =>
  asOwner(stage.db.admin, async () => (await stage.db.admin.query(query, values)).rows);
const anew = async (person: Person): Promise<Person> => ({
  ...person,
  token: await asOwner(stage.db.admin, () => openSession(stage.db, person.account)),
});

beforeAll(async () => {
  stage = await setStage();
  patient = await createPatient(stage.db, stage.practice);
  elsewhere = (await createPractice(stage.db)).secretary;
  await owner(
    `insert into iam.totp_factors (account_id, secret, confirmed_at)
     select $1, vault.seal(vault.unwrap($2, $1, 'profile'), $1, $1, 1, '', 'iam.totp_factors.secret', $3), clock_timestamp()`,
    [stage.practice.orgAdmin.account, stage.db.ring, secret.toString('base64')],
  );
});
afterAll(() => stage?.close());
beforeEach(() => owner("update iam.totp_factors set last_step = 0; delete from ops.limits where key like 'code/%'"));

const pathOf = (page: Page) => new URL(page.url()).pathname;

/** As an administrator with a factor shown long ago presses the button: the code is asked for, then everybody is out. */
async function endEverybody(javaScriptEnabled = true): Promise<Page> {
  const person = await anew(stage.practice.orgAdmin);
  const page = await stage.open('/admin/accounts', person, { ...phone, javaScriptEnabled });
  await owner(
    "update iam.sessions set factor_at = clock_timestamp() - interval '11 minutes' where token_hash = iam.hash_token($1)",
    [person.token],
  );
  // not by one slip of the finger
  await page.locator('summary', { hasText: 'Fermer toutes les sessions' }).click();
  await page.getByRole('button', { name: 'Fermer les sessions de tout le monde' }).click();
  await page.getByRole('heading', { name: 'Confirmez que c’est vous' }).waitFor();
  if (javaScriptEnabled) expect(await wrongIn(page)).toEqual([]);
  await page.getByLabel('Code à 6 chiffres').fill(totpCode(secret));
  await page.keyboard.press('Enter');
  await page.waitForURL('**/admin/accounts?done=everybody');
  expect(await page.textContent('main')).toContain('Toutes les autres sessions sont fermées');
  return page;
}

test('everybody’s record goes with the next link, search or form, and what was typed stays', async () => {
  const { clinician, secretary } = stage.practice;
  const chart = `/patients/${patient}`;
  const reading = await stage.open(chart, await anew(clinician));
  const searching = await stage.open(chart, await anew(clinician));
  const writing = await stage.open(chart, await anew(clinician));
  await writing.click('#write-note');
  await writing.fill('#subjective', 'Dyspnée d’effort');
  const desk = await stage.open('/patients', await anew(secretary), phone);
  const strangers = await stage.open('/patients', await anew(elsewhere));
  for (const page of [reading, searching, writing]) expect(await page.textContent('body')).toMatch(personal);

  const admin = await endEverybody();

  // a link; and going back doesn't bring the record back
  await reading.click('nav a');
  expect(pathOf(reading)).toBe('/sign-in');
  expect(await reading.textContent('main')).toContain('Votre session est terminée');
  await reading.goBack();
  expect(await reading.textContent('body')).not.toMatch(personal);
  // a piece of a page, asked for by htmx
  await searching.fill('#patient-search', 'mor');
  await searching.waitForURL('**/session/ended');
  expect(await searching.textContent('body')).not.toMatch(personal);
  // a form: what was typed waits behind a dialog that lets nothing through
  await writing.click('[data-key-submit]');
  const dialog = writing.locator('#session-end');
  await dialog.waitFor();
  expect(await dialog.locator('[data-state=over]').isVisible()).toBe(true);
  expect(
    await writing.evaluate(
      () => getComputedStyle(document.querySelector('#session-end') as Element, '::backdrop').backgroundColor,
    ),
  ).not.toMatch(/\/|rgba/);
  expect(await writing.inputValue('#subjective')).toBe('Dyspnée d’effort');
  // the desk, and nobody of another practice
  await desk.reload();
  expect(pathOf(desk)).toBe('/sign-in');
  await strangers.reload();
  expect(pathOf(strangers)).toBe('/patients');
  await admin.reload();
  expect(pathOf(admin)).toBe('/admin/accounts');
  expect(stage.wrongs).toEqual([]);
}, 40_000);

test('a second tab of the same browser, that nobody touches, loses its record with the first one', async () => {
  const first = await stage.open('/patients', await anew(stage.practice.clinician));
  const second = await first.context().newPage();
  await second.goto(`${stage.origin}/patients/${patient}`);
  expect(await second.textContent('body')).toMatch(personal);
  await endEverybody();
  await first.fill('#patient-search', 'mor');
  await first.waitForURL('**/session/ended');
  await second.waitForURL('**/session/ended');
  expect(await second.textContent('body')).not.toMatch(personal);
}, 40_000);

test('a patient’s own record and a page without script go as well', async () => {
  const { db, practice } = stage;
  const made = await asOwner(db.admin, () =>
    createPerson(db, { organisation: practice.organisation, role: 'patient', patient }),
  );
  const record = await stage.open('/record', made, phone);
  expect(await record.textContent('body')).toMatch(personal);
  const note = await stage.open(`/patients/${patient}/notes/new`, await anew(practice.clinician), {
    javaScriptEnabled: false,
  });
  expect(await note.textContent('body')).toMatch(personal);
  await note.getByLabel('Subjectif').fill('Toux depuis trois jours');

  await endEverybody(false);

  await record.reload();
  expect(pathOf(record)).toBe('/sign-in');
  expect(await record.textContent('body')).not.toMatch(personal);
  await note.getByRole('button', { name: 'Enregistrer la note' }).click();
  await note.getByText('Votre session est terminée').waitFor();
  expect(await note.textContent('body')).not.toMatch(personal);
  // their own words, to be sent again after signing in
  expect(await note.getByLabel('Subjectif').inputValue()).toBe('Toux depuis trois jours');
  expect(await owner('select * from store.notes where patient_id = $1', [patient])).toEqual([]);
}, 40_000);

test('the sessions of one person end, and nobody else’s', async () => {
  const { clinician, colleague, orgAdmin } = stage.practice;
  const lost = await stage.open(`/patients/${patient}`, await anew(clinician));
  const kept = await stage.open('/patients', await anew(colleague));
  const admin = await stage.open(`/admin/accounts/${clinician.account}`, await anew(orgAdmin));
  await admin.click('text=Fermer ses sessions');
  await admin.waitForURL('**?done=signed_out');
  await lost.click('#write-note');
  await lost.waitForURL('**/session/ended');
  expect(await lost.textContent('body')).not.toMatch(personal);
  await kept.reload();
  expect(pathOf(kept)).toBe('/patients');
  expect(stage.wrongs).toEqual([]);
}, 30_000);
