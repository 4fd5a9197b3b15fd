// How often somebody may try: supabase/migrations/0086_limits.sql, and what signing in makes of it (0090).
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { asOwner, createAccount } from '../../db/owner.ts';
import { totpCode } from '../../db/totp.ts';
import { prehash } from '../../edge/password.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { createPractice } from '../support/practice.ts';

const password = 'correct horse battery staple';
const secret = randomBytes(20);

let db: TestDatabase;
let gates: pg.Client[];
let account: string;

beforeAll(async () => {
  db = await createDatabase();
  gates = await Promise.all(Array.from({ length: 5 }, () => connect(db.gateUrl)));
  const { organisation } = await createPractice(db);
  const profile = { family_name: 'Roux', given_name: 'Anne' };
  const person = { organisation, role: 'clinician', email: 'owner@exemple.fr', profile, password, totpSecret: secret };
  account = await asOwner(db.admin, () => createAccount(db.admin, db.keys, person));
});
afterAll(async () => {
  await Promise.all(gates.map((client) => client.end()));
  await db.close();
});
afterEach(() => owner('delete from ops.limits; delete from ops.delays; update iam.totp_factors set last_step = 0'));

const newToken = () => randomBytes(32).toString('base64url');
const owner = (query: string, values: unknown[] = []) =>
  asOwner(db.admin, async () => (await db.admin.query(query, values)).rows);
const one = async (query: string, values: unknown[] = []) => Object.values((await owner(query, values))[0])[0];

let addresses = 0;
const elsewhere = () => {
  addresses += 1;
  return `2001:db8:${addresses.toString(16)}::1`;
};

type Try = { id?: string; typed?: string; ip?: string; device?: string | null; gate?: pg.Client };
async function tryPassword({ id = account, typed, ip = elsewhere(), device = null, gate = gates[0]! }: Try) {
  const hash = typed === undefined ? 'x' : await prehash(db.pepper, id, typed);
  const caller = { ip, user_agent: 'test', device };
  const { rows } = await gate.query('select * from iam.sign_in_password($1, $2, $3, $4, $5)', [
    ...[db.ring, id, hash, newToken(), caller],
  ]);
  return rows[0] as { answer: string; retry_after: number | null };
}

/** A browser that this account has signed in with. */
async function knownDevice(): Promise<{ id: string; token: string }> {
  const token = newToken();
  const [device] = await owner(
    'insert into iam.devices (account_id, token_hash) values ($1, iam.hash_token($2)) returning id',
    [account, token],
  );
  return { id: device.id, token };
}

/** A session that has got its password and waits for a code, without a hash. */
async function halfWay(device: string | null = null): Promise<string> {
  const token = newToken();
  await owner(
    `insert into iam.sessions (token_hash, account_id, membership_id, organisation_id, role, device_id, expires_at)
     select iam.hash_token($1), m.account_id, m.id, m.organisation_id, m.role, $3, clock_timestamp() + interval '10 minutes'
     from access.memberships m where m.account_id = $2`,
    [token, account, device],
  );
  return token;
}
async function tryCode(token: string, code: string, { gate = gates[0]!, method = 'totp', ip = elsewhere() } = {}) {
  const caller = { ip, user_agent: 'test' };
  const { rows } = await gate.query('select * from iam.take_factor($1, $2, $3, $4, $5, $6)', [
    ...[db.ring, token, method, { code }, newToken(), caller],
  ]);
  return rows[0] as { answer: string; retry_after: number };
}
const later = (seconds: number) =>
  owner(
    `update ops.limits set at = at - make_interval(secs => ${seconds}), full_at = full_at - make_interval(secs => ${seconds});
     update ops.delays set not_before = not_before - make_interval(secs => ${seconds}), forgotten_at = forgotten_at - make_interval(secs => ${seconds}),
       was_forgotten_at = was_forgotten_at - make_interval(secs => ${seconds})`,
  );
const events = async (event: string) =>
  Number(await one('select count(*) from audit.events where event = $1', [event]));

/** Seconds to wait, of which some may be over: machines pause. */
const about = (seconds: number) =>
  expect.toSatisfy((wait: number) => wait <= seconds && wait > (seconds === 0 ? -1 : seconds - 20));

