// npm run bench: what the guarantees cost, measured against the same pages on bare tables, and what growth costs.
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from '../command-error.ts';
import { openDoor } from '../door.ts';
import type { Site } from '../site.ts';
import { withAdmin } from '../site.ts';
import { openDoor as openBareDoor } from './bare-door.ts';
import { buildBench } from './build.ts';
import type { openCapture as OpenCapture } from './capture.ts';
import { type Comparison, compare, type Question, warmUp } from './compare.ts';
import { fill, type Practice } from './fill.ts';
import { type Installation, interruptible, openInstallation, settle } from './installation.ts';
import { median } from './measure.ts';
import { readOptions } from './options.ts';
import { pageNames } from './pages.ts';
import { machine, printed, type Report } from './report.ts';
import { openTarget, type Target, type Tools } from './target.ts';

const help = `npm run bench -- [--patients 10000] [--notes 50000] [--seconds 1] [--rounds 3] [--json]

Fills a Postgres of its own in a temporary directory through the import, with real fsync, and asks for each page with
all guarantees and on bare tables without any. --seconds is for one page, side and round. --json prints data alone.`;

async function run(): Promise<void> {
  const options = read();
  if (!options) return console.log(help);
  const installation = await openInstallation();
  const targets: Target[] = [];
  try {
    const report = await interruptible(benchmark(installation, options, targets));
    if (!options.json) console.log(`${printed(report)}\n`);
    console.log(JSON.stringify(report, null, options.json ? 2 : 0));
  } finally {
    await Promise.allSettled(targets.map((target) => target.close()));
    await installation.close();
  }
}

type Options = { patients: number; notes: number; seconds: number; rounds: number; json: boolean };

function read(): Options | undefined {
  const options = readOptions(
    { help, flags: ['json'] },
    // five notes a patient, where nobody says
    { patients: 10_000, notes: Number.POSITIVE_INFINITY, seconds: 1, rounds: 3 },
    ({ patients, notes, seconds, rounds }) => patients >= 10 && notes >= 0 && seconds > 0 && rounds >= 1,
  );
  return options && { ...options, notes: Number.isFinite(options.notes) ? options.notes : options.patients * 5 };
}

async function benchmark(installation: Installation, options: Options, targets: Target[]): Promise<Report> {
  const { large, small, bare, superuserUrl, directory } = installation;
  const { patients, notes, seconds, rounds } = options;
  const start = performance.now();
  const practice = await fill(large, { patients, notes }, bare, (filled) =>
    tell(`${filled} of ${patients} patients filled in`),
  );
  const fillSeconds = (performance.now() - start) / 1000;
  const few = await fill(small, { patients: Math.ceil(patients / 10), notes: Math.ceil(notes / 10) });
  await settle(installation);
  const filled = { seconds: fillSeconds, ...(await sizeOf(large)), bareBytes: (await sizeOf(bare)).bytes };

  const { guaranteed, bare: bareBundle, pages } = await buildBench();
  const { openCapture } = (await import(pages)) as { openCapture: typeof OpenCapture };
  const tools = (bundle: string): Tools => ({ bundle, superuserUrl, capture: openCapture() });
  const open = async (site: Site, of: Practice, bundle: string, opened: typeof openDoor) => {
    const target = await openTarget(
      site,
      of,
      opened({ edgeUrl: site.edgeUrl, gateUrl: site.gateUrl, ring: site.keys.ring }),
      tools(bundle),
    );
    targets.push(target);
    return target;
  };
  const ours = await open(large, practice, guaranteed, openDoor);
  const theirs = await open({ ...bare, edgeUrl: bare.adminUrl }, practice, bareBundle, openBareDoor);
  const tenth = await open(small, few, guaranteed, openDoor);

  tell('warming up');
  await warmUp(ours, pageNames, 4 * seconds);
  await warmUp(theirs, pageNames, 4 * seconds);
  await warmUp(tenth, ['chart', 'list'], 4 * seconds);

  return {
    machine: machine(await postgresVersion(large), fsyncTime(directory)),
    size: { patients, notes, clinicians: practice.clinicians.length, seconds, rounds },
    fill: filled,
    // growth first: the notes that the bench writes make one side larger
    growth: await answerAll(growthQuestions, ours, tenth, options),
    guarantees: await answerAll(guaranteeQuestions, ours, theirs, options),
  };
}

const ways = [
  { way: 'http', connections: 8 },
  { way: 'http', connections: 16 },
  { way: 'postgres', connections: 8 },
] as const;
const guaranteeQuestions: Question[] = pageNames.flatMap((page) => ways.map((way) => ({ page, ...way })));
const growthQuestions: Question[] = (['chart', 'list'] as const).flatMap((page) =>
  [ways[0], ways[2]].map((way) => ({ page, ...way })),
);

async function answerAll(
  questions: readonly Question[],
  measured: Target,
  reference: Target,
  options: Options,
): Promise<Comparison[]> {
  const found: Comparison[] = [];
  for (const question of questions) {
    tell(`${question.page}, ${question.way}, ${question.connections} connections`);
    found.push(await compare(question, measured, reference, options));
  }
  return found;
}

/** Progress, where somebody watches; never in what a program reads. */
function tell(sentence: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${sentence}`);
}

async function sizeOf(site: Site): Promise<{ rows: number; events: number; bytes: number }> {
  return withAdmin(site, async (admin) => {
    const { rows } = await admin.query(
      `select sum(n_live_tup) filter (where schemaname in ('store', 'clinic'))::int as rows,
              coalesce(sum(n_live_tup) filter (where relname = 'leaves'), 0)::int as events,
              pg_database_size(current_database())::float8 as bytes
       from pg_stat_user_tables`,
    );
    return rows[0];
  });
}

async function postgresVersion(site: Site): Promise<string> {
  return withAdmin(
    site,
    async (admin) => (await admin.query("select current_setting('server_version') as v")).rows[0].v,
  );
}

/** What one commit waits for, at the least: eight kilobytes to the disk. */
function fsyncTime(directory: string): number {
  const file = openSync(join(directory, 'fsync.probe'), 'w');
  const times = Array.from({ length: 50 }, (_, i) => {
    const start = performance.now();
    writeSync(file, Buffer.alloc(8192, i));
    fdatasyncSync(file);
    return performance.now() - start;
  });
  closeSync(file);
  return median(times);
}

try {
  await run();
} catch (error) {
  if (!(error instanceof CommandError)) throw error;
  console.error(error.message);
  process.exit(1); // what was under way when it was interrupted isn't waited for
}
