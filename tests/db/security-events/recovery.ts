// Recovery: asked for, confirmed, done, cancelled.
import { randomUUID } from 'node:crypto';
import { totpCode } from '../../../db/totp.ts';
import {
  act,
  anne,
  atPage,
  call,
  email,
  forgetLimits,
  kept,
  linkOf,
  me,
  newToken,
  nobody,
  of,
  owner,
  password,
  somebody,
  waiting,
  world,
} from './stage.ts';

act('recovery.request', 'an address of nobody', nobody, 'failure', undefined, async () => {
  await forgetLimits();
  await call('request_recovery', 'personne@exemple.fr', newToken());
});
act('recovery.request', 'one’s own address', me, 'success', undefined, () =>
  call('request_recovery', email, newToken()),
);
act('recovery.request', 'everything was lost', me, 'success', { lost: 'both', answer: 'waiting' }, async () => {
  kept.recovery = await linkOf('recovery_link');
  await call('choose_recovery', kept.recovery, 'both', await of(password), newToken(), newToken());
});
act('recovery.complete', 'too early', me, 'failure', { answer: 'not_yet' }, async () =>
  call('complete_recovery', kept.recovery, await of(password), newToken()),
);
act(
  'recovery.confirm',
  'by a colleague, with another code',
  somebody('orgAdmin'),
  'failure',
  { answer: 'invalid' },
  async () => {
    await owner('update iam.sessions set factor_at = clock_timestamp()');
    await atPage(world.a.orgAdmin.token, `select audit.confirm_recovery($1, 'x')`, [await waiting()]);
  },
);
act('recovery.confirm', 'by a colleague', somebody('orgAdmin'), 'success', { answer: 'ok' }, async () => {
  const { code } = await call('read_recovery', kept.recovery);
  await atPage(world.a.orgAdmin.token, 'select audit.confirm_recovery($1, $2)', [await waiting(), code]);
});
act('recovery.complete', 'its link', me, 'partial', { answer: 'ok' }, async () => {
  kept.token = newToken();
  await call('complete_recovery', kept.recovery, await of(password), kept.token);
});
act('factor.remove', 'what was lost, with the new factor', me, 'success', { totp: 0, recovery_code: 10 }, async () => {
  await owner(`update iam.totp_factors set confirmed_at = now() - interval '1 day' where account_id = $1`, [anne]);
  const begun = await call('begin_totp', kept.token);
  await call('confirm_totp', kept.token, totpCode(begun.secret as Buffer), newToken());
});
act('recovery.cancel', 'by a colleague', somebody('orgAdmin'), 'success', { by: 'colleague' }, async () => {
  await call('request_recovery', email, newToken());
  await call('choose_recovery', await linkOf('recovery_link'), 'both', await of(password), newToken(), newToken());
  await atPage(world.a.orgAdmin.token, 'select audit.reject_recovery($1)', [await waiting()]);
});
act('recovery.cancel', 'of nothing', somebody('secretary'), 'failure', undefined, () =>
  atPage(world.a.secretary.token, 'select audit.reject_recovery($1)', [randomUUID()]),
);
