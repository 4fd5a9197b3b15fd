// Sessions: ended, stolen, unusual.

import {
  act,
  anne,
  atPage,
  call,
  change,
  halfway,
  kept,
  me,
  newToken,
  owner,
  session,
  signIn,
  signInOf,
  somebody,
  world,
} from './stage.ts';

act('session.end', 'signing out', me, 'success', undefined, async () =>
  atPage(await session(), 'select iam.end_session()'),
);
act('session.reuse', 'a token from before', me, 'failure', undefined, async () => {
  const [old, next] = [await session(), newToken()];
  await owner(`select iam.replace_token(id, token_hash, $2) from iam.sessions where token_hash = iam.hash_token($1)`, [
    old,
    next,
  ]);
  await owner(`update iam.old_tokens set retired_at = retired_at - interval '1 minute'`);
  await atPage(old, 'select 1');
});
act('session.revoke', 'one of one’s own', me, 'success', { because: 'own' }, async () => {
  await session();
  const [{ id }] = await owner('select id from iam.sessions where token_hash = iam.hash_token($1)', [kept.token]);
  await change(await session(), 'sessions.end', 'end_own_session', id);
});
act(
  'session.revoke',
  'an administrator’s word for somebody',
  somebody('orgAdmin'),
  'success',
  { because: 'administrator' },
  () => change(world.a.orgAdmin.token, 'sessions.end', 'end_sessions_of', anne),
);
act('session.unusual', 'a place that is new', me, 'success', { outcome: 'told' }, async () => {
  await signIn('a', '198.51.100.9');
  kept.usual = (await signIn('a', '198.51.100.9')).token;
  await owner('update access.organisations set notice_from = 1, stop_from = 1000 where id = $1', [
    world.a.organisation,
  ]);
  await signIn('b');
});
act('session.unusual', 'one that its person disowns', me, 'success', { disowned: true }, async () =>
  change(kept.usual!, 'sign_ins.disown', 'disown_sign_in', await signInOf(anne)),
);
act('session.unusual', 'one that is held back', me, 'failure', { outcome: 'stopped' }, async () => {
  await owner('update access.organisations set notice_from = 1, stop_from = 2 where id = $1', [world.a.organisation]);
  await signIn('c');
});
act('session.unusual', 'one that a colleague releases', somebody('orgAdmin'), 'success', { released: true }, async () =>
  change(world.a.orgAdmin.token, 'sign_ins.release', 'release_sign_in', await signInOf(anne)),
);
act('session.unusual', 'five wrong codes after the right password', me, 'failure', { reason: 'codes' }, async () => {
  await owner(`delete from ops.limits; delete from ops.delays`);
  const token = await halfway();
  for (let i = 0; i < 5; i++) await call('take_factor', token, 'totp', { code: 'x' }, newToken());
});
