/** Names of people with an account (0342_names.sql). A change is announced as `accounts.change`, which asks for a recent factor. */
import { sql } from 'kysely';
import { k } from '../../db/query.ts';
import type { NameValues } from './form.ts';

/** former: JSON of what the name was before. */
export type Name = { family_name: string; given_name: string; quality: string | null; former: string };

/** One's own without `account`. No row: nobody whose name is one's to see. */
export function readName(account: string | null) {
  return account
    ? sql<Name>`select family_name, given_name, quality, former from clinic.read_name(${account}::uuid)`.compile(k)
    : sql<Name>`select family_name, given_name, quality, former from clinic.read_own_name()`.compile(k);
}

export function changeOwnName({ key, family_name, given_name }: NameValues) {
  return sql<{ id: string }>`
    select clinic.change_own_name(${key}::uuid, ${family_name}::text, ${given_name}::text) as id`.compile(k);
}

export function correctName(account: string, { key, family_name, given_name, quality }: NameValues) {
  const profile = JSON.stringify({ family_name, given_name, quality });
  return sql<{
    id: string;
  }>`select clinic.correct_name(${key}::uuid, ${account}::uuid, ${profile}::jsonb) as id`.compile(k);
}
