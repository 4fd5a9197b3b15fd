import { type Command, need, print } from '../command.ts';
import { CommandError } from '../command-error.ts';
import { describeAccount, describeInvitation, inviteAccount, makeAccount } from '../new-account.ts';
import { asOwner, findAccount, findOrganisation } from '../owner.ts';
import { type Site, withAdmin, withSite } from '../site.ts';

const roles = ['clinician', 'secretary', 'org_admin', 'auditor', 'dpo'];

export const accountAdd: Command = {
  name: 'account add',
  summary: 'create an account for somebody of a practice',
  usage:
    '--organisation NAME --role ROLE --email ADDRESS --family-name NAME --given-name NAME [--quality TITLE] [--invite] [--json]',
  help: `
Prints the password and the TOTP secret once; neither is kept in clear, so hand them over by a safe way.

  --organisation  the practice, by its exact name
  --role          ${roles.join(', ')}
  --email         what the person signs in with
  --quality       what stands before the name, e.g. Dr
  --invite        prints a link instead, for 72 hours and once: its reader chooses a password and a second factor.
                  PUBLIC_ORIGIN says where it leads
  --json          the same as data`,
  options: {
    organisation: { type: 'string' },
    role: { type: 'string' },
    email: { type: 'string' },
    'family-name': { type: 'string' },
    'given-name': { type: 'string' },
    quality: { type: 'string' },
    invite: { type: 'boolean' },
    json: { type: 'boolean' },
  },
  run: async (input) => {
    const option = (name: string) => need(accountAdd, input, name).trim();
    const quality = input.text('quality')?.trim();
    const person = {
      role: option('role'),
      email: option('email').toLowerCase(),
      profile: { family_name: option('family-name'), given_name: option('given-name'), ...(quality && { quality }) },
    };
    if (!roles.includes(person.role)) throw new CommandError(`--role is one of ${roles.join(', ')}.`);
    if (!/^[^@\s]+@[^@\s]+$/.test(person.email)) throw new CommandError('--email must be an e-mail address.');
    const organisation = option('organisation');
    const made = await withSite((site) => add(site, organisation, person, input.flag('invite')));
    const described = 'link' in made ? describeInvitation(made) : describeAccount(made);
    print(input.flag('json') ? made : `An account for ${made.role} of ${made.organisation}:\n${described}`);
    return 0;
  },
};

type Person = Omit<Parameters<typeof makeAccount>[2], 'organisation'>;

function add(site: Site, name: string, person: Person, invite: boolean) {
  return withAdmin(site, (admin) =>
    asOwner(admin, async () => {
      const id = await findOrganisation(admin, name);
      if (!id) throw new CommandError(`There is no organisation "${name}": give its exact name.`);
      if (await findAccount(admin, site.keys, person.email))
        throw new CommandError(`Somebody signs in as ${person.email} already: give another address.`);
      const make = invite ? inviteAccount : makeAccount;
      return make(admin, site.keys, { organisation: { id, name }, ...person });
    }),
  );
}
