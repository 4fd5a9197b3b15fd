// npm run bench:guarantees: what each guarantee costs by itself, and what the usual alternatives cost, in one run.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type pg from 'pg';
import { table } from '../command.ts';
import { CommandError } from '../command-error.ts';
import { connect } from '../connect.ts';
import type { Site } from '../site.ts';
import { type Clinician, fill } from './fill.ts';
import { interruptible, openInstallation, settle } from './installation.ts';
import { type Ask, measure, median, type Sample, summarise } from './measure.ts';

const help = `npm run bench:guarantees -- [--patients 1000] [--seconds 1] [--rounds 5] [--json]

Reads fifty patients and writes notes of 2 kB with each guarantee by itself, without any, and in the ways that others
have. Variants take turns, so that what else the machine does meanwhile hits all of them.`;

/** What one variant sends: everything of it in one flush. The number is the worker's. */
type Variant = { name: string; send: (client: pg.Client, worker: number) => Promise<unknown>[] };
type Figure = { name: string; sample: Sample; times: number };
type Options = { patients: number; seconds: number; rounds: number; json: boolean };

async function run(): Promise<void> {
  const options = readOptions();
  if (!options) return console.log(help);
  const installation = await openInstallation();
  try {
    const report = await interruptible(benchmark(installation.large, () => settle(installation), options));
    console.log(options.json ? JSON.stringify(report, null, 2) : printed(report));
  } finally {
    await installation.close();
  }
}

function readOptions(): Options | undefined {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const { values } = parseArgs({ options: { patients: text, seconds: text, rounds: text, json: flag, help: flag } });
  if (values.help) return undefined;
  const patients = Number(values.patients ?? 1000);
  const [seconds, rounds] = [Number(values.seconds ?? 1), Number(values.rounds ?? 5)];
  if (!(patients >= 100 && seconds > 0 && rounds >= 1)) throw new CommandError(help);
  return { patients, seconds, rounds, json: values.json ?? false };
}

type Report = Record<'reading' | 'writing, 1 writer' | 'writing, 16 writers', Figure[]>;

async function benchmark(site: Site, settled: () => Promise<void>, options: Options): Promise<Report> {
  const practice = await fill(site, { patients: options.patients, notes: options.patients });
  const superuser = await connect(superuserUrl(site));
  try {
    await superuser.query(readFileSync(join(import.meta.dirname, 'guarantees.sql'), 'utf8'));
    await settled();
    const clinician = practice.clinicians[0]!;
    // those that the list of the clinician opens
    const { rows } = await superuser.query<{ id: string }>(
      'select id from store.patients where id = any ($1) order by last_activity_at desc, id limit 50',
      [clinician.patients.map(({ id }) => id)],
    );
    const reading = reads(
      clinician,
      rows.map(({ id }) => id),
      site.keys.ring,
    );
    return {
      reading: await inTurns(site.edgeUrl, superuserUrl(site), reading, 1, options),
      'writing, 1 writer': await inTurns(
        superuserUrl(site),
        superuserUrl(site),
        writes(practice.organisation),
        1,
        options,
      ),
      'writing, 16 writers': await inTurns(
        superuserUrl(site),
        superuserUrl(site),
        writes(practice.organisation),
        16,
        options,
      ),
    };
  } finally {
    await superuser.end();
  }
}

function superuserUrl(site: Site): string {
  const url = new URL(site.embedded?.superuserUrl ?? '');
  url.pathname = new URL(site.adminUrl).pathname;
  return url.href;
}

// ---------------------------------------------------------------- reading

const four = 'birth_name, first_given_name, sex, birth_date';
const decrypted = four
  .split(', ')
  .map((column) => `extensions.pgp_sym_decrypt(${column}, 'une phrase de passe')`)
  .join(', ');

