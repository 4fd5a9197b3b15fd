// Denied and allowed networks: supabase/migrations/0088_networks.sql, and what the gate and the door make of them.
import { randomBytes, randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Door } from '../../db/batch.ts';
import { connect } from '../../db/connect.ts';
import { openDoor } from '../../db/door.ts';
import { asOwner, createAccount } from '../../db/owner.ts';
import { k } from '../../db/query.ts';
import { totpCode } from '../../db/totp.ts';
import { prehash } from '../../edge/password.ts';
import { isOneSentence, runCommand } from '../support/cli.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { createPractice, type Practice } from '../support/practice.ts';
import { newToken, signInFrom } from '../support/sign-ins.ts';

const password = 'correct horse battery staple';
const secret = randomBytes(20);
const denied = '203.0.113.9';
const shared = '198.51.100.9';

let db: TestDatabase;
let gate: pg.Client;
let door: Door;
let practice: Practice;
let account: string;

beforeAll(async () => {
  db = await createDatabase();
  gate = await connect(db.gateUrl);
  door = openDoor(db);
  practice = await createPractice(db);
  const profile = { family_name: 'Roux', given_name: 'Anne' };
  const person = { role: 'clinician', email: 'owner@exemple.fr', profile, password, totpSecret: secret };
  account = await asOwner(db.admin, () =>
    createAccount(db.admin, db.keys, { ...person, organisation: practice.organisation }),
  );
});
afterAll(async () => {
  await gate.end();
  await door.close();
  await db.close();
});
afterEach(() => owner('delete from ops.limits; delete from ops.delays; delete from ops.networks'));

const owner = (query: string, values: unknown[] = []) =>
  asOwner(db.admin, async () => (await db.admin.query(query, values)).rows);
const deny = (network = '203.0.113.0/24', lasting = '1 hour') =>
  owner("select ops.deny_network($1, 'guessing', $2) as id", [network, lasting]).then(([row]) => row.id as string);
const allow = (network = '198.51.100.0/24') => owner("select ops.allow_network($1, 'practice', '1 hour')", [network]);
const events = async (event: string) =>
  owner('select resource_id, actor_id, origin_id, details from audit.events where event = $1 order by at', [event]);

type Try = { id?: string; typed?: string; ip?: string | null; device?: string | null };
async function tryPassword({ id = account, typed = 'wrong', ip = denied, device = null }: Try) {
  const caller = { ip, user_agent: 'test', device };
  const { rows } = await gate.query('select * from iam.sign_in_password($1, $2, $3, $4, $5)', [
    ...[db.ring, id, await prehash(db.pepper, id, typed), newToken(), caller],
  ]);
  return rows[0] as { answer: string; retry_after: number | null };
}
const answered = (work: Promise<{ answer: string }>) =>
  work.then(
    ({ answer }) => answer,
    (error) => `${error.code}: ${error.message}`,
  );

