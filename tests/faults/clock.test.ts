// The clock of the database stepped by an hour either way, and by a year, while people work; their own clocks are right.
// Needs libfaketime (Debian: faketime), which stands between Postgres and the time of day.
import { randomBytes, randomUUID } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkPassword, takeFactor } from '../../app/sign-in/queries.ts';
import { type Door, Refusal, type Who } from '../../db/batch.ts';
import { connect } from '../../db/connect.ts';
import { examine } from '../../db/doctor.ts';
import { openDoor } from '../../db/door.ts';
import { asOwner, createAccount } from '../../db/owner.ts';
import { totpCode, totpStep } from '../../db/totp.ts';
import { prehash } from '../../edge/password.ts';
import { everyVersion, type OwnCluster, openCluster } from '../support/cluster.ts';
import type { TestDatabase } from '../support/database.ts';
import type { Person } from '../support/practice.ts';
import { fillWorld, type World } from '../support/world.ts';
import { whatIsWrong } from './ledger.ts';
import { type Note, readNotes, write } from './writers.ts';

const library = readdirSync('/usr/lib')
  .map((name) => join('/usr/lib', name, 'faketime', 'libfaketime.so.1'))
  .find((file) => existsSync(file));
if (!library) console.log('skipped: there is no libfaketime here; apt-get install faketime brings it');

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
const password = 'correct horse battery staple';

