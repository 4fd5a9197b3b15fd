// Two requests about one account at the same moment: they come one after the other (iam.lock_account), and none ends in an
// error. The gate sends nothing twice, so a deadlock would be somebody's sign-in that failed.
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { asOwner } from '../../db/owner.ts';
import { totpCode } from '../../db/totp.ts';
import { change } from '../support/care.ts';
import { createPatient, createPerson, type Person } from '../support/practice.ts';
import { type Answer, type Factors, newToken, openFactors } from './factors/support.ts';

let f: Factors;
let other: pg.Client;
let holder: pg.Client;
beforeAll(async () => {
  f = await openFactors();
  other = await connect(f.db.gateUrl);
  holder = await connect(f.db.adminUrl);
});
afterAll(async () => {
  await Promise.all([other?.end(), holder?.end()]);
  await f?.close();
});

const newPerson = (): Promise<Person> =>
  asOwner(f.db.admin, () => createPerson(f.db, { organisation: f.practice.organisation, role: 'clinician' }));

async function untilWaiting(n: number): Promise<void> {
  await expect
    .poll(
      async () =>
        (
          await f.owner(
            'select count(distinct pid)::int as n from pg_locks where not granted and pid in (select pid from pg_stat_activity where datname = current_database())',
          )
        )[0]!.n,
      { timeout: 10_000 },
    )
    .toBe(n);
}

/** Both stop at the account's row, the first one first; then the way is free. */
async function cross(account: string, first: () => Promise<Answer>, second: () => Promise<Answer>): Promise<string[]> {
  await holder.query('begin');
  await holder.query('set local role vs_owner');
  await holder.query('select from iam.accounts where id = $1 for update', [account]);
  const one = first();
  await untilWaiting(1);
  const two = second();
  await untilWaiting(2);
  await holder.query('commit');
  const settled = await Promise.allSettled([one, two]);
  return settled.map((s) => (s.status === 'fulfilled' ? s.value.answer : String(s.reason)));
}

test('a recovery code is used while new ones are made', async () => {
  const one = await newPerson();
  const { codes } = await f.call('make_recovery_codes', [one.token]);
  const session = await f.openAnother(one.account);
  expect(
    await cross(
      one.account,
      () => f.call('make_recovery_codes', [one.token]),
      () => f.call('take_factor', [session, 'recovery_code', { code: codes![0] }, newToken()], other),
    ),
  ).toEqual(['ok', 'refused']);
});

test('the password is changed in two browsers', async () => {
  const one = await newPerson();
  await f.owner("select iam.set_password($1, 'p:before')", [one.account]);
  const session = await f.openAnother(one.account);
  expect(
    await cross(
      one.account,
      () => f.call('change_password', [one.token, 'p:before', 'p:after']),
      () => f.call('change_password', [session, 'p:before', 'p:other'], other),
    ),
  ).toEqual(['ok', 'expired']);
});

test('a recovery is cancelled by its notice while it adds a factor', async () => {
  const one = await newPerson();
  const session = await f.openLink(one.account);
  const cancel = newToken();
  await f.owner(
    `insert into iam.recoveries (account_id, organisation_id, token_hash, cancel_hash, lost, state, session_id, ready_at, ends_at)
     select s.account_id, s.organisation_id, iam.hash_token($2), iam.hash_token($3), 'factors', 'waiting', s.id, now(), now() + interval '1 day'
     from iam.sessions s where s.token_hash = iam.hash_token($1)`,
    [session, newToken(), cancel],
  );
  const { secret } = await f.call('begin_totp', [session]);
  expect(
    await cross(
      one.account,
      () => f.call('confirm_totp', [session, totpCode(secret!), newToken()]),
      () => f.call('cancel_recovery', [cancel], other),
    ),
  ).toEqual(['ok', 'gone']);
});

test('everybody is signed out while one of them signs in again in the same browser', async () => {
  const one = await newPerson();
  const secret = randomBytes(20);
  await f.owner(
    `insert into iam.totp_factors (account_id, secret, confirmed_at)
     values ($2::uuid, vault.seal(vault.unwrap($1, $2, 'profile'), $2, $2, 1, '', 'iam.totp_factors.secret', $3), now())`,
    [f.db.ring, one.account, secret.toString('base64')],
  );
  const session = newToken();
  await f.owner("select iam.start_session($1, $2, $3, '{password}', '{}', $4)", [
    f.db.ring,
    one.account,
    session,
    one.token,
  ]);
  const edge = await connect(f.db.edgeUrl);
  try {
    const entry = { token: f.practice.orgAdmin.token, ring: f.db.ring };
    // the half session first, then the whole one that it stands for: and the other way round, by their age
    const answers = await cross(
      one.account,
      () => f.call('take_factor', [session, 'totp', { code: totpCode(secret) }, newToken()]),
      async () => ({ answer: String(await change(edge, entry, 'sessions.end', 'clinic.end_all_sessions($1)', [])) }),
    );
    expect(answers[0]).toBe('ok');
    expect(Number(answers[1])).toBeGreaterThan(0);
    const open = 'select from iam.sessions where account_id = $1 and revoked_at is null';
    expect(await f.owner(open, [one.account])).toHaveLength(0);
  } finally {
    await edge.end();
  }
});

test('somebody is suspended while they show their second factor', async () => {
  const one = await newPerson();
  const { secret } = await f.call('begin_totp', [one.token]);
  await f.call('confirm_totp', [one.token, totpCode(secret!), newToken()]);
  await f.owner('update iam.totp_factors set last_step = 0 where account_id = $1', [one.account]);
  const session = newToken();
  await f.owner(
    `insert into iam.sessions (token_hash, account_id, membership_id, organisation_id, role, methods)
     select iam.hash_token($1), m.account_id, m.id, m.organisation_id, m.role, '{password}' from access.memberships m where m.account_id = $2`,
    [session, one.account],
  );
  const edge = await connect(f.db.edgeUrl);
  try {
    const entry = { token: f.practice.orgAdmin.token, ring: f.db.ring };
    const suspend = 'clinic.suspend_account($1, $2)';
    expect(
      await cross(
        one.account,
        async () => ({ answer: await change(edge, entry, 'accounts.change', suspend, [one.account]) }),
        () => f.call('take_factor', [session, 'totp', { code: totpCode(secret!) }, newToken()], other),
      ),
    ).toEqual([one.account, 'expired']);
  } finally {
    await edge.end();
  }
});

test('a patient is erased while they decide on an agreement: the erasure holds nothing that the decision needs', async () => {
  const patient = await createPatient(f.db, f.practice);
  const { account } = await asOwner(f.db.admin, () =>
    createPerson(f.db, { organisation: f.practice.organisation, role: 'patient', patient }),
  );
  await holder.query('begin');
  await holder.query('set local role vs_owner');
  await holder.query('select iam.lock_account($1)', [account]);
  const eraser = await connect(f.db.adminUrl);
  try {
    const erased = asOwner(eraser, () =>
      eraser.query("select privacy.erase_patient($1, $2, 'legal_obligation')", [f.db.ring, patient]),
    );
    await untilWaiting(1);
    // as its foreign key does when a decision is written
    await holder.query('select from store.patients where id = $1 for key share nowait', [patient]);
    await holder.query('commit');
    expect((await erased).rowCount).toBe(1);
  } finally {
    await holder.query('rollback');
    await eraser.end();
  }
});
