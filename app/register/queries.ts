/** The functions behind registration, on the gate's own login: nobody is signed in yet. */
import { sql } from 'kysely';
import type { Who } from '../../db/batch.ts';
import { k } from '../../db/query.ts';
import { callerOf, type Lang } from '../../edge/session.ts';

export type Practice = { id: string; name: string };
export type Asked = { answer: 'ok' | 'invalid' | 'closed' | 'wait'; retry_after: number | null };
export type Registration = {
  answer: 'new' | 'resume' | 'closed' | 'gone' | 'wait';
  account: string | null;
  organisation: string | null;
  /** For the rules of passwords, as the practice's name is: no page shows it. */
  email: string | null;
  retry_after: number | null;
};
export type Completed = {
  answer: 'ok' | 'invalid' | 'consents' | 'closed' | 'resume' | 'refused' | 'gone' | 'wait';
  retry_after: number | null;
};

export function readPractices() {
  return sql<Practice>`select id, name from iam.open_practices()`.compile(k);
}

/** `token`: what the link will hold. */
export function askToRegister(
  ring: string,
  asked: { practice: string; email: string; token: string; lang: Lang },
  who: Who,
) {
  const { practice, email, token, lang } = asked;
  return sql<Asked>`
    select answer, retry_after
    from iam.request_registration(${ring}, ${practice}::uuid, ${email}, ${lang}, ${token}, ${callerOf(who)}::jsonb)`.compile(
    k,
  );
}

export function readRegistration(ring: string, token: string, who: Who) {
  return sql<Registration>`
    select answer, account, organisation, email, retry_after
    from iam.read_registration(${ring}, ${token}, ${callerOf(who)}::jsonb)`.compile(k);
}

type Given = {
  token: string;
  prehash: string;
  identity: Record<string, string>;
  consents: Record<string, string>;
  newToken: string;
};
export function completeRegistration(ring: string, given: Given, who: Who) {
  const { token, prehash, identity, consents, newToken } = given;
  return sql<Completed>`
    select answer, retry_after
    from iam.complete_registration(${ring}, ${token}, ${prehash}, ${JSON.stringify(identity)}::jsonb,
      ${JSON.stringify(consents)}::jsonb, ${newToken}, ${callerOf(who)}::jsonb)`.compile(k);
}

export function resumeRegistration(ring: string, token: string, prehash: string, newToken: string, who: Who) {
  return sql<Completed>`
    select answer, retry_after
    from iam.resume_registration(${ring}, ${token}, ${prehash}, ${newToken}, ${callerOf(who)}::jsonb)`.compile(k);
}

// ---- the administrator's, in a session

export function readRegistrationState() {
  return sql<{ state: string }>`select clinic.read_registration() as state`.compile(k);
}

export function changeRegistration(key: string, state: string) {
  return sql<{ id: string }>`select clinic.change_registration(${key}::uuid, ${state}::text) as id`.compile(k);
}
