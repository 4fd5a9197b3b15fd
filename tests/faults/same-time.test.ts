// Whether an address has an account doesn't show in how long an answer takes: 200 tries, known and unknown in turn,
// through the whole app, at each page that takes an address. It stands here rather than beside the other tests because it
// takes minutes: each try is a hash, or waits for its time (edge/evenly.ts).
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

type Timed = { spent: number; page: string; status: number };

/** Milliseconds from the request to the whole answer, of which the words are compared besides. */
async function time(path: string, form: Record<string, string>): Promise<Timed> {
  const started = performance.now();
  const answer = await app.ask(path, { form });
  const page = await answer.text();
  return { spent: performance.now() - started, page: page.replaceAll(form.email!, ''), status: answer.status };
}
const forget = () => asOwner(app.db.admin, () => app.db.admin.query('delete from ops.limits; delete from ops.delays'));

const inOrder = (figures: number[]) => [...figures].sort((a, b) => a - b);
const median = (figures: number[]) => inOrder(figures)[Math.floor(figures.length / 2)]!;

/** Where the median difference of these 100 pairs is, with a probability of 99.9 %. */
function interval(known: number[], unknown: number[]): [low: number, high: number] {
  const differences = inOrder(known.map((spent, i) => spent - unknown[i]!));
  return [differences[33]!, differences[66]!];
}
const differs = ([low, high]: [number, number], within: number) => low > within || high < -within;

/** 100 pairs, of which `ask` gives the known one first. */
async function compare(name: string, ask: (i: number) => Promise<readonly [Timed, Timed]>) {
  const known: number[] = [];
  const unknown: number[] = [];
  for (let i = 0; i < 5; i++) await ask(1000 + i); // plans are made
  for (let i = 0; i < tries / 2; i++) {
    const [mine, theirs] = await ask(i);
    expect([theirs.status, theirs.page]).toEqual([mine.status, mine.page]);
    known.push(mine.spent);
    unknown.push(theirs.spent);
  }
  const found = interval(known, unknown);
  const within = tolerance * median(known);
  const figures = [median(known), median(unknown), ...found].map((figure) => figure.toFixed(1));
  console.log(
    `${name}: medians ${figures[0]} ms known, ${figures[1]} ms unknown; difference ${figures[2]} to ${figures[3]} ms`,
  );
  expect(differs(found, within), `${figures}`).toBe(false);
  return { known, unknown, within };
}

const nobody = (i: number) => `personne-${i}@exemple.fr`;

test('an address without an account is refused in the same words and in the same time as a wrong password', async () => {
  const { known, unknown, within } = await compare('/sign-in', async (i) => {
    const ask = async (address: string) => {
      await forget();
      return time('/sign-in', { email: address, password: 'faux mais assez long' });
    };
    if (i % 2) return [await ask(email), await ask(nobody(i))];
    const theirs = await ask(nobody(i));
    return [await ask(email), theirs];
  });
  // what would be left of an answer without its hash
  const early = unknown.map((spent) => Math.max(1, spent - 0.8 * median(unknown)));
  expect(differs(interval(known, early), within), 'the judge would see it').toBe(true);
}, 240_000);

// Both at once, so that it takes half the time: these wait more than they work.
test.each(['/recover', '/register'])(
  'an address is taken in the same words and in the same time whoever has it: %s',
  async (path) => {
    const { organisation } = app.practice;
    await asOwner(app.db.admin, () =>
      app.db.admin.query("update access.organisations set registration = 'open' where id = $1", [organisation]),
    );
    await compare(path, async (i) => {
      await forget();
      const ask = (address: string) => time(path, { email: address, practice: organisation });
      if (i % 2) return Promise.all([ask(email), ask(nobody(i))]);
      const [theirs, mine] = await Promise.all([ask(nobody(i)), ask(email)]);
      return [mine, theirs];
    });
  },
  240_000,
);
