// npm run bench:guarantees: what each guarantee costs by itself, and what the usual alternatives cost, in one run.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { table } from '../command.ts';
import { CommandError } from '../command-error.ts';
import { connect } from '../connect.ts';
import { asOwner, openImportSession } from '../owner.ts';
import { type Site, withAdmin } from '../site.ts';
import { type Clinician, fill } from './fill.ts';
import { interruptible, openInstallation, settle } from './installation.ts';
import { type Ask, measure, median, type Sample, summarise } from './measure.ts';
import { readOptions } from './options.ts';
import { listOfFifty, oneRecord, type Variant, writes } from './variants.ts';

const help = `npm run bench:guarantees -- [--patients 1000] [--seconds 1] [--rounds 5] [--json]

Reads fifty patients and writes notes of 2 kB with each guarantee by itself, without any, and in the ways that others
have. Variants take turns, so that what else the machine does meanwhile hits all of them.`;

type Figure = { name: string; sample: Sample; times: number };
type Options = { patients: number; seconds: number; rounds: number; json: boolean };

async function run(): Promise<void> {
  const options = read();
  if (!options) return console.log(help);
  const installation = await openInstallation();
  try {
    const report = await interruptible(benchmark(installation.large, () => settle(installation), options));
    console.log(options.json ? JSON.stringify(report, null, 2) : printed(report));
  } finally {
    await installation.close();
  }
}

const read = (): Options | undefined =>
  readOptions(
    { help, flags: ['json'] },
    { patients: 1000, seconds: 1, rounds: 5 },
    ({ patients, seconds, rounds }) => patients >= 100 && seconds > 0 && rounds >= 1,
  );

type Report = Record<
  'fifty patients' | 'fifty notes of one patient' | 'a note, 1 writer' | 'a note, 16 writers',
  Figure[]
>;

async function benchmark(site: Site, settled: () => Promise<void>, options: Options): Promise<Report> {
  const practice = await fill(site, { patients: options.patients, notes: options.patients });
  const clinician = practice.clinicians[0]!;
  const patient = clinician.patients[0]!.id;
  await writeFiftyNotes(site, practice.organisation, clinician, patient);
  const superuser = await connect(superuserUrl(site));
  try {
    const tables = readFileSync(join(import.meta.dirname, 'guarantees.sql'), 'utf8');
    await superuser.query(tables.replaceAll('$patient', patient));
    await settled();
    // those that the list of the clinician opens
    const { rows } = await superuser.query<{ id: string }>(
      'select id from store.patients where id = any ($1) order by last_activity_at desc, id limit 50',
      [clinician.patients.map(({ id }) => id)],
    );
    const ids = rows.map(({ id }) => id);
    const { token } = clinician;
    const ring = site.keys.ring;
    return {
      'fifty patients': await inTurns(site, listOfFifty({ token, ring, ids }), 1, options),
      'fifty notes of one patient': await inTurns(site, oneRecord({ token, ring, patient }), 1, options),
      'a note, 1 writer': await inTurns(site, writes(practice.organisation), 1, options),
      'a note, 16 writers': await inTurns(site, writes(practice.organisation), 16, options),
    };
  } finally {
    await superuser.end();
  }
}

async function writeFiftyNotes(
  site: Site,
  organisation: string,
  { account }: Clinician,
  patient: string,
): Promise<void> {
  const token = await withAdmin(site, (admin) =>
    asOwner(admin, () => openImportSession(admin, site.keys, organisation, account)),
  );
  const notes = Array.from({ length: 50 }, (_, i) => ({
    source: `bench/${i}`,
    author_id: account,
    created_at: new Date(Date.UTC(2020, 0, 1 + i)).toISOString(),
    subjective: 'Toux sèche depuis trois jours. '.repeat(5),
    objective: 'Auscultation claire',
    assessment: 'Bronchite aiguë',
    plan: 'Repos, revoir si fièvre',
  }));
  const edge = await connect(site.edgeUrl);
  try {
    await edge.query('begin isolation level read committed');
    await edge.query("select iam.enter($1, $2, null, 'write')", [token, site.keys.ring]);
    await edge.query("select clinic.import_rows($1, 'notes', $2)", [patient, JSON.stringify(notes)]);
    await edge.query('commit');
  } finally {
    await edge.end();
  }
}

function superuserUrl(site: Site): string {
  const url = new URL(site.embedded?.superuserUrl ?? '');
  url.pathname = new URL(site.adminUrl).pathname;
  return url.href;
}

// ---------------------------------------------------------------- measuring

async function inTurns(
  site: Site,
  variants: Variant[],
  workers: number,
  { seconds, rounds }: Options,
): Promise<Figure[]> {
  const open = (url: string) => Promise.all(Array.from({ length: workers }, () => connect(url)));
  const [edge, superuser] = [await open(site.edgeUrl), await open(superuserUrl(site))];
  const nothing = async () => ({ postgres: null, node: null });
  const asking =
    ({ name, send }: Variant): Ask =>
    async (worker) => {
      // what comes in by iam.enter does so as vs_edge; the rest is nobody's but the superuser's
      const client = (/^(bare|instead|an event)/.test(name) ? superuser : edge)[worker]!;
      await Promise.all(send(client));
      return true;
    };
  const samples = variants.map((): Sample[] => []);
  try {
    // an opening for the variant that doesn't make one, and plans
    for (const variant of [...variants].reverse())
      await measure(asking(variant), workers, Math.min(0.3, seconds), nothing);
    for (let round = 0; round < rounds; round++)
      for (const [i, variant] of variants.entries())
        samples[i]!.push(await measure(asking(variant), workers, seconds, nothing));
  } finally {
    await Promise.all([...edge, ...superuser].map((client) => client.end()));
  }
  return variants.map(({ name }, i) => ({
    name,
    sample: summarise(samples[i]!),
    times: median(samples[i]!.map((one, round) => samples[0]![round]!.throughput / one.throughput)),
  }));
}

function printed(report: Report): string {
  const rows = Object.entries(report).flatMap(([what, figures]) => [
    [what, '/s', 'p50 ms', 'times bare'],
    ...figures.map(({ name, sample, times }) => [
      `  ${name}`,
      sample.throughput.toFixed(0),
      sample.p50.toFixed(2),
      times.toFixed(2),
    ]),
    [''],
  ]);
  return table(rows);
}

try {
  await run();
} catch (error) {
  if (!(error instanceof CommandError)) throw error;
  console.error(error.message);
  process.exit(1); // what was under way when it was interrupted isn't waited for
}
