/** One's own address (0345_own_address.sql, 0347_address_notices.sql), on the gate's own login. */
import { sql } from 'kysely';
import type { Who } from '../../db/batch.ts';
import { k } from '../../db/query.ts';
import { callerOf } from '../../edge/session.ts';
import type { NotNow } from '../factors/queries.ts';

export type OwnAddress = { answer: 'ok' | NotNow; email: string | null; waiting: string | null };
export type Answered<Answer extends string> = { answer: Answer; retry_after: number | null };

export function readAddress(ring: string, who: Who) {
  return sql<OwnAddress>`
    select answer, email, waiting from iam.read_address_change(${ring}, ${who.token}, ${callerOf(who)}::jsonb)`.compile(
    k,
  );
}

/** ok says nothing about whether somebody else has the address. */
export function beginAddress(ring: string, email: string, who: Who) {
  return sql<Answered<'ok' | 'address' | 'same' | 'wait' | NotNow>>`
    select answer, retry_after
    from iam.begin_address_change(${ring}, ${who.token}, ${email}, ${callerOf(who)}::jsonb)`.compile(k);
}

export function cancelAddress(ring: string, who: Who) {
  return sql<{ answer: 'ok' | NotNow }>`
    select iam.cancel_own_address_change(${ring}, ${who.token}, ${callerOf(who)}::jsonb) as answer`.compile(k);
}

export function lookAtAddress(ring: string, link: string, who: Who) {
  return sql<Answered<'ok' | 'sign_in' | 'gone' | 'wait'> & { email: string | null }>`
    select answer, email, retry_after
    from iam.look_at_address_change(${ring}, ${who.token}, ${link}, ${callerOf(who)}::jsonb)`.compile(k);
}

/** After ok every other session of the account is over. */
export function confirmAddress(ring: string, link: string, who: Who) {
  return sql<Answered<'ok' | 'taken' | 'sign_in' | 'gone' | 'wait'>>`
    select answer, retry_after
    from iam.confirm_address_change(${ring}, ${who.token}, ${link}, ${callerOf(who)}::jsonb)`.compile(k);
}

export function lookAtNotice(ring: string, link: string, who: Who) {
  return sql<Answered<'ok' | 'taken_back' | 'gone' | 'wait'>>`
    select answer, retry_after from iam.look_at_address_notice(${ring}, ${link}, ${callerOf(who)}::jsonb)`.compile(k);
}

/** After taken_back every session of the account is over. */
export function disownAddress(ring: string, link: string, who: Who) {
  return sql<Answered<'taken_back' | 'gone' | 'wait'>>`
    select answer, retry_after from iam.disown_address_change(${ring}, ${link}, ${callerOf(who)}::jsonb)`.compile(k);
}
