// After a change of host name: a passkey of before isn't a factor any more. supabase/migrations/0091_hosts.sql.
import { describe, expect, test } from 'vitest';
import { hostName } from '../../../db/doctor/host.ts';
import { tellHostName } from '../../../db/host-name.ts';
import { asOwner } from '../../../db/owner.ts';
import type { Site } from '../../../db/site.ts';
import {
  add,
  alone,
  ask,
  caller,
  challengeFor,
  halfWay,
  newToken,
  ORIGIN,
  optionsFor,
  owner,
  register,
  setStage,
  stage,
} from '../../support/passkeys.ts';
import { connectEdge, inTransaction, look, outcome } from '../../support/world.ts';

setStage();

const moveTo = (origin: string | null) => owner('update iam.hosts set origin = $1', [origin]);
const here = async <T>(origin: string | null, work: () => Promise<T>): Promise<T> => {
  await moveTo(origin);
  return work().finally(() => moveTo(null));
};
const elsewhere = <T>(work: () => Promise<T>) => here('https://nouveau.test', work);
const methods = async () => (await owner('select iam.methods_of($1) as m', [stage.anne.account]))[0].m as string[];
const withApp = (account = stage.anne.account) =>
  owner(
    "insert into iam.totp_factors (account_id, secret, confirmed_at) values ($1, '\\x00', clock_timestamp()) on conflict (account_id) do nothing",
    [account],
  );
const removeApp = async () =>
  (await ask('select iam.remove_totp($1, $2, $3) as answer', [stage.db.ring, stage.anne.token, caller])).answer;
const removePasskey = async () => {
  const [{ id }] = await owner('select id from iam.passkeys');
  return (
    await ask('select iam.remove_passkey($1, $2, $3, $4) as answer', [stage.db.ring, stage.anne.token, id, caller])
  ).answer;
};

describe('a passkey of another host name', () => {
  test('cannot be the factor that an account has, nor sign in where the old name still answers', async () => {
    await register();
    expect(await methods()).toContain('passkey');
    const token = await halfWay();
    const answer = stage.key.answer(await challengeFor('passwordless'));
    await elsewhere(async () => {
      expect(await methods()).not.toContain('passkey');
      expect((await optionsFor('factor', token)).answer).toBe('place');
      expect((await alone(answer)).answer).toBe('refused');
      const { methods: offered, elsewhere: host } = await ask('select * from iam.sign_in_methods($1, $2, $3)', [
        ...[stage.db.ring, token],
        caller,
      ]);
      expect([offered.includes('passkey'), host]).toEqual([false, 'vital.test']);
    });
    expect(await methods()).toContain('passkey');
  });

  test('cannot be what stays when the app is taken away', async () => {
    await register();
    await withApp();
    expect(await elsewhere(removeApp)).toBe('last');
    expect(await removeApp()).toBe('ok');
  });

  test('cannot be taken away before another factor is there', async () => {
    await register();
    await owner('delete from iam.totp_factors');
    expect(await elsewhere(removePasskey)).toBe('last');
    await withApp();
    expect(await elsewhere(removePasskey)).toBe('ok');
    await owner('delete from iam.totp_factors');
  });

  test('cannot give way to a first factor by a link alone', async () => {
    await register();
    const link = await halfWay(stage.anne.account, true);
    await elsewhere(async () => {
      expect((await ask('select * from iam.begin_totp($1, $2, $3)', [stage.db.ring, link, caller])).answer).toBe(
        'second_factor',
      );
    });
  });

  test('leaves a way back: what was lost are the factors', async () => {
    await register();
    const token = newToken();
    await owner(
      `insert into iam.recoveries (account_id, organisation_id, token_hash) values ($1, $2, iam.hash_token($3))`,
      [stage.anne.account, stage.practice.organisation, token],
    );
    const read = () => ask('select * from iam.read_recovery($1, $2, $3)', [stage.db.ring, token, caller]);
    expect(await elsewhere(read)).toMatchObject({ answer: 'choose', has_factors: false });
    expect(await read()).toMatchObject({ has_factors: true });
  });

  test('is named on the pages of whoever has it', async () => {
    await register();
    const edge = await connectEdge(stage.db);
    const entry = { token: stage.anne.token, ring: stage.db.ring };
    await elsewhere(async () => {
      const [own] = await look(edge, entry, 'select passkeys, passkeys_elsewhere from clinic.own_factors');
      expect(own).toEqual({ passkeys: 0, passkeys_elsewhere: 1 });
      const [key] = await look(edge, entry, 'select rp_id, works_here from iam.own_passkeys()');
      expect(key).toEqual({ rp_id: 'vital.test', works_here: false });
    });
    await edge.end();
  });
});

describe('the name', () => {
  test('cannot be read or changed by a login that serves pages, nor by a setting', async () => {
    await register();
    const edge = await connectEdge(stage.db);
    const entry = { token: stage.anne.token, ring: stage.db.ring };
    for (const query of [
      'select origin from iam.hosts',
      "update iam.hosts set origin = 'https://a.test'",
      "select iam.serve_at('https://a.test')",
    ]) {
      expect(await outcome(inTransaction(edge, { ...entry, phase: 'write' }, () => edge.query(query)))).toBe('42501');
      await expect(stage.gate.query(query)).rejects.toMatchObject({ code: '42501' });
    }
    await edge.end();
    // an origin that a request says
    expect((await optionsFor('factor', await halfWay(), 'https://ailleurs.test')).credentials).toEqual([]);
    expect(await methods()).toContain('passkey');
  });

  test('is told at a start, in the log, with how many are concerned; the doctor says it as well', async () => {
    await owner('delete from iam.totp_factors');
    await register();
    const { admin } = stage.db;
    const site = {} as Site; // the check asks the database alone
    expect(await tellHostName(admin, undefined)).toBeUndefined();
    expect(await tellHostName(admin, ORIGIN)).toBeUndefined();
    expect((await hostName(admin, site))[0]).toMatchObject({ state: 'ok', finding: ORIGIN });
    expect(await tellHostName(admin, 'https://nouveau.test')).toMatch(
      /^1 account has passkeys of another host name.*1 of them no other/,
    );
    expect(await tellHostName(admin, 'https://nouveau.test')).toBeUndefined();
    expect((await hostName(admin, site))[0]).toMatchObject({ state: 'warning' });
    for (const odd of ['http://nouveau.test/x', 'nouveau.test', 'https://a.test/'])
      await expect(tellHostName(admin, odd)).rejects.toThrow('PUBLIC_ORIGIN must be');
    const events = await owner(
      "select details::json ->> 'host' as host from audit.events where resource_type = 'host' order by at",
    );
    expect(events).toEqual([{ host: 'vital.test' }, { host: 'nouveau.test' }]);
    await asOwner(admin, () => admin.query('update iam.hosts set origin = null'));
  });

  test('makes a new passkey count, beside the old one', async () => {
    await register();
    await owner("update iam.passkeys set rp_id = 'ancien.test', credential_id = extensions.gen_random_bytes(16)");
    await here(ORIGIN, async () => {
      expect(await methods()).not.toContain('passkey');
      expect((await optionsFor('register', stage.anne.token, 'https://ailleurs.test')).answer).toBe('place');
      const credential = stage.key.register(await challengeFor('register', stage.anne.token));
      expect((await add(credential)).answer).toBe('ok');
      expect(await methods()).toContain('passkey');
    });
  });
});
