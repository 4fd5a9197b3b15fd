/** The functions behind a link, on the gate's own login: nobody is signed in yet. */
import { sql } from 'kysely';
import type { Who } from '../../db/batch.ts';
import { k } from '../../db/query.ts';
import { callerOf } from '../../edge/session.ts';

export type Invitation = {
  answer: 'ok' | 'gone' | 'wait';
  account: string | null;
  organisation: string | null;
  role: string | null;
  /** Address and names, for the rules of passwords: no page shows them. */
  about: string[] | null;
  retry_after: number | null;
};
export type AcceptAnswer = { answer: 'ok' | 'consents' | 'gone' | 'wait'; retry_after: number | null };

export function readInvitation(ring: string, token: string, who: Who) {
  return sql<Invitation>`
    select answer, account, organisation, role, about, retry_after
    from iam.read_invitation(${ring}, ${token}, ${callerOf(who)}::jsonb)`.compile(k);
}

export function acceptInvitation(ring: string, accepted: Accepted, who: Who) {
  const { token, prehash, consents, newToken } = accepted;
  return sql<AcceptAnswer>`
    select answer, retry_after
    from iam.accept_invitation(${ring}, ${token}, ${prehash}, ${JSON.stringify(consents)}::jsonb, ${newToken}, ${callerOf(who)}::jsonb)`.compile(
    k,
  );
}
type Accepted = { token: string; prehash: string; consents: Record<string, string>; newToken: string };

// ---- a secretary's, in a session

export type PatientAccount = {
  account_id: string;
  status: string;
  email: string;
  expires_at: Date | null;
  last_sign_in_at: Date | null;
};

export function readPatientAccount(patient: string) {
  return sql<PatientAccount>`
    select account_id, status, email, expires_at, last_sign_in_at from clinic.read_patient_account(${patient}::uuid)`.compile(
    k,
  );
}

export function invitePatient(key: string, patient: string, email: string, lang: string) {
  return sql`select clinic.invite_patient(${key}::uuid, ${patient}::uuid, ${email}::text, ${lang}::text)`.compile(k);
}

export function resendInvitation(key: string, account: string) {
  return sql`select clinic.resend_invitation(${key}::uuid, ${account}::uuid)`.compile(k);
}

export function withdrawInvitation(key: string, account: string) {
  return sql`select clinic.withdraw_invitation(${key}::uuid, ${account}::uuid)`.compile(k);
}
