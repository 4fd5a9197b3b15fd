// Factors: added, shown again, taken away, changed; and what is sent.

import { randomUUID } from 'node:crypto';
import { totpCode } from '../../../db/totp.ts';
import { readAssertion, readRegistration } from '../../../edge/webauthn.ts';
import { createAuthenticator } from '../../support/authenticator.ts';
import { take, tell } from '../../support/outbox.ts';
import {
  act,
  anne,
  atPage,
  call,
  chosen,
  gate,
  halfway,
  kept,
  me,
  newToken,
  ORIGIN,
  of,
  owner,
  password,
  session,
  stale,
  world,
} from './stage.ts';

let codes: string[] = [];
let authenticator: ReturnType<typeof createAuthenticator> | undefined;
const key = () => (authenticator ??= createAuthenticator(ORIGIN, anne));
const passkey = async () => (await owner('select id from iam.passkeys where account_id = $1', [anne]))[0].id as string;
act('factor.add', 'an app on an old factor', me, 'failure', { answer: 'step_up' }, async () => {
  await stale(await session());
  await call('begin_totp', kept.token);
});
act(
  'factor.add',
  'an app by a code that is not its own',
  me,
  'failure',
  { factor: 'totp', answer: 'refused' },
  async () => {
    await call('begin_totp', await session());
    await call('confirm_totp', kept.token, 'x', newToken());
  },
);
act('factor.add', 'an app in the place of another', me, 'success', { factor: 'totp', replaced: true }, async () => {
  const begun = await call('begin_totp', kept.token);
  await call('confirm_totp', kept.token, totpCode(begun.secret as Buffer), newToken());
});
act('factor.add', 'recovery codes', me, 'success', { factor: 'recovery_code' }, async () => {
  codes = (await call('make_recovery_codes', kept.token)).codes as string[];
});
act('session.step_up', 'a wrong code, shown again', me, 'failure', { factor: 'recovery_code', answer: 'refused' }, () =>
  call('take_factor', kept.token, 'recovery_code', { code: 'aaaaa-aaaaa' }, newToken()),
);
act('session.step_up', 'a factor, shown again', me, 'success', { factor: 'recovery_code', answer: 'ok' }, async () => {
  const next = newToken();
  await call('take_factor', kept.token, 'recovery_code', { code: codes[0] }, next);
  kept.token = next;
});
act('session.step_up', 'what asks for a factor', me, 'failure', { asked: true }, async () => {
  await stale(await session());
  await atPage(kept.token!, `select ops.intend($1, 'notes.sign')`, [randomUUID()]);
});
act('factor.add', 'a passkey', me, 'success', { factor: 'passkey' }, async () => {
  const { challenge } = await call('passkey_options', await session(), 'register', ORIGIN);
  const proof = await readRegistration(JSON.stringify(key().register(String(challenge))), ORIGIN);
  await call('add_passkey', kept.token, proof, 'Téléphone', newToken());
});
act('factor.add', 'a passkey with the challenge of another', me, 'failure', { factor: 'passkey' }, async () => {
  const proof = await readRegistration(JSON.stringify(key().register('AAAA')), ORIGIN);
  await call('add_passkey', kept.token, proof, 'Copie', newToken());
});
act('factor.counter', 'a passkey that counts backwards', me, 'failure', { stored: 3, came: 1 }, async () => {
  await owner('update iam.passkeys set sign_count = 3 where account_id = $1', [anne]);
  const token = await halfway();
  const { challenge } = await call('passkey_options', token, 'factor', ORIGIN);
  const credential = key().answer(String(challenge), { counter: 1 });
  const keyOf = async (id: string) => (await gate.query('select iam.passkey_key($1) as key', [id])).rows[0].key;
  const proof = await readAssertion(JSON.stringify(credential), keyOf);
  await call('take_factor', token, 'passkey', proof, newToken());
});
act('row.update', 'a passkey gets another name', me, 'success', { columns: ['name'] }, async () => {
  await call('name_passkey', await session(), await passkey(), 'Bureau');
});
act('factor.remove', 'a passkey', me, 'success', { factor: 'passkey', answer: 'ok' }, async () =>
  call('remove_passkey', kept.token, await passkey()),
);
act('factor.remove', 'the last factor', me, 'failure', { factor: 'totp', answer: 'last' }, () =>
  call('remove_totp', kept.token),
);
act(
  'code.send',
  'a code to a telephone that is to be confirmed',
  me,
  'success',
  { factor: 'phone_code', answer: 'ok' },
  () => call('begin_phone', kept.token, '06 12 34 56 78'),
);
act('factor.add', 'a telephone by another code', me, 'failure', { factor: 'sms_code', answer: 'refused' }, () =>
  call('confirm_phone', kept.token, 'x'),
);
act('factor.add', 'a telephone', me, 'success', { factor: 'sms_code', answer: 'ok' }, async () => {
  const sent = (await take(world.db, gate)).find((one) => one.template === 'phone_code');
  await call('confirm_phone', kept.token, sent?.vars.code);
});
act('code.send', 'a code to sign in with', me, 'success', { factor: 'email_code', answer: 'ok' }, async () =>
  call('send_code', await halfway(), 'email_code'),
);
act('code.send', 'a code by a method that the account lacks', me, 'failure', { answer: 'refused' }, async () =>
  call('send_code', await halfway(), 'passkey'),
);
act('code.send', 'a code for a session that is over', me, 'failure', { answer: 'expired' }, async () => {
  const token = await halfway();
  await owner('update iam.sessions set expires_at = now() where token_hash = iam.hash_token($1)', [token]);
  await call('send_code', token, 'email_code');
});
act('factor.remove', 'a telephone, with a session that is over', me, 'failure', { answer: 'expired' }, async () => {
  await owner('update iam.sessions set expires_at = now() where token_hash = iam.hash_token($1)', [await session()]);
  await call('remove_phone', kept.token);
});
act('factor.remove', 'a telephone', me, 'success', { factor: 'sms_code', answer: 'ok' }, async () =>
  call('remove_phone', await session()),
);
act(
  'message.send',
  'what was told',
  me,
  'success',
  { template: 'email_code', channel: 'email' },
  async () => {
    const sent = (await take(world.db, gate)).find((one) => one.template === 'email_code');
    await tell(gate, sent!, 'sent');
  },
  true,
);
act('password.change', 'the password, by another present one', me, 'failure', { answer: 'refused' }, async () =>
  call('change_password', await session(), await of('another one entirely'), await of(chosen)),
);
act('password.change', 'the password', me, 'success', undefined, async () =>
  call('change_password', kept.token, await of(password), await of(chosen)),
);
