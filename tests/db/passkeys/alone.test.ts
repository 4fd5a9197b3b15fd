// A passkey without a password: WebAuthn Level 3 §7.2, and guarantee 4 of supabase/migrations/0094_passkeys.sql.
import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Lies } from '../../support/authenticator.ts';
import {
  alone,
  challengeFor,
  lastEvent,
  owner,
  passwordless,
  register,
  second,
  setStage,
  stage,
} from '../../support/passkeys.ts';

setStage();

describe('a passkey alone', () => {
  beforeEach(() => register());

  test('signs in: two factors at once', async () => {
    const result = await alone(stage.key.answer(await challengeFor('passwordless')));
    expect(result).toMatchObject({ answer: 'ok', role: 'clinician' });
    const [session] = await owner('select factors, methods from iam.sessions where token_hash = iam.hash_token($1)', [
      result.token,
    ]);
    expect(session).toEqual({ factors: 2, methods: ['passkey'] });
    expect(await lastEvent('session.factor')).toMatchObject({
      outcome: 'success',
      actor_id: stage.anne.account,
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
    await register(stage.key, { flags: { verified: false } });
    expect(await passwordless()).toEqual(['refused', 'verification']);
    expect(await second({ flags: { verified: true } })).toBe('ok');
    expect((await passwordless())[0]).toBe('ok');
  });

  test('from across the ocean waits for its owner, like any other sign-in', async () => {
    await owner('update access.organisations set notice_from = 1, stop_from = 1 where id = $1', [
      stage.practice.organisation,
    ]);
    const { answer, role, token } = await alone(stage.key.answer(await challengeFor('passwordless')));
    await owner('update access.organisations set notice_from = default, stop_from = default where id = $1', [
      stage.practice.organisation,
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
    await owner("update iam.accounts set status = 'suspended' where id = $1", [stage.anne.account]);
    expect(await passwordless()).toEqual(['refused', 'account']);
    await owner("update iam.accounts set status = 'active' where id = $1", [stage.anne.account]);
    await owner("update access.memberships set valid_until = now() - interval '1 hour' where account_id = $1", [
      stage.anne.account,
    ]);
    expect(await passwordless()).toEqual(['refused', 'account']);
    await owner("update access.memberships set valid_until = 'infinity' where account_id = $1", [stage.anne.account]);
    expect((await passwordless())[0]).toBe('ok');
  });

  test('is tried thirty times at once from an address, and no more', async () => {
    const answers = [];
    for (let i = 0; i < 32; i++) answers.push((await alone({})).answer);
    expect(answers.filter((answer) => answer === 'refused')).toHaveLength(30);
    expect(answers.at(-1)).toBe('wait');
  });
});
