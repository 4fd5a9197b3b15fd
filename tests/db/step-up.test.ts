// A factor shown within 10 minutes: asked for in SQL where a change is announced and again where it is done
// (0050_sessions, guarantee 7; 0100_intents, guarantee 4). Where it is done: supabase/tests/0100_intents.sql, 0330_own_sessions.sql.
import { randomBytes, randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Door, Who } from '../../db/batch.ts';
import { openDoor } from '../../db/door.ts';
import { asOwner } from '../../db/owner.ts';
import { k } from '../../db/query.ts';
import type { Refusal } from '../../db/refusal.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { createPractice, openSession, type Practice } from '../support/practice.ts';

let db: TestDatabase;
let practice: Practice;
let here: Door;
let token: string;

beforeAll(async () => {
  db = await createDatabase();
  practice = await createPractice(db);
  here = openDoor(db);
});
afterAll(async () => {
  await here?.close();
  await db?.close();
});
beforeEach(async () => {
  token = await asOwner(db.admin, () => openSession(db, practice.clinician.account));
});

const newToken = () => randomBytes(32).toString('base64url');
const owner = (query: string, values: unknown[] = []) =>
  asOwner(db.admin, async () => (await db.admin.query(query, values)).rows);
const age = (set: string) => owner(`update iam.sessions set ${set} where token_hash = iam.hash_token($1)`, [token]);

describe('a factor shown within ten minutes', () => {
  const intend = async (operation: string, of = token) => {
    const who: Who = { token: of, role: 'clinician', ip: null, userAgent: null, requestId: randomUUID() };
    const open = sql<{ answer: string }>`select ops.intend(${randomUUID()}::uuid, ${operation}) as answer`.compile(k);
    return here.read(who, { open, reads: [] }).then(
      () => 'ok',
      (error: Refusal) => error.reason,
    );
  };

  test.each(['notes.sign', 'erasures.request', 'accounts.change', 'sessions.end'])(
    'is asked for by %s',
    async (operation) => {
      expect(await intend(operation)).toBe('ok');
      await age("factor_at = clock_timestamp() - interval '10 minutes 1 second'");
      expect(await intend(operation)).toBe('step_up');
      // a clock that was put back doesn't keep it fresh
      await age("factor_at = clock_timestamp() + interval '1 hour'");
      expect(await intend(operation)).toBe('step_up');
      await age("factor_at = clock_timestamp() - interval '9 minutes 55 seconds'");
      expect(await intend(operation)).toBe('ok');
    },
  );

  test("isn't asked for by what one does all day", async () => {
    await age("factor_at = clock_timestamp() - interval '2 hours'");
    expect(await intend('notes.write')).toBe('ok');
  });

  test('is shown to a session, and makes no other one of the same person fresh', async () => {
    const other = await asOwner(db.admin, () => openSession(db, practice.clinician.account));
    await owner("update iam.sessions set factor_at = clock_timestamp() - interval '11 minutes'");
    const next = newToken();
    await owner("select iam.accept_factor($1, iam.find_session($1, $2, '{}'), 'totp', $3, '{}')", [
      db.ring,
      token,
      next,
    ]);
    expect([await intend('notes.sign', next), await intend('notes.sign', other)]).toEqual(['ok', 'step_up']);
  });
});
