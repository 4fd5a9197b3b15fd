// Which steps at the gate are tries to sign in, and who is told of many: supabase/migrations/0089_traffic.sql.
import { randomBytes, randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { asOwner, createAccount } from '../../db/owner.ts';
import { totpCode } from '../../db/totp.ts';
import { prehash } from '../../edge/password.ts';
import { runCommand } from '../support/cli.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { createPractice } from '../support/practice.ts';
import { newToken } from '../support/sign-ins.ts';

const password = 'correct horse battery staple';
const secret = randomBytes(20);
const ip = '203.0.113.9';

let db: TestDatabase;
let gate: pg.Client;
let account: string;

beforeAll(async () => {
  db = await createDatabase();
  gate = await connect(db.gateUrl);
  const { organisation } = await createPractice(db);
  const profile = { family_name: 'Roux', given_name: 'Anne' };
  const person = { organisation, role: 'clinician', email: 'owner@exemple.fr', profile, password, totpSecret: secret };
  account = await asOwner(db.admin, () => createAccount(db.admin, db.keys, person));
});
afterAll(async () => {
  await gate.end();
  await db.close();
});
afterEach(() =>
  owner('delete from ops.tries; delete from ops.unusual; delete from ops.limits; delete from ops.delays'),
);

const owner = (query: string, values: unknown[] = []) =>
  asOwner(db.admin, async () => (await db.admin.query(query, values)).rows);
const tries = () => owner('select known, ok from ops.tries order by at');
async function typePassword(id: string, typed: string, token = newToken()) {
  const values = [db.ring, id, await prehash(db.pepper, id, typed), token, { ip }];
  return (await gate.query('select answer from iam.sign_in_password($1, $2, $3, $4, $5)', values)).rows[0].answer;
}
async function showCode(token: string, code: string) {
  const values = [db.ring, token, 'totp', { code }, newToken(), { ip }];
  return (await gate.query('select answer from iam.take_factor($1, $2, $3, $4, $5, $6)', values)).rows[0].answer;
}

describe('a try to sign in', () => {
  test('is a password that was refused, whether or not there is an account', async () => {
    expect(await typePassword(account, 'wrong')).toBe('refused');
    expect(await typePassword(randomUUID(), 'wrong')).toBe('refused');
    expect(await tries()).toEqual([
      { known: true, ok: false },
      { known: false, ok: false },
    ]);
  });

  test('and, after a right one, a code: a wrong one, and the one that lets in', async () => {
    const token = newToken();
    expect(await typePassword(account, password, token)).toBe('second_factor');
    expect(await tries()).toEqual([]);
    expect(await showCode(token, '000000')).toBe('refused');
    expect(await showCode(token, totpCode(secret))).toBe('ok');
    expect(await tries()).toEqual([
      { known: true, ok: false },
      { known: true, ok: true },
    ]);
  });

  test('and a passkey of nobody, which counts for no account', async () => {
    const proof = { id: 'AAAA', client_data: 'AAAA', authenticator_data: 'AAAA', signed: true };
    await gate.query('select * from iam.sign_in_passkey($1, $2, $3, $4)', [db.ring, newToken(), proof, { ip }]);
    expect(await owner('select account, known, ok from ops.tries')).toEqual([
      { account: null, known: false, ok: false },
    ]);
  });

  test('is none while somebody is told to wait', async () => {
    const [{ key }] = await owner('select ops.network_key($1, $2) as key', [db.ring, ip]);
    await owner('insert into ops.limits (key, tokens, at) values ($1, -1, clock_timestamp())', [
      `password/address/${key}`,
    ]);
    expect(await typePassword(account, 'wrong')).toBe('wait');
    expect(await tries()).toEqual([]);
  });
});

describe('what is unusual', () => {
  test('blocks nobody, and is told to whoever runs the installation', async () => {
    for (let i = 0; i < 10; i++) await owner('select ops.note_try($1, $2, false, $3)', [db.ring, randomUUID(), { ip }]);
    expect(await typePassword(account, password)).toBe('second_factor');
    const environment = { DATABASE_URL: db.adminUrl, VITAL_DIR: '/nowhere', ...inject('testServer').keyLines };
    const checked = await runCommand(['networks', '--check', `::ffff:${ip}`], environment);
    expect(checked.out).toContain('10 accounts were tried from there within an hour');
    expect((await runCommand(['networks', '--check', '203.0.113.10'], environment)).out).toContain('Nothing unusual');
    const { findings } = JSON.parse((await runCommand(['doctor', '--json'], environment)).out);
    expect(findings).toContainEqual(
      expect.objectContaining({
        ...{ check: 'traffic', state: 'warning' },
        finding: expect.stringMatching(/^10 accounts tried from one network within an hour/),
      }),
    );
    const [{ value }] = await owner("select value from ops.figures() where name = 'sign_in_unusual'");
    expect(value).toBe(1);
  }, 60_000);

  test('is found by no two who wait for each other', async () => {
    const other = await connect(db.adminUrl);
    const note = 'select ops.note_try($1, gen_random_uuid(), false, $2)';
    await other.query('begin; set local role vs_owner');
    for (let i = 0; i < 10; i++) await other.query(note, [db.ring, { ip }]);
    // the other one is still open, and has told of it
    await asOwner(db.admin, async () => {
      await db.admin.query("set local lock_timeout = '1s'");
      for (let i = 0; i < 10; i++) await db.admin.query(note, [db.ring, { ip }]);
    });
    await other.query('commit');
    await other.end();
    expect(await owner('select signal, figure from ops.unusual')).toEqual([{ signal: 'many_accounts', figure: 10 }]);
  });
});
