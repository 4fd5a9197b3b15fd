// A wrong or missing master key: one clear error wherever it is met, no damage, and no piece of a key in any message.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { asOwner } from '../../db/owner.ts';
import { ringNames } from '../../db/ring.ts';
import { isOneSentence, type Run } from '../support/cli.ts';
import { endImports, openTestSite, type TestSite } from '../support/site.ts';
import { createWorld, inTransaction, type World } from '../support/world.ts';

let world: World;
let site: TestSite;
beforeAll(async () => {
  world = await createWorld();
  site = openTestSite(world.db);
});
afterAll(async () => {
  await site?.close();
  await world?.close();
});

const owner = (query: string, values: unknown[] = []) =>
  asOwner(world.db.admin, async () => (await world.db.admin.query(query, values)).rows);
const state = async () =>
  (
    await owner(
      'select md5(string_agg(k::text, $1 order by subject_id, level)) as h, (select string_agg(m::text, $1) from vault.masters m) as m from vault.keys k',
      ['|'],
    )
  )[0];

const first = () => ringNames(world.db.ring)[0]!;
const text = () => world.db.ring.split('=')[1]!;
const rings: [string, () => string][] = [
  ['other bytes under the right name', () => `${first()}=${randomBytes(64).toString('base64')}`],
  ['another name', () => `other=${text()}==`],
  ['no name', () => `${text()}==`],
  ['half of the bytes', () => `${first()}=${text().slice(0, 40)}`],
  ['characters that are not base64', () => `${first()}=${text().slice(0, 40)}§${text().slice(40)}==`],
  ['a comma in the middle', () => `${first()}=${text().slice(0, 40)},${text().slice(40)}==`],
];
const commands: string[][] = [
  ['migrate'],
  ['keys', 'rotate', '--settle', '0'],
  ['keys', 'add', 'x'],
  ['import', 'x.json', '--organisation', 'Cabinet A', '--clinician', 'a@b.fr'],
];
const quotesAKey = ({ out, err }: Run) => [0, 40].some((at) => `${out}${err}`.includes(text().slice(at, at + 12)));

test.each(rings)('%s: each command says so in one sentence, and nothing is changed', async (_, ring) => {
  const before = await state();
  for (const result of await Promise.all(
    commands.map((words) => site.vitalsyncWith({ VITAL_KEYS: ring() }, ...words)),
  )) {
    expect(result.code).toBe(1);
    expect(isOneSentence(result), result.err).toBe(true);
    expect(quotesAKey(result), result.err).toBe(false);
  }
  expect(await state()).toEqual(before);
});

test.each([['none', () => ''], ...rings] as typeof rings)(
  '%s: signing in is refused as a fault of ours',
  async (_, ring) => {
    const gate = await connect(world.db.gateUrl);
    try {
      for (const [call, ...values] of [
        ['iam.sign_in_lookup($1, $2)', world.a.clinician.email],
        ["iam.sign_in_password($1, $2, 'x:y', 'token', null)", world.a.clinician.account],
        ["iam.take_factor($1, $2, 'totp', '{}', 'token', null)", 'token'],
      ]) {
        const failed = await gate.query(`select ${call}`, [ring(), ...values]).catch((error) => error);
        expect(failed.code, call).toBe('VS503');
        expect(quotesAKey({ code: 1, out: '', err: `${failed.message} ${failed.where} ${failed.detail}` })).toBe(false);
      }
    } finally {
      await gate.end();
    }
  },
);

test('cannot wrap anything new, not even in a session of the import', async () => {
  const [{ token }] = await owner('select iam.open_import_session($1, $2, $3) as token', [
    world.db.ring,
    world.a.organisation,
    world.a.clinician.account,
  ]);
  const edge = await connect(world.db.edgeUrl);
  const ring = `${first()}=${randomBytes(64).toString('base64')},old=${randomBytes(64).toString('base64')}`;
  const patient = JSON.stringify({ source: 'Patient/wrong', birth_name: 'X', birth_date: '1990-01-01' });
  const attempt = inTransaction(edge, { token, ring, phase: 'write' }, () =>
    edge.query('select clinic.import_patient($1)', [patient]),
  );
  await expect(attempt).rejects.toMatchObject({ code: expect.stringMatching(/^VS50[03]$/) });
  await edge.end();
  await endImports(world.db);
});
