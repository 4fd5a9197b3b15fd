import { sql } from 'kysely';
import { k } from '../../db/query.ts';
import type { MemberValues } from './team-form.ts';

type Made = { id: string };

export function createTeam({ key, account }: MemberValues) {
  return sql<Made>`select clinic.create_care_team(${key}::uuid, ${account}::uuid) as id`.compile(k);
}

/** Days are those of the practice: from the first moment of `from` to the last of `until`. */
export function addMember(team: string, { key, account, role, from, until }: MemberValues) {
  return sql<Made>`select clinic.add_care_team_member(${key}::uuid, ${team}::uuid, ${account}::uuid, ${role}::text,
    ${from || null}::date::timestamp at time zone 'Europe/Paris',
    (${until || null}::date + 1)::timestamp at time zone 'Europe/Paris') as id`.compile(k);
}

export function endMember(key: string, stay: string) {
  return sql<Made>`select clinic.end_care_team_member(${key}::uuid, ${stay}::uuid) as id`.compile(k);
}
