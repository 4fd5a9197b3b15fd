// Signing in: each step, right and wrong, and the limits of it.

import { randomUUID } from 'node:crypto';
import { totpCode } from '../../../db/totp.ts';
import { readAssertion } from '../../../edge/webauthn.ts';
import { createAuthenticator } from '../../support/authenticator.ts';
import {
  act,
  anne,
  atPage,
  call,
  halfway,
  kept,
  me,
  newToken,
  nobody,
  ORIGIN,
  of,
  owner,
  password,
  secret,
  session,
} from './stage.ts';

act('session.password', 'a wrong password', me, 'failure', { reason: 'refused' }, async () =>
  call('sign_in_password', anne, await of('faux mais assez long'), newToken()),
);
act('session.password', 'a password for nobody', nobody, 'failure', { reason: 'refused' }, async () =>
  call('sign_in_password', randomUUID(), await of(password, randomUUID()), newToken()),
);
act('session.password', 'the right password', me, 'success', undefined, async () => {
  kept.half = newToken();
  await call('sign_in_password', anne, await of(password), kept.half);
});
act('session.password', 'a step that ended in an error', me, 'failure', { reason: 'error', sqlstate: '08006' }, () =>
  call('record_failed_sign_in', anne, newToken(), '08006'),
);
act('session.factor', 'a wrong code', me, 'failure', { factor: 'totp', answer: 'refused' }, () =>
  call('take_factor', kept.half, 'totp', { code: 'x' }, newToken()),
);
act('session.factor', 'the right code', me, 'success', { factor: 'totp', answer: 'ok' }, async () => {
  kept.whole = newToken();
  await call('take_factor', kept.half, 'totp', { code: totpCode(secret) }, kept.whole);
});
act('session.factor', 'a code for a first step that is over', me, 'failure', { answer: 'expired' }, async () => {
  const token = await halfway();
  await owner('update iam.sessions set expires_at = now() where token_hash = iam.hash_token($1)', [token]);
  await call('take_factor', token, 'totp', { code: '123456' }, newToken());
});
act(
  'session.factor',
  'a passkey that nobody has',
  nobody,
  'failure',
  { factor: 'passkey', passwordless: true },
  async () => {
    const { challenge } = await call('passkey_options', null, 'passwordless', ORIGIN);
    const credential = createAuthenticator(ORIGIN, anne).answer(String(challenge));
    const proof = await readAssertion(JSON.stringify(credential), async () => null);
    await call('sign_in_passkey', newToken(), proof);
  },
);
act('page.refused', 'a page with a password alone', me, 'failure', { answer: 'second_factor' }, async () =>
  atPage(await halfway(), 'select 1'),
);
act('page.refused', 'a page with a session that is over', me, 'failure', { answer: 'signed_out' }, async () => {
  const token = await session();
  await owner('update iam.sessions set expires_at = now() where token_hash = iam.hash_token($1)', [token]);
  await atPage(token, 'select 1');
});
act('page.refused', 'a token of nobody', nobody, 'failure', { answer: 'unknown', step: 'page' }, () =>
  atPage(newToken(), 'select 1'),
);
act('page.refused', 'a change that its transaction refused', me, 'failure', { sqlstate: 'VS403' }, async () =>
  atPage(await session(), `select audit.record_refusal(null, 'VS403')`),
);
act('session.limited', 'a limit of codes that is reached', me, 'failure', { step: 'factor' }, async () => {
  const token = await halfway();
  for (let i = 0; i < 6; i++) {
    await owner('update iam.sessions set attempts = 0 where token_hash = iam.hash_token($1)', [token]);
    await call('take_factor', token, 'totp', { code: 'x' }, newToken());
  }
});
act('session.limited', 'a limit of a place that is reached', nobody, 'failure', { step: 'recover' }, async () => {
  for (let i = 0; i < 6; i++) await call('request_recovery', 'personne@exemple.fr', newToken());
});
act('session.limited', 'links of invitations that are guessed', nobody, 'failure', { step: 'accept' }, async () => {
  for (let i = 0; i < 21; i++) await call('read_invitation', newToken());
});
act('session.limited', 'challenges that are asked for without end', me, 'failure', { step: 'challenge' }, async () => {
  const token = await session();
  for (let i = 0; i < 62; i++) await call('passkey_options', token, 'register', ORIGIN);
});
