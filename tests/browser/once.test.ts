// A double click, as impatient people make it: app/static/js/once.js.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Stage, setStage } from './support.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage?.close());

test('a double click signs in once, and what was refused may be sent again', async () => {
  const page = await stage.open('/sign-in');
  const posts: string[] = [];
  page.on('request', (request) => request.method() === 'POST' && posts.push(request.url()));
  const send = async () => {
    await page.getByLabel('Adresse électronique').fill('personne@exemple.fr');
    await page.getByLabel('Mot de passe').fill('correct horse battery staple');
    await page.getByRole('button', { name: 'Continuer' }).dblclick({ delay: 60 });
    await page.locator('#setback').waitFor();
  };
  await send();
  expect(posts).toHaveLength(1);
  await send();
  expect(posts).toHaveLength(2);
  expect(stage.wrongs).toEqual([]);
});
