/// <reference types="vite/client" />
// Promise 1, tried out: every role × every table, view and function × every verb, against the files of
// supabase/tests/matrix. `npm run matrix` says what isn't as they say, as the lines to put there; docs/dba.md,
// "Who may do what", tells how to read them.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compare, placesInMigrations, writeLines } from '../support/matrix/lines.ts';
import { liveIn } from '../support/matrix/lived-in.ts';
import { type Tried, tryEverything } from '../support/matrix/tried.ts';
import { connectEdge, createWorld, type World } from '../support/world.ts';

let world: World;
let tried: Tried;

beforeAll(async () => {
  world = await createWorld();
  const edge = await connectEdge(world.db);
  await liveIn(world, edge);
  await edge.end();
  tried = await tryEverything(world);
  // npm run matrix -- --mode write
  if (import.meta.env.MODE === 'write') writeLines(tried.matrix);
}, 60_000);
afterAll(() => world.close());

test('everybody gets what supabase/tests/matrix says, and nothing else', () => {
  const changes = compare(tried.matrix, placesInMigrations());
  const text = [...changes].map(([file, { out, in: right }]) =>
    [
      `supabase/tests/matrix/${file}`,
      ...out.map((l) => `  take out  ${l}`),
      ...right.map((l) => `  put in    ${l}`),
    ].join('\n'),
  );
  expect(text.join('\n'), 'or let `npm run matrix -- --mode write` put them there, and read the diff').toBe('');
});

test('nothing can be named in a schema that is closed, whatever is granted on it', () => {
  expect(tried.nameable).toEqual([]);
});

test('what somebody may read has rows of both practices in this world, and somebody sees one: tests/support/matrix/lived-in.ts', () => {
  expect(tried.lacking).toEqual([]);
});

test('another role taken on by hand shows nothing more', () => {
  expect(tried.byHand).toEqual([]);
});