describe('from a denied network', () => {
  const refused = 'VS471: the network that this request comes from is refused for a while';

  /** Functions of the gate that are told who is calling. */
  const gateFunctions = () =>
    owner(`select p.oid::regproc::text as name,
                  array(select format('%s => null::%s', a.name, a.type::regtype)
                        from unnest(p.proargnames[1:p.pronargs], p.proargtypes::oid[]) a (name, type)
                        where a.name not in ('ring', 'caller')) as others
           from pg_proc p where has_function_privilege('vs_gate', p.oid, 'execute') and 'caller' = any (p.proargnames) order by 1`);
  // a look at the hour of a sign-in, and records of what failed
  const openNothing = ['iam.look_at_sign_in', 'iam.record_failed_sign_in', 'ops.record_refusals'];

  test('no function of the gate does anything, but for those that open nothing', async () => {
    await deny();
    const functions = await gateFunctions();
    expect(functions.length).toBeGreaterThan(25);
    const answers = await Promise.all(
      functions.map(async ({ name, others }) => {
        const call = `select ${name}(${['ring => $1', 'caller => $2', ...others].join(', ')})`;
        return [name, await answered(gate.query(call, [db.ring, { ip: denied }]).then(() => ({ answer: 'let in' })))];
      }),
    );
    expect(answers.filter(([name, answer]) => (answer === refused) === openNothing.includes(name!))).toEqual([]);
  });

  test('whoever has an account hears what somebody without one hears, in a browser that is known too', async () => {
    const device = newToken();
    await owner('insert into iam.devices (account_id, token_hash) values ($1, iam.hash_token($2))', [account, device]);
    await deny();
    expect(await answered(tryPassword({ typed: password }))).toBe(refused);
    expect(await answered(tryPassword({ typed: password, device }))).toBe(refused);
    expect(await answered(tryPassword({ id: randomUUID() }))).toBe(refused);
    expect(await owner('select * from ops.limits')).toEqual([]);
    expect((await tryPassword({ typed: password, ip: '203.0.114.9' })).answer).toBe('second_factor');
  });

  test('somebody who has their password taken elsewhere cannot show the second factor', async () => {
    const token = newToken();
    const ip = '192.0.2.1';
    const hash = await prehash(db.pepper, account, password);
    await gate.query('select iam.sign_in_password($1, $2, $3, $4, $5)', [db.ring, account, hash, token, { ip }]);
    await deny();
    const show = (from: string) =>
      gate.query('select * from iam.take_factor($1, $2, $3, $4, $5, $6)', [
        ...[db.ring, token, 'totp', { code: totpCode(secret) }, newToken(), { ip: from }],
      ]);
    await expect(show(denied)).rejects.toMatchObject({ code: 'VS471' });
    expect((await show(ip)).rows[0].answer).toBe('ok');
  });

  test('"that wasn’t me" is said all the same, and "that was me" is not', async () => {
    const person = practice.colleague.account;
    await signInFrom(db, person, { device: 'a' });
    const link = newToken();
    await owner("update iam.sign_ins set outcome = 'stopped', link_hash = iam.hash_token($2) where account_id = $1", [
      person,
      link,
    ]);
    await deny();
    const say = (mine: boolean | null) =>
      gate.query('select * from iam.answer_sign_in($1, $2, $3, $4)', [db.ring, link, mine, { ip: denied }]);
    await expect(say(true)).rejects.toMatchObject({ code: 'VS471' });
    await expect(say(null)).rejects.toMatchObject({ code: 'VS471' });
    expect((await say(false)).rows[0].answer).toBe('disowned');
  });

  test('a recovery that somebody else asked for is cancelled all the same', async () => {
    const person = practice.auditor.account;
    const [link, cancel] = [newToken(), newToken()];
    await owner(
      `insert into iam.recoveries (account_id, organisation_id, token_hash, cancel_hash, lost, state, ready_at)
       values ($1, $2, iam.hash_token($3), iam.hash_token($4), 'factors', 'waiting', now() + interval '1 day')`,
      [person, practice.organisation, link, cancel],
    );
    await deny();
    const caller = { ip: denied };
    const read = gate.query('select * from iam.read_recovery($1, $2, $3)', [db.ring, link, caller]);
    await expect(read).rejects.toMatchObject({ code: 'VS471' });
    const { rows } = await gate.query('select * from iam.cancel_recovery($1, $2, $3)', [db.ring, cancel, caller]);
    expect(rows[0].answer).toBe('ok');
  });

  test.each(['::ffff:203.0.113.9', '::ffff:cb00:7109', '::FFFF:203.0.113.9'])(
    'cannot be hidden by writing the address as %s',
    async (ip) => {
      await deny();
      expect(await answered(tryPassword({ ip }))).toBe(refused);
    },
  );

  test('an entry that is over, lifted, or of a clock that was years ahead refuses nobody', async () => {
    await deny();
    const move = (by: string) =>
      asSuperuser('update ops.networks set made_at = made_at + $1::interval, until = until + $1::interval', by);
    await move('-2 hours');
    expect((await tryPassword({})).answer).toBe('refused');
    await move('2 hours');
    expect(await answered(tryPassword({}))).toBe(refused);
    await move('3 years');
    expect((await tryPassword({})).answer).toBe('refused');
    await move('-3 years');
    await owner("select ops.lift_network('203.0.113.0/24')");
    expect((await tryPassword({})).answer).toBe('refused');
  });

  test('nobody is refused whose address isn’t known', async () => {
    await deny();
    expect((await tryPassword({ ip: null })).answer).toBe('refused');
  });

  async function asSuperuser(query: string, by: string) {
    const root = await connect(db.superuserUrl);
    // the row can't be changed by its owner: ops.tg_networks__record
    await root.query('set session_replication_role = replica');
    await root.query(query, [by]);
    await root.end();
  }
});

