// Signing in: supabase/migrations/0090_sign_in.sql; hardening rule 20; RFC 6238. bcrypt takes its quarter of a second
// at each password, so there are few.
import { randomBytes, randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { asOwner, createAccount } from '../../db/owner.ts';
import { totpCode, totpStep } from '../../db/totp.ts';
import { prehash } from '../../edge/password.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { createPractice } from '../support/practice.ts';
import { inTransaction, outcome } from '../support/world.ts';

const password = 'correct horse battery staple';
const email = 'medecin@exemple.fr';
const secret = randomBytes(20);

let db: TestDatabase;
let gate: pg.Client;
let gates: pg.Client[];
let edge: pg.Client;
let account: string;

beforeAll(async () => {
  db = await createDatabase();
  gates = await Promise.all(Array.from({ length: 2 }, () => connect(db.gateUrl)));
  gate = gates[0]!;
  edge = await connect(db.edgeUrl);
  const practice = await createPractice(db);
  account = await asOwner(db.admin, () =>
    createAccount(db.admin, db.keys, {
      organisation: practice.organisation,
      role: 'clinician',
      email,
      profile: { family_name: 'Roux', given_name: 'Anne' },
      password,
      totpSecret: secret,
    }),
  );
});
afterAll(async () => {
  await Promise.all([...gates, edge].map((client) => client.end()));
  await db.close();
});

const newToken = () => randomBytes(32).toString('base64url');
const owner = (query: string, values: unknown[] = []) =>
  asOwner(db.admin, async () => (await db.admin.query(query, values)).rows);
const lookup = async (address: string) =>
  (await gate.query('select iam.sign_in_lookup($1, $2) as id', [db.ring, address])).rows[0].id as string;

let addresses = 0;
const anotherAddress = () => {
  addresses += 1;
  return `192.0.2.${addresses}`;
};

/** First step, from an address of its own unless one is given. */
async function tryPassword(id: string, typed: string, token = newToken(), ip = anotherAddress()) {
  const { rows } = await gate.query('select * from iam.sign_in_password($1, $2, $3, $4, $5)', [
    db.ring,
    id,
    await prehash(db.pepper, id, typed),
    token,
    { ip, user_agent: 'test' },
  ]);
  return { ...(rows[0] as { answer: string; retry_after: number | null }), token };
}

/** How often bcrypt runs while this account's password is tried: Postgres counts it. What the try did is undone. */
async function hashesOf(id: string): Promise<number> {
  const root = await connect(db.superuserUrl);
  try {
    await root.query("set track_functions = 'all'");
    await root.query('begin');
    await root.query('select iam.sign_in_password($1, $2, $3, $4, $5)', [
      ...[db.ring, id, 'x', newToken(), { ip: anotherAddress(), user_agent: 'test' }],
    ]);
    const { rows } = await root.query(
      "select calls::int from pg_stat_xact_user_functions where schemaname = 'extensions' and funcname = 'crypt'",
    );
    await root.query('rollback');
    return rows[0]?.calls ?? 0;
  } finally {
    await root.end();
  }
}

/** A session that has got its password and waits for a code, without a hash. */
async function halfWay(id = account): Promise<string> {
  const token = newToken();
  await owner(
    `insert into iam.sessions (token_hash, account_id, membership_id, organisation_id, role, expires_at)
    select iam.hash_token($1), m.account_id, m.id, m.organisation_id, m.role, clock_timestamp() + interval '10 minutes' from access.memberships m where m.account_id = $2`,
    [token, id],
  );
  return token;
}
async function tryCode(token: string, code: string, next = newToken(), client = gate) {
  const { rows } = await client.query("select * from iam.take_factor($1, $2, 'totp', $3, $4, $5)", [
    db.ring,
    token,
    { code },
    next,
    { ip: '192.0.2.1', user_agent: 'test' },
  ]);
  return { ...(rows[0] as { answer: string; role: string | null; retry_after: number }), token: next };
}
const forgetSteps = () =>
  owner("update iam.totp_factors set last_step = 0; delete from ops.delays where key like 'code/%'");
const enter = async (token: string) => {
  await edge.query('begin');
  const { rows } = await edge.query('select iam.enter($1, $2) as answer', [token, db.ring]);
  const acting = (await edge.query('select current_user as role')).rows[0].role;
  await edge.query('rollback');
  return [rows[0].answer, acting];
};

describe('RFC 6238', () => {
  // appendix B, SHA-1, the last six digits
  test.each([
    [59, '287082'],
    [1111111109, '081804'],
    [1111111111, '050471'],
    [1234567890, '005924'],
    [2000000000, '279037'],
    [20000000000, '353130'],
  ])('at %i the code is %s', async (time, code) => {
    expect(
      (await owner('select iam.totp($1, $2) as code', [Buffer.from('12345678901234567890'), Math.floor(time / 30)]))[0]
        .code,
    ).toBe(code);
  });
});

describe('both factors', () => {
  test('open a session; neither alone opens anything', async () => {
    await forgetSteps();
    const first = await tryPassword(account, password);
    expect(first).toMatchObject({ answer: 'second_factor', retry_after: 0 });
    expect(await enter(first.token)).toEqual(['second_factor', 'vs_anon']);
    expect(
      await outcome(inTransaction(edge, { token: first.token, ring: db.ring }, () => edge.query('select 1'))),
    ).toBe('VS401');
    expect(await tryCode(newToken(), totpCode(secret))).toMatchObject({ answer: 'expired', role: null });
    const second = await tryCode(first.token, totpCode(secret));
    expect(second).toMatchObject({ answer: 'ok', role: 'clinician' });
    expect(await enter(second.token)).toEqual(['ok', 'vs_clinician']);
    // the token of one factor is worthless from then on
    expect(await enter(first.token)).toEqual(['signed_out', 'vs_anon']);
    expect(await tryCode(first.token, totpCode(secret, totpStep() + 1))).toMatchObject({ answer: 'expired' });
  });

  test('an unknown address gets an id, the same each time, and the same answer', async () => {
    const [known, unknown] = [await lookup(email), await lookup('personne@exemple.fr')];
    expect(known).toBe(account);
    expect(await lookup('  MEDECIN@exemple.FR ')).toBe(account);
    expect(await lookup('personne@exemple.fr')).toBe(unknown);
    const wrong = await tryPassword(known, 'not the password');
    const nobody = await tryPassword(unknown, password);
    expect({ ...nobody, token: '' }).toEqual({ ...wrong, token: '' });
    expect(nobody).toMatchObject({ answer: 'refused' });
  });

  // the time itself is measured in tests/faults/same-time.test.ts
  test('and whatever the address, a password is hashed once, at the same cost', async () => {
    expect(await hashesOf(account)).toBe(1);
    expect(await hashesOf(await lookup('personne@exemple.fr'))).toBe(1);
    const source = await owner("select prosrc from pg_proc where oid = 'iam.try_password'::regproc");
    expect(source[0].prosrc.match(/'\$2[aby]\$\d\d\$/g)).toEqual(["'$2a$12$"]);
  });

  test('a suspended account is refused with the right password', async () => {
    await owner("update iam.accounts set status = 'suspended' where id = $1", [account]);
    expect(await tryPassword(account, password)).toMatchObject({ answer: 'refused' });
    await owner("update iam.accounts set status = 'active' where id = $1", [account]);
  });
});

describe('a code', () => {
  test('works once', async () => {
    await forgetSteps();
    const code = totpCode(secret);
    expect(await tryCode(await halfWay(), code)).toMatchObject({ answer: 'ok' });
    expect(await tryCode(await halfWay(), code)).toMatchObject({ answer: 'refused' });
  });

  test('works once when it is sent twice at once', async () => {
    for (let round = 0; round < 5; round += 1) {
      await forgetSteps();
      const code = totpCode(secret);
      const tokens = await Promise.all([halfWay(), halfWay()]);
      const answers = await Promise.all(tokens.map((token, i) => tryCode(token, code, newToken(), gates[i])));
      expect(answers.map((a) => a.answer).sort()).toEqual(['ok', 'refused']);
    }
  });

  test("of one step before or after is taken, of two isn't", async () => {
    for (const [drift, answer] of [
      [-2, 'refused'],
      [2, 'refused'],
      [-1, 'ok'],
      [1, 'ok'],
    ] as const) {
      await forgetSteps();
      await untilMidStep();
      expect([drift, (await tryCode(await halfWay(), totpCode(secret, totpStep() + drift))).answer]).toEqual([
        drift,
        answer,
      ]);
    }
  });

  test('of a step before the last used one is refused, although it was never used', async () => {
    await forgetSteps();
    await untilMidStep();
    expect(await tryCode(await halfWay(), totpCode(secret))).toMatchObject({ answer: 'ok' });
    expect(await tryCode(await halfWay(), totpCode(secret, totpStep() - 1))).toMatchObject({ answer: 'refused' });
  });

  test('may be guessed five times in a session and in all, then the answer is to wait', async () => {
    await forgetSteps();
    const token = await halfWay();
    for (let i = 0; i < 5; i += 1) expect(await tryCode(token, '000000')).toMatchObject({ answer: 'refused' });
    expect(await tryCode(token, totpCode(secret))).toMatchObject({ answer: 'expired' });
    const answer = await tryCode(await halfWay(), totpCode(secret));
    expect(answer.answer).toBe('wait');
    expect(answer.retry_after).toBeGreaterThan(0);
    await forgetSteps();
  });

  test('comes within ten minutes of the password', async () => {
    const token = await halfWay();
    await owner(
      "update iam.sessions set expires_at = clock_timestamp() - interval '1 second' where token_hash = iam.hash_token($1)",
      [token],
    );
    expect(await tryCode(token, totpCode(secret))).toMatchObject({ answer: 'expired' });
  });

  // a step may end between making the code and checking it
  const untilMidStep = async () => {
    const left = 30_000 - (Date.now() % 30_000);
    if (left < 2000) await new Promise((done) => setTimeout(done, left + 50));
  };
});

describe('a password', () => {
  test("counts beyond bcrypt's 72 bytes, and in any form of its accents", async () => {
    const [one, two] = [`${'a'.repeat(72)}b`, `${'a'.repeat(72)}c`];
    const id = randomUUID();
    expect(await prehash(db.pepper, id, one)).not.toBe(await prehash(db.pepper, id, two));
    expect((await prehash(db.pepper, id, one)).length).toBeLessThanOrEqual(72);
    expect(await prehash(db.pepper, id, 'café'.normalize('NFD'))).toBe(
      await prehash(db.pepper, id, 'café'.normalize('NFC')),
    );
    await owner('select iam.set_password($1, $2)', [account, await prehash(db.pepper, account, one)]);
    expect(await tryPassword(account, two)).toMatchObject({ answer: 'refused' });
    expect(await tryPassword(account, one)).toMatchObject({ answer: 'second_factor' });
  });

  test('is stored by bcrypt of cost 12, under the id of its account and a pepper', async () => {
    const { password_hash: hash } = (await owner('select password_hash from iam.accounts where id = $1', [account]))[0];
    expect(hash).toMatch(/\$2[aby]\$12\$/);
    expect(await prehash(db.pepper, account, password)).not.toBe(await prehash(db.pepper, randomUUID(), password));
    expect(await prehash({ ...db.pepper, key: randomBytes(32) }, account, password)).not.toBe(
      await prehash(db.pepper, account, password),
    );
  });

  test("can't be stored at a lower cost", async () => {
    expect(
      await outcome(
        owner(
          "update iam.accounts set password_hash = extensions.crypt('x', extensions.gen_salt('bf', 6)) where id = $1",
          [account],
        ),
      ),
    ).toBe('23514');
  });
});
