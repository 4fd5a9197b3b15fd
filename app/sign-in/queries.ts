/** The sign-in functions, on the gate's own login. What they answer is the same for an unknown address. */
import { sql } from 'kysely';
import type { Who } from '../../db/batch.ts';
import { k } from '../../db/query.ts';
import { callerOf } from '../../edge/session.ts';

export type PasswordAnswer = { answer: 'second_factor' | 'refused' | 'wait' | 'busy'; retry_after: number | null };
export type ShownAnswer = {
  answer: 'ok' | 'refused' | 'wait' | 'busy' | 'second_factor' | 'expired';
  role: string | null;
  retry_after: number | null;
};
export type Method = 'totp' | 'passkey' | 'recovery_code' | 'email_code' | 'sms_code';
export type FactorAnswer = {
  answer: 'ok' | 'refused' | 'wait' | 'expired' | 'stopped';
  role: string | null;
  retry_after: number | null;
};

/**
 * The account at this address, or for an unknown one an id that stays the same and belongs to nobody; and whether it has
 * signed in with this browser before.
 */
export function lookUp(ring: string, email: string, who: Who) {
  return sql<{ id: string; known: boolean }>`
    select l.id, iam.sign_in_is_known(l.id, ${who.device ?? null}) as known
    from (select iam.sign_in_lookup(${ring}, ${email}) as id offset 0) l`.compile(k);
}

export function checkPassword(ring: string, account: string, prehash: string, token: string, who: Who) {
  return sql<PasswordAnswer>`
    select answer, retry_after
    from iam.sign_in_password(${ring}, ${account}::uuid, ${prehash}, ${token}, ${callerOf(who)}::jsonb, ${who.token})`.compile(
    k,
  );
}

/** The password shown again in a session that is whole. role: it goes on under newToken. */
export function showPassword(ring: string, prehash: string, newToken: string, who: Who) {
  return sql<ShownAnswer>`
    select answer, role, retry_after
    from iam.show_password(${ring}, ${who.token}, ${prehash}, ${newToken}, ${callerOf(who)}::jsonb)`.compile(k);
}

/** The second step of a sign-in, or a factor shown again. A new token at each gain of rights: an old one is worth nothing. */
export function takeFactor(ring: string, method: Method, proof: object, newToken: string, who: Who) {
  return sql<FactorAnswer>`
    select answer, role, retry_after
    from iam.take_factor(${ring}, ${who.token}, ${method}, ${JSON.stringify(proof)}::jsonb, ${newToken}, ${callerOf(who)}::jsonb)`.compile(
    k,
  );
}

export type Means = {
  methods: Method[];
  factors: number;
  enrols: boolean;
  elsewhere: string | null;
  account: string;
  /** The browser. */
  known: boolean;
  /** For a change of how somebody signs in. */
  wants_factor: boolean;
  wants_password: boolean;
};
/** What the second step may ask for; no row when the first one is over. */
export function readMethods(ring: string, who: Who) {
  return sql<Means>`
    select methods, factors, enrols, elsewhere, account, known, wants_factor, wants_password from iam.sign_in_methods(${ring}, ${who.token}, ${callerOf(who)}::jsonb)`.compile(
    k,
  );
}

/** Has a code sent for the second step, or for a factor shown again. */
export function sendCode(ring: string, method: 'email_code' | 'sms_code', who: Who) {
  return sql<{ answer: 'ok' | 'wait' | 'refused' | 'unavailable' | 'expired'; retry_after: number }>`
    select answer, retry_after from iam.send_code(${ring}, ${who.token}, ${method}, ${callerOf(who)}::jsonb)`.compile(
    k,
  );
}

/** For a step that failed: its transaction has left nothing behind. `account` of the first step, the token of the others. */
export function recordFailed(ring: string, account: string | null, who: Who) {
  return (sqlstate: string) =>
    sql<{ answer: string }>`
      select iam.record_failed_sign_in(${ring}, ${account}::uuid, ${account ? null : who.token}, ${sqlstate}, ${callerOf(who)}::jsonb) as answer`.compile(
      k,
    );
}

/** Sign-out between the two factors, when nobody has entered yet. */
export function leaveSignIn(ring: string, who: Who) {
  return sql<{ answer: 'ok' | 'none' }>`
    select iam.leave_sign_in(${ring}, ${who.token}, ${callerOf(who)}::jsonb) as answer`.compile(k);
}

export function endSession() {
  return sql<{ answer: string }>`select iam.end_session() as answer`.compile(k);
}
