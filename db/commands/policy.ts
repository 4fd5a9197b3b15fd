import type pg from 'pg';
import { type Command, type Input, print } from '../command.ts';
import { CommandError } from '../command-error.ts';
import { type Explanation, type Policy, readAccount, staffNames, whoCanSee, whyTheySee } from '../policies.ts';
import { type Site, withAdmin, withSite } from '../site.ts';

const options = { names: { type: 'boolean' }, json: { type: 'boolean' } } as const;
const recorded = `
The answer comes from the functions that decide, with the words found afterwards. Asking is recorded (accounts.read).

  --names  opens the names of staff with VITAL_KEYS; a patient's name is never opened
  --json   everything, the text of each policy too`;

export const policyWhoCanSee: Command = {
  name: 'policy who-can-see',
  summary: 'everybody who can see a patient, and what lets them',
  usage: 'PATIENT [--names] [--json]',
  help: `
PATIENT is an id (store.patients.id). Every account of the installation is asked, in each of its practices.
${recorded}`,
  options,
  run: (input) => {
    const [patient] = words(input, 1);
    return explain(input, (admin) => whoCanSee(admin, patient ?? ''), 'Nobody can see this patient.');
  },
};

export const policyWhy: Command = {
  name: 'policy why',
  summary: 'why somebody can or can’t see a patient',
  usage: 'USER PATIENT [--names] [--json]',
  help: `
USER is an e-mail address or the id of an account, PATIENT an id (store.patients.id).
${recorded}`,
  options,
  run: (input) => {
    const [user, patient] = words(input, 2);
    const ask = async (admin: pg.Client, site: Site) =>
      whyTheySee(admin, await readAccount(admin, site, user ?? ''), patient ?? '');
    return explain(input, ask, 'This account works nowhere: it sees no patient.');
  },
};

function words(input: Input, count: number): string[] {
  if (input.words.length !== count)
    throw new CommandError(count === 1 ? 'Which PATIENT?' : 'Which USER, and which PATIENT?');
  return input.words;
}

type Ask = (admin: pg.Client, site: Site) => Promise<Explanation[]>;

async function explain(input: Input, ask: Ask, nobody: string): Promise<number> {
  return withSite((site) =>
    withAdmin(site, async (admin) => {
      const found = await ask(admin, site);
      const ids = found.flatMap(({ account, words }) => [account, ...words.flatMap((word) => word.match(uuids) ?? [])]);
      const names = input.flag('names') ? await staffNames(admin, site, ids) : new Map<string, string>();
      if (input.flag('json')) print({ explanations: found, names: Object.fromEntries(names) });
      else print(found.length === 0 ? nobody : describe(found, names));
      return 0;
    }),
  );
}

const uuids = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

function describe(found: readonly Explanation[], names: Map<string, string>): string {
  const named = (text: string) => text.replace(uuids, (id) => (names.has(id) ? `${names.get(id)} (${id})` : id));
  const people = found.map(({ account, organisation, role, identity, clinical, words }) =>
    [
      `${named(account)}, ${role} of ${organisation}: ${verdict(identity, clinical)}`,
      ...words.map((word) => `  ${identity ? 'by' : '-'} ${named(word)}`),
    ].join('\n'),
  );
  return [...people, ...describePolicies(found)].join('\n');
}

const verdict = (identity: boolean, clinical: boolean): string =>
  clinical ? 'sees the whole record' : identity ? 'sees the identity' : 'sees nothing';

/** Once for each role that sees something. */
function describePolicies(found: readonly Explanation[]): string[] {
  const byRole = new Map(
    found.filter(({ policies }) => policies.length > 0).map(({ role, policies }) => [role, policies]),
  );
  return [...byRole].flatMap(([role, policies]) => [
    '',
    `Policies that let a ${role} read:`,
    ...policies.map(describePolicy),
  ]);
}

const describePolicy = ({ policy, why, tables }: Policy): string => `  ${policy}: ${why}\n    on ${tables.join(', ')}`;
