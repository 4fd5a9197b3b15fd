// Credentials as a browser sends them: what can't be read makes an empty proof, which SQL refuses and records
// (tests/db/passkeys goes on from there, with an authenticator).
import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { readAssertion, readRegistration } from '../../edge/webauthn.ts';
import { createAuthenticator } from '../support/authenticator.ts';

const ORIGIN = 'https://vital.test';
const key = createAuthenticator(ORIGIN, '01890000-0000-7000-8000-000000000000');
const challenge = randomBytes(32).toString('base64url');
afterEach(() => vi.restoreAllMocks());

const hostile = ['', 'null', '[]', '{', '{"id":1}', '{"__proto__":{"signed":true}}', `"${'x'.repeat(30_000)}"`];

describe('an answer', () => {
  const ofKey = async () => key.publicKey;
  const read = (credential: object) => readAssertion(JSON.stringify(credential), ofKey);

  test('is passed on with what was found of its signature', async () => {
    expect(await read(key.answer(challenge))).toMatchObject({
      id: key.credentialId.toString('base64url'),
      signed: true,
    });
    expect(await readAssertion(JSON.stringify(key.answer(challenge)), async () => null)).toMatchObject({
      signed: false,
    });
  });
  test.each(hostile)('that is %s is none', async (json) => expect(await readAssertion(json, ofKey)).toEqual({}));
  test.each(['+/==', 'é', 'a b', '', 'x'.repeat(20_001)])('whose client data is %s is none', async (clientDataJSON) => {
    const { response, ...rest } = key.answer(challenge);
    expect(await read({ ...rest, response: { ...response, clientDataJSON } })).toEqual({});
  });
  test.each(['AAAA', 'A', key.credentialId.toString('base64url')])(
    'signed with %s is not signed',
    async (signature) => {
      const { response, ...rest } = key.answer(challenge);
      const proof = await read({ ...rest, response: { ...response, signature } });
      expect(proof).not.toMatchObject({ signed: true });
    },
  );
  test('of a key that is no key is not signed', async () => {
    const garbage = async () => randomBytes(77);
    expect(await readAssertion(JSON.stringify(key.answer(challenge)), garbage)).toMatchObject({ signed: false });
  });
});

describe('a new passkey', () => {
  test.each(hostile)('that is %s is none', async (json) => expect(await readRegistration(json, ORIGIN)).toEqual({}));

  test('that says nothing of its model is passed on', async () => {
    const proof = await readRegistration(JSON.stringify(key.register(challenge)), ORIGIN);
    expect(proof).toMatchObject({ attested: true, public_key: key.publicKey.toString('base64url') });
  });

  test('that brings certificates is refused unread: nothing is fetched for it', async () => {
    const fetched = vi.spyOn(globalThis, 'fetch').mockRejectedValue(new Error('no network'));
    const credential = key.register(challenge, { certificate: randomBytes(64) });
    expect(await readRegistration(JSON.stringify(credential), ORIGIN)).toEqual({});
    expect(fetched).not.toHaveBeenCalled();
  });
});
