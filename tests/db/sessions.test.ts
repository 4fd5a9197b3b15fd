// What a session token is worth, to whom and for how long: supabase/migrations/0050_sessions.sql, guarantees 1, 6 and 7.
// Two doors stand for two edges: what one of them ends is over on the other with the next batch.
import { randomBytes, randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Door, Who } from '../../db/batch.ts';
import { openDoor } from '../../db/door.ts';
import { asOwner } from '../../db/owner.ts';
import { k } from '../../db/query.ts';
import { Refusal } from '../../db/refusal.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { createPatient, createPractice, openSession, type Practice } from '../support/practice.ts';
import { connectEdge, inTransaction, openPatient, outcome } from '../support/world.ts';

const GRACE = '30 seconds';
let db: TestDatabase;
let practice: Practice;
let here: Door;
let there: Door;
let token: string;

beforeAll(async () => {
  db = await createDatabase();
  practice = await createPractice(db);
  [here, there] = [openDoor(db), openDoor(db)];
});
afterAll(async () => {
  await Promise.all([here.close(), there.close()]);
  await db.close();
});
beforeEach(async () => {
  token = await asOwner(db.admin, () => openSession(db, practice.clinician.account));
});

const newToken = () => randomBytes(32).toString('base64url');
const owner = (query: string, values: unknown[] = []) =>
  asOwner(db.admin, async () => (await db.admin.query(query, values)).rows);
const age = (set: string, of = token) =>
  owner(`update iam.sessions set ${set} where token_hash = iam.hash_token($1)`, [of]);
const dueForRenewal = (of = token) => age("rotated_at = clock_timestamp() - interval '15 minutes 1 second'", of);
const afterGrace = () => owner(`update iam.old_tokens set retired_at = retired_at - interval '${GRACE}'`);
const events = async (event: string) =>
  (await owner('select outcome, details from audit.events where event = $1', [event])).length;

type Asked = { door?: Door; renewal?: string; ip?: string };

/** One page: `ok`, `renewed` when the renewal was taken, or why it was refused. */
async function ask(presented: string, { door = here, renewal, ip = '192.0.2.1' }: Asked = {}): Promise<string> {
  let taken = false;
  const who: Who = {
    token: presented,
    role: 'clinician',
    ip,
    userAgent: 'test',
    requestId: randomUUID(),
    ...(renewal && { renewal: { token: renewal, taken: () => (taken = true) } }),
  };
  const open = sql<{ answer: string }>`select audit.open_home() as answer`.compile(k);
  const reads = [sql<{ id: string }>`select account_id as id from clinic.me`.compile(k)] as const;
  try {
    const [me] = await door.read(who, { open, reads });
    expect(me[0]?.id).toBe(practice.clinician.account);
    return taken ? 'renewed' : 'ok';
  } catch (error) {
    if (error instanceof Refusal) return error.reason;
    throw error;
  }
}

describe('a token that was copied', () => {
  test('is worthless after a rotation, and using it ends the session for both', async () => {
    const [stolen, next] = [token, newToken()];
    await dueForRenewal();
    expect(await ask(token, { renewal: next })).toBe('renewed');
    await afterGrace();
    const before = await events('session.reuse');
    expect(await ask(stolen, { door: there, ip: '203.0.113.66' })).toBe('signed_out');
    expect(await ask(next)).toBe('signed_out');
    expect(await events('session.reuse')).toBe(before + 1);
    const [row] = await owner('select revoked_because from iam.sessions where token_hash = iam.hash_token($1)', [next]);
    expect(row.revoked_because).toBe('token_reused');
  });

  test('ends the session as well when the thief was the first to renew it', async () => {
    const thieves = newToken();
    await dueForRenewal();
    expect(await ask(token, { renewal: thieves, ip: '203.0.113.66' })).toBe('renewed');
    await afterGrace();
    expect(await ask(token)).toBe('signed_out');
    expect(await ask(thieves, { ip: '203.0.113.66' })).toBe('signed_out');
  });

  test('ends it after several renewals too, at whichever edge it comes', async () => {
    const tokens = [token];
    for (let i = 0; i < 3; i += 1) {
      const next = newToken();
      await dueForRenewal(tokens.at(-1));
      expect(await ask(tokens.at(-1) ?? '', { renewal: next, door: i % 2 ? there : here })).toBe('renewed');
      tokens.push(next);
    }
    await afterGrace();
    expect(await ask(tokens[1] ?? '', { door: there })).toBe('signed_out');
    expect(await ask(tokens.at(-1) ?? '')).toBe('signed_out');
  });

  test('is no use while the session lasts, and is not told so more than once', async () => {
    await dueForRenewal();
    await ask(token, { renewal: newToken() });
    await afterGrace();
    const before = await events('session.reuse');
    const answers = await Promise.all([here, there, here, there].map((door) => ask(token, { door })));
    expect(answers).toEqual(Array(4).fill('signed_out'));
    expect(await events('session.reuse')).toBe(before + 1);
  });

  test('within the thirty seconds gets no new token elsewhere', async () => {
    const next = newToken();
    await dueForRenewal();
    expect(await ask(token, { renewal: next })).toBe('renewed');
    // the renewal is what the edge would make of the copy as well: it follows from the token
    expect(await ask(token, { renewal: next, ip: '203.0.113.66' })).toBe('ok');
    expect(await ask(token, { renewal: newToken() })).toBe('ok');
  });
});

