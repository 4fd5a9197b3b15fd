// The demo practice: filled once into the embedded database, with its accounts in demo.json.
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from './command-error.ts';
import { asOwner, hasOrganisations } from './owner.ts';
import { type Site, withAdmin } from './site.ts';

export type DemoAccount = { email: string; role: string; organisation: string; password: string; totpSecret: string };

const fileIn = (directory: string) => join(directory, 'demo.json');
const markerIn = (directory: string) => join(directory, 'demo.unfinished');

/** A demo that was being filled when the run was killed: nobody has worked in it, so it is thrown away. */
export const demoWasCutShort = (directory: string): boolean => existsSync(markerIn(directory));

/** Fills the demo when the database has no organisation. Gives the accounts, none when there is no demo. */
export async function fillDemoOnce(site: Site): Promise<DemoAccount[]> {
  const file = fileIn(site.directory);
  await withAdmin(site, async (admin) => {
    if (await asOwner(admin, () => hasOrganisations(admin))) return;
    writeFileSync(markerIn(site.directory), '');
    const { fillDemo } = await import('./demo/index.ts'); // the invented people are needed this once
    const { ring, pepper } = site.keys;
    const accounts = await fillDemo({ admin, edgeUrl: site.edgeUrl, ring, pepper });
    writeFileSync(`${file}.new`, `${JSON.stringify(accounts, null, 2)}\n`, { mode: 0o600 });
    renameSync(`${file}.new`, file);
    rmSync(markerIn(site.directory));
  });
  return existsSync(file) ? readDemoAccounts(site.directory) : [];
}

/** The accounts of the demo; CommandError when there is none. */
export function readDemoAccounts(directory: string): DemoAccount[] {
  const file = fileIn(directory);
  if (!existsSync(file))
    throw new CommandError(`There is no demo in ${directory}: it is made by the first npm start without DATABASE_URL.`);
  return JSON.parse(readFileSync(file, 'utf8')); // our own file, as written above
}
