// Who waits for a password to be hashed: edge/turns.ts.
import { expect, test } from 'vitest';
import { createTurns } from '../../edge/turns.ts';

const quick = { atOnce: 2, places: 6, patience: 200, pause: 5 };
const stranger = (n: number) => ({ known: false, address: `192.0.2.${n}` });
const known = { known: true, address: '192.0.2.1' };

/** Work that goes on until it is told to end. */
function endless() {
  let end = () => {};
  const ended = new Promise<void>((resolve) => (end = resolve));
  return { work: () => ended.then(() => 'done' as const), end };
}
const soon = () => new Promise((resolve) => setTimeout(resolve, 30));

test('no more work at a time than there are turns, in the order in which they came', async () => {
  const turns = createTurns({ ...quick, places: 30, patience: 5000 });
  let working = 0;
  const seen: number[] = [];
  const came: number[] = [];
  const work = (n: number) => async () => {
    working += 1;
    seen.push(working);
    came.push(n);
    await soon();
    working -= 1;
    return n;
  };
  const given = await Promise.all([0, 1, 2, 3, 4, 5].map((n) => turns.take(stranger(n), work(n))));
  expect([given, came]).toEqual([
    [0, 1, 2, 3, 4, 5],
    [0, 1, 2, 3, 4, 5],
  ]);
  expect(Math.max(...seen)).toBe(2);
});

test('nobody waits when all places are taken, and nobody for longer than the patience', async () => {
  const turns = createTurns({ ...quick, atOnce: 1 });
  const first = endless();
  const took = turns.take(stranger(0), first.work);
  const waiting = [1, 2, 3, 4, 5].map((n) => turns.take(stranger(n), async () => n));
  const later = new Promise((resolve) => setImmediate(resolve, 'later'));
  expect(await Promise.race([turns.take(stranger(6), async () => 6), later])).toBeUndefined();
  expect(await Promise.all(waiting)).toEqual([undefined, undefined, undefined, undefined, undefined]);
  first.end();
  expect(await took).toBe('done');
  expect(await turns.take(stranger(7), async () => 7)).toBe(7);
});

test('strangers who take all places and turns leave a known browser its own', async () => {
  const turns = createTurns(quick);
  const endlessly = [0, 1, 2, 3, 4, 5].map(() => endless());
  const taken = endlessly.map(({ work }, n) => turns.take(stranger(n), work));
  await soon();
  expect(await turns.take(stranger(7), async () => 'no')).toBeUndefined();
  expect(await turns.take(known, async () => 'welcome')).toBe('welcome');
  for (const { end } of endlessly) end();
  await Promise.all(taken);
});

test('one network takes a third of the places, an IPv6 household being one', async () => {
  const turns = createTurns({ ...quick, atOnce: 1, patience: 5000 });
  const first = endless();
  const took = [turns.take({ known: false, address: '2001:db8:1:2::1' }, first.work)];
  took.push(turns.take({ known: false, address: '2001:db8:1:2:3::1' }, async () => 'done'));
  expect(await turns.take({ known: false, address: '2001:db8:1:2:ffff::1' }, async () => 'no')).toBeUndefined();
  took.push(turns.take({ known: false, address: '2001:db8:1:3::1' }, async () => 'done'));
  first.end();
  expect(await Promise.all(took)).toEqual(['done', 'done', 'done']);
});

test('what the database is too busy for is asked again, and not for ever', async () => {
  const turns = createTurns(quick);
  let asked = 0;
  expect(await turns.take(stranger(1), async () => (++asked < 3 ? 'busy' : 'hashed'))).toBe('hashed');
  asked = 0;
  expect(await turns.take(stranger(1), async () => (++asked > 0 ? 'busy' : 'never'))).toBeUndefined();
  expect(asked).toBeGreaterThan(1);
  expect(asked).toBeLessThan(12); // it isn't hammered at
});

test('a failure gives the turn back, and one that was cut off ends by itself', async () => {
  const turns = createTurns({ ...quick, atOnce: 1 });
  await expect(turns.take(stranger(1), () => Promise.reject(new Error('gone')))).rejects.toThrow('gone');
  expect(await turns.take(stranger(1), async () => 'next')).toBe('next');
  void turns.take(stranger(1), () => new Promise<never>(() => {}));
  expect(await turns.take(stranger(2), async () => 'too early')).toBeUndefined();
  await new Promise((resolve) => setTimeout(resolve, 250));
  expect(await turns.take(stranger(2), async () => 'now')).toBe('now');
});
