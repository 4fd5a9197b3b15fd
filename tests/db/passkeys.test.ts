// Passkeys: supabase/migrations/0094_passkeys.sql; WebAuthn Level 3 §7.1 and §7.2, with the edge's half, edge/webauthn.ts.
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { asOwner } from '../../db/owner.ts';
import { readAssertion, readRegistration } from '../../edge/webauthn.ts';
import { type Authenticator, createAuthenticator, type Lies } from '../support/authenticator.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { createPractice, openSession, type Person, type Practice } from '../support/practice.ts';

const ORIGIN = 'https://vital.test';
const caller = { ip: '192.0.2.1', user_agent: 'test' };

let db: TestDatabase;
let gate: pg.Client;
let practice: Practice;
let anne: Person;
let key: Authenticator;

beforeAll(async () => {
  db = await createDatabase();
  gate = await connect(db.gateUrl);
  practice = await createPractice(db);
});
afterAll(async () => {
  await gate?.end();
  await db?.close();
});
beforeEach(async () => {
  await owner("delete from ops.limits where key !~ '^password'; delete from ops.delays");
  anne = await asOwner(db.admin, async () => ({
    ...practice.clinician,
    token: await openSession(db, practice.clinician.account),
  }));
  await owner('delete from iam.passkeys');
  key = createAuthenticator(ORIGIN, anne.account);
});

const newToken = () => randomBytes(32).toString('base64url');
const owner = (query: string, values: unknown[] = []) =>
  asOwner(db.admin, async () => (await db.admin.query(query, values)).rows);
const ask = async (query: string, values: unknown[]) => (await gate.query(query, values)).rows[0];
const lastEvent = async (event: string) =>
  (
    await owner(
      'select outcome, details::json as details, resource_id, actor_id from audit.events where event = $1 order by at desc limit 1',
      [event],
    )
  )[0];

/** A session that has got its password and waits for a factor. */
async function halfWay(account = anne.account, enrols = false): Promise<string> {
  const token = newToken();
  await owner(
    `insert into iam.sessions (token_hash, account_id, membership_id, organisation_id, role, methods, enrols)
     select iam.hash_token($1), m.account_id, m.id, m.organisation_id, m.role, '{password}', $3 from access.memberships m where m.account_id = $2`,
    [token, account, enrols],
  );
  return token;
}
const optionsFor = (purpose: string, token: string | null = null, origin = ORIGIN) =>
  ask('select * from iam.passkey_options($1, $2, $3, $4, $5)', [db.ring, token, purpose, origin, caller]);
const challengeFor = async (purpose: string, token: string | null = null, origin = ORIGIN): Promise<string> => {
  const { answer, challenge } = await optionsFor(purpose, token, origin);
  expect(answer).toBe('ok');
  return challenge;
};
const keyOf = async (id: string) => (await ask('select iam.passkey_key($1) as key', [id])).key as Buffer | null;

async function add(credential: object, token = anne.token, name = 'Téléphone') {
  const proof = await readRegistration(JSON.stringify(credential), ORIGIN);
  return ask('select * from iam.add_passkey($1, $2, $3, $4, $5, $6)', [
    db.ring,
    token,
    proof,
    name,
    newToken(),
    caller,
  ]);
}
/** Adds a passkey that is in order. */
async function register(authenticator = key, lies: Lies = {}, token = anne.token) {
  const credential = authenticator.register(await challengeFor('register', token), lies);
  expect((await add(credential, token)).answer).toBe('ok');
}
async function take(credential: object, token: string, change: Record<string, unknown> = {}) {
  const proof = { ...(await readAssertion(JSON.stringify(credential), keyOf)), ...change };
  return ask("select * from iam.take_factor($1, $2, 'passkey', $3, $4, $5)", [
    db.ring,
    token,
    proof,
    newToken(),
    caller,
  ]);
}
/** Shows the passkey as second factor, with these lies. */
async function second(lies: Lies = {}, token?: string, change: Record<string, unknown> = {}): Promise<string> {
  const session = token ?? (await halfWay());
  return (await take(key.answer(await challengeFor('factor', session), lies), session, change)).answer;
}
async function alone(credential: object, change: Record<string, unknown> = {}) {
  const proof = { ...(await readAssertion(JSON.stringify(credential), keyOf)), ...change };
  const token = newToken();
  const answer = await ask('select * from iam.sign_in_passkey($1, $2, $3, $4)', [db.ring, token, proof, caller]);
  return { ...answer, token };
}
/** Signs in with the passkey alone, with these lies: the answer, and why it was refused. */
async function passwordless(lies: Lies = {}, change: Record<string, unknown> = {}) {
  const { answer } = await alone(key.answer(await challengeFor('passwordless'), lies), change);
  return [answer, (await lastEvent('session.factor'))?.details.reason];
}

