import { type Command, need, print } from '../command.ts';
import { CommandError } from '../command-error.ts';
import { describeAccount, type Made, makeAccount } from '../new-account.ts';
import { asOwner, createOrganisation, hasOrganisations } from '../owner.ts';
import { type Site, withAdmin, withSite } from '../site.ts';
import { prepareDatabase } from './migrate.ts';

export const bootstrap: Command = {
  name: 'bootstrap',
  summary: 'create the first organisation and its administrator',
  usage: '--organisation NAME --email ADDRESS --family-name NAME --given-name NAME [--json]',
  help: `
For a database without any organisation. Prints the administrator's password and TOTP secret once; neither is kept in
clear, so write them down. vitalsync account add makes the others.

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
async function createFirst(site: Site, { organisation, email, profile }: Wanted): Promise<Made> {
  await prepareDatabase(site);
  return withAdmin(site, (admin) =>
    asOwner(admin, async () => {
      if (await hasOrganisations(admin))
        throw new CommandError('There is an organisation already: vitalsync account add makes more accounts.');
      const id = await createOrganisation(admin, site.keys, organisation);
      return makeAccount(admin, site.keys, {
        organisation: { id, name: organisation },
        role: 'org_admin',
        email,
        profile,
      });
    }),
  );
}

function describe(made: Made): string {
  return `${made.organisation} is ready. Its administrator signs in with\n${describeAccount(made)}`;
}
