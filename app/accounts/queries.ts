import { sql } from 'kysely';
import { type AnyQuery, k } from '../../db/query.ts';
import type { InviteValues } from './form.ts';

export function readAccounts() {
  return k.selectFrom('clinic.accounts').selectAll().compile();
}

export function readAccount(account: string) {
  return k.selectFrom('clinic.accounts').selectAll().where('id', '=', account).compile();
}

/** JSON of clinic.care_teams, to be looked through for one person. */
export function readTeams() {
  return k.selectFrom('clinic.care_teams').select(['id', 'lead_name', 'members']).compile();
}

export function inviteMember({ key, role, email, family_name, given_name, quality, rpps, lang }: InviteValues) {
  const profile = { family_name, given_name, ...(quality && { quality }), ...(rpps && { rpps }) };
  return sql<{ id: string }>`
    select clinic.invite_member(${key}::uuid, ${role}::text, ${email}::text, ${JSON.stringify(profile)}::jsonb, ${lang}::text) as id`.compile(
    k,
  );
}

/** What an administrator does with an account: the operation that is announced, what is said afterwards, and the change. */
export const changes: Record<string, { operation: string; done: string; make: Make }> = {
  resend: {
    operation: 'accounts.invite',
    done: 'resent',
    make: (key, account) => sql`select clinic.resend_invitation(${key}::uuid, ${account}::uuid)`.compile(k),
  },
  withdraw: {
    operation: 'accounts.invite',
    done: 'withdrawn',
    make: (key, account) => sql`select clinic.withdraw_invitation(${key}::uuid, ${account}::uuid)`.compile(k),
  },
  role: {
    operation: 'accounts.change',
    done: 'role',
    make: (key, account, role) =>
      sql`select clinic.change_role(${key}::uuid, ${account}::uuid, ${role}::text)`.compile(k),
  },
  suspend: {
    operation: 'accounts.change',
    done: 'suspended',
    make: (key, account) => sql`select clinic.suspend_account(${key}::uuid, ${account}::uuid)`.compile(k),
  },
  restore: {
    operation: 'accounts.change',
    done: 'restored',
    make: (key, account) => sql`select clinic.restore_account(${key}::uuid, ${account}::uuid)`.compile(k),
  },
  end: {
    operation: 'accounts.change',
    done: 'ended',
    make: (key, account) => sql`select clinic.end_membership(${key}::uuid, ${account}::uuid)`.compile(k),
  },
  'sign-out': {
    operation: 'sessions.end',
    done: 'signed_out',
    make: (key, account) => sql`select clinic.end_sessions_of(${key}::uuid, ${account}::uuid)`.compile(k),
  },
};
type Make = (key: string, account: string, role: string) => AnyQuery;

export function endAllSessions(key: string) {
  return sql`select clinic.end_all_sessions(${key}::uuid)`.compile(k);
}
