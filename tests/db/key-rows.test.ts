// `vitalsync audit verify --live` and the keys, which many at a time are wrapped anew under one event.
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { compareRows } from '../../db/log/rows.ts';
import { keyOf } from '../../db/ring.ts';
import { endImports, openTestSite, type TestSite } from '../support/site.ts';
import { createWorld, type World } from '../support/world.ts';

let world: World;
let site: TestSite;
let dba: pg.Client;
let root: pg.Client;
beforeAll(async () => {
  world = await createWorld();
  site = openTestSite(world.db);
  await endImports(world.db);
  [dba, root] = await Promise.all([connect(world.db.dbaUrl), connect(world.db.superuserUrl)]);
  await root.query('set session_replication_role = replica');
  await root.query('create table public.kept as select * from vault.keys');
  for (const words of ['keys add next', 'keys rotate --settle 0']) {
    const { code, err } = await site.vitalsync(...words.split(' '));
    expect(code, err).toBe(0);
  }
  await root.query('create table public.now as select * from vault.keys');
});
beforeEach(() => root.query('delete from vault.keys; insert into vault.keys select * from public.now'));
afterAll(async () => {
  await Promise.all([dba?.end(), root?.end()]);
  await site?.close();
  await world?.close();
});

const found = async () => {
  const { problems, skipped } = await compareRows(dba);
  expect(skipped).not.toContain('vault.keys');
  return problems.filter(({ table }) => table === 'vault.keys').map(({ id, problem }) => `${id}: ${problem}`);
};
const victim = () => world.a.mine;

test('nothing is found after a rotation, nor after keys were destroyed as an erasure does', async () => {
  expect(keyOf(site.ring(), 'next')).toHaveLength(64);
  expect(await found()).toEqual([]);
  const owner = await connect(world.db.adminUrl);
  await owner.query('begin; set local role vs_owner');
  await owner.query('delete from vault.keys where subject_id = $1', [world.b.theirs]);
  await owner.query('commit');
  await owner.end();
  expect(await found()).toEqual([]);
  await root.query('drop table public.now; create table public.now as select * from vault.keys');
});

test.each([
  [
    'was changed',
    "update vault.keys set wrapped = set_byte(wrapped, 30, get_byte(wrapped, 30) # 1) where subject_id = $1 and level = 'clinical'",
    'it was changed or added',
  ],
  [
    'was put back as it was before',
    "update vault.keys k set master = o.master, wrapped = o.wrapped, indexed = o.indexed from public.kept o where (k.subject_id, k.level) = (o.subject_id, o.level) and k.subject_id = $1 and k.level = 'identity'",
    'an older version of the key was put back',
  ],
  ['was taken away', "delete from vault.keys where subject_id = $1 and level = 'clinical'", 'the key is missing'],
  [
    'was moved to another patient',
    "update vault.keys set subject_id = gen_random_uuid() where subject_id = $1 and level = 'clinical'",
    'the key is missing',
  ],
] as const)('a key that %s past the triggers is found, with its place', async (_, change, problem) => {
  await root.query(change, [victim()]);
  expect((await found()).filter((line) => line.startsWith(victim()) && line.includes(problem))).toHaveLength(1);
});

test('a destroyed key that comes back is found', async () => {
  await root.query('insert into vault.keys select * from public.kept where subject_id = $1', [world.b.theirs]);
  expect((await found()).join()).toContain(`${world.b.theirs}: an older version of the key was put back`);
});
