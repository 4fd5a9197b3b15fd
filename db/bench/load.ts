// npm run load: a practice of 16 clinicians on a Postgres of its own, the server, and k6 with load/daily.ts.
// npm run bench:sign-in: the same with load/sign-in-storm.ts; the server believes X-Forwarded-For, as behind a proxy.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { prehash } from '../../edge/password.ts';
import { CommandError } from '../command-error.ts';
import { prepareDatabase } from '../commands/migrate.ts';
import { asOwner } from '../owner.ts';
import { openSite, type Site, withAdmin } from '../site.ts';
import { toBase32 } from '../totp.ts';
import { buildBench } from './build.ts';
import { fill, type Practice } from './fill.ts';
import { interruptible, isolate } from './installation.ts';
import { startServer } from './server-process.ts';

const scriptOf = (name: string) => join(import.meta.dirname, '..', '..', 'load', `${name}.ts`);
const PASSWORD = 'banc d’essai, nulle part ailleurs';
/** What .ci/run takes for "skipped". */
const SKIPPED = 77;

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;
const { values } = parseArgs({
  options: { users: text, duration: text, think: text, rate: text, k6: text, storm: flag },
});
process.exit(
  await load(values.k6 ?? 'k6').catch((error) => {
    if (!(error instanceof CommandError)) throw error;
    console.error(error.message);
    return 1;
  }),
);

async function load(k6: string): Promise<number> {
  if (spawnSync(k6, ['version']).status !== 0) {
    console.log(
      'skipped: k6 is not installed. CGO_ENABLED=0 GOFLAGS="-p=1 -buildvcs=false" go install go.k6.io/k6@v1.8.1 takes three minutes.',
    );
    return SKIPPED;
  }
  const directory = mkdtempSync(join(tmpdir(), 'vitalsync-load-'));
  isolate(directory);
  const site = await openSite();
  try {
    return await interruptible(fillAndAsk(k6, site, directory));
  } finally {
    await site.close();
    rmSync(directory, { recursive: true });
  }
}

async function fillAndAsk(k6: string, site: Site, directory: string): Promise<number> {
  await prepareDatabase(site);
  const practice = await fill(site, { patients: 1600, notes: 8000 });
  const accounts = join(directory, 'accounts.json');
  writeFileSync(accounts, JSON.stringify(await withPasswords(site, practice)), { mode: 0o600 });
  const server = await startServer((await buildBench()).guaranteed, site, { proxied: values.storm });
  try {
    return await runK6(k6, { ACCOUNTS: accounts, BASE_URL: `http://127.0.0.1:${server.port}` });
  } finally {
    await server.stop();
  }
}

/** Everybody has the same password, hashed for each with bcrypt as in real life. */
async function withPasswords(site: Site, { clinicians }: Practice): Promise<object[]> {
  return withAdmin(site, (admin) =>
    asOwner(admin, async () => {
      for (const { account } of clinicians) {
        const hashed = await prehash(site.keys.pepper, account, PASSWORD);
        await admin.query('select iam.set_password($1, $2)', [account, hashed]);
      }
      return clinicians.map(({ email, totpSecret }) => ({
        email,
        role: 'clinician',
        password: PASSWORD,
        totpSecret: toBase32(totpSecret),
      }));
    }),
  );
}

/** k6's own exit code: 99 when a threshold was crossed. */
async function runK6(k6: string, environment: Record<string, string>): Promise<number> {
  const { storm = false, users = storm ? '4' : '16', duration = '30s', think = '0', rate = '50' } = values;
  const script = scriptOf(storm ? 'sign-in-storm' : 'daily');
  const variables = Object.entries({ ...environment, USERS: users, DURATION: duration, THINK: think, RATE: rate });
  const child = spawn(
    k6,
    ['run', '--quiet', ...variables.flatMap(([name, value]) => ['-e', `${name}=${value}`]), script],
    {
      stdio: 'inherit',
      env: { ...process.env, K6_NO_USAGE_REPORT: 'true' },
    },
  );
  const [code] = await once(child, 'exit');
  return code ?? 1;
}
