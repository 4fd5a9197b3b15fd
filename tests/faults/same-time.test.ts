// Whether an address has an account doesn't show in how long an answer takes: 200 tries, known and unknown in turn,
// through the whole app, at each page that takes an address. It stands here rather than beside the other tests because it
// takes minutes: each try is a hash, or waits for its time (edge/evenly.ts).
//
// What is judged is the median of the differences of 100 pairs, with the interval that holds the true one with a
// probability of 99.9 % whatever the noise is distributed like (the sign test's: the 34th to the 67th of 100 in order). It
// fails when that whole interval is further from zero than the tolerance: 5 % of an answer. A busy machine makes the interval
// wider and nothing fail; that the judge would still see a hash that is left out is tested with the same figures.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Attacked, email, startAttacked } from '../app/hostile/support.ts';

const tries = 200;
const tolerance = 0.05;
let app: Attacked;

beforeAll(async () => {
  app = await startAttacked();
});
afterAll(() => app?.close());

type Timed = { spent: number; page: string; status: number };

/** Milliseconds from the request to the whole answer, of which the words are compared besides. */
async function time(path: string, form: Record<string, string>, address?: string): Promise<Timed> {
  const body = new URLSearchParams(form).toString();
  const started = performance.now();
  const answer = await app.send(path, { method: 'POST', body, address });
  const page = await answer.text();
  return { spent: performance.now() - started, page: page.replaceAll(form.email!, ''), status: answer.status };
}
const forget = () => app.owner('delete from ops.limits; delete from ops.delays');

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

// Both at once, from two places, so that it takes half the time: these wait more than they work.
test.each(['/recover', '/register'])(
  'an address is taken in the same words and in the same time whoever has it: %s',
  async (path) => {
    const { organisation } = app.practice;
    await app.owner("update access.organisations set registration = 'open' where id = $1", [organisation]);
    await compare(path, async (i) => {
      await forget();
      const form = (address: string) => ({ email: address, practice: organisation });
      const known = () => time(path, form(email), '192.0.2.1');
      const unknown = () => time(path, form(nobody(i)), '198.51.100.1');
      if (i % 2) return Promise.all([known(), unknown()]);
      const [theirs, mine] = await Promise.all([unknown(), known()]);
      return [mine, theirs];
    });
  },
  240_000,
);
