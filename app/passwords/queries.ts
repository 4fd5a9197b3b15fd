import { sql } from 'kysely';
import type { Who } from '../../db/batch.ts';
import { k } from '../../db/query.ts';
import { callerOf } from '../../edge/session.ts';
import type { NotNow } from '../factors/queries.ts';

/** present, chosen: as prehash() of edge/password.ts makes them. After ok every session of the account is over. */
export function changePassword(ring: string, present: string, chosen: string, who: Who) {
  return sql<{ answer: 'ok' | 'refused' | 'same' | 'wait' | NotNow; retry_after: number }>`
    select answer, retry_after
    from iam.change_password(${ring}, ${who.token}, ${present}, ${chosen}, ${callerOf(who)}::jsonb)`.compile(k);
}