describe('a new passkey (§7.1)', () => {
  const refusal = async (lies: Lies, token = anne.token, challenge?: string) => {
    const { answer } = await add(key.register(challenge ?? (await challengeFor('register', token)), lies), token);
    const { outcome, details } = await lastEvent('factor.add');
    expect([answer, outcome]).toEqual(['refused', 'failure']);
    expect(await owner('select from iam.passkeys')).toHaveLength(0);
    return details.reason;
  };
  /** Past the edge, which refuses some of these already. */
  const refusalOfBytes = async (lies: Lies, change: Record<string, unknown> = {}) => {
    const { response } = key.register(await challengeFor('register', anne.token), lies);
    const proof = {
      client_data: response.clientDataJSON,
      authenticator_data: response.authenticatorData,
      public_key: key.publicKey.toString('base64url'),
      transports: [],
      attested: true,
      ...change,
    };
    const { answer } = await ask('select * from iam.add_passkey($1, $2, $3, $4, $5, $6)', [
      ...[db.ring, anne.token, proof, 'Clé', newToken(), caller],
    ]);
    expect(answer).toBe('refused');
    return (await lastEvent('factor.add')).details.reason;
  };

  test.each(['ES256', 'EdDSA', 'RS256'] as const)('with %s is added, and signs in', async (algorithm) => {
    key = createAuthenticator(ORIGIN, anne.account, algorithm);
    await register();
    expect(await lastEvent('factor.add')).toMatchObject({
      outcome: 'success',
      details: { factor: 'passkey', answer: 'ok' },
      actor_id: anne.account,
    });
    expect(await second()).toBe('ok');
  });

  test.each<[string, Lies, string]>([
    ['step 7: the type of an assertion', { client: { type: 'webauthn.get' } }, 'type'],
    ['step 8: a challenge that nobody made', { client: { challenge: 'AAAA' } }, 'challenge'],
    ['step 8: no challenge', { client: { challenge: undefined } }, 'challenge'],
    ['step 9: another site', { client: { origin: 'https://vital.test.evil.example' } }, 'origin'],
    ['step 9: another port', { client: { origin: 'https://vital.test:8443' } }, 'origin'],
    ['step 10: inside a frame', { client: { crossOrigin: true } }, 'frame'],
    ['step 11: below another page', { client: { topOrigin: 'https://evil.example' } }, 'frame'],
    ['step 14: the RP ID of another site', { rpId: 'evil.example' }, 'rp_id'],
    ['step 15: nobody present', { flags: { present: false } }, 'presence'],
    ['step 17: backed up and not eligible', { flags: { backedUp: true } }, 'backup'],
    ['step 26: a credential id of 15 bytes', { credentialId: randomBytes(15) }, 'credential'],
    ['bytes after the key', { spoil: (data) => Buffer.concat([data, Buffer.from([0])]) }, 'authenticator_data'],
    ['a stump', { spoil: (data) => data.subarray(0, 54) }, 'authenticator_data'],
    ['client data that is no JSON', { clientBytes: Buffer.from('{"type"') }, 'client_data'],
    ['client data that is not UTF-8', { clientBytes: Buffer.from([0x22, 0xff, 0x22]) }, 'client_data'],
    ['client data of 5 kB', { client: { x: 'x'.repeat(5000) } }, 'client_data'],
  ])('is refused: %s', async (_, lies, why) => {
    expect(await refusalOfBytes(lies)).toBe(why);
  });

  test('is refused: step 16, no attested credential in it', async () => {
    expect(
      await refusalOfBytes({
        spoil: (data) => Buffer.concat([data.subarray(0, 32), Buffer.from([5]), data.subarray(33)]),
      }),
    ).toBe('authenticator_data');
  });

  test('is refused: step 20, an algorithm that nobody asked for; a key that is not the one in the data', async () => {
    const cose = Buffer.from(key.publicKey);
    cose[4] = 0x27; // EdDSA on P-256
    const swap = (data: Buffer) => Buffer.concat([data.subarray(0, data.length - cose.length), cose]);
    expect(await refusalOfBytes({ spoil: swap }, { public_key: cose.toString('base64url') })).toBe('algorithm');
    expect(
      await refusalOfBytes(
        {},
        { public_key: createAuthenticator(ORIGIN, anne.account).publicKey.toString('base64url') },
      ),
    ).toBe('authenticator_data');
    for (const public_key of [null, '***', undefined])
      expect(await refusalOfBytes({}, { public_key })).toBe('authenticator_data');
    expect(await refusalOfBytes({}, { public_key: '' })).toBe('authenticator_data');
  });

  test('is refused: steps 21 to 24, an attestation that the edge didn’t find in order', async () => {
    for (const attested of [false, null, 'true', 1]) expect(await refusalOfBytes({}, { attested })).toBe('attestation');
    const credential = key.register(await challengeFor('register', anne.token));
    for (const attestationObject of ['', 'AAAA', credential.response.attestationObject.slice(0, -120)]) {
      const proof = await readRegistration(
        JSON.stringify({ ...credential, response: { ...credential.response, attestationObject } }),
        ORIGIN,
      );
      expect(proof).toEqual({});
    }
    const cut = { ...credential.response, attestationObject: credential.response.attestationObject.slice(0, -8) };
    expect((await add({ ...credential, response: cut })).answer, 'a key without its end').toBe('refused');
    expect((await lastEvent('factor.add')).details.reason).toBe('authenticator_data');
    for (const json of ['', 'null', '[]', '{"id":1}', '{"__proto__":{}}'])
      expect(await readRegistration(json, ORIGIN)).toEqual({});
    expect((await add({})).answer).toBe('refused');
  });

  test('is refused: step 27, a credential that somebody has already', async () => {
    await register();
    const { colleague } = practice;
    const token = await asOwner(db.admin, () => openSession(db, colleague.account));
    const credential = key.register(await challengeFor('register', token));
    expect((await add(credential, token)).answer).toBe('refused');
    expect((await lastEvent('factor.add')).details.reason).toBe('known');
  });

  test('is refused: a challenge used before, of another session, of another purpose, or six minutes old', async () => {
    const used = await challengeFor('register', anne.token);
    expect(await refusal({ client: { origin: 'https://evil.example' } }, anne.token, used)).toBe('client_data');
    expect(await refusalOfBytes({ client: { challenge: used, origin: 'https://evil.example' } })).toBe('origin');
    expect(await refusalOfBytes({ client: { challenge: used } }), 'used up by what was refused').toBe('challenge');

    const session = await asOwner(db.admin, () => openSession(db, anne.account));
    expect(await refusal({}, anne.token, await challengeFor('register', session))).toBe('challenge');
    expect(await refusal({}, anne.token, await challengeFor('factor', anne.token))).toBe('challenge');
    expect(await refusal({}, anne.token, await challengeFor('passwordless'))).toBe('challenge');

    const old = await challengeFor('register', anne.token);
    await owner("update iam.challenges set made_at = made_at - interval '5 minutes 1 second'");
    expect(await refusal({}, anne.token, old)).toBe('challenge');
    const early = await challengeFor('register', anne.token);
    await owner("update iam.challenges set made_at = clock_timestamp() + interval '1 minute'");
    expect(await refusal({}, anne.token, early), 'the clock was stepped').toBe('challenge');
  });

  test('is asked for on a fresh factor, by whoever has two; a password alone adds nothing', async () => {
    const challenge = await challengeFor('register', anne.token);
    await owner("update iam.sessions set factor_at = clock_timestamp() - interval '11 minutes' where account_id = $1", [
      anne.account,
    ]);
    expect((await add(key.register(challenge))).answer).toBe('step_up');
    expect(await lastEvent('factor.add')).toMatchObject({ outcome: 'failure', details: { answer: 'step_up' } });
    expect((await optionsFor('register', anne.token)).answer).toBe('step_up');

    const token = await halfWay();
    expect((await optionsFor('register', token)).answer).toBe('second_factor');
    expect((await add(key.register(challenge), token)).answer).toBe('second_factor');
    expect((await optionsFor('register', newToken())).answer).toBe('expired');
    expect(await owner('select from iam.passkeys')).toHaveLength(0);
  });

  test('makes the session of an enrolment whole, under a new token', async () => {
    const token = await halfWay(anne.account, true);
    const credential = key.register(await challengeFor('register', token));
    const proof = await readRegistration(JSON.stringify(credential), ORIGIN);
    const next = newToken();
    const answer = await ask('select * from iam.add_passkey($1, $2, $3, $4, $5, $6)', [
      ...[db.ring, token, proof, 'Clé', next, caller],
    ]);
    expect(answer).toEqual({ answer: 'ok', role: 'clinician' });
    const [session] = await owner(
      'select factors, enrols, methods, token_hash = iam.hash_token($1) as renewed from iam.sessions where token_hash in (iam.hash_token($1), iam.hash_token($2))',
      [next, token],
    );
    expect(session).toEqual({ factors: 2, enrols: false, methods: ['password', 'passkey'], renewed: true });
  });

  test('is sealed but for its key; a name has 1 to 60 characters', async () => {
    await register();
    const [row] = await owner('select name, rp_id, transports, user_verified from iam.passkeys');
    expect(row.name.includes('Téléphone')).toBe(false);
    expect(row).toMatchObject({ rp_id: 'vital.test', transports: ['internal', 'hybrid'], user_verified: true });
    const other = createAuthenticator(ORIGIN, anne.account);
    for (const name of ['', '   ', 'x'.repeat(61)]) {
      const credential = other.register(await challengeFor('register', anne.token));
      await expect(add(credential, anne.token, name)).rejects.toMatchObject({ code: 'VS422' });
    }
  });

  test.each([
    'http://vital.test',
    'https://192.0.2.1',
    'https://[::1]',
    'http://127.0.0.1:3000',
    'https://',
    'null',
    'https://x/',
    '',
  ])('isn’t asked for at %s', async (origin) => {
    expect((await optionsFor('register', anne.token, origin)).answer).toBe('place');
    expect((await optionsFor('passwordless', null, origin)).answer).toBe('place');
  });
});

