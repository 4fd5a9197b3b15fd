// npm run bench:rotation: how long another master key takes over, as `vitalsync keys rotate` does it, by one connection.
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { ringNames, withKey } from '../ring.ts';
import { addMaster, masters, promote, renew } from '../rotation.ts';
import { withAdmin } from '../site.ts';
import { fill } from './fill.ts';
import { type Installation, interruptible, openInstallation, settle } from './installation.ts';
import { addManyKeys } from './many-keys.ts';
import { readOptions } from './options.ts';

const help = `npm run bench:rotation -- [--keys 100000] [--patients 5000]

Fills a Postgres of its own, with real fsync: patients through the import, each with names, birth date and INS to be found
by, and as many keys besides as are missing. Then a new master key wraps every key, and every patient is indexed anew.`;

type Report = {
  keys: number;
  wrapSeconds: number;
  microsecondsAKey: number;
  indexes: number;
  indexSeconds: number;
  patients: number;
};

async function run(): Promise<void> {
  const options = readOptions(
    { help },
    { keys: 100_000, patients: 5_000 },
    ({ keys, patients }) => keys >= 1000 && patients >= 100 && patients * 2 <= keys,
  );
  if (!options) return console.log(help);
  const { keys, patients } = options;
  const installation = await openInstallation();
  try {
    console.log(JSON.stringify(await interruptible(benchmark(installation, keys, patients)), null, 2));
  } finally {
    await installation.close();
  }
}

async function benchmark(installation: Installation, keys: number, patients: number): Promise<Report> {
  const site = installation.large;
  const practice = await fill(site, { patients, notes: patients });
  const url = new URL(installation.superuserUrl);
  url.pathname = new URL(site.adminUrl).pathname;
  await addManyKeys(url.href, site.keys.ring, practice.organisation, Math.max(0, keys / 2 - patients));
  await settle(installation);
  return withAdmin(site, async (admin) => {
    const key = randomBytes(64);
    await addMaster(admin, 'next', key);
    const ring = withKey(site.keys.ring, 'next', key);
    await promote(admin, ring, 'next');
    return measure(admin, ring, patients);
  });
}

async function measure(admin: pg.Client, ring: string, patients: number): Promise<Report> {
  const start = performance.now();
  let wrapped = 0;
  const onProgress = ({ step }: { step: string }) => {
    if (step === 'indexes' && wrapped === 0) wrapped = performance.now();
  };
  const { keys, indexes } = await renew(admin, ring, 'next', { onProgress });
  const end = performance.now();
  const left = (await masters(admin)).filter((one) => one.id !== 'next').reduce((sum, one) => sum + one.wraps, 0);
  if (left > 0) throw new Error(`${left} keys don't stand under ${ringNames(ring).at(-1)}`);
  const seconds = (ms: number) => Math.round(ms / 100) / 10;
  return {
    keys,
    wrapSeconds: seconds(wrapped - start),
    microsecondsAKey: Math.round(((wrapped - start) * 1000) / keys),
    indexes,
    indexSeconds: seconds(end - wrapped),
    patients,
  };
}

await run();
