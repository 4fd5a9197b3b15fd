/** The telephone that codes go to (0095_sent_codes.sql), on the gate's own login. */
import { sql } from 'kysely';
import type { Who } from '../../db/batch.ts';
import { k } from '../../db/query.ts';
import { callerOf } from '../../edge/session.ts';
import type { NotNow } from '../factors/queries.ts';

/** The last two digits of the number that codes go to, and of one that waits for its code. */
export type Phone = { ending: string | null; waiting: string | null; allowed: boolean; delivered: boolean };

export function readPhone(ring: string, who: Who) {
  return sql<Phone & { answer: 'ok' | NotNow }>`
    select answer, ending, waiting, allowed, delivered
    from iam.read_phone(${ring}, ${who.token}, ${callerOf(who)}::jsonb)`.compile(k);
}

/** Sends a code to the number; the one before goes on until it is typed. */
export function beginPhone(ring: string, number: string, who: Who) {
  return sql<{ answer: 'ok' | 'number' | 'refused' | 'unavailable' | 'wait' | NotNow; retry_after: number }>`
    select answer, retry_after from iam.begin_phone(${ring}, ${who.token}, ${number}, ${callerOf(who)}::jsonb)`.compile(
    k,
  );
}

export function confirmPhone(ring: string, code: string, who: Who) {
  return sql<{ answer: 'ok' | 'refused' | 'wait' | NotNow; retry_after: number }>`
    select answer, retry_after from iam.confirm_phone(${ring}, ${who.token}, ${code}, ${callerOf(who)}::jsonb)`.compile(
    k,
  );
}

export function removePhone(ring: string, who: Who) {
  return sql<{ answer: 'ok' | 'last' | NotNow }>`
    select iam.remove_phone(${ring}, ${who.token}, ${callerOf(who)}::jsonb) as answer`.compile(k);
}
