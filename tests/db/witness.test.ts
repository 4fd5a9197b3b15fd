// A witness, who isn't us, remembers the log: db/log/witness.ts, c2sp.org/tlog-witness; hardening rule 12.
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { openOwnCheckpoint } from '../../db/log/checkpoint.ts';
import { vkey } from '../../db/log/note.ts';
import { sealWith } from '../../db/log/seal.ts';
import { findWitness } from '../../db/log/witness.ts';
import { asOwner } from '../../db/owner.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startWitness, type TestWitness } from '../support/witness.ts';

let db: TestDatabase;
/** A superuser with every trigger disabled. */
let root: pg.Client;
let witness: TestWitness;
let origin: string;
const directory = mkdtempSync(join(tmpdir(), 'vs-witness-'));
const outside = join(directory, 'witness');
let place: { directory: string; keys: TestDatabase['keys'] };

beforeAll(async () => {
  db = await createDatabase();
  place = { directory, keys: db.keys };
  root = await connect(db.superuserUrl);
  await root.query('set session_replication_role = replica');
  origin = (await asOwner(db.admin, () => db.admin.query("select audit.log_origin('practice.example/log') as origin")))
    .rows[0].origin;
  await write(40);
});
beforeEach(async () => {
  witness = await startWitness(vkey(origin, db.keys.signing.signs[0]!));
  process.env.VITAL_WITNESS_URL = witness.url;
  process.env.VITAL_WITNESS_KEY = witness.vkey;
});
afterEach(async () => {
  await witness.close();
  delete process.env.VITAL_WITNESS_URL;
  delete process.env.VITAL_WITNESS_KEY;
});
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await root.end();
  await db.close();
});

const seal = (options = {}) => sealWith(db.admin, place, options);
const write = (events: number) =>
  asOwner(db.admin, () =>
    db.admin.query(
      "select audit.append(array_fill(null::text, array[8]), 'log.read', 'AuditEvent', null, null, 'success') from generate_series(1, $1)",
      [events],
    ),
  );
const cosigners = () =>
  openOwnCheckpoint(readFileSync(join(outside, 'checkpoint'), 'utf8'), db.keys.signing.signs, [
    witness.vkey,
  ]).signatures.map(({ name }) => name);

test('cosigns what is new, with the proof that it goes on from what it has seen', async () => {
  const first = await seal();
  expect(first.witnessProblem).toBeUndefined();
  expect(cosigners()).toEqual([origin, 'witness.example/w1']);
  expect(witness.requests).toEqual([`old 0\n\n${first.checkpoint!.note.replace(/— witness[^\n]+\n/, '')}`]);
  await write(7);
  const second = await seal();
  expect(witness.requests.at(-1)).toMatch(
    new RegExp(`^old ${first.size}\n([A-Za-z0-9+/]{43}=\n)+\n${origin}\n${second.size}\n`),
  );
  expect(cosigners()).toHaveLength(2);
  const { rows } = await root.query('select note from audit.checkpoints order by size desc limit 1');
  expect(rows[0].note).toBe(readFileSync(join(outside, 'checkpoint'), 'utf8'));
});

test('that says nothing of what it has seen is asked by its 409', async () => {
  witness.tells = false;
  await seal();
  await write(3);
  await seal();
  expect(witness.requests.slice(-2).map((request) => request.split('\n')[0])).toEqual([
    'old 0',
    expect.stringMatching(/^old [1-9]/),
  ]);
  expect(cosigners()).toHaveLength(2);
});

test('that was away is asked again, and what it missed is told meanwhile', async () => {
  await witness.close();
  await write(3);
  const sealed = await seal();
  expect(sealed).toMatchObject({
    state: 'signed',
    witnessProblem: expect.stringMatching(/^The witness at 127.0.0.1:\d+ doesn't answer\.$/),
  });
  witness = await startWitness(vkey(origin, db.keys.signing.signs[0]!));
  process.env.VITAL_WITNESS_URL = witness.url;
  process.env.VITAL_WITNESS_KEY = witness.vkey;
  expect(await seal()).toMatchObject({ state: 'unchanged' });
  expect(cosigners()).toHaveLength(2);
});

describe('with the directory lost, alone', () => {
  beforeEach(async () => {
    await seal();
    await root.query('begin');
    rmSync(outside, { recursive: true });
    await root.query('commit');
  });
  afterEach(async () => {
    rmSync(outside, { recursive: true, force: true });
    await seal({ adopt: true });
  });

  test('has a database that went back refused', async () => {
    const { rows } = await root.query(
      'delete from audit.log where leaf_index = (select max(leaf_index) from audit.log) returning *',
    );
    await expect(seal({ adopt: true })).rejects.toThrow(
      /^Nothing was signed: the log ends at \d+, and a checkpoint of size \d+ was signed/,
    );
    await root.query('insert into audit.log values ($1, $2, $3, $4, $5, $6)', Object.values(rows[0]));
  });

  test.each([true, false])('has a log that was written anew refused (it tells: %s)', async (tells) => {
    witness.tells = tells;
    const { rows } = await root.query('select hash from audit.log where leaf_index = 5');
    const rewrite = async (hash: Buffer) => {
      await root.query('update audit.log set hash = $1 where leaf_index = 5', [hash]);
      await root.query('delete from audit.nodes; select audit.complete_nodes(1, 0, audit.log_size(1))');
    };
    await rewrite(Buffer.alloc(32));
    if (tells)
      await expect(seal({ adopt: true })).rejects.toThrow(
        /^Nothing was signed: the first \d+ leaves are not those that were signed/,
      );
    else
      expect((await seal({ adopt: true })).witnessProblem).toMatch(
        /\(422\): what it has seen of this log is not the beginning of it: the log was forked\.$/,
      );
    await rewrite(rows[0].hash);
  });
});

describe('is not believed when', () => {
  test.each([
    [200, '', "The witness's signature can't be believed"],
    [200, '— witness.example/w1 AAAAAAAAAAAA\n', "The witness's signature can't be believed"],
    [403, '', "The witness refuses the checkpoint (403): it doesn't take our signature"],
    [404, '', "The witness refuses the checkpoint (404): it doesn't know our log"],
    [409, 'x\n', 'The witness refuses the checkpoint (409): it says no size'],
    [409, '9999\n', 'The witness has seen this log at size 9999'],
    [500, 'x', 'The witness refuses the checkpoint (500)'],
  ])('it answers %i %j', async (status, body, said) => {
    await write(1);
    witness.answers.push({ status, body });
    const sealed = await seal();
    expect(sealed.state).toBe('signed');
    expect(sealed.witnessProblem).toContain(said);
    expect(cosigners()).toEqual([origin]);
  });

  test('another key signs in its name', async () => {
    process.env.VITAL_WITNESS_KEY = vkey('witness.example/w1', generateKeyPairSync('ed25519').publicKey, 4);
    await write(1);
    expect((await seal()).witnessProblem).toContain("The witness's signature can't be believed");
  });

  test('half of it is configured', () => {
    expect(() => findWitness({ VITAL_WITNESS_URL: 'https://witness.example' })).toThrow('VITAL_WITNESS_KEY must be');
    expect(() => findWitness({ VITAL_WITNESS_KEY: witness.vkey })).toThrow('VITAL_WITNESS_URL must be');
    expect(() => findWitness({ VITAL_WITNESS_URL: 'ftp://x', VITAL_WITNESS_KEY: witness.vkey })).toThrow(
      'VITAL_WITNESS_URL must be',
    );
    expect(findWitness({})).toBeUndefined();
  });
});
