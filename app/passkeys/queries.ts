/** Passkeys at the gate (0094_passkeys.sql), and the list of one's own. */
import { sql } from 'kysely';
import type { Who } from '../../db/batch.ts';
import { k } from '../../db/query.ts';
import { callerOf } from '../../edge/session.ts';
import type { AssertionProof, RegistrationProof } from '../../edge/webauthn.ts';

export type Purpose = 'register' | 'factor' | 'passwordless';
export type OptionsAnswer = {
  answer: 'ok' | 'wait' | 'place' | 'step_up' | 'second_factor' | 'expired';
  challenge: string | null;
  rp_id: string | null;
  account: string | null;
  email: string | null;
  credentials: { id: string; transports: string[] }[] | null;
  retry_after: number | null;
};
export type AddAnswer = { answer: 'ok' | 'refused' | 'step_up' | 'second_factor' | 'expired'; role: string | null };
export type SignInAnswer = { answer: 'ok' | 'refused' | 'wait' | 'stopped'; role: string | null; retry_after: number };
export type OwnPasskey = {
  id: string;
  name: string;
  created_at: Date;
  last_used_at: Date | null;
  backed_up: boolean;
  user_verified: boolean;
  /** The host name that it was made at, and works at. */
  rp_id: string;
  /** The installation has had no other name since. */
  works_here: boolean;
};

/** `origin`: what the browser has in its address bar. */
export function askOptions(ring: string, purpose: Purpose, origin: string, who: Who) {
  return sql<OptionsAnswer>`
    select answer, challenge, rp_id, account, email, credentials, retry_after
    from iam.passkey_options(${ring}, ${who.token}, ${purpose}, ${origin}, ${callerOf(who)}::jsonb)`.compile(k);
}

export function readKey(credential: string) {
  return sql<{ key: Uint8Array | null }>`select iam.passkey_key(${credential}) as key`.compile(k);
}

export function addPasskey(ring: string, proof: RegistrationProof, name: string, newToken: string, who: Who) {
  return sql<AddAnswer>`
    select answer, role
    from iam.add_passkey(${ring}, ${who.token}, ${JSON.stringify(proof)}::jsonb, ${name}, ${newToken}, ${callerOf(who)}::jsonb)`.compile(
    k,
  );
}

export function namePasskey(ring: string, passkey: string, name: string, who: Who) {
  return sql<{ answer: 'ok' | 'hidden' | 'second_factor' | 'expired' }>`
    select iam.name_passkey(${ring}, ${who.token}, ${passkey}::uuid, ${name}, ${callerOf(who)}::jsonb) as answer`.compile(
    k,
  );
}

export function removePasskey(ring: string, passkey: string, who: Who) {
  return sql<{ answer: 'ok' | 'hidden' | 'last' | 'step_up' | 'second_factor' | 'expired' }>`
    select iam.remove_passkey(${ring}, ${who.token}, ${passkey}::uuid, ${callerOf(who)}::jsonb) as answer`.compile(k);
}

export function signInWithPasskey(ring: string, proof: AssertionProof, newToken: string, who: Who) {
  return sql<SignInAnswer>`
    select answer, role, retry_after
    from iam.sign_in_passkey(${ring}, ${newToken}, ${JSON.stringify(proof)}::jsonb, ${callerOf(who)}::jsonb, ${who.token})`.compile(
    k,
  );
}

export function readOwnPasskeys() {
  return sql<OwnPasskey>`
    select id, name, created_at, last_used_at, backed_up, user_verified, rp_id, works_here from iam.own_passkeys()`.compile(
    k,
  );
}
