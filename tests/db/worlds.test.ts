// Promise 1 in worlds that nobody thought of: practices, teams that come and go, referrals, broken glass, people who are
// suspended or work in two places, sessions that ended; the database's answer is compared with a model of ten lines.
//
// A failure prints the smallest world that shows it, and how to play it again: FC_SEED and FC_PATH. FC_RUNS=1000 looks longer.
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { build, type Stage, setStage, strikeStage } from '../support/worlds/build.ts';
import { lookAround, lookAt, tables } from '../support/worlds/look.ts';
import { entry, level } from '../support/worlds/model.ts';
import { type Plan, patientCount, plans } from '../support/worlds/plan.ts';

let db: TestDatabase;
let stage: Stage;

beforeAll(async () => {
  db = await createDatabase();
  stage = await setStage(db);
}, 30_000);
afterAll(async () => {
  await strikeStage(stage);
  await db.close();
});

const everybody = Array.from({ length: patientCount }, (_, patient) => patient);

/** What isn't as the model says, in words; empty where everything is. */
async function differences(plan: Plan): Promise<string[]> {
  const tokens = await build(stage, plan);
  const found: string[] = [];
  for (const [n, session] of plan.sessions.entries()) {
    const who = `session ${n} (${plan.jobs[session.job]!.role})`;
    const token = tokens[n]!;
    const expected = everybody.map((patient) => level(plan, session, patient));
    for (const patient of everybody) {
      const table = tables[(n + patient) % tables.length]!;
      const got = await lookAt(stage, token, patient, plan.focused, table);
      if (got.level !== expected[patient])
        found.push(`${who}, patient ${patient}, ${table}: ${got.level} (${got.answer}), not ${expected[patient]}`);
    }
    if (entry(plan, session) === 'ok')
      found.push(...(await listDifferences(plan, n, token, expected)).map((it) => `${who}: ${it}`));
  }
  return found;
}

async function listDifferences(plan: Plan, n: number, token: string, expected: string[]): Promise<string[]> {
  const { role } = plan.jobs[plan.sessions[n]!.job]!;
  const seen = everybody.filter((patient) => expected[patient] !== 'nothing');
  const lists = role === 'clinician' || role === 'secretary';
  const right = {
    answer: lists ? 'ok' : 'forbidden',
    listed: lists ? seen : [],
    named: lists ? seen : [],
    stored: seen,
    written: everybody.filter((patient) => expected[patient] === 'everything'),
  };
  const got = await lookAround(stage, token);
  return Object.entries(right)
    .filter(([what, value]) => JSON.stringify(got[what as keyof typeof right]) !== JSON.stringify(value))
    .map(
      ([what, value]) => `${what} is ${JSON.stringify(got[what as keyof typeof right])}, not ${JSON.stringify(value)}`,
    );
}

test('whoever the model says sees a patient sees them, to that level; and nobody else does', () => play(20), 3_600_000);

// Somebody who sees more than 1,000 patients sees them by what the session has opened (access.patients).
test('the same for those whose list of patients is too long to be one', async () => {
  await withChanged('access.is_wide', 'cardinality(patients) >= 1001', 'cardinality(patients) >= 1', () => play(8));
}, 3_600_000);

// Seen red: each rule is taken out of its predicate, and the worlds find it.
test.each([
  ['access.in_care_of', 'and clock_timestamp() >= m.valid_from and clock_timestamp() < m.valid_until', ''],
  ['access.in_care_of', 'and t.organisation_id = organisation', ''],
  ['access.first_patients', 'and clock_timestamp() >= m.valid_from and clock_timestamp() < m.valid_until', ''],
  ['access.is_referred', 'and clock_timestamp() < r.valid_until', ''],
  ['access.glass', 'and clock_timestamp() < b.ends_at', ''],
  ['access.membership_is_live', "and a.status = 'active'", ''],
  ['iam.admit', 'or s.expires_at <= clock_timestamp()', ''],
])(
  'a world is found in which %s lacks "%s"',
  async (name, rule, instead) => {
    await withChanged(name, rule, instead, async () => {
      const asTold = fc.asyncProperty(plans, async (plan) => (await differences(plan)).length === 0);
      expect((await fc.check(asTold, { numRuns: 200, endOnFailure: true, seed: 1 })).failed).toBe(true);
    });
  },
  60_000,
);

/** Plays random worlds; the smallest one that differs from the model is the failure. */
async function play(runs: number): Promise<void> {
  const { FC_SEED, FC_PATH, FC_RUNS } = process.env;
  const asTold = fc.asyncProperty(plans, async (plan) => (await differences(plan)).length === 0);
  const details = await fc.check(asTold, {
    numRuns: Number(FC_RUNS ?? runs),
    ...(FC_SEED && { seed: Number(FC_SEED) }),
    ...(FC_PATH && { path: FC_PATH }),
    // a failure is made smaller for half a minute at most
    interruptAfterTimeLimit: FC_RUNS ? 3_600_000 : 45_000,
  });
  if (!details.failed || details.counterexample === null) return;
  const again = `FC_SEED=${details.seed} FC_PATH=${details.counterexamplePath} npx vitest run -c tests/vitest.config.ts tests/db/worlds.test.ts`;
  const [plan] = details.counterexample;
  const why = (await differences(plan).catch(String)).toString();
  throw new Error(`play it again with\n  ${again}\n${why}\n${fc.stringify(plan)}`);
}

/** Work with a function of the database that says something else. */
async function withChanged<T>(name: string, text: string, instead: string, work: () => Promise<T>): Promise<T> {
  const { rows } = await stage.root.query('select pg_get_functiondef($1::regproc) as text', [name]);
  expect(rows[0].text).toContain(text);
  await stage.root.query(rows[0].text.replace(text, instead));
  try {
    return await work();
  } finally {
    await stage.root.query(rows[0].text);
  }
}
