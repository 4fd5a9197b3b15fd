// Codes by e-mail and SMS, and the telephone they go to: supabase/migrations/0095_sent_codes.sql. Sessions that have given
// their password are made by the owner.
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { owner as asOwner, take } from '../support/outbox.ts';
import { createPractice, type Practice } from '../support/practice.ts';

let db: TestDatabase;
let practice: Practice;
let gate: pg.Client;
let other: pg.Client;
let account: string;

const caller = { ip: '192.0.2.1', user_agent: 'test' };
const owner = (query: string, values: unknown[] = []) => asOwner(db, query, values);

beforeAll(async () => {
  db = await createDatabase();
  practice = await createPractice(db);
  account = practice.clinician.account;
  [gate, other] = [await connect(db.gateUrl), await connect(db.gateUrl)];
});
afterAll(async () => {
  await Promise.all([gate.end(), other.end()]);
  await db.close();
});
beforeEach(async () => {
  await owner(`delete from ops.outbox; delete from ops.limits; delete from ops.delays; delete from iam.sent_codes; delete from iam.phones;
    delete from iam.totp_factors; update access.organisations set email_codes = true, sms_codes = true;
    update iam.accounts set email_confirmed_at = clock_timestamp(), status = 'active';
    insert into ops.deliveries (channel) values ('email'), ('sms') on conflict (channel) do update set seen_at = clock_timestamp()`);
  await owner(
    "insert into iam.totp_factors (account_id, secret, confirmed_at) values ($1, '\\x00', clock_timestamp())",
    [account],
  );
});

type Session = { factors?: number; methods?: string[]; enrols?: boolean; device?: boolean; who?: string };
async function session({
  factors = 1,
  methods = ['password'],
  enrols = false,
  device = false,
  who = account,
}: Session = {}) {
  const token = randomBytes(32).toString('base64url');
  const known = device
    ? (
        await owner('insert into iam.devices (account_id, token_hash) values ($1, $2) returning id', [
          who,
          randomBytes(32),
        ])
      )[0].id
    : null;
  await owner(
    `insert into iam.sessions (token_hash, account_id, membership_id, organisation_id, role, factors, methods, enrols, device_id, expires_at, password_at)
     select iam.hash_token($1), m.account_id, m.id, m.organisation_id, m.role, $3, $4, $5, $6, clock_timestamp() + interval '10 minutes', clock_timestamp()
     from access.memberships m where m.account_id = $2`,
    [token, who, factors, methods, enrols, known],
  );
  return token;
}
type Answer = { answer: string; retry_after: number };
const call = async (sql: string, values: unknown[], client = gate): Promise<Answer> =>
  (await client.query(sql, values)).rows[0];
const send = (token: string, method = 'email_code') =>
  call('select * from iam.send_code($1, $2, $3, $4)', [db.ring, token, method, caller]);
const type = (token: string, code: string, method = 'email_code', client = gate) =>
  call(
    'select * from iam.take_factor($1, $2, $3, $4, $5, $6)',
    [db.ring, token, method, { code }, randomBytes(32).toString('base64url'), caller],
    client,
  );
/** The code that went out last. */
async function arrived(): Promise<string> {
  const messages = await take(db, gate);
  return String(messages.at(-1)?.vars.code);
}
const other6 = (code: string) => String((Number(code) + 1) % 1_000_000).padStart(6, '0');
const events = async (event: string) =>
  (
    await owner(
      'select outcome, details::json as details from audit.events where event = $1 order by at desc, seq desc limit 1',
      [event],
    )
  ).map(({ outcome, details }) => ({ outcome, ...details }))[0];

async function sent(options: Session = {}, method = 'email_code'): Promise<{ token: string; code: string }> {
  const token = await session(options);
  expect((await send(token, method)).answer).toBe('ok');
  return { token, code: await arrived() };
}
/** A number of one's own, as it is after its code was typed. */
async function withPhone(number = '06 12 34 56 78', who = account) {
  const token = await session({ factors: 2, who });
  expect((await begin(token, number)).answer).toBe('ok');
  expect((await confirm(token, await arrived())).answer).toBe('ok');
  await take(db, gate);
  await owner('delete from ops.limits; delete from ops.delays');
  return token;
}
const begin = (token: string, number: string) =>
  call('select * from iam.begin_phone($1, $2, $3, $4)', [db.ring, token, number, caller]);
