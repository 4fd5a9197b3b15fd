// The disk full: on a small file system of its own, which only root can make. Files can't grow (53100), then not even the
// WAL can (Postgres ends itself), while people write. They are told 503, keep their text, and lose nothing.
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { openDoor } from '../../db/door.ts';
import { findPostmaster } from '../../db/embedded/postmaster.ts';
import { clearToServe } from '../../db/service.ts';
import { cookieOf, startApp } from '../app/support.ts';
import { everyVersion, type OwnCluster, openCluster } from '../support/cluster.ts';
import { createPatient } from '../support/practice.ts';
import { fillWorld } from '../support/world.ts';
import { whatIsWrong } from './ledger.ts';
import { startWriters, write } from './writers.ts';

const place = mkdtempSync(join(tmpdir(), 'vitalsync-small-disk-'));
const made = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=400m,mode=711', 'tmpfs', place], { encoding: 'utf8' });
const why =
  made.status === 0
    ? ''
    : `skipped: no file system of its own can be made here: ${made.stderr?.trim() || made.error?.message}`;
if (why) {
  console.log(why);
  rmSync(place, { recursive: true });
}

test.skipIf(why).each(everyVersion)(
  'on a full disk, Postgres %i refuses with 503, and goes on when there is room again',
  async (version) => {
    const cluster = await openCluster(version, { durable: true, below: place });
    const db = await cluster.connect();
    const world = await fillWorld(db);
    const app = await startApp(db);
    const patient = await createPatient(db, app.practice);
    const door = openDoor({ edgeUrl: db.edgeUrl, gateUrl: db.gateUrl, ring: db.ring });
    const { clinician, colleague, mine, theirs } = world.a;
    const pairs = [
      { author: clinician, patient: mine },
      { author: colleague, patient: theirs },
    ];
    const writers = startWriters(door, [...pairs, ...pairs]);
    const balloon = join(cluster.site.directory, 'balloon');
    const text = `Texte que personne ne doit perdre${' et qui est long'.repeat(100)}`;
    const sendNote = async (text: string) => {
      const key = randomUUID();
      const form = { key, author: app.practice.clinician.account, subjective: text };
      return app.ask(`/patients/${patient}/notes`, { cookie: cookieOf(app.practice.clinician), form });
    };
    try {
      for (const everything of [false, true]) {
        await sleep(300);
        fill(balloon);
        if (everything) await useUpTheLog(cluster);
        await until(() => (writers.told.get('unavailable') ?? 0) > 10);
        // a page that has room left still takes a few
        let told = await sendNote(text);
        for (let more = 0; told.status === 303 && more < 100; more++) told = await sendNote(text);
        expect(told.status).toBe(503);
        expect(await told.text()).toContain('Texte que personne ne doit perdre');
        expect(findPostmaster(cluster.data) === undefined).toBe(everything);
        rmSync(balloon);
        await returnToService(cluster);
        await writers.rest();
        for (const note of writers.open.splice(0)) {
          await write(door, note);
          writers.answered.push(note);
        }
        const root = await connect(cluster.superuserUrl);
        expect(await whatIsWrong(root, writers.answered)).toEqual([]);
        await root.end();
        expect([...writers.told.keys()]).toEqual(['unavailable']);
        writers.told.clear();
        writers.goOn();
      }
      expect((await sendNote(text)).status).toBeLessThan(400);
    } finally {
      await writers.rest();
      await door.close();
      rmSync(balloon, { force: true });
      await app.close().catch(() => {});
      await cluster.remove();
    }
  },
  60_000,
);

test.skipIf(why)('the small disk is given back', () => {
  expect(spawnSync('umount', [place]).status).toBe(0);
  rmSync(place, { recursive: true });
});

/** Not a byte is left. */
function fill(balloon: string): void {
  const file = openSync(balloon, 'w');
  const block = Buffer.alloc(1024 * 1024);
  for (let size = block.length; size > 0; ) {
    try {
      if (writeSync(file, block, 0, size) < size) size = 0;
    } catch {
      size = Math.floor(size / 2);
    }
  }
  closeSync(file);
  expect(statfsSync(place).bavail).toBeLessThan(4);
}

/** Segments of WAL that were made before are used up as well. */
async function useUpTheLog(cluster: OwnCluster): Promise<void> {
  for (let i = 0; i < 100 && findPostmaster(cluster.data); i += 1) {
    try {
      const root = await connect(cluster.superuserUrl);
      for (let j = 0; j < 20; j += 1)
        await root.query("select pg_logical_emit_message(false, 'x', repeat('x', 1000000)), pg_switch_wal()");
      await root.end();
    } catch {
      await sleep(50); // it has ended, or it recovers
    }
  }
}

async function until(holds: () => boolean): Promise<void> {
  for (const end = Date.now() + 15_000; !holds(); await sleep(20))
    if (Date.now() > end) throw new Error('nobody was told anything');
}

async function returnToService(cluster: OwnCluster): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      if (!findPostmaster(cluster.data)) await cluster.start();
      const admin = await connect(cluster.site.adminUrl);
      await clearToServe(cluster.site, admin);
      await admin.end();
      return;
    } catch (error) {
      if (attempt === 200) throw error;
      await sleep(25);
    }
  }
}