describe('a bucket', () => {
  const take = (key: string, lowest = -1) => one('select ops.take($1, 3, 0.01, $2)', [key, lowest]);
  const peek = (key: string) => one('select ops.peek($1, 3, 0.01)', [key]);

  test('gives what it holds, and then says how long to wait', async () => {
    expect([await take('a'), await take('a'), await take('a'), await take('a')]).toEqual([0, 0, 0, about(100)]);
    expect([await peek('a'), await take('b')]).toEqual([about(200), 0]);
    await later(200);
    expect([await peek('a'), await take('a'), await take('a')]).toEqual([0, 0, about(100)]);
  });

  test('makes whoever goes on wait longer, where it is told to, and not for ever', async () => {
    for (let i = 0; i < 3; i += 1) await take('a', -3);
    expect([await take('a', -3), await take('a', -3), await take('a', -3), await take('a', -3)]).toEqual([
      ...[about(100), about(200), about(300), about(300)],
    ]);
  });

  test('gives no more to several at once', async () => {
    const clients = await Promise.all(Array.from({ length: 6 }, () => connect(db.superuserUrl)));
    const taken = await Promise.all(
      clients.map(
        async (client) => (await client.query("select ops.take('a', 3, 0.001) as wait")).rows[0].wait as number,
      ),
    );
    await Promise.all(clients.map((client) => client.end()));
    expect(taken.filter((wait) => wait === 0).length).toBe(3);
  });

  test('of a clock that was ahead locks nobody out', async () => {
    for (let i = 0; i < 4; i += 1) await take('a');
    await later(-365 * 24 * 3600);
    expect(await peek('a')).toBe(0);
    await take('a');
    await later(300);
    expect(await take('a')).toBe(0);
  });

  test('that is over goes away while others come, two at a time', async () => {
    for (let i = 0; i < 10; i += 1) await take(`old ${i}`);
    await later(1000);
    for (let i = 0; i < 4; i += 1) await take(`new ${i}`);
    expect(await one("select count(*)::int from ops.limits where key like 'old %'")).toBe(2);
    for (let i = 4; i < 8; i += 1) await take(`new ${i}`);
    await later(1000);
    await owner('select ops.upkeep()');
    expect(await one('select count(*)::int from ops.limits')).toBe(0);
  });
});

describe('a delay', () => {
  const fail = (key = 'a') => one("select ops.delay($1, 3, '100 seconds', '20 minutes', '1 hour')", [key]);

  test('grows with each failure after the first ones, up to its longest, and counts nobody who is told to wait', async () => {
    expect([await fail(), await fail(), await fail()]).toEqual([0, 0, 0]);
    for (const wait of [100, 200, 400, 800, 1200, 1200]) {
      expect([await fail(), await fail()]).toEqual([about(wait), about(wait)]);
      await later(wait - 25);
      expect(await fail()).toEqual(about(25));
      await later(25);
      expect(await fail()).toBe(0);
    }
  });

  test('is forgotten after a while, and by a success', async () => {
    for (let i = 0; i < 4; i += 1) await fail();
    await later(3601);
    expect([await fail(), await fail(), await fail()]).toEqual([0, 0, 0]);
    expect(await fail()).toEqual(about(100));
    await owner("select ops.forget('a')");
    expect(await fail()).toBe(0);
  });

  test('of a try that was right is as if it hadn’t been', async () => {
    await fail();
    await later(3000);
    for (let i = 0; i < 5; i += 1) {
      await owner("select ops.delay('a', 3, '100 seconds', '20 minutes', '1 hour'), ops.forgive('a')");
    }
    await later(601);
    expect([await fail(), await fail(), await fail(), await fail()]).toEqual([0, 0, 0, about(100)]);
  });

  test('of a clock that was ahead locks nobody out', async () => {
    for (let i = 0; i < 4; i += 1) await fail();
    await later(-365 * 24 * 3600);
    expect(await fail()).toBe(0);
  });
});

