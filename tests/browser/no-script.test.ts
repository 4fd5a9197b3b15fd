// The main job with JavaScript off.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPatient } from '../support/practice.ts';
import { type Stage, setStage } from './support.ts';

let stage: Stage;

beforeAll(async () => {
  stage = await setStage();
  await createPatient(stage.db, stage.practice, { birth_name: 'Lefèvre', first_given_name: 'Zoé' });
});
afterAll(() => stage?.close());

test('a clinician finds a patient, writes a note, changes language and theme, and signs out', async () => {
  const page = await stage.open('/patients', stage.practice.clinician, { javaScriptEnabled: false });
  await page.fill('#patient-search', 'lefe');
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: 'LEFÈVRE' }).click();
  await page.getByRole('link', { name: 'Écrire une note' }).click();

  await page.getByRole('button', { name: 'English' }).click();
  expect(await page.getAttribute('html', 'lang')).toBe('en');
  await page.getByRole('button', { name: 'Dark' }).click();
  expect(await page.getAttribute('html', 'data-theme')).toBe('dark');

  await page.getByLabel('Subjective').fill('Toux depuis trois jours <b>');
  await page.getByRole('button', { name: 'Save the note' }).click();
  expect(await page.locator('main').textContent()).toContain('Toux depuis trois jours <b>');

  await page.locator('.account summary').click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  expect(new URL(page.url()).pathname).toBe('/sign-in');
  await page.goto(`${stage.origin}/patients`);
  expect(new URL(page.url()).pathname).toBe('/sign-in');
});
