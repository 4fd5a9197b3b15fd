// A new passkey: WebAuthn Level 3 §7.1, step by step; supabase/migrations/0094_passkeys.sql.
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { readRegistration } from '../../../edge/webauthn.ts';
import { createAuthenticator, type Lies } from '../../support/authenticator.ts';
import {
  add,
  ask,
  caller,
  challengeFor,
  halfWay,
  lastEvent,
  newToken,
  ORIGIN,
  openAnother,
  optionsFor,
  owner,
  register,
  second,
  setStage,
  stage,
} from '../../support/passkeys.ts';

setStage();

describe('a new passkey (§7.1)', () => {
  const refusal = async (lies: Lies, token = stage.anne.token, challenge?: string) => {
    const { answer } = await add(stage.key.register(challenge ?? (await challengeFor('register', token)), lies), token);
    const { outcome, details } = await lastEvent('factor.add');
    expect([answer, outcome]).toEqual(['refused', 'failure']);
    expect(await owner('select from iam.passkeys')).toHaveLength(0);
    return details.reason;
  };
  /** Past the edge, which refuses some of these already. */
  const refusalOfBytes = async (lies: Lies, change: Record<string, unknown> = {}) => {
    const { response } = stage.key.register(await challengeFor('register', stage.anne.token), lies);
    const proof = {
      client_data: response.clientDataJSON,
      authenticator_data: response.authenticatorData,
      public_key: stage.key.publicKey.toString('base64url'),
      transports: [],
      attested: true,
      ...change,
    };
    const { answer } = await ask('select * from iam.add_passkey($1, $2, $3, $4, $5, $6)', [
      ...[stage.db.ring, stage.anne.token, proof, 'Clé', newToken(), caller],
    ]);
    expect(answer).toBe('refused');
    return (await lastEvent('factor.add')).details.reason;
  };

  test.each(['ES256', 'EdDSA', 'RS256'] as const)('with %s is added, and signs in', async (algorithm) => {
    stage.key = createAuthenticator(ORIGIN, stage.anne.account, algorithm);
    await register();
    expect(await lastEvent('factor.add')).toMatchObject({
      outcome: 'success',
      details: { factor: 'passkey', answer: 'ok' },
      actor_id: stage.anne.account,
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
    const cose = Buffer.from(stage.key.publicKey);
    cose[4] = 0x27; // EdDSA on P-256
    const swap = (data: Buffer) => Buffer.concat([data.subarray(0, data.length - cose.length), cose]);
    expect(await refusalOfBytes({ spoil: swap }, { public_key: cose.toString('base64url') })).toBe('algorithm');
    expect(
      await refusalOfBytes(
        {},
        { public_key: createAuthenticator(ORIGIN, stage.anne.account).publicKey.toString('base64url') },
      ),
    ).toBe('authenticator_data');
    for (const public_key of [null, '***', undefined])
      expect(await refusalOfBytes({}, { public_key })).toBe('authenticator_data');
    expect(await refusalOfBytes({}, { public_key: '' })).toBe('authenticator_data');
  });

  test('is refused: steps 21 to 24, an attestation that the edge didn’t find in order', async () => {
    for (const attested of [false, null, 'true', 1]) expect(await refusalOfBytes({}, { attested })).toBe('attestation');
    const credential = stage.key.register(await challengeFor('register', stage.anne.token));
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
    const { colleague } = stage.practice;
    const token = await openAnother(colleague);
    const credential = stage.key.register(await challengeFor('register', token));
    expect((await add(credential, token)).answer).toBe('refused');
    expect((await lastEvent('factor.add')).details.reason).toBe('known');
  });

  test('is refused: a challenge used before, of another session, of another purpose, or six minutes old', async () => {
    const used = await challengeFor('register', stage.anne.token);
    expect(await refusal({ client: { origin: 'https://evil.example' } }, stage.anne.token, used)).toBe('client_data');
    expect(await refusalOfBytes({ client: { challenge: used, origin: 'https://evil.example' } })).toBe('origin');
    expect(await refusalOfBytes({ client: { challenge: used } }), 'used up by what was refused').toBe('challenge');

    const session = await openAnother(stage.anne);
    expect(await refusal({}, stage.anne.token, await challengeFor('register', session))).toBe('challenge');
    expect(await refusal({}, stage.anne.token, await challengeFor('factor', stage.anne.token))).toBe('challenge');
    expect(await refusal({}, stage.anne.token, await challengeFor('passwordless'))).toBe('challenge');

    const old = await challengeFor('register', stage.anne.token);
    await owner("update iam.challenges set made_at = made_at - interval '5 minutes 1 second'");
    expect(await refusal({}, stage.anne.token, old)).toBe('challenge');
    const early = await challengeFor('register', stage.anne.token);
    await owner("update iam.challenges set made_at = clock_timestamp() + interval '1 minute'");
    expect(await refusal({}, stage.anne.token, early), 'the clock was stepped').toBe('challenge');
  });

  test('is asked for on a fresh factor, by whoever has two; a password alone adds nothing', async () => {
    const challenge = await challengeFor('register', stage.anne.token);
    await owner("update iam.sessions set factor_at = clock_timestamp() - interval '11 minutes' where account_id = $1", [
      stage.anne.account,
    ]);
    expect((await add(stage.key.register(challenge))).answer).toBe('step_up');
    expect(await lastEvent('factor.add')).toMatchObject({ outcome: 'failure', details: { answer: 'step_up' } });
    expect((await optionsFor('register', stage.anne.token)).answer).toBe('step_up');

    const token = await halfWay();
    expect((await optionsFor('register', token)).answer).toBe('second_factor');
    expect((await add(stage.key.register(challenge), token)).answer).toBe('second_factor');
    expect((await optionsFor('register', newToken())).answer).toBe('expired');
    expect(await owner('select from iam.passkeys')).toHaveLength(0);
  });

  test('makes the session of an enrolment whole, under a new token', async () => {
    const token = await halfWay(stage.anne.account, true);
    const credential = stage.key.register(await challengeFor('register', token));
    const proof = await readRegistration(JSON.stringify(credential), ORIGIN);
    const next = newToken();
    const answer = await ask('select * from iam.add_passkey($1, $2, $3, $4, $5, $6)', [
      ...[stage.db.ring, token, proof, 'Clé', next, caller],
    ]);
    expect(answer).toEqual({ answer: 'ok', role: 'clinician' });
    const [session] = await owner(
      'select factors, enrols, methods, token_hash = iam.hash_token($1) as renewed from iam.sessions where token_hash in (iam.hash_token($1), iam.hash_token($2))',
      [next, token],
    );
    expect(session).toEqual({ factors: 2, enrols: false, methods: ['password', 'passkey'], renewed: true });
  });

  test('names the session that added it', async () => {
    await register();
    const query =
      'select k.added_in = s.id as named from iam.passkeys k, iam.sessions s where s.token_hash = iam.hash_token($1)';
    expect(await owner(query, [stage.anne.token])).toEqual([{ named: true }]);
  });

  test('is sealed but for its key; a name has 1 to 60 characters', async () => {
    await register();
    const [row] = await owner('select name, rp_id, transports, user_verified from iam.passkeys');
    expect(row.name.includes('Téléphone')).toBe(false);
    expect(row).toMatchObject({ rp_id: 'vital.test', transports: ['internal', 'hybrid'], user_verified: true });
    const other = createAuthenticator(ORIGIN, stage.anne.account);
    for (const name of ['', '   ', 'x'.repeat(61)]) {
      const credential = other.register(await challengeFor('register', stage.anne.token));
      await expect(add(credential, stage.anne.token, name)).rejects.toMatchObject({ code: 'VS422' });
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
    expect((await optionsFor('register', stage.anne.token, origin)).answer).toBe('place');
    expect((await optionsFor('passwordless', null, origin)).answer).toBe('place');
  });
});
