// The demo's page /promises in a real browser: a button attacks, in place and without barriers.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { promisesFor } from '../../db/promises/service.ts';
import { createWorld } from '../support/world.ts';
import { findBarriers, overflowOf, type Stage, setStage } from './support.ts';

const directory = mkdtempSync(join(tmpdir(), 'vitalsync-promises-'));
let stage: Stage;

beforeAll(async () => {
  const { db } = await createWorld();
  stage = await setStage({ db, promises: promisesFor({ ...db, outside: { directory, keys: db.keys } }, db.ring) });
});
afterAll(async () => {
  await stage?.close();
  rmSync(directory, { recursive: true });
});

test('from the sign-in page to an attack that is refused, in place, in both themes and at 320 px', async () => {
  const page = await stage.open('/sign-in', undefined, { bypassCSP: true });
  await page.click('a[href="/promises"]');
  await page.click('#promise-4 button');
  await page.waitForSelector('#promise-4 .attack');
  expect(await page.locator('#promise-4').textContent()).toContain('VS428');
  expect(await page.locator('.attack').count()).toBe(3);
  for (const [colorScheme, width] of [
    ['light', 1280],
    ['dark', 390],
    ['light', 320],
  ] as const) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 900 });
    expect(await findBarriers(page), `${colorScheme}, ${width} px`).toEqual([]);
    expect(await overflowOf(page), `${width} px`).toBeLessThanOrEqual(0);
  }
  expect(stage.wrongs).toEqual([]);
});

test('works without script', async () => {
  const page = await stage.open('/promises', undefined, { javaScriptEnabled: false });
  await page.click('#promise-2 button');
  await page.waitForSelector('#promise-2 .attack');
  expect(page.url()).toContain('/promises#promise-2');
  expect(await page.locator('#promise-2').textContent()).toContain('VS401');
});