describe('a passkey as second factor (§7.2)', () => {
  beforeEach(() => register());

  test('makes the session whole; its use is told', async () => {
    expect(await second({ flags: { verified: false } })).toBe('ok');
    const [row] = await owner('select sign_count::int, last_used_at is not null as used from iam.passkeys');
    expect(row).toEqual({ sign_count: 2, used: true });
    expect(await lastEvent('session.factor')).toMatchObject({
      outcome: 'success',
      details: { factor: 'passkey', answer: 'ok' },
    });
  });

  test.each<[string, Lies]>([
    ['step 5: a credential that isn’t listed', { credentialId: randomBytes(32) }],
    ['step 6: the user handle of somebody else', { userHandle: '01890000-0000-7000-8000-000000000000' }],
    ['step 10: the type of a registration', { client: { type: 'webauthn.create' } }],
    ['step 11: a challenge that nobody made', { client: { challenge: 'AAAA' } }],
    ['step 12: another site', { client: { origin: 'https://evil.example' } }],
    ['step 13: inside a frame', { client: { crossOrigin: true } }],
    ['step 14: below another page', { client: { topOrigin: 'https://vital.test' } }],
    ['step 15: the RP ID of another site', { rpId: 'evil.example' }],
    ['step 16: nobody present', { flags: { present: false } }],
    ['step 18: backed up and not eligible', { flags: { backedUp: true } }],
    ['step 19: eligible for backup, and wasn’t', { flags: { backupEligible: true } }],
    ['bytes after the counter', { spoil: (data) => Buffer.concat([data, Buffer.from([0])]) }],
    ['a stump', { spoil: (data) => data.subarray(0, 36) }],
    ['nothing', { spoil: () => Buffer.alloc(0) }],
  ])('is refused: %s', async (_, lies) => {
    expect(await second(lies)).toBe('refused');
    expect(await lastEvent('session.factor')).toMatchObject({ outcome: 'failure', details: { factor: 'passkey' } });
    expect((await owner('select last_used_at from iam.passkeys'))[0].last_used_at).toBeNull();
    expect(await second(), 'the next one is in order').toBe('ok');
  });

  test('is refused: step 6, a passkey of a colleague', async () => {
    const { colleague } = practice;
    const token = await halfWay(colleague.account);
    await owner(
      'insert into iam.totp_factors (account_id, secret, confirmed_at) values ($1, $2, now()) on conflict do nothing',
      [colleague.account, Buffer.alloc(65)],
    );
    const other = createAuthenticator(ORIGIN, colleague.account);
    await register(other, {}, await asOwner(db.admin, () => openSession(db, colleague.account)));
    expect(await second({ userHandle: null }, token)).toBe('refused');
    expect((await take(other.answer(await challengeFor('factor', token)), token)).answer).toBe('ok');
  });

  test('is refused: step 19, no longer eligible for backup', async () => {
    await owner('delete from iam.passkeys');
    await register(key, { flags: { backupEligible: true, backedUp: true } });
    expect(await second({ flags: { backupEligible: false } })).toBe('refused');
    expect(await second({ flags: { backupEligible: true } })).toBe('ok');
    expect((await owner('select backed_up from iam.passkeys'))[0].backed_up, 'the state follows').toBe(false);
  });

  test('is refused: step 21, whatever wasn’t signed with its key', async () => {
    const token = await halfWay();
    const other = createAuthenticator(ORIGIN, anne.account);
    const lies = { credentialId: key.credentialId };
    expect((await take(other.answer(await challengeFor('factor', token), lies), token)).answer).toBe('refused');
    const { response, ...rest } = key.answer(await challengeFor('factor', token));
    const flip = (text: string, at: number) => text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
    for (const change of [
      { signature: flip(response.signature, 40) },
      { signature: response.signature.slice(0, 20) },
      { authenticatorData: flip(response.authenticatorData, 48) },
    ]) {
      const proof = await readAssertion(JSON.stringify({ ...rest, response: { ...response, ...change } }), keyOf);
      expect(proof).toMatchObject({ signed: false });
    }
    for (const signed of [false, null, 'true', 1, undefined]) {
      await owner("delete from ops.delays where key ~ '^code'");
      expect(await second({}, await halfWay(), { signed }), String(signed)).toBe('refused');
    }
  });

  test('is refused: step 22, a counter that doesn’t grow, which is recorded', async () => {
    expect(await second({ counter: 7 })).toBe('ok');
    for (const counter of [7, 6, 0]) {
      expect(await second({ counter })).toBe('refused');
      expect(await lastEvent('factor.counter')).toMatchObject({
        outcome: 'failure',
        details: { stored: 7, came: counter },
        actor_id: anne.account,
      });
    }
    expect(await second({ counter: 8 })).toBe('ok');
    expect(await second({ counter: 4294967295 }), 'all 32 bits').toBe('ok');
  });

  test('whose authenticator doesn’t count isn’t suspected', async () => {
    await owner('update iam.passkeys set sign_count = 0');
    expect(await second({ counter: 0 })).toBe('ok');
    expect(await second({ counter: 0 })).toBe('ok');
  });

  test('an answer works once, in its session, for its purpose, for 5 minutes', async () => {
    const token = await halfWay();
    const credential = key.answer(await challengeFor('factor', token));
    expect((await take(credential, await halfWay())).answer, 'another session').toBe('refused');
    expect((await alone(credential)).answer, 'without a password').toBe('refused');
    expect((await take(key.answer(await challengeFor('passwordless')), token)).answer).toBe('refused');
    expect((await take(credential, token)).answer).toBe('ok');
    expect((await take(credential, await halfWay())).answer, 'again').toBe('refused');

    const late = await halfWay();
    const old = key.answer(await challengeFor('factor', late));
    await owner("update iam.challenges set made_at = made_at - interval '5 minutes 1 second'");
    expect((await take(old, late)).answer).toBe('refused');
  });

  test('of another host name isn’t offered, and isn’t taken', async () => {
    await owner("update iam.passkeys set rp_id = 'ancien.test'");
    const token = await halfWay();
    expect((await optionsFor('factor', token)).credentials).toEqual([]);
    expect(await second({}, token)).toBe('refused');
  });

  test('is shown again for a step-up', async () => {
    await owner("update iam.sessions set factor_at = clock_timestamp() - interval '11 minutes' where account_id = $1", [
      anne.account,
    ]);
    expect(await second({}, anne.token)).toBe('ok');
    expect(await lastEvent('session.step_up')).toMatchObject({ outcome: 'success' });
  });
});