const confirm = (token: string, code: string) =>
  call('select * from iam.confirm_phone($1, $2, $3, $4)', [db.ring, token, code, caller]);
const remove = async (token: string) =>
  (await gate.query('select iam.remove_phone($1, $2, $3) as answer', [db.ring, token, caller])).rows[0]
    .answer as string;
const read = async (token: string) =>
  (await gate.query('select * from iam.read_phone($1, $2, $3)', [db.ring, token, caller])).rows[0];

describe('a code', () => {
  test('opens the session that asked for it', async () => {
    const { token, code } = await sent();
    expect(code).toMatch(/^\d{6}$/);
    expect(await events('code.send')).toEqual({ outcome: 'success', factor: 'email_code', answer: 'ok' });
    expect(await type(token, code)).toMatchObject({ answer: 'ok', role: 'clinician' });
  });

  test('cannot be used twice, not even at the same moment', async () => {
    const { token, code } = await sent({ factors: 2 });
    const both = await Promise.all([type(token, code), type(token, code, 'email_code', other)]);
    expect(both.map(({ answer }) => answer).filter((answer) => answer === 'ok')).toHaveLength(1);
  });

  test('cannot be used by another session of the same account', async () => {
    const { code } = await sent();
    expect(await type(await session(), code)).toMatchObject({ answer: 'refused' });
  });

  test('cannot be used as one of the other kind', async () => {
    await withPhone();
    const { token, code } = await sent();
    expect(await type(token, code, 'sms_code')).toMatchObject({ answer: 'refused' });
  });

  test('cannot be used after ten minutes, nor one from the future', async () => {
    for (const shift of ['-10 minutes', '+1 hour']) {
      const { token, code } = await sent();
      await owner('update iam.sent_codes set sent_at = clock_timestamp() + $1::interval', [shift]);
      expect(await type(token, code)).toMatchObject({ answer: 'refused' });
    }
  });

  test('cannot be used once a new one was sent, not even when that one is used up', async () => {
    const { token, code } = await sent({ factors: 2 });
    await send(token);
    const newer = await arrived();
    const old = newer === code ? other6(code) : code;
    expect(await type(token, old)).toMatchObject({ answer: 'refused' });
    expect(await type(token, newer)).toMatchObject({ answer: 'ok' });
    expect(await type(token, old)).toMatchObject({ answer: 'refused' });
  });

  test('cannot be used after five wrong ones', async () => {
    const { token, code } = await sent({ factors: 2 });
    for (let i = 0; i < 5; i++) expect(await type(token, other6(code))).toMatchObject({ answer: 'refused' });
    await owner('delete from ops.limits; delete from ops.delays');
    expect(await type(token, code)).toMatchObject({ answer: 'refused' });
  });

  test.each(['', ' ', '12345', '1234567', '１２３４５６', "' or true --", '000000\n', 'null'])(
    'cannot be %j',
    async (code) => {
      const { token } = await sent();
      expect(await type(token, code)).toMatchObject({ answer: 'refused' });
    },
  );

  test('cannot be read in the database: neither it nor its plain hash', async () => {
    const { code } = await sent();
    const [row] = await owner(
      `select position(sha256(convert_to($1, 'UTF8')) in c.code_hash) + position(convert_to($1, 'UTF8') in c.code_hash) as found from iam.sent_codes c`,
      [code],
    );
    expect(row).toEqual({ found: 0 });
  });

  test('shown again makes a session’s factor fresh', async () => {
    const { token, code } = await sent({ factors: 2 });
    await owner(
      "update iam.sessions set factor_at = clock_timestamp() - interval '1 hour' where token_hash = iam.hash_token($1)",
      [token],
    );
    const next = randomBytes(32).toString('base64url');
    await gate.query("select * from iam.take_factor($1, $2, 'email_code', $3, $4, $5)", [
      db.ring,
      token,
      { code },
      next,
      caller,
    ]);
    const [row] = await owner(
      'select iam.factor_is_recent(id) as fresh from iam.sessions where token_hash = iam.hash_token($1)',
      [next],
    );
    expect(row).toEqual({ fresh: true });
  });
});

