// Accounts and permissions: invitations, registration, roles, teams, settings, consents.

import {
  act,
  anne,
  call,
  change,
  chosen,
  gate,
  kept,
  linkOf,
  newToken,
  nobody,
  of,
  owner,
  password,
  somebody,
  world,
} from './stage.ts';

act('account.invite', 'somebody to work here', somebody('orgAdmin'), 'success', { role: 'secretary' }, async () => {
  const profile = { family_name: 'Le Gall', given_name: 'Lou' };
  kept.invited = await change(
    world.a.orgAdmin.token,
    'accounts.invite',
    'invite_member',
    'secretary',
    'lou@exemple.fr',
    profile,
  );
});
act('account.invite', 'the link again', somebody('orgAdmin'), 'success', { again: true }, () =>
  change(world.a.orgAdmin.token, 'accounts.invite', 'resend_invitation', kept.invited),
);
act('account.accept', 'a link that leads nowhere', nobody, 'failure', { answer: 'gone' }, () =>
  call('accept_invitation', newToken(), `p1:${'A'.repeat(44)}`, null, newToken()),
);
act(
  'account.accept',
  'the link',
  () => kept.invited ?? '',
  'success',
  undefined,
  async () => {
    const hash = await of(chosen, kept.invited);
    await call('accept_invitation', await linkOf('invitation'), hash, null, newToken());
  },
);
act('account.change', 'a role', somebody('orgAdmin'), 'success', { change: 'role', role: 'dpo' }, () =>
  change(world.a.orgAdmin.token, 'accounts.change', 'change_role', anne, 'dpo'),
);
act(
  'row.update',
  'the membership, with the role',
  somebody('orgAdmin'),
  'success',
  { of: 'PractitionerRole', columns: ['valid_until'] },
  () => change(world.a.orgAdmin.token, 'accounts.change', 'change_role', anne, 'clinician'),
);
act('account.change', 'a suspension', somebody('orgAdmin'), 'success', { change: 'suspended' }, () =>
  change(world.a.orgAdmin.token, 'accounts.change', 'suspend_account', anne),
);
act('account.change', 'its end', somebody('orgAdmin'), 'success', { change: 'restored' }, () =>
  change(world.a.orgAdmin.token, 'accounts.change', 'restore_account', anne),
);
act('row.insert', 'a care team', somebody('orgAdmin'), 'success', { of: 'CareTeam' }, async () => {
  kept.team = await change(world.a.orgAdmin.token, 'care_teams.create', 'create_care_team', world.a.colleague.account);
});
act('row.insert', 'somebody in it', somebody('orgAdmin'), 'success', { of: 'CareTeamMember' }, () =>
  change(world.a.orgAdmin.token, 'care_teams.add_member', 'add_care_team_member', kept.team, anne, 'nurse'),
);
act('row.update', 'which codes may be sent', somebody('orgAdmin'), 'success', { of: 'Organization' }, () =>
  change(world.a.orgAdmin.token, 'security.change', 'change_security', 40, 80, false, false),
);
act('account.register', 'somebody who registers', nobody, 'success', { answer: 'ok' }, () =>
  call('request_registration', world.a.organisation, 'paul@exemple.fr', 'fr', newToken()),
);
act(
  'account.confirm',
  'an address with too few consents',
  () => kept.registered ?? '',
  'failure',
  { answer: 'consents' },
  async () => {
    kept.link = await linkOf('email_confirmation');
    await register({});
  },
);
act(
  'account.confirm',
  'an address',
  () => kept.registered ?? '',
  'success',
  undefined,
  async () => {
    const { rows } = await gate.query(`select type, hash from iam.consent_texts('fr') where needed`);
    await register(Object.fromEntries(rows.map(({ type, hash }) => [type, hash])));
  },
);
act('account.confirm', 'an address that nobody asked to confirm', nobody, 'failure', { answer: 'gone' }, () =>
  call('read_registration', newToken()),
);
act(
  'session.limited',
  'the password of a registration, guessed',
  () => kept.registered ?? '',
  'failure',
  { step: 'password' },
  async () => {
    await owner(`insert into ops.limits (key, tokens, at) values ('registration/password/' || $1, 0, now())`, [
      kept.registered,
    ]);
    await call('resume_registration', kept.link, `p1:${'A'.repeat(44)}`, newToken());
  },
);
for (const [given, event] of [
  [true, 'consent.give'],
  [false, 'consent.withdraw'],
] as const)
  act(event, 'marketing', somebody('patient'), 'success', { type: 'marketing' }, async () => {
    const { rows } = await gate.query(`select hash from iam.consent_texts('fr') where type = 'marketing'`);
    await change(
      world.a.patient.token,
      `consents.${given ? 'give' : 'withdraw'}`,
      'change_consent',
      'marketing',
      given,
      rows[0].hash,
    );
  });

async function register(consents: object) {
  const { account } = await call('read_registration', kept.link);
  kept.registered = String(account);
  const identity = { birth_name: 'Le Goff', first_given_name: 'Paul', sex: 'male', birth_date: '1990-07-14' };
  await call('complete_registration', kept.link, await of(password, kept.registered), identity, consents, newToken());
}
