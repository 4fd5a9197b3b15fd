// Who can see a patient, and why: asked of supabase/migrations/0270_policies.sql, which asks the predicates that decide.
import type pg from 'pg';
import { CommandError } from './command-error.ts';
import { asOwner, findAccount } from './owner.ts';
import type { Site } from './site.ts';

export type Explanation = {
  account: string;
  organisation: string;
  role: string;
  identity: boolean;
  clinical: boolean;
  words: string[];
  policies: Policy[];
};
export type Policy = { policy: string; why: string; tables: string[]; expression: string };

/** Every membership that sees the patient now. Recorded in the log. */
export function whoCanSee(admin: pg.Client, patient: string): Promise<Explanation[]> {
  return asOwner(admin, async () => {
    const { rows } = await admin.query(
      `select w.account_id as account, o.name as organisation, w.role, true as identity, w.clinical, w.words
       from access.who_can_see($1) w join access.organisations o on o.id = w.organisation_id`,
      [readId(patient, 'a patient')],
    );
    return withPolicies(admin, rows);
  });
}

/** For each membership of the account: whether it sees the patient, and why or why not. Recorded in the log. */
export function whyTheySee(admin: pg.Client, account: string, patient: string): Promise<Explanation[]> {
  return asOwner(admin, async () => {
    const { rows } = await admin.query(
      `select $1 as account, o.name as organisation, e.role, e.identity, e.clinical, e.words
       from access.explain($1, $2) e join access.organisations o on o.id = e.organisation_id`,
      [account, readId(patient, 'a patient')],
    );
    return withPolicies(admin, rows);
  });
}

/** @param who an e-mail address or an id */
export async function readAccount(admin: pg.Client, site: Site, who: string): Promise<string> {
  if (!who.includes('@')) return readId(who, 'an account');
  const found = await asOwner(admin, () => findAccount(admin, site.keys, who));
  if (!found) throw new CommandError(`Nobody signs in as ${who} here.`);
  return found;
}

/** Names of staff, opened with the ring; never a patient's. */
export async function staffNames(
  admin: pg.Client,
  { keys }: Site,
  ids: readonly string[],
): Promise<Map<string, string>> {
  const { rows } = await asOwner(admin, () =>
    admin.query<{ id: string; name: string }>(
      `select a.id, concat_ws(' ', convert_from(vault.unpack(k.key, iam.profile_aad(a.id, 'given_name'), a.given_name), 'UTF8'),
                                   convert_from(vault.unpack(k.key, iam.profile_aad(a.id, 'family_name'), a.family_name), 'UTF8')) as name
       from iam.accounts a cross join lateral (select vault.unwrap($1, a.id, 'profile') as key offset 0) k
       where a.id = any ($2) and a.family_name is not null
         and exists (select from access.memberships m where m.account_id = a.id and m.role <> 'patient')
         and not exists (select from access.memberships m where m.account_id = a.id and m.role = 'patient')`,
      [keys.ring, ids],
    ),
  );
  return new Map(rows.map(({ id, name }) => [id, name]));
}

async function withPolicies(admin: pg.Client, rows: Omit<Explanation, 'policies'>[]): Promise<Explanation[]> {
  const byRole = new Map<string, Policy[]>();
  for (const role of new Set(rows.map((row) => row.role)))
    byRole.set(role, (await admin.query<Policy>('select * from access.policies_for($1)', [role])).rows);
  return rows.map((row) => ({ ...row, policies: row.identity ? (byRole.get(row.role) ?? []) : [] }));
}

function readId(text: string, what: string): string {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return text;
  throw new CommandError(
    `"${text}" is no id of ${what}: it is a uuid, as in store.patients.id or at the end of a chart's address.`,
  );
}