describe('passwords', () => {
  test('are hashed no more than two at a time, and one for a browser that is known besides', async () => {
    const device = await knownDevice();
    const holders = gates.slice(0, 2);
    for (const gate of holders) {
      await gate.query('begin');
      expect((await tryPassword({ id: String(await one('select gen_random_uuid()')), gate })).answer).toBe('refused');
    }
    const someone = () => tryPassword({ id: undefined, typed: password, gate: gates[2]! });
    expect(await someone()).toEqual({ answer: 'busy', retry_after: null });
    expect(await tryPassword({ typed: password, device: device.token, gate: gates[3]! })).toMatchObject({
      answer: 'second_factor',
    });
    await owner('update ops.hashing set at_once = 3');
    expect(await someone()).toMatchObject({ answer: 'second_factor' });
    await owner('update ops.hashing set at_once = 2');
    for (const gate of holders) await gate.query('rollback');
  }, 60_000);

  test('that are refused make the next one wait, longer each time, in words that are the same for nobody', async () => {
    const nobody = String(await one("select iam.sign_in_lookup($1, 'personne@exemple.fr')", [db.ring]));
    for (const id of [account, nobody]) {
      const ip = elsewhere();
      for (let i = 0; i < 5; i += 1) expect((await tryPassword({ id, ip })).answer).toBe('refused');
      await owner(
        "update ops.delays set not_before = clock_timestamp() + interval '5 seconds' where not_before > clock_timestamp() - interval '1 minute'",
      );
      expect(await tryPassword({ id, ip, typed: password })).toEqual({ answer: 'wait', retry_after: about(5) });
      for (const wait of [5, 10]) {
        await later(wait);
        expect((await tryPassword({ id, ip })).answer).toBe('refused');
      }
      expect(await tryPassword({ id, ip })).toEqual({ answer: 'wait', retry_after: about(20) });
    }
  }, 60_000);

  test('from one IPv6 household are from one address, from the next one from another', async () => {
    const key = (ip: string) => one('select ops.network_key($1, $2)', [db.ring, ip]);
    expect(await key('2001:db8:1:2::1')).toBe(await key('2001:db8:1:2:ffff::2'));
    expect(await key('2001:db8:1:2::1')).not.toBe(await key('2001:db8:1:3::1'));
    expect(await key('192.0.2.1')).not.toBe(await key('192.0.2.2'));
  });

  test('that are refused elsewhere don’t keep the owner out of a browser that is known', async () => {
    const device = await knownDevice();
    const ip = elsewhere();
    for (const key of ['account', 'address'])
      await owner('insert into ops.limits values ($1, -1, clock_timestamp())', [
        `password/${key}/${key === 'account' ? account : await one('select ops.network_key($1, $2)', [db.ring, ip])}`,
      ]);
    expect(await tryPassword({ typed: password })).toMatchObject({ answer: 'wait' });
    expect(await tryPassword({ typed: password, ip, device: newToken() })).toMatchObject({ answer: 'wait' });
    expect(await tryPassword({ typed: password, ip, device: device.token })).toMatchObject({ answer: 'second_factor' });
  });

  test('that are refused in a known browser don’t count elsewhere, nor the other way round', async () => {
    const [stolen, other] = [await knownDevice(), await knownDevice()];
    for (let i = 0; i < 5; i += 1) await tryPassword({ device: stolen.token });
    expect(await tryPassword({ device: stolen.token, typed: password })).toMatchObject({ answer: 'wait' });
    expect(await tryPassword({ device: other.token, typed: password })).toMatchObject({ answer: 'second_factor' });
    expect(await tryPassword({ typed: password })).toMatchObject({ answer: 'second_factor' });
    // the device of somebody else is no known one
    await owner('update ops.limits set tokens = -1, at = clock_timestamp()');
    await owner('update iam.devices set forgotten_at = clock_timestamp() where id = $1', [other.id]);
    expect(await tryPassword({ device: other.token, typed: password })).toMatchObject({ answer: 'wait' });
  }, 60_000);

  test('that are told to wait are recorded, once a minute for each limit, without a row of the origin for each', async () => {
    await owner('insert into ops.limits values ($1, -1, clock_timestamp())', [`password/account/${account}`]);
    const [before, origins] = [await events('session.limited'), await one('select count(*) from audit.origins')];
    for (let i = 0; i < 20; i += 1) expect((await tryPassword({})).answer).toBe('wait');
    expect(await events('session.limited')).toBe(before + 1);
    expect(Number(await one('select count(*) from audit.origins'))).toBe(Number(origins) + 1);
    const [event] = await owner(
      "select actor_id, details from audit.events where event = 'session.limited' order by at desc limit 1",
    );
    expect(event).toEqual({ actor_id: account, details: '{"step" : "password"}' });
  });
});