describe('nothing is sent', () => {
  const refused = { answer: 'refused', retry_after: 0 };
  const nothingWaits = async () =>
    expect(await owner("select * from ops.outbox where template <> 'codes_refused'")).toEqual([]);

  test('where the organisation doesn’t allow it; and what was sent before counts no more', async () => {
    const { token, code } = await sent();
    await owner('update access.organisations set email_codes = false');
    await owner('delete from ops.outbox');
    expect(await send(token)).toEqual(refused);
    expect(await events('code.send')).toEqual({ outcome: 'failure', factor: 'email_code', answer: 'refused' });
    expect(await type(token, code)).toMatchObject({ answer: 'refused' });
    await nothingWaits();
  });

  test('to an address that nobody has confirmed', async () => {
    await owner('update iam.accounts set email_confirmed_at = null');
    expect(await send(await session())).toEqual(refused);
    await nothingWaits();
  });

  test('by SMS to a number that nobody has confirmed', async () => {
    await begin(await session({ factors: 2 }), '0612345678');
    await owner('delete from ops.outbox');
    expect(await send(await session(), 'sms_code')).toEqual(refused);
    await nothingWaits();
  });

  test('by e-mail to somebody who came by a link of the same mailbox, and an older code doesn’t count either', async () => {
    const { token, code } = await sent();
    await owner("update iam.sessions set methods = '{link}'");
    expect(await send(token)).toEqual(refused);
    expect(await type(token, code)).toMatchObject({ answer: 'refused' });
  });

  test.each(['totp', 'passkey', 'recovery_code', 'phone_code', 'telegram', ''])('by the method %j', async (method) => {
    expect(await send(await session(), method)).toEqual(refused);
    await nothingWaits();
  });

  test('when nobody delivers such messages', async () => {
    await owner("update ops.deliveries set seen_at = clock_timestamp() - interval '16 minutes'");
    expect(await send(await session())).toEqual({ answer: 'unavailable', retry_after: 0 });
    await nothingWaits();
  });

  test('to a session that is over, is unknown, or has no factor yet to be the second of', async () => {
    const over = await session();
    await owner('update iam.sessions set revoked_at = clock_timestamp() where token_hash = iam.hash_token($1)', [over]);
    const suspended = await session({ who: practice.secretary.account });
    await owner("update iam.accounts set status = 'suspended' where id = $1", [practice.secretary.account]);
    for (const token of [over, suspended, 'x', '', await session({ methods: ['link'], enrols: true })])
      expect(await send(token)).toEqual({ answer: 'expired', retry_after: 0 });
    await nothingWaits();
  });

  test('a fourth time within ten minutes; and whoever knows the password elsewhere doesn’t take that from a known browser', async () => {
    const thief = await session();
    for (let i = 0; i < 3; i++) expect((await send(thief)).answer).toBe('ok');
    for (const token of [thief, await session()]) {
      const { answer, retry_after } = await send(token);
      expect(answer).toBe('wait');
      expect(retry_after).toBeGreaterThan(500);
      expect(retry_after).toBeLessThanOrEqual(600);
    }
    expect((await send(await session({ device: true }))).answer).toBe('ok');
  });

  test('cannot be asked for from the owner’s share in a browser that was disowned since', async () => {
    const tokens = await Promise.all([1, 2, 3, 4].map(() => session({ device: true })));
    await owner('update iam.devices set forgotten_at = clock_timestamp() where account_id = $1', [account]);
    for (const token of tokens.slice(0, 3)) expect((await send(token)).answer).toBe('ok');
    expect((await send(tokens[3]!)).answer).toBe('wait');
    expect((await send(await session({ device: true }))).answer).toBe('ok');
  });
});

