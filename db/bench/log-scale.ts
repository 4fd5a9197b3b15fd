// npm run bench:log: how long it takes to verify a large log, at how much memory, and whether a write costs more
// when the log is larger.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { prepareDatabase } from '../commands/migrate.ts';
import { connect } from '../connect.ts';
import { openSite, type Site } from '../site.ts';
import { anotherDatabase, interruptible, isolate } from './installation.ts';
import { median } from './measure.ts';
import { readOptions } from './options.ts';

const help = `npm run bench:log -- [--events 1000000] [--grow 0] [--json]

Fills the log of a Postgres of its own with chains that verify, seals, verifies inside and outside, and compares the cost of a
write with a log of 10,000 events. --grow 10000000 goes on to that many and compares again: about 15 GB and a quarter of an hour.`;

const few = 10_000;
const atOnce = 20_000;

type Log = { site: Site; root: string; organisation: string };
type Figures = Record<string, number | string>;

async function run(): Promise<void> {
  const options = readOptions({ help, flags: ['json'] }, { events: 1_000_000, grow: 0 }, () => true);
  if (!options) return console.log(help);
  const directory = mkdtempSync(join(tmpdir(), 'vitalsync-bench-'));
  isolate(directory);
  const site = await openSite();
  try {
    const figures = await interruptible(measure(site, directory, options.events, options.grow));

    for (const [name, figure] of Object.entries(options.json ? {} : figures)) console.log(`${name}: ${figure}`);
    if (options.json) console.log(JSON.stringify(figures));
  } finally {
    await site.close();
    rmSync(directory, { recursive: true });
  }
}

async function measure(site: Site, directory: string, events: number, grow: number): Promise<Figures> {
  const superuserUrl = site.embedded?.superuserUrl ?? '';
  await prepareDatabase(site);
  const large = await openLog(site, superuserUrl);
  const other = await anotherDatabase(site, superuserUrl, 'few');
  await prepareDatabase(other);
  const small = await openLog(other, superuserUrl);
  await fill(small, few);
  const filled = await seconds(() => fill(large, events));
  const sealed = await seconds(() => vitalsync('audit', 'seal'));
  const inside = await verifyInside(large);
  const outside = join(directory, 'export');
  const exported = await seconds(() => vitalsync('audit', 'export', outside));
  const verified = await vitalsync('audit', 'verify', outside);
  const whole = await vitalsync('audit', 'verify');
  const ratio = await compareWrites(small, large);
  const figures: Figures = {
    events,
    'filled, s': filled,
    'sealed, s': sealed,
    'chains verified inside Postgres, s': inside.seconds,
    'of CPU, s': inside.cpu,
    'the memory of its own at most, MB': inside.megabytes,
    'vitalsync audit verify (chains, tree, checkpoints), s': whole.seconds,
    'exported, s': exported,
    'export verified offline, s': verified.seconds,
    'of CPU there, s': verified.cpu,
    'its memory at most, MB': verified.megabytes,
    [`cost of a write, times that at ${few} events`]: ratio,
  };
  if (grow <= events) return figures;
  figures[`filled to ${grow}, s`] = await seconds(() => fill(large, grow - events));
  figures[`cost of a write at ${grow} events, times that at ${few}`] = await compareWrites(small, large);
  return figures;
}

async function openLog(site: Site, superuserUrl: string): Promise<Log> {
  const url = new URL(superuserUrl);
  url.pathname = new URL(site.adminUrl).pathname;
  const log = { site, root: url.href, organisation: randomUUID() };
  await withClient(log.root, async (root) => {
    await root.query(readFileSync(join(import.meta.dirname, 'log-fill.sql'), 'utf8'));
    await root.query('select bench.prepare($1)', [log.organisation]);
  });
  return log;
}

