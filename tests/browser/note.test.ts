// A note in the chart, in two tabs of one browser: whoever is signed in when it is sent must be who began it.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { asOwner } from '../../db/owner.ts';
import { createPatient, createPerson, type Person } from '../support/practice.ts';
import { type Stage, setStage } from './support.ts';

let stage: Stage;
let patient: string;
let hugo: Person;

beforeAll(async () => {
  stage = await setStage();
  const { db, practice } = stage;
  patient = await createPatient(db, practice);
  hugo = await asOwner(db.admin, async () => {
    const person = await createPerson(db, { organisation: practice.organisation, role: 'clinician' });
    await db.admin.query(
      `insert into access.care_team_members (care_team_id, account_id)
       select care_team_id, $1 from access.care_team_patients where patient_id = $2`,
      [person.account, patient],
    );
    return person;
  });
});
afterAll(() => stage?.close());

test('the form of one comes back to the other in its place, with its text and the focus on why; then it is theirs', async () => {
  const page = await stage.open(`/patients/${patient}`, stage.practice.clinician);
  await page.click('#write-note');
  await page.fill('#subjective', 'Vu ce matin <b>');
  const [cookie] = await page.context().cookies(stage.origin.replace('http:', 'https:'));
  if (!cookie) throw new Error('no session cookie');
  await page.context().addCookies([{ ...cookie, value: `${hugo.token}.clinician` }]);

  await page.click('[data-key-submit]');
  await page.waitForSelector('#error-summary');
  expect(await page.textContent('#error-summary')).toContain('commencée sous un autre compte');
  await page.waitForFunction(() => document.activeElement?.id === 'error-summary');
  expect(await page.inputValue('#subjective')).toBe('Vu ce matin <b>');
  expect(await page.inputValue('input[name=author]')).toBe(hugo.account);
  expect(await page.locator('article.note').count()).toBe(0);

  await page.click('[data-key-submit]');
  await page.waitForSelector('article.note');
  expect(await page.textContent('article.note')).toContain('Vu ce matin <b>');
  expect(stage.wrongs).toEqual([]);
});
