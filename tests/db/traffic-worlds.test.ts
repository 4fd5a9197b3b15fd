// What is unusual about tries to sign in, in worlds that nobody thought of: the database's answer is compared with the model in
// tests/support/worlds/traffic.ts. FC_SEED and FC_PATH play a failure again; FC_RUNS=1000 looks longer.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { asOwner } from '../../db/owner.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { type Told, type Traffic, unusualIn, worlds } from '../support/worlds/traffic.ts';

let db: TestDatabase;
let root: pg.Client;
// in the middle of an hour, a day's remainder after the last midnight
const now = new Date('2026-03-10T08:31:00Z');

beforeAll(async () => {
  db = await createDatabase();
  root = await connect(db.superuserUrl);
});
afterAll(async () => {
  await root.end();
  await db.close();
});

const keyOf = (kind: string, number: number | null) =>
  number === null ? null : createHash('sha256').update(`${kind}${number}`).digest('hex').slice(0, 24);
const before = (minutes: number) => new Date(now.getTime() - minutes * 60_000);
const slotAt = (days: number, minute: number) =>
  new Date(Date.parse('2026-03-10T08:00:00Z') - days * 86_400_000 + minute * 60_000);

/** What the database says of a world. */
async function ask({ tries, slots, asked }: Traffic): Promise<Told[]> {
  return asOwner(db.admin, async () => {
    await db.admin.query('delete from ops.tries; delete from ops.traffic');
    await db.admin.query(
      `insert into ops.tries (at, network, account, known, ok)
       select at, network, account, known, ok from jsonb_to_recordset($1) as x (at timestamptz, network text, account text, known boolean, ok boolean)`,
      [
        JSON.stringify(
          tries.map(({ minutesAgo, network, account, ...rest }) => ({
            ...{
              ...rest,
              at: before(minutesAgo),
              network: keyOf('network', network),
              account: keyOf('account', account),
            },
          })),
        ),
      ],
    );
    await db.admin.query(
      'insert into ops.traffic select * from jsonb_to_recordset($1) as x (at timestamptz, tries int, failures int, unknown int)',
      [JSON.stringify(slots.map(({ days, minute, ...sums }) => ({ ...sums, at: slotAt(days, minute) })))],
    );
    const { rows } = await db.admin.query<Told>('select signal, figure, usual from ops.find_unusual($1, $2, $3)', [
      ...[keyOf('network', asked.network), keyOf('account', asked.account), now],
    ]);
    return rows;
  });
}

const { FC_SEED, FC_PATH, FC_RUNS } = process.env;
const asTold = fc.asyncProperty(worlds, async (world) => {
  return JSON.stringify(await ask(world)) === JSON.stringify(unusualIn(world));
});

/** The smallest world whose answer differs from the model's; undefined when none was found. */
async function findDifference(runs: number): Promise<string | undefined> {
  const details = await fc.check(asTold, {
    numRuns: Number(FC_RUNS ?? runs),
    ...(FC_SEED && { seed: Number(FC_SEED) }),
    ...(FC_PATH && { path: FC_PATH }),
    interruptAfterTimeLimit: FC_RUNS ? 3_600_000 : 20_000,
  });
  if (!details.failed || details.counterexample === null) return undefined;
  const [world] = details.counterexample;
  const told = `${JSON.stringify(await ask(world))}, not ${JSON.stringify(unusualIn(world))}`;
  return `FC_SEED=${details.seed} FC_PATH=${details.counterexamplePath}\n${told}\n${fc.stringify(world)}`;
}

test('what the model says is unusual is, and nothing else', async () => {
  expect(await findDifference(200)).toBeUndefined();
}, 3_600_000);

test('the model is asked for everything: each signal comes up, and a usual hour too', () => {
  const said = fc.sample(worlds, { numRuns: 2000, seed: 1 }).map(unusualIn);
  const seen = new Set(said.flat().map(({ signal }) => signal));
  expect([...seen].toSorted()).toEqual([
    'many_accounts',
    'many_failures',
    'many_networks',
    'many_tries',
    'unknown_addresses',
  ]);
  expect(said.some((signals) => signals.length === 0)).toBe(true);
  expect(said.flat().some(({ usual }) => (usual ?? 0) > 0)).toBe(true);
});

// Seen red: each rule is taken out, and the worlds find it.
test.each([
  ['ops.find_unusual', 'group by t.account having not bool_or(t.ok)', 'group by t.account'],
  ['ops.find_unusual', 'group by t.network having not bool_or(t.ok)', 'group by t.network'],
  ['ops.find_unusual', "interval '1 hour'", "interval '2 hours'"],
  ['ops.find_unusual', 'x.figure > 3 * x.usual', 'true'],
  ['ops.find_unusual', 'x.figure >= ops.traffic_floor(x.signal)', 'x.figure > ops.traffic_floor(x.signal)'],
  ['ops.count_tries', "interval '5 minutes'", "interval '7 minutes'"],
  ['ops.count_tries', 'where not t.known', 'where not t.ok'],
  ['ops.usual_traffic', 'coalesce(max(t.tries), 0)', 'max(t.tries)'],
  ['ops.usual_traffic', 'generate_series(1, 14)', 'generate_series(0, 16)'],
  ['ops.usual_traffic', 'and t.at < date_bin', 'or t.at < date_bin'],
])(
  'seen red: %s without %s',
  async (name, rule, instead) => {
    const { rows } = await root.query('select pg_get_functiondef($1::regproc) as text', [name]);
    expect(rows[0].text).toContain(rule);
    await root.query(rows[0].text.replaceAll(rule, instead));
    try {
      expect((await fc.check(asTold, { numRuns: 400, endOnFailure: true, seed: 1 })).failed).toBe(true);
    } finally {
      await root.query(rows[0].text);
    }
  },
  60_000,
);
