// npm run bench:growth: do pages slow down when the practice grows a hundredfold around those who use them?
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from '../command-error.ts';
import { connect } from '../connect.ts';
import { openDoor } from '../door.ts';
import { asOwner } from '../owner.ts';
import { type Site, withAdmin } from '../site.ts';
import { buildBench } from './build.ts';
import type { openCapture as OpenCapture } from './capture.ts';
import { compare, type Question, warmUp } from './compare.ts';
import { type Clinician, fill, type Practice } from './fill.ts';
import { type Installation, interruptible, openInstallation, settle } from './installation.ts';
import { readOptions } from './options.ts';
import type { PageName } from './pages.ts';
import { comparisons } from './report.ts';
import { openTarget, type Target } from './target.ts';

const help = `npm run bench:growth -- [--patients 1000] [--times 100] [--seconds 1] [--rounds 3]

Two installations with the same patients through the import; around those of the second one, TIMES as many rows in every
table, index and log. The same pages of the same people on both: a clinician who sees 100 patients, a clinician whose
team follows the whole practice, and a secretary.`;

type Options = { patients: number; times: number; seconds: number; rounds: number };

const read = (): Options | undefined =>
  readOptions(
    { help },
    { patients: 1000, times: 100, seconds: 1, rounds: 3 },
    ({ patients, times, seconds, rounds }) => patients >= 200 && times >= 2 && seconds > 0 && rounds >= 1,
  );

async function run(): Promise<void> {
  const options = read();
  if (!options) return console.log(help);
  const installation = await openInstallation();
  const targets: Target[] = [];
  try {
    await interruptible(benchmark(installation, options, targets));
  } finally {
    await Promise.allSettled(targets.map((target) => target.close()));
    await installation.close();
  }
}

/** One kind of user: whom the visits are made by, and which pages. */
type Users = { name: string; practice: Practice; pages: PageName[] };

async function benchmark(installation: Installation, options: Options, targets: Target[]): Promise<void> {
  const sides = [installation.large, installation.small];
  const users: Users[][] = [];
  for (const site of sides) {
    const practice = await fill(site, { patients: options.patients, notes: options.patients * 5 });
    const others = await addWideUsers(site, practice);
    await grow(site, installation.superuserUrl, site === installation.large ? options.times - 1 : 0, others.clinician);
    users.push(usersOf(practice, others));
  }
  await settle(installation);
  const { guaranteed, pages } = await buildBench();
  const { openCapture } = (await import(pages)) as { openCapture: typeof OpenCapture };
  for (const [i, { name }] of users[0]!.entries()) {
    const [ours, theirs] = await Promise.all(
      sides.map(async (site, side) => {
        const door = openDoor({ edgeUrl: site.edgeUrl, gateUrl: site.gateUrl, ring: site.keys.ring });
        const tools = { bundle: guaranteed, superuserUrl: installation.superuserUrl, capture: openCapture() };
        const target = await openTarget(site, users[side]![i]!.practice, door, tools);
        targets.push(target);
        return target;
      }),
    );
    const { pages: asked } = users[0]![i]!;
    for (const target of [ours!, theirs!]) await warmUp(target, asked, options.seconds);
    const questions: Question[] = asked.flatMap((page) => [
      { page, way: 'http' as const, connections: 8 },
      { page, way: 'postgres' as const, connections: 8 },
    ]);
    const found = [];
    for (const question of questions) found.push(await compare(question, ours!, theirs!, options));
    await Promise.all(targets.splice(0).map((target) => target.close()));
    console.log(`${name}: ${options.patients * options.times} patients | ${options.patients}\n${comparisons(found)}\n`);
  }
}

// Whoever sees everybody is told to type more where more than fifty match, so their searches aren't asked for.
function usersOf(
  practice: Practice,
  { clinician, secretary }: { clinician: Clinician; secretary: Clinician },
): Users[] {
  const only = (one: Clinician): Practice => ({ ...practice, clinicians: [one] });
  return [
    { name: 'A clinician who sees 100', practice, pages: ['chart', 'list', 'search', 'note'] },
    {
      name: 'A clinician who sees the whole practice',
      practice: only(clinician),
      pages: ['chart', 'list', 'note'],
    },
    { name: 'A secretary, who sees the whole practice', practice: only(secretary), pages: ['chart', 'list'] },
  ];
}

/** Accounts with a session; they visit 400 patients, since a session opens at most 1,000 an hour. */
async function addWideUsers(site: Site, practice: Practice) {
  const patients = practice.clinicians.flatMap((one) => one.patients).slice(0, 400);
  const add = async (role: 'clinician' | 'secretary'): Promise<Clinician> => {
    const email = `${role}-de-tous@banc.example`;
    const { rows } = await withAdmin(site, (admin) =>
      asOwner(admin, () =>
        admin.query<{ account: string; token: string }>(
          `select a.id as account, iam.open_session(a.id) as token
           from iam.create_account(ring => $1, organisation => $2, role => $3, email => $4, profile => $5, prehash => null,
                                   totp_secret => null, password_hash => '$2a$12$' || repeat('.', 53)) as a (id)`,
          [site.keys.ring, practice.organisation, role, email, { family_name: 'Tous', given_name: 'Camille' }],
        ),
      ),
    );
    return { ...rows[0]!, role, email, name: 'Camille TOUS', totpSecret: new Uint8Array(20), patients };
  };
  return { clinician: await add('clinician'), secretary: await add('secretary') };
}

async function grow(site: Site, superuserUrl: string, copies: number, everybody: Clinician): Promise<void> {
  const url = new URL(superuserUrl);
  url.pathname = new URL(site.adminUrl).pathname;
  const superuser = await connect(url.href);
  try {
    await superuser.query(readFileSync(join(import.meta.dirname, 'crowd.sql'), 'utf8'));
    for (let copy = 1; copy <= copies; copy++) {
      await superuser.query('call bench.copy_practice($1)', [copy]);
      if (process.stderr.isTTY) process.stderr.write(`\r\x1b[Kcopy ${copy} of ${copies}`);
    }
    await superuser.query('call bench.follow_everybody($1)', [everybody.account]);
  } finally {
    await superuser.end();
  }
}

try {
  await run();
} catch (error) {
  if (!(error instanceof CommandError)) throw error;
  console.error(error.message);
  process.exit(1); // what was under way when it was interrupted isn't waited for
}