describe('a passkey alone', () => {
  beforeEach(() => register());

  test('signs in: two factors at once', async () => {
    const result = await alone(key.answer(await challengeFor('passwordless')));
    expect(result).toMatchObject({ answer: 'ok', role: 'clinician' });
    const [session] = await owner('select factors, methods from iam.sessions where token_hash = iam.hash_token($1)', [
      result.token,
    ]);
    expect(session).toEqual({ factors: 2, methods: ['passkey'] });
    expect(await lastEvent('session.factor')).toMatchObject({
      outcome: 'success',
      actor_id: anne.account,
      details: { factor: 'passkey', passwordless: true, answer: 'ok' },
    });
  });

  test.each<[string, Lies, string]>([
    ['step 6: no user handle', { userHandle: null }, 'user_handle'],
    ['step 6: the user handle of somebody else', { userHandle: '01890000-0000-7000-8000-000000000000' }, 'user_handle'],
    ['step 6: a credential that nobody has', { credentialId: randomBytes(32) }, 'credential'],
    ['step 10: the type of a registration', { client: { type: 'webauthn.create' } }, 'type'],
    ['step 11: a challenge that nobody made', { client: { challenge: 'AAAA' } }, 'challenge'],
    ['step 12: another site', { client: { origin: 'https://evil.example' } }, 'origin'],
    ['step 13: inside a frame', { client: { crossOrigin: true } }, 'frame'],
    ['step 14: below another page', { client: { topOrigin: 'https://evil.example' } }, 'frame'],
    ['step 15: the RP ID of another site', { rpId: 'evil.example' }, 'rp_id'],
    ['step 16: nobody present', { flags: { present: false } }, 'presence'],
    ['step 17: its user not verified', { flags: { verified: false } }, 'verification'],
    ['step 18: backed up and not eligible', { flags: { backedUp: true } }, 'backup'],
    ['step 19: eligible for backup, and wasn’t', { flags: { backupEligible: true } }, 'backup'],
    ['step 22: a counter that doesn’t grow', { counter: 1 }, 'counter'],
    ['a stump', { spoil: (data) => data.subarray(0, 36) }, 'authenticator_data'],
    ['client data that is no JSON', { clientBytes: Buffer.from('[') }, 'client_data'],
    ['client data that is a list', { clientBytes: Buffer.from('["challenge"]') }, 'challenge'],
    ['client data with a NUL', { clientBytes: Buffer.from('{"challenge":"\\u0000"}') }, 'client_data'],
  ])('is refused: %s', async (_, lies, why) => {
    expect(await passwordless(lies)).toEqual(['refused', why]);
    expect((await lastEvent('session.factor')).outcome).toBe('failure');
  });

  test('is refused: step 21, not signed', async () => {
    expect(await passwordless({}, { signed: false })).toEqual(['refused', 'signature']);
    expect((await alone({})).answer, 'nothing at all').toBe('refused');
    expect((await lastEvent('session.factor')).details.reason).toBe('client_data');
  });

  test('made without a PIN isn’t enough with one that its finder chose; after a password it is', async () => {
    await owner('delete from iam.passkeys');
    await register(key, { flags: { verified: false } });
    expect(await passwordless()).toEqual(['refused', 'verification']);
    expect(await second({ flags: { verified: true } })).toBe('ok');
    expect((await passwordless())[0]).toBe('ok');
  });

  test('from across the ocean waits for its owner, like any other sign-in', async () => {
    await owner('update access.organisations set notice_from = 1, stop_from = 1 where id = $1', [
      practice.organisation,
    ]);
    const { answer, role, token } = await alone(key.answer(await challengeFor('passwordless')));
    await owner('update access.organisations set notice_from = default, stop_from = default where id = $1', [
      practice.organisation,
    ]);
    expect([answer, role]).toEqual(['stopped', null]);
    const [session] = await owner(
      'select factors, revoked_because from iam.sessions where token_hash = iam.hash_token($1)',
      [token],
    );
    expect(session).toEqual({ factors: 1, revoked_because: 'held' });
  });

  test('that nobody answered are cleared out', async () => {
    await owner('delete from iam.challenges');
    for (let i = 0; i < 4; i++) await challengeFor('passwordless');
    await owner("update iam.challenges set made_at = made_at - interval '6 minutes'");
    await challengeFor('passwordless');
    expect(
      (await owner("select from iam.challenges where made_at < now() - interval '5 minutes'")).length,
    ).toBeLessThan(4);
    await owner('select ops.upkeep()');
    expect(await owner("select from iam.challenges where made_at < now() - interval '5 minutes'")).toHaveLength(0);
  });

  test('of somebody suspended, or who left, signs nobody in', async () => {
    await owner("update iam.accounts set status = 'suspended' where id = $1", [anne.account]);
    expect(await passwordless()).toEqual(['refused', 'account']);
    await owner("update iam.accounts set status = 'active' where id = $1", [anne.account]);
    await owner("update access.memberships set valid_until = now() - interval '1 hour' where account_id = $1", [
      anne.account,
    ]);
    expect(await passwordless()).toEqual(['refused', 'account']);
    await owner("update access.memberships set valid_until = 'infinity' where account_id = $1", [anne.account]);
    expect((await passwordless())[0]).toBe('ok');
  });

  test('is tried thirty times at once from an address, and no more', async () => {
    const answers = [];
    for (let i = 0; i < 32; i++) answers.push((await alone({})).answer);
    expect(answers.filter((answer) => answer === 'refused')).toHaveLength(30);
    expect(answers.at(-1)).toBe('wait');
  });
});

