/** The functions that change factors, on the gate's own login; and what one's own pages read. */
import { sql } from 'kysely';
import type { Who } from '../../db/batch.ts';
import { k } from '../../db/query.ts';
import { Refusal, refusedWith } from '../../db/refusal.ts';
import { callerOf } from '../../edge/session.ts';

/** What iam.may_change_factors says when it doesn't say ok. */
export type NotNow = 'step_up' | 'second_factor' | 'expired';

/** A factor and the password; or the factor alone, where the form itself asks for the password. */
export type Asks = 'both' | 'factor';

/** ok, step_up where there wouldn't be five minutes to fill the form in, and so on. */
export function mayBeginChange(ring: string, who: Who, asks: Asks = 'both') {
  return sql<{ answer: 'ok' | NotNow }>`
    select iam.may_begin_change(${ring}, ${who.token}, ${callerOf(who)}::jsonb, ${asks === 'both'}) as answer`.compile(
    k,
  );
}

/** secret: 20 bytes, the same until it is confirmed; label: what the app is to call it; replaces: there is one already. */
export function beginTotp(ring: string, who: Who) {
  return sql<{ answer: 'ok' | NotNow; secret: Uint8Array | null; label: string | null; replaces: boolean | null }>`
    select answer, secret, label, replaces from iam.begin_totp(${ring}, ${who.token}, ${callerOf(who)}::jsonb)`.compile(
    k,
  );
}

/** role: the session was made by a link and goes on, whole, under newToken. */
export function confirmTotp(ring: string, code: string, newToken: string, who: Who) {
  return sql<{ answer: 'ok' | 'refused' | 'wait' | 'restart' | NotNow; role: string | null; retry_after: number }>`
    select answer, role, retry_after
    from iam.confirm_totp(${ring}, ${who.token}, ${code}, ${newToken}, ${callerOf(who)}::jsonb)`.compile(k);
}

export function removeTotp(ring: string, who: Who) {
  return sql<{ answer: 'ok' | 'last' | 'none' | NotNow }>`
    select iam.remove_totp(${ring}, ${who.token}, ${callerOf(who)}::jsonb) as answer`.compile(k);
}

export function makeRecoveryCodes(ring: string, who: Who) {
  return sql<{ answer: 'ok' | 'wait' | NotNow; codes: string[] | null }>`
    select answer, codes from iam.make_recovery_codes(${ring}, ${who.token}, ${callerOf(who)}::jsonb)`.compile(k);
}

/** One row, of whoever asks. */
export function readOwnFactors() {
  return k.selectFrom('clinic.own_factors').selectAll().compile();
}

/** @throws Refusal step_up, second_factor or signed_out, which errors.tsx answers */
export function mustBeAllowed(answer: string | undefined, asks: Asks = 'both'): void {
  if (answer === 'expired' || answer === undefined) throw refusedWith('signed_out');
  if (answer === 'step_up') throw new Refusal('step_up', { asks });
  if (answer === 'second_factor') throw refusedWith(answer);
}
