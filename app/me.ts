import { sql } from 'kysely';
import { type Door, Refusal, type Who } from '../db/batch.ts';
import { k } from '../db/query.ts';
import type { Me } from './layout.tsx';

/** The signed-in person, for the top bar: every page reads it in its own batch. */
export function readMe() {
  return (
    k
      .selectFrom('clinic.me')
      .select(['account_id', 'display_name', 'organisation_name', 'role'])
      .select(['glass_id', 'glass_kind', 'glass_reason', 'glass_ends_at', 'idle_expires_at'])
      // by the clock of the database, which ends the session
      .select([
        sql<number>`extract(epoch from idle_expires_at - clock_timestamp())::int`.as('idle_left'),
        sql<number>`extract(epoch from session_expires_at - clock_timestamp())::int`.as('session_left'),
      ])
      .compile()
  );
}

/** The same for a page that reads nothing else, such as a refusal. Undefined where even that is refused. */
export async function askMe(door: Door, who: Who): Promise<Me | undefined> {
  const open = sql<{ answer: string }>`select audit.open_home() as answer`.compile(k);
  try {
    const [me] = await door.read(who, { open, reads: [readMe()] });
    return me[0];
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}
