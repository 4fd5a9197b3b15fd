import { randomBytes } from 'node:crypto';
import { type Command, need, print } from '../command.ts';
import { CommandError } from '../command-error.ts';
import { asOwner, createAccount, createOrganisation } from '../owner.ts';
import { type Site, withAdmin, withSite } from '../site.ts';
import { toBase32 } from '../totp.ts';
import { prepareDatabase } from './migrate.ts';

export const bootstrap: Command = {
  name: 'bootstrap',
  summary: 'create the first organisation and its administrator',
  usage: '--organisation NAME --email ADDRESS --family-name NAME --given-name NAME [--json]',
  help: `
For a database without any organisation. Prints the administrator's password and TOTP secret once; neither is kept in
clear, so write them down. docs/dba.md tells how others get an account.

  --organisation  the practice, as patients know it
  --email         what the administrator signs in with
  --json          the same as data`,
  options: {
    organisation: { type: 'string' },
    email: { type: 'string' },
    'family-name': { type: 'string' },
    'given-name': { type: 'string' },
    json: { type: 'boolean' },
  },
  run: async (input) => {
    const option = (name: string) => need(bootstrap, input, name).trim();
    const wanted = {
      organisation: option('organisation'),
      email: option('email').toLowerCase(),
      profile: { family_name: option('family-name'), given_name: option('given-name') },
    };
    const made = await withSite((site) => createFirst(site, wanted));
    print(input.flag('json') ? made : describe(made));
    return 0;
  },
};

type Wanted = { organisation: string; email: string; profile: { family_name: string; given_name: string } };
type Made = {
  organisation: string;
  email: string;
  role: 'org_admin';
  password: string;
  totpSecret: string;
  totpUri: string;
};

async function createFirst(site: Site, { organisation, email, profile }: Wanted): Promise<Made> {
  await prepareDatabase(site);
  const password = randomBytes(18).toString('base64url');
  const totpSecret = randomBytes(20);
  await withAdmin(site, (admin) =>
    asOwner(admin, async () => {
      const { rows } = await admin.query('select exists (select from access.organisations) as any');
      if (rows[0].any)
        throw new CommandError('There is an organisation already; docs/dba.md tells how others get an account.');
      const id = await createOrganisation(admin, site.keys, organisation);
      await createAccount(admin, site.keys, {
        organisation: id,
        role: 'org_admin',
        email,
        profile,
        password,
        totpSecret,
      });
    }),
  );
  const secret = toBase32(totpSecret);
  const totpUri = `otpauth://totp/Vital%20Sync:${encodeURIComponent(email)}?secret=${secret}&issuer=Vital%20Sync`;
  return { organisation, email, role: 'org_admin', password, totpSecret: secret, totpUri };
}

function describe({ organisation, email, password, totpSecret, totpUri }: Made): string {
  return `${organisation} is ready. Its administrator signs in with

  e-mail       ${email}
  password     ${password}
  TOTP secret  ${totpSecret}
               ${totpUri}

This is shown once.`;
}
