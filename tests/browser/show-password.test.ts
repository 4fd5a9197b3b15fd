// A password can be looked at, and doesn't stay where others look.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Stage, setStage } from './support.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage?.close());

test('a password is shown to whoever wants to see it, by keyboard too, and is hidden before it goes', async () => {
  const page = await stage.open('/sign-in');
  const field = page.locator('#password');
  await field.fill('corde cheval');
  await field.press('Tab');
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Afficher le mot de passe');
  await page.keyboard.press('Space');
  expect([await field.getAttribute('type'), await field.inputValue()]).toEqual(['text', 'corde cheval']);
  expect(await page.getByRole('button', { name: 'Masquer le mot de passe' }).isVisible()).toBe(true);
  // what is shown goes nowhere but to us: no spelling is checked elsewhere
  expect([await field.getAttribute('spellcheck'), await field.getAttribute('autocomplete')]).toEqual([
    'false',
    'current-password',
  ]);
  await page.evaluate(() => {
    document.addEventListener('submit', (event) => {
      event.preventDefault();
      document.title = (document.getElementById('password') as HTMLInputElement).type;
    });
  });
  await page.locator('#email').fill('camille@exemple.fr');
  await field.press('Enter');
  expect(await page.title()).toBe('password');
  await page.getByRole('button', { name: 'Afficher le mot de passe' }).click();
  await page.getByRole('button', { name: 'Masquer le mot de passe' }).click();
  expect(await field.getAttribute('type')).toBe('password');
  await page.context().close();
});

test('without script there is no button that does nothing', async () => {
  const page = await stage.open('/sign-in', undefined, { javaScriptEnabled: false });
  expect(await page.locator('button[data-show]').isVisible()).toBe(false);
  await page.context().close();
});

test('nothing was stopped by the policy', () => {
  expect(stage.wrongs).toEqual([]);
});