describe('whatever stands in a proof', () => {
  const value = fc.oneof(
    fc.base64String({ maxLength: 400 }),
    fc.string(),
    fc.jsonValue({ maxDepth: 3 }),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
    fc.jsonValue().map((json) => Buffer.from(JSON.stringify(json)).toString('base64url')),
  );
  const fields = [
    'id',
    'client_data',
    'authenticator_data',
    'user_handle',
    'signed',
    'public_key',
    'transports',
    'attested',
  ];
  const proof = fc.oneof(fc.dictionary(fc.constantFrom(...fields), value), fc.jsonValue());

  test('it is refused, and breaks nothing', async () => {
    const half = await halfWay();
    await register();
    const attempts = async (anything: unknown) => {
      await owner('delete from ops.limits; update iam.sessions set attempts = 0');
      const json = JSON.stringify(anything).replaceAll('\\u0000', '');
      const { answer } = await ask("select * from iam.take_factor($1, $2, 'passkey', $3, $4, $5)", [
        ...[db.ring, half, json, newToken(), caller],
      ]);
      const added = await ask('select * from iam.add_passkey($1, $2, $3, $4, $5, $6)', [
        ...[db.ring, anne.token, json, 'Clé', newToken(), caller],
      ]);
      const entered = await ask('select * from iam.sign_in_passkey($1, $2, $3, $4)', [
        db.ring,
        newToken(),
        json,
        caller,
      ]);
      expect([answer, added.answer, entered.answer]).toEqual(['refused', 'refused', 'refused']);
    };
    await fc.assert(fc.asyncProperty(proof, attempts), { numRuns: 60 });
  });
});