describe('a renewal', () => {
  test('comes after fifteen minutes, and not before', async () => {
    await age("rotated_at = clock_timestamp() - interval '14 minutes 50 seconds'");
    expect(await ask(token, { renewal: newToken() })).toBe('ok');
    await dueForRenewal();
    const next = newToken();
    expect(await ask(token, { renewal: next })).toBe('renewed');
    expect(await ask(next, { renewal: newToken() })).toBe('ok');
  });

  test('of many requests at once on two edges happens once, and none of them is refused', async () => {
    const next = newToken();
    await dueForRenewal();
    const doors = Array.from({ length: 12 }, (_, i) => (i % 2 ? there : here));
    const answers = await Promise.all(doors.map((door) => ask(token, { door, renewal: next })));
    expect(new Set(answers)).toEqual(new Set(answers.includes('ok') ? ['renewed', 'ok'] : ['renewed']));
    expect(await ask(next)).toBe('ok');
    const kept = await owner('select count(*)::int as n from iam.old_tokens where token_hash = iam.hash_token($1)', [
      token,
    ]);
    expect(kept[0].n).toBe(1);
  });

  test('of which the answer was lost is given again at the same address', async () => {
    const next = newToken();
    await dueForRenewal();
    await ask(token, { renewal: next });
    expect(await ask(token, { renewal: next })).toBe('renewed');
    await ask(next, { renewal: newToken() });
  });

  test('never goes to a session of an import, nor to one that is over', async () => {
    await dueForRenewal();
    await age('revoked_at = clock_timestamp()');
    expect(await ask(token, { renewal: newToken() })).toBe('signed_out');
  });

  test('takes no token that another session has', async () => {
    await dueForRenewal();
    const [before] = await owner('select count(*)::int as n from iam.sessions where token_hash = iam.hash_token($1)', [
      practice.colleague.token,
    ]);
    expect(await ask(token, { renewal: practice.colleague.token })).not.toBe('ok');
    const [after] = await owner(
      'select count(*)::int as n, max(account_id::text) as account from iam.sessions where token_hash = iam.hash_token($1)',
      [practice.colleague.token],
    );
    expect([before.n, after.n, after.account]).toEqual([1, 1, practice.colleague.account]);
  });
});

describe('a session ends', () => {
  test.each([
    ['30 minutes after the last page', "last_seen_at = clock_timestamp() - interval '30 minutes 1 second'"],
    ['12 hours after its beginning, busy or not', "expires_at = clock_timestamp() - interval '1 second'"],
    ['when it is revoked', 'revoked_at = clock_timestamp()'],
  ])('%s, on every edge', async (_, set) => {
    expect([await ask(token), await ask(token, { door: there })]).toEqual(['ok', 'ok']);
    await age(set);
    expect([await ask(token), await ask(token, { door: there })]).toEqual(['signed_out', 'signed_out']);
  });

  test('not before: a page within the half hour begins it anew', async () => {
    await age("last_seen_at = clock_timestamp() - interval '29 minutes'");
    expect(await ask(token)).toBe('ok');
    const [row] = await owner(
      "select last_seen_at > clock_timestamp() - interval '5 seconds' as now from iam.sessions where token_hash = iam.hash_token($1)",
      [token],
    );
    expect(row.now).toBe(true);
  });

  test('between the two transactions of one page: the second one shows nothing', async () => {
    const [{ id }] = await owner('select id from iam.sessions where token_hash = iam.hash_token($1)', [token]);
    const who: Who = { token, role: 'clinician', ip: null, userAgent: null, requestId: randomUUID() };
    // what opens the page ends the session, as somebody else would at that moment
    const open = sql<{ answer: string }>`select iam.end_session() as answer`.compile(k);
    const reads = [sql`select * from clinic.me`.compile(k)];
    await expect(here.read(who, { open, reads })).rejects.toMatchObject({ reason: 'signed_out' });
    const [row] = await owner('select revoked_because from iam.sessions where id = $1', [id]);
    expect(row.revoked_because).toBe('signed_out');
  });

  test('inside a transaction that had begun: no name is opened any more', async () => {
    const patient = await createPatient(db, practice);
    const edge = await connectEdge(db);
    const entry = { token, ring: db.ring, focus: patient };
    expect(await openPatient(edge, entry, patient)).toBe('ok');
    const names = () => edge.query('select birth_name from clinic.patients');
    expect((await inTransaction(edge, entry, names)).rows).toHaveLength(1);
    const late = inTransaction(edge, entry, async () => {
      await age('revoked_at = clock_timestamp()');
      return names();
    });
    expect(await outcome(late)).toMatch(/^VS4\d\d$/);
    await edge.end();
  });
});

