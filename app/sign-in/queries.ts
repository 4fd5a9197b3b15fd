/** The sign-in functions, on the gate's own login. What they answer is the same for an unknown address. */
import { sql } from 'kysely';
import { k } from '../../db/query.ts';

export type Origin = { ip: string | null; userAgent: string | null };
export type PasswordAnswer = { answer: 'second_factor' | 'refused' | 'wait' | 'busy'; retry_after: number | null };
export type CodeAnswer = {
  answer: 'ok' | 'refused' | 'wait' | 'expired';
  role: string | null;
  retry_after: number | null;
};

/** The account at this address, or for an unknown one an id that stays the same and belongs to nobody. */
export function lookUp(ring: string, email: string) {
  return sql<{ id: string }>`select iam.sign_in_lookup(${ring}, ${email}) as id`.compile(k);
}

export function checkPassword(
  ring: string,
  account: string,
  prehash: string,
  token: string,
  from: Origin & { token: string | null },
) {
  return sql<PasswordAnswer>`
    select answer, retry_after
    from iam.sign_in_password(${ring}, ${account}::uuid, ${prehash}, ${token}, ${from.ip}, ${from.userAgent}, ${from.token})`.compile(
    k,
  );
}

/** A new token at each gain of rights: who had planted the first one holds nothing. */
export function checkCode(ring: string, token: string, code: string, newToken: string, from: Origin) {
  return sql<CodeAnswer>`
    select answer, role, retry_after
    from iam.sign_in_totp(${ring}, ${token}, ${code}, ${newToken}, ${from.ip}, ${from.userAgent})`.compile(k);
}

/** For a step that failed: its transaction has left nothing behind. `token` of the first step, `account` before it. */
export function recordFailed(ring: string, account: string | null, token: string | null, from: Origin) {
  return (sqlstate: string) =>
    sql<{ answer: string }>`
      select iam.record_failed_sign_in(${ring}, ${account}::uuid, ${token}, ${sqlstate}, ${from.ip}, ${from.userAgent}) as answer`.compile(
      k,
    );
}

export function endSession() {
  return sql<{ answer: string }>`select iam.end_session() as answer`.compile(k);
}