describe('a session that exists', () => {
  const me = sql<{ answer: string }>`select audit.open_home() as answer`.compile(k);
  const look = (ip: string) => {
    const { token } = practice.clinician;
    const who = { token, role: 'clinician' as const, ip, userAgent: 'test', requestId: 'r' };
    return door.read(who, { open: me, reads: [sql<{ one: number }>`select 1 as one`.compile(k)] });
  };

  test('opens nothing from a denied network, and goes on elsewhere', async () => {
    expect(await look(denied)).toEqual([[{ one: 1 }]]);
    const id = await deny();
    const before = (await events('network.refused')).length;
    await expect(look(denied)).rejects.toMatchObject({ reason: 'network', status: 403 });
    await expect(look(denied)).rejects.toMatchObject({ reason: 'network', status: 403 });
    const after = (await events('network.refused')).slice(before);
    expect(after).toEqual([{ resource_id: id, actor_id: practice.clinician.account, origin_id: null, details: null }]);
    expect(await look('203.0.114.9')).toEqual([[{ one: 1 }]]);
    await owner("select ops.lift_network('203.0.113.0/24')");
    expect(await look(denied)).toEqual([[{ one: 1 }]]);
  });

  test('reads nothing either where the page was opened before', async () => {
    await deny();
    const edge = await connect(db.edgeUrl);
    for (const phase of ['read', 'write']) {
      const enter = edge.query('select iam.enter($1, $2, null, $3, $4)', [
        ...[practice.clinician.token, db.ring, phase, denied],
      ]);
      await expect(enter, phase).rejects.toMatchObject({ code: 'VS471' });
    }
    await edge.end();
  });
});

describe('a refusal', () => {
  const tryAt = (ip: string) =>
    door.gate(
      sql`select iam.sign_in_methods(${db.ring}, ${newToken()}, ${JSON.stringify({ ip })}::jsonb)`.compile(k),
      () => sql`select 1 / 0`.compile(k),
    );

  test('is recorded by the door, once a minute for each entry, and without an address', async () => {
    const ids = [await deny(), await deny('2001:db8:5::/48')];
    const before = (await events('network.refused')).length;
    for (const ip of [denied, '203.0.113.77', denied, '2001:db8:5::1'])
      await expect(tryAt(ip)).rejects.toMatchObject({ reason: 'network' });
    const after = (await events('network.refused')).slice(before);
    expect(after).toEqual(ids.map((id) => ({ resource_id: id, actor_id: null, origin_id: null, details: null })));
  });

  test('nobody fills the log by telling of networks that aren’t denied', async () => {
    await allow();
    const [{ id }] = await owner('select id from ops.networks');
    const record = (network: string) => gate.query('select iam.record_denied($1) as answer', [network]);
    expect((await record(randomUUID())).rows[0].answer).toBe('unknown');
    expect((await record(id)).rows[0].answer).toBe('unknown');
  });
});

describe('from an allowed network', () => {
  const emptied = async (key: string) =>
    owner(
      'insert into ops.limits (key, tokens, at) values ($1, -1, clock_timestamp()) on conflict (key) do update set tokens = -1, at = clock_timestamp()',
      [key],
    );
  const emptyAddress = async () => {
    const [{ key }] = await owner('select ops.network_key($1, $2) as key', [db.ring, shared]);
    await emptied(`password/address/${key}`);
  };

  test('tries of many are not counted for their address', async () => {
    await emptyAddress();
    expect((await tryPassword({ ip: shared })).answer).toBe('wait');
    await allow();
    expect((await tryPassword({ ip: shared })).answer).toBe('refused');
    const [{ keys }] = await owner(
      "select count(*)::int as keys from ops.limits where key like 'password/address/%' and tokens > -1",
    );
    expect(keys).toBe(0);
  });

  test('an account has its limits all the same, and so has whoever goes on failing there', async () => {
    await allow();
    await emptied(`password/account/${account}`);
    expect((await tryPassword({ ip: shared, typed: password })).answer).toBe('wait');
    await owner('delete from ops.limits');
    const [{ key }] = await owner('select ops.network_key($1, $2) as key', [db.ring, shared]);
    await owner(
      "insert into ops.delays (key, failures, not_before, forgotten_at, was_forgotten_at) values ($1, 9, now() + interval '5 minutes', now() + interval '1 day', now())",
      [`password/address/${key}/${account}`],
    );
    expect((await tryPassword({ ip: shared, typed: password })).answer).toBe('wait');
  });

  test('mail that anybody may ask for is counted for the address all the same', async () => {
    await allow();
    const ask = () =>
      gate.query('select answer from iam.request_recovery($1, $2, $3, $4)', [
        ...[db.ring, `${newToken()}@exemple.fr`, newToken(), { ip: shared }],
      ]);
    const answers = [];
    for (let i = 0; i < 6; i++) answers.push((await ask()).rows[0].answer);
    expect(answers).toEqual(['ok', 'ok', 'ok', 'ok', 'ok', 'wait']);
  });

  test('a wrong password opens nothing, and a right one asks for the second factor', async () => {
    await allow();
    expect((await tryPassword({ ip: shared })).answer).toBe('refused');
    expect((await tryPassword({ ip: shared, typed: password })).answer).toBe('second_factor');
  });

  test('the network isn’t unusual, and everything else about a sign-in still is', async () => {
    const signals = async (ip: string, device: string) => {
      const { account: nurse } = practice.secretary;
      await signInFrom(db, nurse, { ip, device });
      const [row] = await owner('select signals from iam.sign_ins where account_id = $1 order by at desc limit 1', [
        nurse,
      ]);
      return row.signals;
    };
    await signals('192.0.2.1', 'a');
    expect(await signals('192.0.4.1', 'b')).toEqual(['new_device', 'new_network']);
    await allow();
    expect(await signals(shared, 'c')).toEqual(['new_device']);
  });

  test('a part of it can be denied', async () => {
    await allow();
    await deny(shared);
    expect(await answered(tryPassword({ ip: shared }))).toMatch(/^VS471/);
    expect((await tryPassword({ ip: '198.51.100.10' })).answer).toBe('refused');
  });
});

