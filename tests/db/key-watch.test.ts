// A running server and its key file: what it takes over, what it doesn't, and when it says that a key is due.
import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { masterKeys } from '../../db/doctor/keys.ts';
import { dueSentence } from '../../db/key-due.ts';
import { changeKeys } from '../../db/key-file.ts';
import { type Watch, watchKeys } from '../../db/key-watch.ts';
import { asOwner } from '../../db/owner.ts';
import { ringNames, withFirst, withKey, without } from '../../db/ring.ts';
import { addMaster } from '../../db/rotation.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { createPractice } from '../support/practice.ts';
import { openTestSite, type TestSite } from '../support/site.ts';

let db: TestDatabase;
let site: TestSite;
let watch: Watch;
let text: string;
const told: string[] = [];

beforeAll(async () => {
  db = await createDatabase();
  await createPractice(db);
  site = openTestSite(db);
  text = readFileSync(site.keyFile, 'utf8');
  watch = watchKeys(site, (line) => told.push(line), {});
});
beforeEach(() => void told.splice(0));
afterAll(async () => {
  watch?.stop();
  await site?.close();
  await db?.close();
});

const write = (content: string) => writeFileSync(site.keyFile, content, { mode: 0o600 });
const heard = async () => {
  for (let i = 0; i < 100 && told.length === 0; i += 1) await sleep(50);
  return told.join('\n');
};

describe('a running server', () => {
  test('takes over a ring that the database knows', async () => {
    const key = randomBytes(64);
    await addMaster(db.admin, 'spare', key);
    write(text.replace(db.ring, withKey(db.ring, 'spare', key)));
    expect(await heard()).toBe(`Master keys now: ${ringNames(db.ring)[0]}, spare.`);
    expect(ringNames(watch.ring())).toContain('spare');
    write(text);
    told.splice(0);
    await heard();
    expect(watch.ring()).toBe(db.ring);
  });

  const broken: [string, () => string, RegExp][] = [
    [
      'other bytes',
      () => text.replace(/VITAL_KEYS=(\w+)=.*/, (_, id) => `VITAL_KEYS=${id}=${randomBytes(64).toString('base64')}`),
      /not the one that this database/,
    ],
    [
      'a key that nobody added',
      () => text.replace(db.ring, withKey(db.ring, 'stranger', randomBytes(64))),
      /stranger that this database doesn't know/,
    ],
    ['half a file', () => text.slice(0, text.indexOf('VITAL_KEYS') + 40), /must hold|form name=base64|missing/],
  ];
  test.each(broken)(
    'goes on with its keys when the file holds %s, says so once, and quotes none',
    async (_, content, why) => {
      write(content());
      expect(await heard()).toMatch(why);
      await sleep(2_200);
      expect(told).toHaveLength(1);
      expect(told[0]).toContain('Going on with the keys from before.');
      for (const ring of [db.ring, content()])
        for (const key of ring.match(/[A-Za-z0-9+/]{24,}/g) ?? []) expect(told[0]).not.toContain(key.slice(0, 16));
      expect(watch.ring()).toBe(db.ring);
      write(text);
    },
  );

  test('keeps VITAL_KEYS of the environment, whatever the file says', async () => {
    const fixed = watchKeys({ ...site }, () => {}, { VITAL_KEYS: db.ring });
    expect(fixed.ring()).toBe(db.ring);
    fixed.stop();
  });
});

describe('the key file', () => {
  test('cannot be changed into one that wouldn’t be read', async () => {
    await expect(changeKeys(site.keyFile, 'VITAL_KEYS', () => 'x=short')).rejects.toThrow(/must hold 64 bytes/);
    expect(readFileSync(site.keyFile, 'utf8')).toBe(text);
  });

  test('cannot be changed while others may read it', async () => {
    chmodSync(site.keyFile, 0o644);
    await expect(changeKeys(site.keyFile, 'VITAL_KEYS', (ring) => withKey(ring, 'x', randomBytes(64)))).rejects.toThrow(
      /chmod 600/,
    );
    chmodSync(site.keyFile, 0o600);
  });

  test('keeps every other line where two change it at once', async () => {
    const keys = ['a', 'b', 'c'].map((id) => [id, randomBytes(64)] as const);
    await Promise.all(
      keys.map(([id, key]) => changeKeys(site.keyFile, 'VITAL_KEYS', (ring) => withKey(ring, id, key))),
    );
    expect(ringNames(site.ring()).sort()).toEqual([...ringNames(db.ring), 'a', 'b', 'c'].sort());
    for (const [id] of keys) await changeKeys(site.keyFile, 'VITAL_KEYS', (ring) => without(ring, id));
    expect(readFileSync(site.keyFile, 'utf8')).toBe(text);
  });

  test('has its keys in the order that is asked for', () => {
    expect(withFirst('a=1,b=2,c=3', 'c')).toBe('c=3,a=1,b=2');
    expect(without('a=1,ab=2', 'a')).toBe('ab=2');
  });
});

describe('the yearly change', () => {
  const age = (days: number) =>
    asOwner(db.admin, () =>
      db.admin.query(
        'update vault.masters set current_since = now() - make_interval(days => $1) where current_since is not null',
        [days],
      ),
    );

  test.each([
    [0, undefined, 'ok'],
    [330, undefined, 'ok'],
    [340, /is due in 2[45] days: vitalsync keys add/, 'warning'],
    [375, /was due (9|10) days ago/, 'warning'],
  ] as const)('after %i days', async (days, sentence, state) => {
    await age(days);
    const due = await dueSentence(db.admin);
    if (sentence) expect(due).toMatch(sentence);
    else expect(due).toBeUndefined();
    const findings = await masterKeys(db.admin, site);
    expect(findings.map((finding) => finding.state)).toEqual([state]);
    if (sentence) expect(findings[0]!.finding).toMatch(sentence);
  });

  test('is told by doctor, and by a start in its log', async () => {
    await age(360);
    const { out } = await site.vitalsync('doctor');
    expect(out).toMatch(/warning +master keys +The yearly change of master key \w+ is due in [45] days/);
    const running = site.start('start');
    for (let i = 0; i < 200 && running.child.exitCode === null && !/ready/.test(running.out()); i += 1)
      await sleep(100);
    running.child.kill('SIGINT');
    expect((await running.ended).err).toMatch(/^Warning: The yearly change of master key \w+ is due in [45] days/m);
  });
});
