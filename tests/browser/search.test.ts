// Search with the keyboard alone, under the real policy; and what happens when the server doesn't answer.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPatient } from '../support/practice.ts';
import { findBarriers, type Stage, setStage } from './support.ts';

let stage: Stage;
let zoe: string;

beforeAll(async () => {
  stage = await setStage();
  zoe = await createPatient(stage.db, stage.practice, { birth_name: 'Lefèvre', first_given_name: 'Zoé' });
  await createPatient(stage.db, stage.practice, { birth_name: 'Lefort', first_given_name: 'Alain' });
});
afterAll(() => stage?.close());

const open = (options = {}) => stage.open('/patients', stage.practice.clinician, options);
const field = '#patient-search';

test('slash, three letters, an arrow and Enter open the record; no address ever holds what was typed', async () => {
  const page = await open();
  const addresses: string[] = [];
  page.on('request', (request) => addresses.push(request.url()));
  await page.keyboard.press('/');
  await page.keyboard.type('lef');
  await page.waitForSelector('[role=option]');
  expect(await page.getAttribute(field, 'aria-expanded')).toBe('true');
  expect(await page.textContent('[role=status]')).toContain('2 patients trouvés');

  await page.keyboard.press('ArrowDown');
  const active = await page.getAttribute(field, 'aria-activedescendant');
  expect(await page.getAttribute(`[id="${active}"]`, 'aria-selected')).toBe('true');
  await page.keyboard.press('Escape');
  expect(await page.getAttribute(field, 'aria-expanded')).toBe('false');
  expect(await page.inputValue(field)).toBe('lef');

  await page.keyboard.type('è');
  await page.waitForFunction(() => document.querySelectorAll('[role=option]').length === 1);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.waitForURL(`**/patients/${zoe}`);
  expect(addresses.join(' ')).not.toContain('lef');
  expect(stage.wrongs).toEqual([]);
});

test('has no barrier while its list is open', async () => {
  const page = await open({ bypassCSP: true });
  await page.fill(field, 'lef');
  await page.waitForSelector('[role=option]');
  await page.keyboard.press('ArrowDown');
  expect(await findBarriers(page)).toEqual([]);
});

test('the single keys stay letters in a field, and can be switched off', async () => {
  const page = await open();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('a/?');
  expect(await page.inputValue(field)).toBe('a/?');
  await page.locator('h1').click();
  await page.keyboard.press('?');
  await page.locator('#single-keys').uncheck();
  await page.keyboard.press('Escape');
  await page.keyboard.press('/');
  expect(await page.evaluate(() => document.activeElement?.id)).not.toBe('patient-search');
});

test('an answer that never came from us is not shown, and what was typed stays', async () => {
  const page = await open();
  await page.route('**/patients/search', (route) =>
    route.fulfill({ status: 502, contentType: 'text/html', body: '<h1>Bad gateway</h1>' }),
  );
  await page.fill(field, 'lef');
  await page.waitForSelector('#alert p');
  expect(await page.textContent('#alert')).toContain('n’a pas abouti');
  expect(await page.content()).not.toContain('Bad gateway');
  expect(await page.inputValue(field)).toBe('lef');
  await page.click('#alert [data-dismiss]');
  expect(await page.textContent('#alert')).toBe('');
});
