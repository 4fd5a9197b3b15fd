// Months that are over, given up by the command: supabase/migrations/0260_retention.sql, db/prune.ts.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { runCommand } from '../support/cli.ts';
import { type OwnCluster, openCluster } from '../support/cluster.ts';
import { rememberPast } from '../support/past.ts';

let cluster: OwnCluster;
let root: pg.Client;
const directory = mkdtempSync(join(tmpdir(), 'vs-retention-'));

beforeAll(async () => {
  cluster = await openCluster(18);
  root = await connect(cluster.superuserUrl);
  await rememberPast(root, '2020-03-01');
  await rememberPast(root, '2021-07-01', 5);
}, 60_000);
afterAll(async () => {
  await root.end();
  await cluster.remove();
  rmSync(directory, { recursive: true });
});

const vitalsync = (...args: string[]) => runCommand(args, cluster.environment);
const problems = async (...args: string[]) =>
  JSON.parse((await vitalsync('audit', 'verify', ...args, '--json')).out).problems;

test('nothing goes before it is sealed, and the sentence says how to', async () => {
  const { code, err } = await vitalsync('audit', 'prune');
  expect(code).toBe(1);
  expect(err).toMatch(
    /^no checkpoint holds 3 events of this month: `vitalsync audit seal` signs one, and nothing was pruned/,
  );
  expect((await vitalsync('audit', 'seal')).code).toBe(0);
});

test('a dry run says what would go, and takes nothing', async () => {
  const { out } = await vitalsync('audit', 'prune', '--dry-run');
  expect(out).toMatch(/2020-03 +3 +/);
  expect(out).toMatch(/2021-07 +5 +/);
  const { months } = JSON.parse((await vitalsync('audit', 'prune', '--dry-run', '--before', '2021-01', '--json')).out);
  expect(months.map((one: { month: string }) => one.month)).toEqual(['2020-03']);
});

test('hier is no month', async () => {
  const { code, err } = await vitalsync('audit', 'prune', '--before', 'hier');
  expect([code, err]).toEqual([1, '--before hier is no month: write it as 2023-10.\n']);
});

test('a month of the last three years cannot go', async () => {
  const { code, err } = await vitalsync('audit', 'prune', '--before', new Date().toISOString().slice(0, 7));
  expect(code).toBe(1);
  expect(err).toMatch(/^only whole months before \d{4}-\d{2}-\d{2} can be pruned: the log is kept for three years/);
});

test('while the log is read, it waits, and goes on afterwards', async () => {
  await root.query('begin; select count(*) from audit.events');
  const run = vitalsync('audit', 'prune', '--before', '2021-01');
  setTimeout(() => void root.query('commit'), 3_500);
  expect((await run).out).toBe('2020-03: 3 events are gone\n');
});

test('what is left verifies, inside and outside, as does a second pruning', async () => {
  expect(await problems()).toEqual([]);
  for (const round of ['one', 'two']) {
    const export_ = join(directory, round);
    expect((await vitalsync('audit', 'seal')).code).toBe(0);
    expect((await vitalsync('audit', 'export', export_)).code).toBe(0);
    expect(await problems(export_)).toEqual([]);
    if (round === 'two') expect(await problems(export_, '--since', join(directory, 'one'))).toEqual([]);
    expect((await vitalsync('audit', 'prune')).code).toBe(0);
  }
  const { out } = await vitalsync('audit', 'prune');
  expect(out).toBe('Nothing is older than three years.\n');
  expect(await problems()).toEqual([]);
}, 60_000);

test('a month that somebody drops by hand is found, inside and outside', async () => {
  const organisation = await rememberPast(root, '2019-05-01');
  expect((await vitalsync('audit', 'seal')).code).toBe(0);
  await root.query('drop table audit.events_2019_05');
  const found = [1, 2, 3].map((seq) => expect.objectContaining({ organisation, lane: 0, seq }));
  expect(await problems()).toEqual(expect.arrayContaining(found));
  const export_ = join(directory, 'by-hand');
  const exported = await vitalsync('audit', 'export', export_);
  if (exported.code === 0)
    expect(await problems(export_)).toContainEqual(expect.objectContaining({ organisation, lane: 0, seq: 1 }));
});
