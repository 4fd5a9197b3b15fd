// The page /promises: attacks by button, with and without htmx, in the demo and nowhere else.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApp } from '../../app/app.tsx';
import { openDoor } from '../../db/door.ts';
import { promisesFor } from '../../db/promises/service.ts';
import { readAssets } from '../../edge/assets/files.ts';
import { openLog } from '../../edge/logging.ts';
import { createWorld, type World } from '../support/world.ts';
import { visibleText } from './pages.ts';

let world: World;
let ask: (path: string, form?: Record<string, string>, more?: Record<string, string>) => Promise<Response>;
let close: () => Promise<void>;
const directory = mkdtempSync(join(tmpdir(), 'vitalsync-promises-'));

beforeAll(async () => {
  world = await createWorld();
  const { db } = world;
  const door = openDoor(db);
  const log = await openLog(() => {});
  const services = { door, ring: db.ring, pepper: db.pepper, assets: readAssets(), log };
  const demo = createApp({
    ...services,
    demo: true,
    promises: promisesFor({ ...db, outside: { directory, keys: db.keys } }, db.ring),
  });
  const outside = createApp({ ...services, demo: false });
  ask = async (path, form, more = {}) => {
    const headers = { Origin: 'http://vital.test', ...more };
    const init = form ? { method: 'POST', headers, body: new URLSearchParams(form) } : { headers };
    const app = more['X-Outside'] ? outside : demo;
    return app.request(new Request(`http://vital.test${path}`, init), undefined, { address: '192.0.2.1' });
  };
  close = () => door.close().then(() => world.close());
});
afterAll(async () => {
  await close?.();
  rmSync(directory, { recursive: true });
});

const htmx = { 'HX-Request': 'true', 'HX-Request-Type': 'partial' };
const english = { Cookie: '__Host-lang=en' };

describe('outside of the demo', () => {
  test('there is no such page, and nothing to start', async () => {
    const outside = { 'X-Outside': 'yes' };
    expect((await ask('/promises', undefined, outside)).status).toBe(404);
    expect((await ask('/promises', { promise: '1' }, outside)).status).toBe(404);
    expect(await (await ask('/sign-in', undefined, outside)).text()).not.toContain('/promises');
  });
});

describe('in the demo', () => {
  test('the sign-in page leads there, and reading it attacks nothing', async () => {
    expect(await (await ask('/sign-in')).text()).toContain('href="/promises"');
    const page = await (await ask('/promises')).text();
    expect(page.match(/<section class="card promise"/g)).toHaveLength(9);
    expect(page).not.toContain('VS4');
  });

  test('a button without script gives the whole page, with the attacks on this promise', async () => {
    const page = await (await ask('/promises', { promise: '2' }, english)).text();
    expect(page).toContain('<html');
    const text = visibleText(page);
    for (const said of ['6 attacks, all refused.', 'VS401', 'set_config', 'supabase/migrations/0050_sessions.sql:'])
      expect(text).toContain(said);
  });

  test('with htmx it gives the one promise, in place', async () => {
    const piece = await (await ask('/promises', { promise: '4' }, htmx)).text();
    expect(piece).not.toContain('<html');
    expect(piece).toContain('id="promise-4"');
    expect(visibleText(piece)).toContain('no committed record of this access');
  });

  test('neither a token nor a key stands on the page, nor a script that a value brought', async () => {
    const page = await (await ask('/promises', {})).text();
    expect(page.match(/class="badge"/g)!.length).toBeGreaterThan(25);
    for (const key of world.db.ring.split(',')) expect(page).not.toContain(key.split('=')[1]!.slice(0, 20));
    const token = /(?=[\w-]{0,42}[A-Z])(?=[\w-]{0,42}\d)[\w-]{43}/;
    expect(token.exec(page)?.[0]).toBeUndefined();
    expect(/ style=|<script(?! src="\/static)/.exec(page)?.[0]).toBeUndefined();
  });

  test.each(['0', '10', 'x', '1.5'])('there is no promise %s', async (promise) => {
    expect((await ask('/promises', { promise })).status).toBe(422);
  });

  test('another website cannot start an attack', async () => {
    expect((await ask('/promises', { promise: '1' }, { Origin: 'http://evil.test' })).status).toBe(403);
  });

  test('more than a few at once are told to wait', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask('/promises', { promise: '4' })));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(4);
    expect(statuses).toContain(429);
  });
});
