// Two administrators, two connections: 0340_account_administration, guarantee 2.
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { asOwner } from '../../db/owner.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { owner } from '../support/outbox.ts';
import { createPerson, createPractice, type Person } from '../support/practice.ts';

let db: TestDatabase;
let admins: Person[];
let edges: pg.Client[];
beforeAll(async () => {
  db = await createDatabase();
  const { organisation, orgAdmin } = await createPractice(db);
  const other = await asOwner(db.admin, () => createPerson(db, { organisation, role: 'org_admin' }));
  admins = [orgAdmin, other];
  edges = await Promise.all([connect(db.edgeUrl), connect(db.edgeUrl)]);
  // who can sign in has a second factor
  for (const { account } of admins)
    await owner(db, "insert into iam.totp_factors (account_id, secret, confirmed_at) values ($1, '\\x00', now())", [
      account,
    ]);
});
afterAll(async () => {
  await Promise.all((edges ?? []).map((edge) => edge.end()));
  await db?.close();
});

async function enter(edge: pg.Client, { token }: Person, phase: string): Promise<void> {
  await edge.query('begin');
  await edge.query('select iam.enter(token => $1, ring => $2, phase => $3)', [token, db.ring, phase]);
}

/** `who` changes `whom`, and lets the other one go first if `meanwhile` says so. */
async function lower(edge: pg.Client, who: Person, whom: Person, change: string, meanwhile = async () => {}) {
  const key = randomUUID();
  await enter(edge, who, 'open');
  await edge.query("select ops.intend($1, 'accounts.change')", [key]);
  await edge.query('commit');
  await enter(edge, who, 'write');
  await edge.query(`select clinic.${change}`, [key, whom.account]);
  await meanwhile();
  await edge.query('commit');
}

test.each(['suspend_account($1, $2)', 'end_membership($1, $2)', "change_role($1, $2, 'auditor')"])(
  'two administrators cannot lower each other at the same moment: %s',
  async (change) => {
    const [first, second] = admins as [Person, Person];
    const [one, two] = edges as [pg.Client, pg.Client];
    let late: Promise<unknown> = Promise.resolve();
    await lower(one, first, second, change, async () => {
      late = lower(two, second, first, change).catch((error: { code?: string }) => error.code);
      await new Promise((resolve) => setTimeout(resolve, 300));
    });
    // the second one waited, and found that nobody else would be left, or that its own session was over
    expect(['VS409', 'VS401', 'VS403', '55P03']).toContain(await late);
    await two.query('rollback');
    const left = await owner(
      db,
      `select m.account_id from access.memberships m where m.organisation_id = (select organisation_id from access.memberships where account_id = $1 limit 1)
       and m.role = 'org_admin' and access.membership_is_live(m.id)`,
      [first.account],
    );
    expect(left).toEqual([{ account_id: first.account }]);
    await owner(db, "update iam.accounts set status = 'active'");
    await owner(
      db,
      "update access.memberships set valid_until = case when role = 'org_admin' then 'infinity'::timestamptz else valid_until end",
    );
    await owner(db, 'update iam.sessions set revoked_at = null, revoked_because = null where account_id = any ($1)', [
      admins.map(({ account }) => account),
    ]);
  },
);

test('two people with one address are invited once', async () => {
  const [first, second] = admins as [Person, Person];
  const [one, two] = edges as [pg.Client, pg.Client];
  const invite = async (edge: pg.Client, who: Person, wait: number) => {
    const key = randomUUID();
    await enter(edge, who, 'open');
    await edge.query("select ops.intend($1, 'accounts.invite')", [key]);
    await edge.query('commit');
    await enter(edge, who, 'write');
    try {
      await edge.query("select clinic.invite_member($1, 'secretary', 'same@exemple.fr', $2)", [
        key,
        { family_name: 'Petit', given_name: 'Lou' },
      ]);
      await new Promise((resolve) => setTimeout(resolve, wait));
      await edge.query('commit');
      return 'ok';
    } catch (error) {
      await edge.query('rollback');
      return (error as { code?: string }).code;
    }
  };
  expect((await Promise.all([invite(one, first, 300), invite(two, second, 300)])).toSorted()).toEqual(['VS409', 'ok']);
  expect(await owner(db, 'select * from iam.invitations')).toHaveLength(1);
});
