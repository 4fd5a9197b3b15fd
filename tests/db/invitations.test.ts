// 0290_invitations: two who bring one link at once, what lies in the database of it, and a master key that changes meanwhile.
import { randomBytes, randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { owner as asked, take } from '../support/outbox.ts';
import { createPatient, createPractice, type Practice } from '../support/practice.ts';

let db: TestDatabase;
let gates: pg.Client[];
let practice: Practice;
beforeAll(async () => {
  db = await createDatabase();
  practice = await createPractice(db);
  gates = await Promise.all([connect(db.gateUrl), connect(db.gateUrl)]);
});
afterAll(async () => {
  await Promise.all((gates ?? []).map((gate) => gate.end()));
  await db?.close();
});

const owner = (query: string, values: unknown[] = []) => asked(db, query, values);
const profile = { family_name: 'Canarinom', given_name: 'Lou' };
async function invite(address: string): Promise<{ account: string; token: string }> {
  const [row] = await owner('select iam.invite($1, $2, $3, $4, $5) as account', [
    db.ring,
    practice.organisation,
    'secretary',
    address,
    profile,
  ]);
  await owner('select iam.send_invitation($1, $2)', [db.ring, row.account]);
  const message = (await take(db, gates[0]!)).find((one) => one.address === address && one.template === 'invitation');
  return { account: row.account, token: String(message?.vars.path).split('/').at(-1)! };
}
const accept = async (gate: pg.Client, token: string, ring = db.ring) =>
  (
    await gate.query('select answer from iam.accept_invitation($1, $2, $3, null, $4, $5)', [
      ring,
      token,
      `p1:${'A'.repeat(44)}`,
      randomBytes(32).toString('base64url'),
      { ip: '192.0.2.7' },
    ])
  ).rows[0].answer as string;
const statusOf = async (account: string) =>
  (await owner('select status from iam.accounts where id = $1', [account]))[0].status;

test('a link that two bring at the same moment is taken up once', async () => {
  const { account, token } = await invite('deux@exemple.fr');
  expect((await Promise.all(gates.map((gate) => accept(gate, token)))).toSorted()).toEqual(['gone', 'ok']);
  expect(await owner('select * from iam.sessions where account_id = $1', [account])).toHaveLength(1);
  expect(await statusOf(account)).toBe('invited');
});

test('neither the link, the address nor the name lies there in clear', async () => {
  const { token } = await invite('canari@exemple.fr');
  for (const table of [
    'iam.invitations',
    'iam.accounts',
    'ops.outbox',
    'audit.events',
    'ops.limits',
    'access.memberships',
  ]) {
    const rows = await owner(`select t::text as row from ${table} t`);
    const text = rows.map(({ row }) => row).join('\n');
    for (const canary of [
      token,
      'canari@',
      'Canarinom',
      Buffer.from(token).toString('hex'),
      Buffer.from('canari@').toString('hex'),
    ])
      expect(text.includes(canary), `${table} ${canary}`).toBe(false);
  }
});

test('an empty link, a very long one, and one with anything in it lead nowhere and break nothing', async () => {
  for (const token of ['', ' ', "'; drop table x", '\\x00', 'é'.repeat(5000), randomUUID()]) {
    expect(['gone', 'wait']).toContain(await accept(gates[0]!, token));
    const { rows } = await gates[0]!.query('select answer, about from iam.read_invitation($1, $2, $3)', [
      db.ring,
      token,
      { ip: '2001:db8::1', user_agent: 'x'.repeat(5000) },
    ]);
    expect(rows[0].about).toBeNull();
  }
});

test('an invitation of a patient ends with the record', async () => {
  const patient = await createPatient(db, practice);
  const [row] = await owner("select iam.invite($1, $2, 'patient', 'fin@exemple.fr', $3, 'fr', $4) as account", [
    db.ring,
    practice.organisation,
    profile,
    patient,
  ]);
  const [link] = await owner('select iam.renew_invitation($1) as token', [row.account]);
  await owner('update access.memberships set valid_until = now() where account_id = $1', [row.account]);
  expect(await accept(gates[0]!, link.token)).toBe('gone');
});

test('links work, and addresses are found, when the master key changed meanwhile; what was forgotten stops nothing', async () => {
  const waiting = await invite('rotation@exemple.fr');
  const shadow = await owner('select iam.invite($1, $2, $3, $4, $5) as account', [
    db.ring,
    (await createPractice(db)).organisation,
    'secretary',
    'rotation@exemple.fr',
    profile,
  ]);
  const gone = await invite('oubli@exemple.fr');
  await owner('select iam.forget_invited($1)', [gone.account]);
  const key = randomBytes(64).toString('base64');
  const ring = `next=${key},${db.ring}`;
  await owner("select vault.add_master('next', decode($1, 'base64'))", [key]);
  await owner("select vault.promote($1, 'next')", [ring]);
  for (const step of ['rewrap', 'reindex']) {
    let left = 1;
    while (left > 0) left = Number((await owner(`select vault.${step}($1, 'next') as n`, [ring]))[0].n);
  }
  expect(await owner("select * from vault.keys where master <> 'next'")).toEqual([]);
  const found = async (address: string) =>
    (
      await owner('select id from iam.accounts where email_index = any (iam.email_indexes($1, $2))', [
        `next=${key}`,
        address,
      ])
    ).map(({ id }) => id);
  expect(await found('rotation@exemple.fr')).toEqual([waiting.account]);
  expect(await found('oubli@exemple.fr')).toEqual([]);
  expect(await statusOf(shadow[0].account)).toBe('invited');
  expect(await accept(gates[0]!, waiting.token, ring)).toBe('ok');
});
