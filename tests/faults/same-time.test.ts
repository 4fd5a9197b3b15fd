// Whether an address has an account doesn't show in how long an answer takes: 200 tries, known and unknown in turn,
// through the whole app. It stands here rather than beside the other tests because it takes a minute: each try is a hash.
//
// What is judged is the median of the differences of 100 pairs, with the interval that holds the true one with a
// probability of 99.9 % whatever the noise is distributed like (the sign test's: the 34th to the 67th of 100 in order). It
// fails when that whole interval is further from zero than the tolerance: 5 % of an answer. A busy machine makes the interval
// wider and nothing fail; that the judge would still see a hash that is left out is tested with the same figures.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { asOwner, createAccount } from '../../db/owner.ts';
import { type Running, startApp } from '../app/support.ts';

const email = 'camille@exemple.fr';
const tries = 200;
const tolerance = 0.05;
let app: Running;

beforeAll(async () => {
  app = await startApp();
  const { db, practice } = app;
  const profile = { family_name: 'Roux', given_name: 'Camille' };
  const person = { organisation: practice.organisation, role: 'clinician', email, profile };
  const secrets = { password: 'corde cheval 4 agrafes', totpSecret: randomBytes(20) };
  await asOwner(db.admin, () => createAccount(db.admin, db.keys, { ...person, ...secrets }));
});
afterAll(() => app?.close());

/** Milliseconds from the request to the whole answer, of which the words are compared besides. */
async function time(address: string): Promise<{ spent: number; page: string; status: number }> {
  await asOwner(app.db.admin, () => app.db.admin.query('delete from ops.limits; delete from ops.delays'));
  const started = performance.now();
  const answer = await app.ask('/sign-in', { form: { email: address, password: 'faux mais assez long' } });
  const page = await answer.text();
  return { spent: performance.now() - started, page: page.replaceAll(address, ''), status: answer.status };
}

const inOrder = (figures: number[]) => [...figures].sort((a, b) => a - b);
const median = (figures: number[]) => inOrder(figures)[Math.floor(figures.length / 2)]!;

/** Where the median difference of these 100 pairs is, with a probability of 99.9 %. */
function interval(known: number[], unknown: number[]): [low: number, high: number] {
  const differences = inOrder(known.map((spent, i) => spent - unknown[i]!));
  return [differences[33]!, differences[66]!];
}
const differs = ([low, high]: [number, number], within: number) => low > within || high < -within;

test('an address without an account is refused in the same words and in the same time as a wrong password', async () => {
  const known: number[] = [];
  const unknown: number[] = [];
  for (let i = 0; i < 10; i++) await time(i % 2 ? email : 'personne@exemple.fr'); // plans are made
  for (let i = 0; i < tries / 2; i++) {
    const nobody = `personne-${i}@exemple.fr`;
    const pair = i % 2 ? [email, nobody] : [nobody, email];
    const [first, second] = [await time(pair[0]!), await time(pair[1]!)];
    const [mine, theirs] = i % 2 ? [first, second] : [second, first];
    expect([theirs.status, theirs.page]).toEqual([mine.status, mine.page]);
    known.push(mine.spent);
    unknown.push(theirs.spent);
  }
  const found = interval(known, unknown);
  const within = tolerance * median(known);
  const figures = [median(known), median(unknown), ...found].map((figure) => figure.toFixed(1));
  console.log(`medians ${figures[0]} ms known, ${figures[1]} ms unknown; difference ${figures[2]} to ${figures[3]} ms`);
  expect(differs(found, within), `${figures}`).toBe(false);
  // what would be left of an answer without its hash
  const early = unknown.map((spent) => Math.max(1, spent - 0.8 * median(unknown)));
  expect(differs(interval(known, early), within), 'the judge would see it').toBe(true);
}, 180_000);