test('no code space is searched faster than ten tries an hour, from whichever browser and with whichever codes', async () => {
  let tried = 0;
  for (let i = 0; i < 40; i++) {
    await owner("delete from ops.limits where key like 'send/%'");
    const { token, code } = await sent({ device: i % 2 === 0 });
    if ((await type(token, other6(code))).answer === 'refused') tried += 1;
  }
  expect(tried).toBeLessThanOrEqual(10);
});

describe('a telephone number', () => {
  test('becomes a factor by the code that went to it, and is told of by e-mail', async () => {
    const token = await session({ factors: 2 });
    expect(await begin(token, '06 12 34 56 78')).toEqual({ answer: 'ok', retry_after: 0 });
    expect(await read(token)).toEqual({ answer: 'ok', ending: null, waiting: '78', allowed: true, delivered: true });
    const [message] = await take(db, gate);
    expect(message).toMatchObject({ channel: 'sms', template: 'phone_code', address: '+33612345678' });
    expect(await confirm(token, other6(String(message?.vars.code)))).toMatchObject({ answer: 'refused' });
    expect(await confirm(token, String(message?.vars.code))).toMatchObject({ answer: 'ok' });
    expect(await events('factor.add')).toEqual({ outcome: 'success', factor: 'sms_code', answer: 'ok' });
    expect(await read(token)).toMatchObject({ ending: '78', waiting: null });
    const query =
      'select p.added_in = s.id as named from iam.phones p, iam.sessions s where s.token_hash = iam.hash_token($1)';
    expect(await owner(query, [token])).toEqual([{ named: true }]);
    expect(await take(db, gate)).toMatchObject([
      { channel: 'email', template: 'factor_added', vars: { factor: 'sms_code' } },
    ]);
    const { token: half, code } = await sent({}, 'sms_code');
    expect(await type(half, code, 'sms_code')).toMatchObject({ answer: 'ok' });
  });

  test('goes on until another one is confirmed', async () => {
    const token = await withPhone();
    await begin(token, '07 98 76 54 32');
    await take(db, gate);
    await send(await session(), 'sms_code');
    expect(await take(db, gate)).toMatchObject([{ template: 'sms_code', address: '+33612345678' }]);
  });

  test('cannot be read in the database', async () => {
    await withPhone();
    const rows = await owner(
      "select 1 from iam.phones where position('612345678'::bytea in number) > 0 or number = (select number from iam.phones where account_id <> $1)",
      [account],
    );
    expect(rows).toEqual([]);
  });

  test('that waits cannot be moved into the place of a confirmed one', async () => {
    const token = await withPhone();
    await begin(token, '07 98 76 54 32');
    await owner('delete from ops.outbox');
    await owner('update iam.phones set number = pending');
    await send(await session(), 'sms_code');
    expect(await take(db, gate)).toEqual([]);
  });

  test('cannot be added by somebody else’s code, nor by a code to sign in', async () => {
    const token = await session({ factors: 2 });
    await begin(token, '0612345678');
    const code = await arrived();
    expect(await confirm(await session({ factors: 2 }), code)).toMatchObject({ answer: 'refused' });
    const { token: mine, code: signIn } = await sent({ factors: 2 });
    await begin(mine, '0612345678');
    if (signIn !== (await arrived())) expect(await confirm(mine, signIn)).toMatchObject({ answer: 'refused' });
  });

  test('cannot become a factor by a code that went to another number, asked for in another session', async () => {
    const [first, second] = [await session({ factors: 2 }), await session({ factors: 2 })];
    await begin(first, '06 12 34 56 78');
    const code = await arrived();
    await begin(second, '07 98 76 54 32');
    expect(await confirm(first, code)).toMatchObject({ answer: 'refused' });
    expect(await read(first)).toMatchObject({ ending: null });
    expect(await confirm(second, await arrived())).toMatchObject({ answer: 'ok' });
  });

  test('asked for twice at once waits for the code of the last one alone', async () => {
    const [first, second] = [await session({ factors: 2 }), await session({ factors: 2 })];
    const asks = [gate, other].map((client, i) =>
      call(
        'select * from iam.begin_phone($1, $2, $3, $4)',
        [db.ring, [first, second][i], `06 12 34 56 7${i}`, caller],
        client,
      ),
    );
    expect((await Promise.all(asks)).map(({ answer }) => answer)).toEqual(['ok', 'ok']);
    expect(await owner('select count(*)::int as live from iam.sent_codes where used_at is null')).toEqual([
      { live: 1 },
    ]);
  });

  test.each([
    ['an old factor', { factors: 2 }, 'step_up'],
    ['one factor', { factors: 1 }, 'second_factor'],
    ['a link', { factors: 1, methods: ['link'], enrols: true }, 'second_factor'],
  ] as const)('cannot be added or taken away on %s', async (_what, options, answer) => {
    if (options.factors === 1) await owner('delete from iam.totp_factors');
    const token = await session({ ...options, methods: [...('methods' in options ? options.methods : ['password'])] });
    await owner(
      "update iam.sessions set factor_at = clock_timestamp() - interval '11 minutes' where token_hash = iam.hash_token($1)",
      [token],
    );
    expect((await begin(token, '0612345678')).answer).toBe(answer);
    expect((await confirm(token, '123456')).answer).toBe(answer);
    expect(await remove(token)).toBe(answer);
    expect(await owner('select * from iam.phones')).toEqual([]);
  });

  test('cannot be added without a session', async () => {
    expect([(await begin('x', '0612345678')).answer, (await confirm('x', '1')).answer, await remove('x')]).toEqual([
      'expired',
      'expired',
      'expired',
    ]);
    expect(await read('x')).toMatchObject({ answer: 'expired', ending: null });
    expect(await read(await session())).toMatchObject({ answer: 'second_factor', ending: null });
  });

  test.each([
    ['one that takes no SMS', '01 23 45 67 89', '', 'number'],
    ['none', 'bonjour', '', 'number'],
    [
      'where the organisation doesn’t allow it',
      '0612345678',
      'update access.organisations set sms_codes = false',
      'refused',
    ],
    ['where nobody delivers', '0612345678', "delete from ops.deliveries where channel = 'sms'", 'unavailable'],
  ])('cannot be added: %s', async (_what, number, first, answer) => {
    if (first) await owner(first);
    expect((await begin(await session({ factors: 2 }), number)).answer).toBe(answer);
    expect(await owner('select * from ops.outbox')).toEqual([]);
  });

  test('cannot be guessed: ten tries an hour for its code as well', async () => {
    const token = await session({ factors: 2 });
    let tried = 0;
    for (let i = 0; i < 12; i++) {
      await owner("delete from ops.limits where key like 'send/%'");
      await begin(token, '0612345678');
      if ((await confirm(token, other6(await arrived()))).answer === 'refused') tried += 1;
    }
    expect(tried).toBeLessThanOrEqual(10);
  });

  test('that was taken away opens nothing, and is told of', async () => {
    const token = await withPhone();
    const { token: half, code } = await sent({}, 'sms_code');
    expect(await remove(token)).toBe('ok');
    expect(await events('factor.remove')).toEqual({ outcome: 'success', factor: 'sms_code', answer: 'ok' });
    expect(await take(db, gate)).toMatchObject([{ template: 'factor_removed' }]);
    expect(await type(half, code, 'sms_code')).toMatchObject({ answer: 'refused' });
    // no row is left to be reminded of
    expect(await remove(token)).toBe('ok');
    expect(await take(db, gate)).toEqual([]);
  });

  test('cannot be taken away when nothing but it and the mailbox would be left', async () => {
    const token = await withPhone();
    await owner('delete from iam.totp_factors');
    expect(await remove(token)).toBe('last');
    expect(await read(token)).toMatchObject({ ending: '78' });
  });
});

test('upkeep clears out codes of yesterday', async () => {
  await sent();
  await owner("update iam.sent_codes set sent_at = sent_at - interval '25 hours'");
  await sent();
  await owner('select ops.upkeep()');
  expect(await owner('select count(*)::int as left from iam.sent_codes')).toEqual([{ left: 1 }]);
});
