// A passkey after a password, and shown again: WebAuthn Level 3 §7.2, step by step; supabase/migrations/0094_passkeys.sql.
import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { readAssertion } from '../../../edge/webauthn.ts';
import { createAuthenticator, type Lies } from '../../support/authenticator.ts';
import {
  alone,
  ask,
  challengeFor,
  halfWay,
  keyOf,
  lastEvent,
  ORIGIN,
  openAnother,
  optionsFor,
  owner,
  register,
  second,
  setStage,
  stage,
  take,
} from '../../support/passkeys.ts';

setStage();

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
    const { colleague } = stage.practice;
    const token = await halfWay(colleague.account);
    await owner(
      'insert into iam.totp_factors (account_id, secret, confirmed_at) values ($1, $2, now()) on conflict do nothing',
      [colleague.account, Buffer.alloc(65)],
    );
    const other = createAuthenticator(ORIGIN, colleague.account);
    await register(other, {}, await openAnother(colleague));
    expect(await second({ userHandle: null }, token)).toBe('refused');
    expect((await take(other.answer(await challengeFor('factor', token)), token)).answer).toBe('ok');
  });

  test('is refused: step 19, no longer eligible for backup', async () => {
    await owner('delete from iam.passkeys');
    await register(stage.key, { flags: { backupEligible: true, backedUp: true } });
    expect(await second({ flags: { backupEligible: false } })).toBe('refused');
    expect(await second({ flags: { backupEligible: true } })).toBe('ok');
    expect((await owner('select backed_up from iam.passkeys'))[0].backed_up, 'the state follows').toBe(false);
  });

  test('is refused: step 21, whatever wasn’t signed with its key', async () => {
    const token = await halfWay();
    const other = createAuthenticator(ORIGIN, stage.anne.account);
    const lies = { credentialId: stage.key.credentialId };
    expect((await take(other.answer(await challengeFor('factor', token), lies), token)).answer).toBe('refused');
    const { response, ...rest } = stage.key.answer(await challengeFor('factor', token));
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
        actor_id: stage.anne.account,
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
    const credential = stage.key.answer(await challengeFor('factor', token));
    expect((await take(credential, await halfWay())).answer, 'another session').toBe('refused');
    expect((await alone(credential)).answer, 'without a password').toBe('refused');
    expect((await take(stage.key.answer(await challengeFor('passwordless')), token)).answer).toBe('refused');
    expect((await take(credential, token)).answer).toBe('ok');
    expect((await take(credential, await halfWay())).answer, 'again').toBe('refused');

    const late = await halfWay();
    const old = stage.key.answer(await challengeFor('factor', late));
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
      stage.anne.account,
    ]);
    expect(await second({}, stage.anne.token)).toBe('ok');
    expect(await lastEvent('session.step_up')).toMatchObject({ outcome: 'success' });
  });

  test.each([
    ['stands for the password as well when it verified its user', true, 'ok'],
    ['stands for no password when it did not', false, 'step_up'],
  ])('shown again %s', async (_, verified, answer) => {
    await owner(
      `update iam.sessions set factor_at = clock_timestamp() - interval '11 minutes', password_at = null where account_id = $1`,
      [stage.anne.account],
    );
    const { token } = stage.anne;
    const proof = await readAssertion(
      JSON.stringify(stage.key.answer(await challengeFor('factor', token), { flags: { verified } })),
      keyOf,
    );
    const next = randomBytes(32).toString('base64url');
    const taken = 'select * from iam.take_factor($1, $2, $3, $4, $5, $6)';
    expect((await ask(taken, [stage.db.ring, token, 'passkey', proof, next, {}])).answer).toBe('ok');
    expect((await optionsFor('register', next)).answer).toBe(answer);
    await owner("update iam.sessions set verified_at = verified_at - interval '10 minutes 1 second'");
    expect((await optionsFor('register', next)).answer).toBe('step_up');
  });
});