/** The first variant is bare; the product's page is the one before the last. */
function reads({ token }: Clinician, ids: string[], ring: string): Variant[] {
  const enter = (phase: string) => prepared('select iam.enter($1, $2, null, $3)', [token, ring, phase]);
  const page = (from: string, columns = four) => prepared(`select ${columns} from ${from} where id = any ($1)`, [ids]);
  const readOnly = (...statements: pg.QueryConfig[]) =>
    sent('begin isolation level read committed read only', statements);
  const looked = () => {
    const selection = randomUUID();
    return {
      opening: sent('begin isolation level read committed', [
        enter('open'),
        prepared('select audit.open_patient_list($1)', [selection]),
      ]),
      selected: (from: string) =>
        prepared(`select ${four} from ${from} where id = any (audit.selected($1))`, [selection]),
    };
  };
  const withRecord = (from: string) => (client: pg.Client) => {
    const { opening, selected } = looked();
    return [...opening(client), ...readOnly(enter('read'), selected(from))(client)];
  };
  return [
    // as superuser would read it: nothing in the way
    {
      name: 'bare: no guarantee',
      send: readOnly(prepared(`select ${four} from bench.patients where id = any ($1)`, [ids])),
    },
    {
      name: 'the session checked in SQL, twice',
      send: (client) => [
        ...readOnly(enter('read'))(client),
        ...readOnly(enter('read'), page('bench.patients'))(client),
      ],
    },
    {
      name: '… and row-level security',
      send: (client) => [
        ...readOnly(enter('read'))(client),
        ...readOnly(enter('read'), page('bench.patients_rls'))(client),
      ],
    },
    {
      name: '… and the vault, 50 keys',
      send: (client) => [
        ...readOnly(enter('read'))(client),
        ...readOnly(enter('read'), page('bench.patients_sealed'))(client),
      ],
    },
    { name: '… and the record of the access', send: withRecord('bench.patients') },
    { name: 'all of them: a page of 50', send: withRecord('bench.patients_guarded') },
    { name: 'instead: columns of pgp_sym_encrypt', send: readOnly(page('bench.patients_pgp', decrypted)) },
  ];
}

// ---------------------------------------------------------------- writing

function writes(organisation: string): Variant[] {
  const value = Buffer.alloc(330, 'x');
  const insert = (into: string) =>
    sent('begin', [
      prepared(
        `insert into bench.${into} (organisation_id, patient_id, author_id, subjective, objective, assessment, plan, diagnosis, treatment_plan)
         values ($1, gen_random_uuid(), gen_random_uuid(), $2, $2, $2, $2, $2, $2)`,
        [organisation, value],
      ),
    ]);
  return [
    { name: 'bare: not recorded', send: insert('notes') },
    { name: 'instead: a JSON trigger, the row in clear', send: insert('notes_json') },
    { name: 'an event with a digest, no chain', send: insert('notes_event') },
    { name: 'an event in one chain', send: insert('notes_one_chain') },
    { name: 'an event in one of 16 lanes: the product', send: insert('notes_lanes') },
  ];
}

// ---------------------------------------------------------------- measuring

const names = new Map<string, string>();

function prepared(text: string, values: unknown[]): pg.QueryConfig {
  const name = names.get(text) ?? `b${names.size}`;
  names.set(text, name);
  return { name, text, values };
}

const sent = (begin: string, statements: pg.QueryConfig[]) => (client: pg.Client) => [
  client.query(begin),
  ...statements.map((statement) => client.query(statement)),
  client.query('commit'),
];

async function inTurns(
  url: string,
  bareUrl: string,
  variants: Variant[],
  workers: number,
  { seconds, rounds }: Options,
): Promise<Figure[]> {
  const clients = await Promise.all(Array.from({ length: workers }, () => connect(url)));
  const free = await Promise.all(Array.from({ length: workers }, () => connect(bareUrl)));
  const nothing = async () => ({ postgres: null, node: null });
  const asking =
    ({ name, send }: Variant): Ask =>
    async (worker) => {
      // what no role of the product may read is read by the superuser
      const client = (/^(bare|instead)/.test(name) ? free : clients)[worker]!;
      await Promise.all(send(client, worker));
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
    await Promise.all([...clients, ...free].map((client) => client.end()));
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
