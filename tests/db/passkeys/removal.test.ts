// Passkeys taken away, and proofs that nobody would send: supabase/migrations/0094_passkeys.sql.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { connect } from '../../../db/connect.ts';
import { createAuthenticator } from '../../support/authenticator.ts';
import {
  ask,
  caller,
  halfWay,
  lastEvent,
  newToken,
  ORIGIN,
  openAnother,
  owner,
  passwordless,
  register,
  setStage,
  stage,
} from '../../support/passkeys.ts';

setStage();

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
        ...[stage.db.ring, half, json, newToken(), caller],
      ]);
      const added = await ask('select * from iam.add_passkey($1, $2, $3, $4, $5, $6)', [
        ...[stage.db.ring, stage.anne.token, json, 'Clé', newToken(), caller],
      ]);
      const entered = await ask('select * from iam.sign_in_passkey($1, $2, $3, $4)', [
        stage.db.ring,
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
  const remove = async (id: string, token = stage.anne.token) =>
    (await ask('select iam.remove_passkey($1, $2, $3, $4) as answer', [stage.db.ring, token, id, caller])).answer;
  const ids = async () =>
    (await owner('select id from iam.passkeys order by created_at')).map((row) => row.id as string);

  test('leaves the last factor, also when two are removed at once', async () => {
    await register();
    await register(createAuthenticator(ORIGIN, stage.anne.account));
    const [first = '', second = ''] = await ids();
    const other = await connect(stage.db.gateUrl);
    try {
      const another = await openAnother(stage.anne);
      const sql = 'select iam.remove_passkey($1, $2, $3, $4) as answer';
      await stage.gate.query('begin');
      expect((await stage.gate.query(sql, [stage.db.ring, stage.anne.token, first, caller])).rows[0].answer).toBe('ok');
      const waiting = other.query(sql, [stage.db.ring, another, second, caller]);
      await new Promise((resolve) => setTimeout(resolve, 200));
      await stage.gate.query('commit');
      expect((await waiting).rows[0].answer).toBe('last');
    } finally {
      await other.end();
    }
    expect(await ids()).toHaveLength(1);
    expect((await lastEvent('factor.remove')).outcome).toBeDefined();
  });

  test('is told to the person and recorded; the passkey signs nobody in from then on', async () => {
    await register();
    await register(createAuthenticator(ORIGIN, stage.anne.account));
    const [first = ''] = await ids();
    expect(await remove(first)).toBe('ok');
    expect(await lastEvent('factor.remove')).toMatchObject({ outcome: 'success', resource_id: first });
    expect(await owner("select from ops.outbox where template = 'factor_removed'")).not.toHaveLength(0);
    expect(await passwordless()).toEqual(['refused', 'credential']);
  });

  test('wants a fresh factor, and a passkey of one’s own', async () => {
    await register();
    await register(createAuthenticator(ORIGIN, stage.anne.account));
    const [first = ''] = await ids();
    const colleague = await openAnother(stage.practice.colleague);
    expect(await remove(first, colleague)).toBe('hidden');
    expect(await remove(first, await halfWay())).toBe('second_factor');
    await owner("update iam.sessions set factor_at = clock_timestamp() - interval '11 minutes' where account_id = $1", [
      stage.anne.account,
    ]);
    expect(await remove(first)).toBe('step_up');
    expect(await lastEvent('factor.remove')).toMatchObject({ outcome: 'failure', details: { answer: 'step_up' } });
    expect(await ids()).toHaveLength(2);
  });
});