test('two who end everything at once, each other included, leave nothing open and wait for nobody', async () => {
  const { orgAdmin } = practice;
  const second = await asOwner(db.admin, () => openSession(db, orgAdmin.account));
  const endAll = (door: Door, of: string) => {
    const key = randomUUID();
    const who: Who = { token: of, role: 'org_admin', ip: null, userAgent: null, requestId: randomUUID() };
    const open = sql<{ answer: string }>`select audit.open_home() as answer`.compile(k);
    const change = sql`select clinic.end_all_sessions(${key}::uuid)`.compile(k);
    return door.write(who, { open, key, operation: 'sessions.end', change, reads: [] }).then(
      () => 'ok',
      (error: Refusal) => error.reason,
    );
  };
  const ends = await Promise.all([endAll(here, orgAdmin.token), endAll(there, second)]);
  // each may have ended the other before that one's page was read back
  expect(ends.every((end) => ['ok', 'signed_out', 'forbidden'].includes(end))).toBe(true);
  expect(await ask(token)).toBe('signed_out');
  practice = await createPractice(db);
});

test('upkeep forgets the old tokens of sessions that are over, and no others', async () => {
  await dueForRenewal();
  await ask(token, { renewal: newToken() });
  const kept = async () =>
    (await owner('select count(*)::int as n from iam.old_tokens where token_hash = iam.hash_token($1)', [token]))[0].n;
  await owner('select ops.upkeep()');
  expect(await kept()).toBe(1);
  await owner(
    `update iam.sessions s set expires_at = clock_timestamp() - interval '25 hours' from iam.old_tokens o
     where s.id = o.session_id and o.token_hash = iam.hash_token($1)`,
    [token],
  );
  await owner('select ops.upkeep()');
  expect(await kept()).toBe(0);
});

describe('a token that somebody chose', () => {
  test('before the sign-in is worth nothing after it: the session has another one', async () => {
    // fixation: the attacker's token in the browser of the victim, who signs in
    const planted = newToken();
    expect(await ask(planted)).toBe('signed_out');
    const { account } = practice.clinician;
    const first = newToken();
    await owner(`select (iam.start_session($1, $2, $3, '{password}', '{"ip": "192.0.2.1"}', $4)).id`, [
      db.ring,
      account,
      first,
      planted,
    ]);
    const second = newToken();
    await owner("select iam.accept_factor($1, iam.find_session($1, $2, '{}'), 'totp', $3, '{}')", [
      db.ring,
      first,
      second,
    ]);
    expect([await ask(planted), await ask(first), await ask(second)]).toEqual(['signed_out', 'signed_out', 'ok']);
  });

  test('and was in this browser ends with the sign-in, also when the password was typed twice', async () => {
    const [first, second, whole] = [newToken(), newToken(), newToken()];
    let cookie = token;
    for (const next of [first, second]) {
      await owner(`select (iam.start_session($1, $2, $3, '{password}', '{"ip": "192.0.2.1"}', $4)).id`, [
        db.ring,
        practice.clinician.account,
        next,
        cookie,
      ]);
      cookie = next;
    }
    await owner("select iam.accept_factor($1, iam.find_session($1, $2, '{}'), 'totp', $3, '{}')", [
      db.ring,
      second,
      whole,
    ]);
    expect([await ask(token), await ask(first), await ask(whole)]).toEqual(['signed_out', 'signed_out', 'ok']);
  });

  test('and belongs to another account stays theirs when somebody signs in over it', async () => {
    const { colleague, clinician } = practice;
    const [first, second] = [newToken(), newToken()];
    await owner(`select (iam.start_session($1, $2, $3, '{password}', '{}', $4)).id`, [
      db.ring,
      clinician.account,
      first,
      colleague.token,
    ]);
    await owner("select iam.accept_factor($1, iam.find_session($1, $2, '{}'), 'totp', $3, '{}')", [
      db.ring,
      first,
      second,
    ]);
    const [row] = await owner('select revoked_at from iam.sessions where token_hash = iam.hash_token($1)', [
      colleague.token,
    ]);
    expect(row.revoked_at).toBeNull();
  });
});
