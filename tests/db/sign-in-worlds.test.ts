// What is unusual about a sign-in, after histories that nobody thought of: the database's answer is compared with the model
// in tests/support/worlds/sign-ins.ts. FC_SEED and FC_PATH play a failure again; FC_RUNS=1000 looks longer.
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { asOwner } from '../../db/owner.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { createPerson, createPractice, type Practice } from '../support/practice.ts';
import { type History, histories, places, signalsOf } from '../support/worlds/sign-ins.ts';

let db: TestDatabase;
let root: pg.Client;
let practice: Practice;
const now = new Date(Math.floor(Date.now() / 60_000) * 60_000);
let seq = 1_000_000;

beforeAll(async () => {
  db = await createDatabase();
  practice = await createPractice(db);
  root = await connect(db.superuserUrl);
});
afterAll(async () => {
  await root.end();
  await db.close();
});

const ipOf = (network: number | null) => (network === null ? null : `198.51.${network}.7`);
const placeOf = (place: number | null) => (place === null ? null : places[place]!.name);
const before = (minutes: number) => new Date(now.getTime() - minutes * 60_000);

/** What the database says of one more sign-in of somebody with this past. */
async function ask({ past, failures, next }: History): Promise<string[]> {
  return asOwner(db.admin, async () => {
    const { account } = await createPerson(db, { organisation: practice.organisation, role: 'clinician' });
    await db.admin.query(
      `with k as (select vault.unwrap($1, $2, 'profile') as key),
       p as (select ops.uuid_v7() as id, ops.uuid_v7() as session, x.* from jsonb_to_recordset($3) as x
             (at timestamptz, ip text, place text, outcome text, released boolean, disowned boolean)),
       s as (insert into iam.sessions (id, token_hash, account_id, organisation_id, role)
             select p.session, extensions.gen_random_bytes(32), $2, $4, 'clinician' from p returning id)
       insert into iam.sign_ins (id, account_id, organisation_id, session_id, at, network, placed, signals, score, outcome, facts, released_at, disowned_at)
       select p.id, $2, $4, s.id, p.at, iam.network_of(k.key, p.ip), iam.coordinates(p.place) is not null, '{}', 0, p.outcome,
              vault.seal(k.key, p.id, $2, 1, '', 'iam.sign_ins.facts', jsonb_build_object('place', p.place)::text),
              case when p.released and p.outcome = 'stopped' then now() end, case when p.disowned then now() end
       from p join s on s.id = p.session cross join k`,
      [
        ...[db.ring, account],
        JSON.stringify(
          past.map((one) => ({ ...one, at: before(one.minutesAgo), ip: ipOf(one.network), place: placeOf(one.place) })),
        ),
        practice.organisation,
      ],
    );
    // events of times that are past already can't come by audit.append
    for (const minutes of failures)
      await db.admin.query(
        `insert into audit.events (id, organisation_id, lane, seq, at, event, resource_type, actor_id, actor_role, outcome, leaf)
         values (ops.uuid_v7(), $1, 0, $2, $3, 'session.password', 'session', $4, 'clinician', 'failure', '')`,
        [practice.organisation, seq++, before(minutes), account],
      );
    const { rows } = await db.admin.query<{ signals: string[] }>(
      `select f.signals from vault.unwrap($1, $2, 'profile') key, iam.find_signals(key, $2, $3, iam.network_of(key, $4), $5, $6) f`,
      [db.ring, account, next.known, ipOf(next.network), placeOf(next.place), now],
    );
    return rows[0]!.signals;
  });
}

const { FC_SEED, FC_PATH, FC_RUNS } = process.env;

const asTold = fc.asyncProperty(histories, async (history) => {
  return (await ask(history)).join() === signalsOf(history, now).join();
});

/** The smallest history whose answer differs from the model's; undefined when none was found. */
async function findDifference(runs: number): Promise<string | undefined> {
  const details = await fc.check(asTold, {
    numRuns: Number(FC_RUNS ?? runs),
    ...(FC_SEED && { seed: Number(FC_SEED) }),
    ...(FC_PATH && { path: FC_PATH }),
    interruptAfterTimeLimit: FC_RUNS ? 3_600_000 : 30_000,
  });
  if (!details.failed || details.counterexample === null) return undefined;
  const [history] = details.counterexample;
  const told = `${await ask(history)}, not ${signalsOf(history, now)}`;
  return `FC_SEED=${details.seed} FC_PATH=${details.counterexamplePath}\n${told}\n${fc.stringify(history)}`;
}

test('what the model says is unusual is, and nothing else', async () => {
  expect(await findDifference(100)).toBeUndefined();
}, 3_600_000);

test('the model is asked for everything: each signal comes up, and a usual sign-in too', () => {
  const said = fc.sample(histories, { numRuns: 2000, seed: 1 }).map((history) => signalsOf(history, now));
  const seen = new Set(said.flat());
  expect([...seen].toSorted()).toEqual(['impossible_speed', 'many_failures', 'new_device', 'new_network', 'odd_hour']);
  expect(said.some((signals) => signals.length === 0)).toBe(true);
});

// Seen red: each rule is taken out, and the worlds find it.
test.each([
  ['iam.is_trusted', 'and s.disowned_at is null', ''],
  ['iam.is_trusted', "s.outcome <> 'stopped' or", 'true or'],
  ['iam.find_signals', "interval '180 days'", "interval '1800 days'"],
  ['iam.find_signals', 'km > 900 * hours', 'km > 90000 * hours'],
  ['iam.find_signals', 'km > 200', 'km > 0'],
  ['iam.find_signals', 'least(h.apart, 1440 - h.apart)', '1440 - h.apart'],
  ['iam.find_signals', 'if failures >= 5', 'if failures >= 3'],
  ['iam.find_signals', ', last.at)', ')'],
  ['iam.km_between', 'cardinality(a) = 2 and cardinality(b) = 2', 'true'],
])(
  'seen red: %s without %s',
  async (name, rule, instead) => {
    const { rows } = await root.query('select pg_get_functiondef($1::regproc) as text', [name]);
    expect(rows[0].text).toContain(rule);
    await root.query(rows[0].text.replace(rule, instead));
    try {
      expect((await fc.check(asTold, { numRuns: 300, endOnFailure: true, seed: 1 })).failed).toBe(true);
    } finally {
      await root.query(rows[0].text);
    }
  },
  60_000,
);
