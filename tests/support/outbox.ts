// Messages for tests: posted as the owner, taken as the gate.
import type pg from 'pg';
import { asOwner } from '../../db/owner.ts';
import type { TestDatabase } from './database.ts';

export type Taken = {
  id: string;
  attempt: number;
  channel: string;
  template: string;
  lang: string;
  address: string;
  organisation: string;
  written_at: Date;
  vars: Record<string, unknown>;
};

export const owner = (db: TestDatabase, query: string, values: unknown[] = []) =>
  asOwner(db.admin, async () => (await db.admin.query(query, values)).rows);

export async function post(
  db: TestDatabase,
  account: string,
  template = 'password_changed',
  vars: object = {},
  channel = 'email',
): Promise<string> {
  const [row] = await owner(db, 'select ops.post($1, $2, $3, $4, $5) as id', [
    db.ring,
    account,
    channel,
    template,
    vars,
  ]);
  return row.id;
}

export async function take(
  db: TestDatabase,
  gate: pg.Client,
  most = 20,
  channels = ['email', 'sms'],
): Promise<Taken[]> {
  const { rows } = await gate.query<Taken>('select * from ops.take_messages($1, $2, $3)', [db.ring, channels, most]);
  // these tests try many wrong codes, of which the person is told (0099_sign_ins)
  return rows.filter(({ template }) => template !== 'codes_refused');
}

export async function tell(
  gate: pg.Client,
  { id, attempt }: Pick<Taken, 'id' | 'attempt'>,
  outcome: string,
  reason: string | null = null,
): Promise<string> {
  return (await gate.query('select ops.message_done($1, $2, $3, $4) as answer', [id, attempt, outcome, reason])).rows[0]
    .answer;
}

/** How a message stands; the times in whole seconds from now. */
export async function stateOf(db: TestDatabase, id: string) {
  const [row] = await owner(
    db,
    `select state, attempts, vars is null as gone, round(extract(epoch from next_at - clock_timestamp()))::int as due
     from ops.outbox where id = $1`,
    [id],
  );
  return row as { state: string; attempts: number; gone: boolean; due: number };
}
