// What Prometheus reads: figures of the installation, on the loopback alone, and nothing of anybody's.
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { readFigures } from '../../db/figures.ts';
import { type Figure, type MetricsServer, serveMetrics } from '../../edge/metrics.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { createPractice } from '../support/practice.ts';

let db: TestDatabase;
let metrics: MetricsServer;
let figures: () => Promise<Figure[]>;
beforeAll(async () => {
  db = await createDatabase();
  await createPractice(db);
  figures = () => readFigures(db.dbaUrl);
  metrics = await serveMetrics(0, () => figures());
});
afterAll(async () => {
  await metrics?.stop();
  await db?.close();
});

const scrape = async (path = '/metrics') => fetch(`http://127.0.0.1:${metrics.port}${path}`);
const figureOf = (text: string, name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);

test('cannot be read from elsewhere, nor anything else be read there', async () => {
  for (const { address, internal, family } of Object.values(networkInterfaces())
    .flat()
    .filter((one) => one !== undefined))
    if (!internal && family === 'IPv4')
      await expect(fetch(`http://${address}:${metrics.port}/metrics`)).rejects.toThrow();
  expect((await scrape('/')).status).toBe(404);
  expect((await fetch(`http://127.0.0.1:${metrics.port}/metrics`, { method: 'POST' })).status).toBe(404);
});

test('holds the days until the master key is due, each figure with its meaning', async () => {
  const answer = await scrape();
  const text = await answer.text();
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(figureOf(text, 'vitalsync_days_until_master_key_due')).toBeGreaterThan(364);
  expect(figureOf(text, 'vitalsync_keys_under_older_masters')).toBe(0);
  expect(figureOf(text, 'vitalsync_events_unsealed')).toBeGreaterThan(0);
  // nothing was sealed yet: what isn't known is absent
  expect(text).not.toContain('vitalsync_seconds_since_checkpoint');
  expect(figureOf(text, 'vitalsync_database_answers')).toBe(1);
  expect(figureOf(text, 'process_cpu_seconds_total')).toBeGreaterThan(0);
  for (const name of text.match(/^vitalsync_\w+/gm) ?? []) expect(text).toMatch(new RegExp(`^# HELP ${name} \\w`, 'm'));
});

test('says so when the database doesn’t answer, and shows no figure from before', async () => {
  figures = () => Promise.reject(new Error('gone'));
  const text = await (await scrape()).text();
  expect(figureOf(text, 'vitalsync_database_answers')).toBe(0);
  expect(text).not.toContain('vitalsync_days_until_master_key_due');
});

test('cannot be asked for by those who act', async () => {
  for (const url of [db.edgeUrl, db.gateUrl]) {
    const client = await connect(url);
    await expect(client.query('select * from ops.figures()')).rejects.toMatchObject({ code: '42501' });
    await client.end();
  }
});
