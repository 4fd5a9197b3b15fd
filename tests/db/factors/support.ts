// Somebody with a session, and the functions of the gate that change factors.
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { connect } from '../../../db/connect.ts';
import { asOwner } from '../../../db/owner.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { createPractice, openSession, type Person, type Practice } from '../../support/practice.ts';

export type Answer = { answer: string; role?: string | null; retry_after?: number; secret?: Buffer; codes?: string[] };
export type Factors = {
  db: TestDatabase;
  gate: pg.Client;
  practice: Practice;
  somebody: Person;
  owner(query: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  /** `iam.name(ring, …values, caller)`, on a connection of the gate. */
  call(name: string, values: unknown[], client?: pg.Client): Promise<Answer>;
  /** A session of this account that a link has made: one factor, and it may add the first. */
  openLink(account: string): Promise<string>;
  /** Another session of two factors. */
  openAnother(account: string): Promise<string>;
  age(token: string, interval: string): Promise<unknown>;
  /** Events of this account with this name, the newest first: outcome and details. */
  events(account: string, event: string): Promise<{ outcome: string; details: string }[]>;
  mails(account: string): Promise<string[]>;
  close(): Promise<void>;
};

export const newToken = () => randomBytes(32).toString('base64url');
const caller = { ip: '192.0.2.1', user_agent: 'test' };

export async function openFactors(): Promise<Factors> {
  const db = await createDatabase();
  const gate = await connect(db.gateUrl);
  const practice = await createPractice(db);
  const owner = (query: string, values: unknown[] = []) =>
    asOwner(db.admin, async () => (await db.admin.query(query, values)).rows as Record<string, unknown>[]);
  return {
    db,
    gate,
    practice,
    somebody: practice.clinician,
    owner,
    async call(name, values, client = gate) {
      const all = [db.ring, ...values, caller];
      const { rows } = await client.query(
        `select * from iam.${name}(${all.map((_, i) => `$${i + 1}`).join(', ')})`,
        all,
      );
      return name in rows[0] ? { answer: rows[0][name] } : rows[0];
    },
    async openLink(account) {
      const token = newToken();
      await owner(
        `insert into iam.sessions (token_hash, account_id, membership_id, organisation_id, role, enrols, methods)
         select iam.hash_token($1), m.account_id, m.id, m.organisation_id, m.role, true, '{link}' from access.memberships m where m.account_id = $2`,
        [token, account],
      );
      return token;
    },
    openAnother: (account) => asOwner(db.admin, () => openSession(db, account)),
    age: (token, interval) =>
      owner('update iam.sessions set factor_at = factor_at - $2::interval where token_hash = iam.hash_token($1)', [
        token,
        interval,
      ]),
    events: (account, event) =>
      owner('select outcome, details from audit.events where actor_id = $1 and event = $2 order by at desc', [
        account,
        event,
      ]) as Promise<{ outcome: string; details: string }[]>,
    mails: async (account) =>
      (await owner('select template from ops.outbox where account_id = $1 order by created_at, id', [account])).map(
        (row) => String(row.template),
      ),
    close: async () => {
      await gate.end();
      await db.close();
    },
  };
}