describe.skipIf(!library).each(everyVersion)('on Postgres %i', (version) => {
  const place = mkdtempSync(join(tmpdir(), 'vitalsync-clock-'));
  const clock = join(place, 'offset');
  let cluster: OwnCluster;
  let db: TestDatabase;
  let world: World;
  let door: Door;
  const notes: Note[] = [];
  const secrets = new Map<string, Buffer>();

  /** The server's clock, in seconds after the right time. */
  const step = (seconds: number) => writeFileSync(clock, `${seconds < 0 ? '' : '+'}${seconds}\n`, { mode: 0o644 });

  beforeAll(async () => {
    chmodSync(place, 0o755); // Postgres, perhaps another user, reads the offset
    step(0);
    const settings = [`LD_PRELOAD=${library}`, `FAKETIME_TIMESTAMP_FILE=${clock}`];
    const prefix = ['env', ...settings, 'FAKETIME_NO_CACHE=1', 'FAKETIME_DONT_FAKE_MONOTONIC=1'];
    cluster = await openCluster(version, { prefix });
    db = await cluster.connect();
    world = await fillWorld(db);
    await asOfLongAgo();
    door = openDoor({ edgeUrl: db.edgeUrl, gateUrl: db.gateUrl, ring: db.ring });
  }, 60_000);
  afterAll(async () => {
    await door?.close();
    await db?.admin.end();
    await cluster?.remove();
    rmSync(place, { recursive: true });
  });

  const reasonOf = (attempt: Promise<unknown>) =>
    attempt.then(
      () => 'done',
      (error: unknown) => (error instanceof Refusal ? error.reason : Promise.reject(error)),
    );
  const work = async (author: Person = world.a.clinician) => {
    const note = { key: randomUUID(), text: `note ${randomUUID()}`, patient: world.a.mine, author };
    let told = await reasonOf(write(door, note));
    if (told === 'step_up') {
      // signing wants a factor of the last ten minutes, as the clock has them now; reading goes on without
      expect(await reasonOf(readNotes(door, author, world.a.mine))).toBe('done');
      await owner('update iam.sessions set factor_at = clock_timestamp() where token_hash = iam.hash_token($1)', [
        author.token,
      ]);
      told = await reasonOf(write(door, note));
    }
    if (told === 'done') notes.push(note);
    return told;
  };
  const owner = (query: string, values: unknown[] = []) =>
    asOwner(db.admin, async () => (await db.admin.query(query, values)).rows);

  /** Everybody has worked here for long: what begins only after the clock's time isn't valid yet. */
  async function asOfLongAgo(): Promise<void> {
    const root = await connect(cluster.superuserUrl);
    await root.query('set session_replication_role = replica');
    for (const table of ['memberships', 'care_team_members', 'care_team_patients'])
      await root.query(`update access.${table} set valid_from = '2026-01-01'`);
    await root.end();
  }

  /** Somebody with password and phone, of the clinician's care team. */
  async function employ(name: string): Promise<string> {
    const secret = randomBytes(20);
    const account = await asOwner(db.admin, async () => {
      const id = await createAccount(db.admin, db.keys, {
        organisation: world.a.organisation,
        role: 'clinician',
        email: `${name}@exemple.fr`,
        profile: { family_name: name, given_name: 'Anne' },
        password,
        totpSecret: secret,
      });
      await db.admin.query(
        `insert into access.care_team_members (care_team_id, account_id)
         select p.care_team_id, $1 from access.care_team_patients p where p.patient_id = $2 limit 1`,
        [id, world.a.mine],
      );
      return id;
    });
    secrets.set(account, secret);
    await asOfLongAgo();
    return account;
  }

  /** Both factors; `phone` is how far the phone's clock is from the right time. */
  async function signIn(account: string, phone = 0): Promise<{ answer: string; person: Person }> {
    const from: Who = { ip: '192.0.2.9', userAgent: 'test', token: null, role: 'anon', requestId: '' };
    const [half, token] = [0, 1].map(() => randomBytes(32).toString('base64url')) as [string, string];
    const hash = await prehash(db.pepper, account, password);
    const [first] = await door.gate(checkPassword(db.ring, account, hash, half, from));
    expect(first?.answer).toBe('second_factor');
    const code = totpCode(secrets.get(account)!, totpStep(Date.now() + phone * 1000));
    const [second] = await door.gate(takeFactor(db.ring, 'totp', { code }, token, { ...from, token: half }));
    return { answer: second?.answer ?? '', person: { account, role: 'clinician', email: '', token } };
  }

  test('the clock can be stepped at all', async () => {
    for (const offset of [hour, -hour, 0]) {
      step(offset);
      const [{ off }] = await owner('select extract(epoch from clock_timestamp())::float8 - $1::float8 as off', [
        Date.now() / 1000,
      ]);
      expect(Math.abs(off - offset)).toBeLessThan(5);
    }
  });

  test('an hour ahead: sessions are over, a phone that is right is refused, and both work when the clock is right again', async () => {
    const anne = await employ('ahead');
    expect(await work()).toBe('done');
    const before = await signIn(anne);
    expect(before.answer).toBe('ok');
    step(hour);
    expect(await work()).toBe('signed_out'); // half an hour idle, as far as the clock knows
    const wrong = await signIn(anne);
    expect(wrong.answer).toBe('refused');
    expect(await reasonOf(readNotes(door, wrong.person, world.a.mine))).toBe('signed_out');
    const right = await signIn(anne, hour);
    expect(right.answer).toBe('ok');
    expect(await work(right.person)).toBe('done');
    step(0);
    // what was opened an hour ahead is opened anew, and nobody is locked out
    expect(await work(right.person)).toBe('done');
    expect(await work(before.person)).toBe('done');
    expect(await work()).toBe('done');
    // no code from before the last one is taken: until the hour has passed, and then again
    expect((await signIn(anne)).answer).toBe('refused');
    step(hour + minute);
    expect((await signIn(anne, hour + minute)).answer).toBe('ok');
    step(0);
  });

  test('an hour behind: everybody goes on working, and a session lives longer by that hour at most', async () => {
    const luc = await employ('behind');
    const before = await signIn(luc);
    expect(await work(before.person)).toBe('done');
    step(-hour);
    expect(await work(before.person)).toBe('done');
    expect(await work()).toBe('done');
    const zoe = await employ('meanwhile');
    const meanwhile = await signIn(zoe, -hour);
    expect(meanwhile.answer).toBe('ok');
    expect(await work(meanwhile.person)).toBe('done');
    step(29 * minute);
    expect(await work(before.person)).toBe('done');
    step(60 * minute);
    expect(await work(before.person)).toBe('signed_out');
    step(0);
    expect((await signIn(luc)).answer).toBe('refused'); // the same code: once
    expect((await signIn(zoe)).answer).toBe('ok');
  });

  test('too many tries before a step are not too many for ever after it', async () => {
    const max = await employ('tries');
    const from: Who = { ip: '192.0.2.77', userAgent: '', token: null, role: 'anon', requestId: '' };
    step(hour);
    for (let i = 0; i < 12; i += 1)
      await door.gate(checkPassword(db.ring, max, `2026:${randomUUID()}`, randomUUID(), from));
    step(0);
    const waits = async () => {
      const hash = await prehash(db.pepper, max, password);
      const [tried] = await door.gate(checkPassword(db.ring, max, hash, randomBytes(32).toString('base64url'), from));
      return tried?.retry_after ?? 0;
    };
    const first = await waits();
    expect(first).toBeLessThan(2 * minute);
    step(first + 31);
    expect(await waits()).toBe(0);
    step(0);
  });

  const nothingIsWrong = async () => {
    const root = await connect(cluster.superuserUrl);
    expect(await whatIsWrong(root, notes)).toEqual([]);
    await root.end();
  };

  test('an hour either way, nothing is lost', nothingIsWrong);

  test('a year ahead: events land outside of every month, doctor tells, and they are filed when their month comes', async () => {
    const eva = await employ('far');
    step(400 * day);
    const there = await signIn(eva, 400 * day);
    expect(there.answer).toBe('ok');
    expect(await work(there.person)).toBe('done');
    step(0);
    expect(await work()).toBe('done');
    const told = async () =>
      (await examine(db.admin, cluster.site)).filter((f) => f.check === 'default partition').map((f) => f.finding);
    expect(await told()).toEqual([expect.stringMatching(/events are dated outside of the prepared months/)]);
    for (let month = 0; month <= 14; month += 1) {
      step(month * 30 * day);
      await owner('select ops.upkeep()');
    }
    step(400 * day);
    await owner('select ops.upkeep()');
    expect(await owner('select * from audit.strays()')).toEqual([]);
    step(0);
    expect(await told()).toEqual([]);
  });

  test('and nothing is lost, nor out of order', async () => {
    expect(await owner('select * from audit.verify_all()')).toEqual([]);
    // sessions of thirteen months ago were cleared while the clock was there; whoever signs in again reads everything
    const { answer, person } = await signIn(await employ('afterwards'));
    expect(answer).toBe('ok');
    const texts = await readNotes(door, person, world.a.mine);
    const promised = notes.map((note) => note.text);
    expect(texts.filter((text) => text.startsWith('note ')).sort()).toEqual(promised.sort());
  });
});