describe('codes', () => {
  test('a thousand wrong ones from everywhere leave the owner’s browser its own five tries', async () => {
    const device = await knownDevice();
    const answers: Record<string, number> = {};
    for (let i = 0; i < 250; i += 1) {
      const token = await halfWay();
      const four = await Promise.all(gates.slice(0, 4).map((gate) => tryCode(token, '000000', { gate })));
      for (const { answer } of four) answers[answer] = (answers[answer] ?? 0) + 1;
    }
    expect(answers).toEqual({ refused: 5, wait: 995 });
    expect(await tryCode(await halfWay(), totpCode(secret))).toMatchObject({ answer: 'wait' });
    const own = await halfWay(device.id);
    for (let i = 0; i < 4; i += 1) expect((await tryCode(own, '000000')).answer).toBe('refused');
    expect(await tryCode(own, totpCode(secret))).toMatchObject({ answer: 'ok' });
  }, 60_000);

  test('in a browser that was disowned since count as a stranger’s', async () => {
    const device = await knownDevice();
    const session = await halfWay(device.id);
    await owner('update iam.devices set forgotten_at = clock_timestamp() where id = $1', [device.id]);
    await tryCode(session, '000000');
    expect(await one('select key from ops.delays')).not.toContain('/known');
  });

  test('ten tries an hour and no more, for each kind, however long somebody goes on', async () => {
    const device = await knownDevice();
    for (const method of ['totp', 'recovery_code']) {
      const times: number[] = [];
      let now = 0;
      // a stranger with the password, and one with a stolen browser as well, for four hours, every four minutes
      while (now < 4 * 60) {
        for (const known of [null, device.id])
          if ((await tryCode(await halfWay(known), '000000', { method })).answer === 'refused') times.push(now);
        await later(240);
        now += 4;
      }
      const most = Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + 60).length));
      expect([method, most]).toEqual([method, 10]);
    }
  }, 60_000);

  test('that are right cost nothing', async () => {
    const token = await halfWay();
    for (let i = 0; i < 4; i += 1) await tryCode(token, '000000');
    expect(await one('select failures from ops.delays')).toBe(4);
    expect(await tryCode(token, totpCode(secret))).toMatchObject({ answer: 'ok' });
    expect(await one('select failures from ops.delays')).toBe(4);
  });

  test('a passkey isn’t among them: nobody can use up its tries', async () => {
    for (let i = 0; i < 12; i += 1)
      expect((await tryCode(await halfWay(), '', { method: 'passkey' })).answer).toBe('refused');
  });
});

describe('a route', () => {
  const knock = (ip: string, route = 'register', subject: string | null = null) =>
    one('select ops.limit_route($1, $2, $3, $4)', [db.ring, route, { ip, user_agent: 'test' }, subject]);

  test('is open to each network five times, and then ten times an hour', async () => {
    const ip = elsewhere();
    for (let i = 0; i < 5; i += 1) expect(await knock(ip)).toBe(0);
    expect([await knock(ip), await knock(ip)]).toEqual([360, 720]);
    expect(await knock(elsewhere())).toBe(0);
    expect(await knock(ip, 'confirm')).toBe(0);
    await later(1080);
    expect(await knock(ip)).toBe(0);
  });

  test('and to each account, wherever it is asked for; which is recorded once', async () => {
    const before = await events('session.limited');
    for (let i = 0; i < 5; i += 1) expect(await knock(elsewhere(), 'send_code', account)).toBe(0);
    for (let i = 0; i < 5; i += 1) expect(await knock(elsewhere(), 'send_code', account)).toBeGreaterThan(0);
    expect(await events('session.limited')).toBe(before + 1);
  });
});

describe('tokens of nobody', () => {
  test('are refused and recorded, ten at once for an address and a hundred in all', async () => {
    const edge = await connect(db.edgeUrl);
    const enter = async (ip: string) =>
      (
        await edge.query('select iam.enter($1, $2, null, $3, $4, $5) as answer', [
          newToken(),
          db.ring,
          'open',
          ip,
          'test',
        ])
      ).rows[0].answer;
    const before = await events('page.refused');
    const ip = elsewhere();
    for (let i = 0; i < 30; i += 1) expect(await enter(ip)).toBe('signed_out');
    expect(await events('page.refused')).toBe(before + 10);
    for (let i = 0; i < 150; i += 1) expect(await enter(elsewhere())).toBe('signed_out');
    expect(await events('page.refused')).toBe(before + 100);
    for (let i = 0; i < 3; i += 1) expect((await tryCode(newToken(), '000000')).answer).toBe('expired');
    await edge.end();
  });

  test('nobody at all isn’t recorded: a visitor without a cookie', async () => {
    const edge = await connect(db.edgeUrl);
    const before = await events('page.refused');
    await edge.query('select iam.enter(null, $1, null, $2, $3, $4)', [db.ring, 'open', elsewhere(), 'test']);
    await edge.end();
    expect(await events('page.refused')).toBe(before);
  });
});