describe('vitalsync networks', () => {
  const vitalsync = (...args: string[]) =>
    runCommand(['networks', ...args], {
      DATABASE_URL: db.adminUrl,
      VITAL_DIR: '/nowhere',
      ...inject('testServer').keyLines,
    });

  test.each([
    [['--deny', '203.0.113.0/24', '--reason', 'flood'], '--for is missing'],
    [['--deny', '203.0.113.0/24', '--for', '2h'], '--reason is missing'],
    [['--deny', '203.0.113.0/24', '--for', 'ever', '--reason', 'flood'], '--for is written as'],
    [['--deny', '203.0.113.0/24', '--for', '400d', '--reason', 'flood'], 'an entry has an end, within a year'],
    [['--deny', '203.0.113.0/24', '--for', '2h', '--reason', 'Mme Durand'], 'the reason is guessing'],
    [['--deny', '0.0.0.0/0', '--for', '2h', '--reason', 'flood'], 'half the world'],
    [['--deny', '127.0.0.1', '--for', '2h', '--reason', 'flood'], "this machine can't be denied"],
    [['--deny', 'everybody', '--for', '2h', '--reason', 'flood'], 'This is no network and no address'],
    [['--check', "1'; drop"], 'This is no network and no address'],
    [['--lift', '203.0.113.0/24'], 'there is no entry for exactly this network'],
    [['--lift', '203.0.113.0/24', '--deny', '203.0.113.0/24'], 'One thing at a time'],
    [['--lift', '203.0.113.0/24', '--for', '2h'], '--for and --reason go with'],
    [['203.0.113.0/24'], 'One thing at a time'],
  ])('%s says in one sentence what is wrong', async (args, sentence) => {
    const result = await vitalsync(...args);
    expect(isOneSentence(result), result.err).toBe(true);
    expect(result.err).toContain(sentence);
  });

  test('denies, tells, checks and lifts', async () => {
    expect((await vitalsync()).out).toBe('No network is denied or allowed.\n');
    const made = await vitalsync('--deny', '203.0.113.9/24', '--for', '2h', '--reason', 'guessing');
    expect(made.out).toMatch(/^203\.0\.113\.0\/24 is denied until \d{4}-\d\d-\d\d \d\d:\d\d\.\n$/);
    await vitalsync('--allow', '203.0.113.128/25', '--for', '30d');
    const { networks } = JSON.parse((await vitalsync('--json')).out);
    expect(networks).toMatchObject([
      { network: '203.0.113.0/24', list: 'deny', reason: 'guessing', made_by: 'vs_admin' },
      { network: '203.0.113.128/25', list: 'allow', reason: 'practice' },
    ]);
    expect((await vitalsync()).out).toMatch(/^network +list +reason/);
    expect((await vitalsync('--check', '::ffff:203.0.113.9')).out).toContain('203.0.113.0/24 decides: deny');
    expect((await vitalsync('--check', '203.0.113.200')).out).toContain('203.0.113.128/25 decides: allow');
    expect((await vitalsync('--check', '192.0.2.1')).out).toContain('No network of the lists holds this address.');
    expect((await vitalsync('--lift', '203.0.113.0/24')).code).toBe(0);
    expect((await vitalsync('--check', '203.0.113.9')).out).toContain('No network of the lists');
  }, 60_000);
});
