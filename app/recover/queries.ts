/** The functions behind recovery, on the gate's own login: nobody is signed in yet. */
import { sql } from 'kysely';
import type { Who } from '../../db/batch.ts';
import { k } from '../../db/query.ts';
import { callerOf } from '../../edge/session.ts';

export type Lost = 'password' | 'factors' | 'both';
export type Recovery = {
  answer: 'choose' | 'waiting' | 'ready' | 'gone' | 'wait';
  account: string | null;
  lost: Lost | null;
  /** What a colleague has to be told. */
  code: string | null;
  /** From when on nobody has to confirm; null: somebody has to. */
  ready_at: Date | null;
  has_factors: boolean | null;
  /** Address, names and practice, for the rules of passwords: no page shows them. */
  about: string[] | null;
  retry_after: number | null;
};
export type Answer = {
  answer: 'ok' | 'second_factor' | 'no_factor' | 'waiting' | 'refused' | 'not_yet' | 'gone' | 'wait';
  retry_after: number | null;
};

/** `token`: what the link will hold, if there is an account. */
export function askToRecover(ring: string, email: string, token: string, who: Who) {
  return sql<Answer>`
    select answer, retry_after from iam.request_recovery(${ring}, ${email}, ${token}, ${callerOf(who)}::jsonb)`.compile(
    k,
  );
}

export function readRecovery(ring: string, token: string, who: Who) {
  return sql<Recovery>`
    select answer, account, lost, code, ready_at, has_factors, about, retry_after
    from iam.read_recovery(${ring}, ${token}, ${callerOf(who)}::jsonb)`.compile(k);
}

type Choice = { token: string; lost: Lost; prehash: string; newToken: string; cancelToken: string };
export function chooseRecovery(ring: string, { token, lost, prehash, newToken, cancelToken }: Choice, who: Who) {
  return sql<Answer>`
    select answer, retry_after
    from iam.choose_recovery(${ring}, ${token}, ${lost}, ${prehash}, ${newToken}, ${cancelToken}, ${callerOf(who)}::jsonb)`.compile(
    k,
  );
}

export function completeRecovery(ring: string, token: string, prehash: string, newToken: string, who: Who) {
  return sql<Answer>`
    select answer, retry_after
    from iam.complete_recovery(${ring}, ${token}, ${prehash}, ${newToken}, ${callerOf(who)}::jsonb)`.compile(k);
}

export function cancelRecovery(ring: string, token: string, who: Who) {
  return sql<Answer>`
    select answer, retry_after from iam.cancel_recovery(${ring}, ${token}, ${callerOf(who)}::jsonb)`.compile(k);
}