/** Two connections, eight lanes each; every filling spreads its dates over twelve months, this one among them. */
async function fill({ root, organisation }: Log, events: number): Promise<void> {
  const each = Math.ceil(events / 16);
  const half = (lanes: number[]) =>
    withClient(root, async (client) => {
      await client.query('set synchronous_commit = off');
      for (let done = 0; done < each; done += atOnce)
        for (const lane of lanes) {
          const some = Math.min(atOnce, each - done);
          const step = (355 * 86_400) / each;
          await client.query(
            `select bench.grow($1, $2, $3, now() - interval '355 days' + $4 * interval '1 second', $5 * interval '1 second')`,
            [organisation, lane, some, done * step, step],
          );
        }
    });
  await Promise.all([half([0, 1, 2, 3, 4, 5, 6, 7]), half([8, 9, 10, 11, 12, 13, 14, 15])]);
  await withClient(
    root,
    async (client) => void (await client.query('vacuum (analyze) audit.events, audit.leaves, audit.lanes')),
  );
}

type Used = { seconds: number; cpu: number; megabytes: number };

async function verifyInside({ site }: Log): Promise<Used> {
  return withClient(site.dbaUrl, async (dba) => {
    const { rows } = await dba.query<{ pid: number }>('select pg_backend_pid() as pid');
    let most = 0;
    const timer = setInterval(() => {
      most = Math.max(most, ownMemory(rows[0]!.pid));
    }, 50);
    const took = await seconds(async () => {
      const found = await dba.query('select * from audit.verify_all()');
      if (found.rows.length > 0)
        throw new Error(`the chains of the bench are broken: ${JSON.stringify(found.rows[0])}`);
    });
    clearInterval(timer);
    return { seconds: took, cpu: cpuOf(rows[0]!.pid), megabytes: most };
  });
}

/** What a backend holds beside the memory that all of them share; Linux tells. */
function ownMemory(pid: number): number {
  const [, kilobytes] = /^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Math.round(Number(kilobytes ?? 0) / 1024);
}

/** Seconds of CPU since the backend began: hundredths, after the name in parentheses. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return Math.round((Number(fields[11]) + Number(fields[12])) / 10) / 10;
}

/** A process of its own. */
function vitalsync(...args: string[]): Promise<Used> {
  const tell = join(import.meta.dirname, 'tell-memory.mjs');
  const env = { ...process.env, NODE_OPTIONS: `--import=${tell}` };
  const start = performance.now();
  const child = spawn(process.execPath, [join(import.meta.dirname, '..', 'bin.mjs'), ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
  return new Promise((resolve, reject) => {
    child.on('close', (code) => {
      if (code !== 0) return reject(new Error(`vitalsync ${args.join(' ')}: ${said}`));
      // perhaps two: the command hands over to the Node that npm brought
      const used = [...said.matchAll(/^used (\d+) (\d+)$/gm)].map(
        ([, memory, cpu]) => [Number(memory), Number(cpu)] as const,
      );
      const most = Math.max(...used.map(([memory]) => memory));
      const cpu = used.reduce((sum, [, one]) => sum + one, 0);
      resolve({ seconds: since(start), cpu: Math.round(cpu / 100_000) / 10, megabytes: Math.round(most / 1024) });
    });
  });
}

/**
 * audit.append, a transaction each, in rounds that alternate; the median of the rounds' quotients. Without waiting for the
 * disk, which costs either side the same.
 */
async function compareWrites(small: Log, large: Log): Promise<number> {
  return withClient(small.root, (a) =>
    withClient(large.root, async (b) => {
      const ratios: number[] = [];
      for (const client of [a, b]) await client.query('set synchronous_commit = off');
      for (let round = 0; round < 9; round += 1) {
        const [few, many] = [await write(a, small), await write(b, large)];
        if (round > 1) ratios.push(many / few); // the first ones warm up
      }
      return Math.round(median(ratios) * 100) / 100;
    }),
  );
}

async function write(client: pg.Client, { organisation }: Log): Promise<number> {
  const claims = `array[gen_random_uuid()::text, gen_random_uuid()::text, '${organisation}', 'clinician', null, null, null, null]`;
  const start = performance.now();
  await client.query(`do $$ declare p uuid; begin
    for i in 1 .. 2000 loop
      p := md5('patient' || 1 + floor(random() * 20000)::int)::uuid;
      perform audit.append(${claims}, 'patient.read', 'Patient', p, p, 'success');
      commit;
    end loop; end $$`);
  return performance.now() - start;
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await connect(url);
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  if (process.stderr.isTTY || process.env.VITAL_DEBUG) process.stderr.write(`${since(start)} s\n`);
  return since(start);
}

const since = (start: number): number => Math.round((performance.now() - start) / 100) / 10;

await run();
