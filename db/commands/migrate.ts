import type pg from 'pg';
import { type Command, print } from '../command.ts';
import { CommandError } from '../command-error.ts';
import { tellHostName } from '../host-name.ts';
import { DriftError, migrate } from '../migrate.ts';
import { asOwner, checkRing, setLoginPasswords } from '../owner.ts';
import { clearToServe } from '../service.ts';
import { type Site, withAdmin, withSite } from '../site.ts';
import { missingPowers, useSuperuser } from '../superuser.ts';

export const migrateCommand: Command = {
  name: 'migrate',
  summary: 'bring the database to this version of Vital Sync',
  usage: '[--json]',
  help: `
Applies the files of supabase/migrations that the database hasn't had, each whole or not at all, and gives the logins
vs_edge, vs_gate and vs_dba the passwords of keys.env. DATABASE_URL is the administrator's: owner of the database,
CREATEROLE, not superuser. PUBLIC_ORIGIN, if it is set, says where browsers find the pages: passkeys belong to it. The supabase CLI keeps the same books: supabase db push may go on where this stopped.

  --json  the names of the files that ran`,
  options: { json: { type: 'boolean' } },
  run: async (input) => {
    const files = await withSite((site) => prepareDatabase(site));
    if (input.flag('json')) print({ applied: files });
    else print(files.length === 0 ? 'The database is up to date.' : files.map((file) => `applied ${file}`).join('\n'));
    return 0;
  },
};

/** Migrations, logins, the proof that these keys belong to this database, and that it may serve. Gives the files that ran. */
export async function prepareDatabase(site: Site): Promise<string[]> {
  return withAdmin(site, async (admin) => {
    const files = await migrateOrAdvise(admin, site);
    await setLoginPasswords(admin, site);
    const answer = await asOwner(admin, () => checkRing(admin, site.keys));
    if (answer !== 'ok') throw new CommandError(`${answer}: put back ${site.keyFile} from your backup.`);
    await asOwner(admin, () => admin.query('select ops.upkeep()'));
    const concerned = await tellHostName(admin, process.env.PUBLIC_ORIGIN);
    if (concerned) process.stderr.write(`Warning: ${concerned}: vitalsync doctor says what to do.\n`);
    if (site.embedded) await takeSuperuserPowers(admin, site.embedded.superuserUrl, site.adminUrl);
    await clearToServe(site, admin);
    return files;
  });
}

async function migrateOrAdvise(admin: pg.Client, site: Site): Promise<string[]> {
  try {
    return await migrate(admin);
  } catch (error) {
    if (!(error instanceof DriftError) || !site.embedded) throw error;
    throw new CommandError(`${error.message} To throw its data away and begin anew, remove ${site.directory}.`);
  }
}

/** With the embedded Postgres we have its superuser, for this and for nothing else. */
async function takeSuperuserPowers(admin: pg.Client, superuserUrl: string, adminUrl: string): Promise<void> {
  const missing = await missingPowers(admin);
  if (!missing.spills && !missing.errors && !missing.dumps) return;
  const url = new URL(superuserUrl);
  url.pathname = new URL(adminUrl).pathname;
  await useSuperuser(url.href);
}