describe('removal', () => {
  const remove = async (id: string, token = anne.token) =>
    (await ask('select iam.remove_passkey($1, $2, $3, $4) as answer', [db.ring, token, id, caller])).answer;
  const ids = async () =>
    (await owner('select id from iam.passkeys order by created_at')).map((row) => row.id as string);

  test('leaves the last factor, also when two are removed at once', async () => {
    await register();
    await register(createAuthenticator(ORIGIN, anne.account));
    const [first = '', second = ''] = await ids();
    const other = await connect(db.gateUrl);
    try {
      const another = await asOwner(db.admin, () => openSession(db, anne.account));
      const sql = 'select iam.remove_passkey($1, $2, $3, $4) as answer';
      await gate.query('begin');
      expect((await gate.query(sql, [db.ring, anne.token, first, caller])).rows[0].answer).toBe('ok');
      const waiting = other.query(sql, [db.ring, another, second, caller]);
      await new Promise((resolve) => setTimeout(resolve, 200));
      await gate.query('commit');
      expect((await waiting).rows[0].answer).toBe('last');
    } finally {
      await other.end();
    }
    expect(await ids()).toHaveLength(1);
    expect((await lastEvent('factor.remove')).outcome).toBeDefined();
  });

  test('is told to the person and recorded; the passkey signs nobody in from then on', async () => {
    await register();
    await register(createAuthenticator(ORIGIN, anne.account));
    const [first = ''] = await ids();
    expect(await remove(first)).toBe('ok');
    expect(await lastEvent('factor.remove')).toMatchObject({ outcome: 'success', resource_id: first });
    expect(await owner("select from ops.outbox where template = 'factor_removed'")).not.toHaveLength(0);
    expect(await passwordless()).toEqual(['refused', 'credential']);
  });

  test('wants a fresh factor, and a passkey of one’s own', async () => {
    await register();
    await register(createAuthenticator(ORIGIN, anne.account));
    const [first = ''] = await ids();
    const colleague = await asOwner(db.admin, () => openSession(db, practice.colleague.account));
    expect(await remove(first, colleague)).toBe('hidden');
    expect(await remove(first, await halfWay())).toBe('second_factor');
    await owner("update iam.sessions set factor_at = clock_timestamp() - interval '11 minutes' where account_id = $1", [
      anne.account,
    ]);
    expect(await remove(first)).toBe('step_up');
    expect(await lastEvent('factor.remove')).toMatchObject({ outcome: 'failure', details: { answer: 'step_up' } });
    expect(await ids()).toHaveLength(2);
  });
});
