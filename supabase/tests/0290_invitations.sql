\ir support/world.psql
select no_plan();

select policies_are('iam', 'invitations', array['all_owner']);
select policy_roles_are('iam', 'invitations', 'all_owner', array['vs_owner']);
select is(tests.owner('update iam.sessions set factor_at = clock_timestamp(); delete from ops.limits where key like ''invitation%'''), 'done');

create function pg_temp.invite(who text, key uuid, role text, address text, profile text default '{"family_name": "Petit", "given_name": "Lou"}') returns text
language sql as $$ select tests.attempt(who, format('select clinic.invite_member(%L, %L, %L, %L)', key, role, address, profile), 'write') $$;
-- an intent is committed before its change, so these are announced beforehand; pg_temp.intend gives one away
create temp table intents as select who, gen_random_uuid() as key from unnest(array['a.org_admin', 'b.org_admin', 'a.secretary', 'a.colleague']) who, generate_series(1, 60);
select is((select string_agg(distinct tests.attempt(who, format('select ops.intend(%L, ''accounts.invite'')', key), 'open'), '') from intents), '(ok)');
create function pg_temp.intend(of_whom text) returns uuid
language sql as $$ delete from intents where key = (select i.key from intents i where i.who = of_whom limit 1) returning key $$;
create function pg_temp.account(answer text) returns uuid language sql as $$ select btrim(answer, '()')::uuid $$;
-- what the link would hold: the database keeps its hash alone
create function pg_temp.link(account uuid) returns text language sql as $$ select tests.owner(format('select iam.renew_invitation(%L)', account)) $$;
create function pg_temp.accept(token text, new_token text default md5(random()::text), ip text default '192.0.2.7') returns text language plpgsql as $$
declare
  answer text;
  ring text := tests.the('ring');
begin
  perform set_config('role', 'vs_gate', true);
  select r.answer into answer from iam.accept_invitation(ring, token, 'p1:' || repeat('A', 44), null, new_token, jsonb_build_object('ip', ip)) r;
  perform set_config('role', 'none', true);
  return answer;
end $$;
create function pg_temp.look(token text, ip text default '192.0.2.8') returns text language plpgsql as $$
declare
  answer text;
  ring text := tests.the('ring');
begin
  perform set_config('role', 'vs_gate', true);
  select r.answer into answer from iam.read_invitation(ring, token, jsonb_build_object('ip', ip)) r;
  perform set_config('role', 'none', true);
  return answer;
end $$;

-- 3: who invites whom
select is(pg_temp.invite('a.' || who, gen_random_uuid(), 'clinician', 'x@exemple.fr'), '42501', 'a ' || who || ' cannot invite a colleague')
  from unnest(array['patient', 'clinician', 'secretary', 'auditor', 'dpo', 'researcher', 'import of clinician']) who;
select is(pg_temp.invite('a.org_admin', gen_random_uuid(), 'clinician', 'x@exemple.fr'), 'VS428', 'cannot invite without an intent');
select is(pg_temp.invite('a.org_admin', pg_temp.intend('a.org_admin'), role, 'x@exemple.fr'), 'VS422', 'cannot invite as ' || role) from unnest(array['patient', 'import', 'owner', '']) role;
select is(pg_temp.invite('a.org_admin', pg_temp.intend('a.org_admin'), 'clinician', address), 'VS422', 'cannot invite ' || address)
  from unnest(array['', 'nobody', 'a b@exemple.fr', 'a@b@c', 'a@exemple。fr', '<a@exemple.fr>', 'a,b@exemple.fr', repeat('a', 250) || '@exemple.fr']) address;
select is(pg_temp.invite('a.org_admin', pg_temp.intend('a.org_admin'), 'clinician', 'x@exemple.fr', profile), 'VS422', 'cannot invite ' || left(profile, 60))
  from unnest(array['{}', '{"family_name": " ", "given_name": "Lou"}', '{"family_name": "Petit"}', format('{"family_name": "%s", "given_name": "Lou"}', repeat('x', 101))]) profile;
select is(tests.owner(format('update iam.sessions set factor_at = clock_timestamp() - interval ''11 minutes'' where account_id = %L', tests.the('a.org_admin.account'))), 'done');
select is(tests.attempt('a.org_admin', 'select ops.intend(gen_random_uuid(), ''accounts.invite'')', 'open'), '(step_up)', 'cannot invite on a factor shown long ago');
select is(tests.owner('update iam.sessions set factor_at = clock_timestamp()'), 'done');

select pg_temp.account(pg_temp.invite('a.org_admin', pg_temp.intend('a.org_admin'), 'secretary', ' Lou.Petit@Exemple.fr ')) as lou \gset
select is(tests.attempt('a.org_admin', format('select display_name, role, email, status, second_factor, accepted from clinic.accounts where id = %L', :'lou')),
  '("Lou PETIT",secretary,lou.petit@exemple.fr,invited,f,f)', 'an administrator invites, and sees who was invited');
select is(tests.attempt('b.org_admin', format('select * from clinic.accounts where id = %L', :'lou')), 'nothing', 'another practice''s doesn''t');
select is((select template || ' ' || state from ops.outbox where account_id = :'lou'), 'invitation waiting', 'the link is on its way');
select is((select count(*) from iam.invitations where token_hash = iam.hash_token('')), 0::bigint);
select is(pg_temp.invite('a.org_admin', pg_temp.intend('a.org_admin'), 'clinician', 'LOU.petit@exemple.fr'), 'VS409', 'cannot invite twice');
select is(pg_temp.invite('a.org_admin', pg_temp.intend('a.org_admin'), 'clinician', 'asecretary@exemple.fr'), 'VS409', 'cannot invite a colleague');

-- 4: an address of somebody else's account
select matches(pg_temp.invite('a.org_admin', pg_temp.intend('a.org_admin'), 'clinician', address), '^\([0-9a-f-]{36}\)$', 'and ' || address || ' is answered like any other') from unnest(array['bclinician@exemple.fr', 'apatient@exemple.fr']) address;
select is(tests.attempt('a.org_admin', 'select count(*), count(distinct status), min(email) from clinic.accounts where status = ''invited'' and role = ''clinician'''), '(2,1,apatient@exemple.fr)',
  'an address with an account elsewhere, or of a patient, is listed like any other');
select is((select string_agg(o.template, ' ') from ops.outbox o where o.account_id in (tests.the('b.clinician.account')::uuid, tests.the('a.patient.account')::uuid)), 'invitation_exists invitation_exists', 'who has that account is told');
select is((select count(*) from ops.outbox o join iam.invitations i using (account_id) where o.template = 'invitation' and o.account_id <> :'lou'), 0::bigint, 'and no link goes anywhere');
select is((select count(distinct details) from audit.events where event = 'account.invite' and details ~ 'clinician'), 1::bigint, 'recorded alike');

-- 1, 2: the link
select pg_temp.link(:'lou') as first_link \gset
select pg_temp.link(:'lou') as second_link, md5(random()::text) as session \gset
select is(pg_temp.look(t), 'gone', 'a link that another one replaced, or nobody''s, leads nowhere') from unnest(array[:'first_link', 'guessed', '']) t;
select is(pg_temp.accept(:'first_link'), 'gone', 'nor can it be used');
select is(pg_temp.look(:'second_link'), 'ok', 'looking doesn''t use a link up') from generate_series(1, 2);
select is(tests.owner(format('update iam.invitations set expires_at = clock_timestamp() where account_id = %L', :'lou')), 'done');
select is(pg_temp.accept(:'second_link'), 'gone', 'cannot be used after 72 hours');
select is(tests.owner(format('update iam.invitations set expires_at = clock_timestamp() + interval ''1 hour'' where account_id = %L', :'lou')), 'done');
select is(pg_temp.accept(:'second_link', :'session'), 'ok', 'somebody takes up an invitation');
select is(pg_temp.accept(:'second_link'), 'gone', 'a link works once');
select is((select status || ' ' || (password_hash is not null) || ' ' || (email_confirmed_at is not null) from iam.accounts where id = :'lou'), 'invited true true', 'who chose a password isn''t active yet');
insert into tests.world values ('lou', :'session') on conflict (name) do update set value = excluded.value;
select is(tests.attempt('lou', 'select * from clinic.me'), 'VS401', 'the session opens nothing');
select is(tests.owner(format('select (iam.may_change_factors(%L, %L, ''{}'')).answer', tests.the('ring'), :'session')), 'ok', 'but lets the first factor be added');
select is(tests.owner(format('select iam.first_factor(%L, m.session, ''totp'', %L, ''{}'') from iam.may_change_factors(%L, %L, ''{}'') m', tests.the('ring'), :'session' || 'x', tests.the('ring'), :'session')), 'ok');
insert into tests.world values ('lou', :'session' || 'x') on conflict (name) do update set value = excluded.value;
select is(tests.attempt('lou', 'select role, display_name from clinic.me'), '(secretary,"Lou PETIT")', 'with a factor, the account is active');
select is(tests.attempt('a.org_admin', format('select clinic.resend_invitation(%L, %L)', pg_temp.intend('a.org_admin'), :'lou'), 'write'), 'VS404', 'cannot send a link to somebody who is here');
select is(tests.attempt('a.org_admin', format('select clinic.withdraw_invitation(%L, %L)', pg_temp.intend('a.org_admin'), :'lou'), 'write'), 'VS404', 'nor withdraw');

-- whoever is here isn't taken over, even by a link that nobody used
select pg_temp.link(:'lou') as link \gset
select is(pg_temp.accept(:'link'), 'gone', 'cannot take over an account that is active');

-- again, and withdrawn
select pg_temp.account(pg_temp.invite('a.org_admin', pg_temp.intend('a.org_admin'), 'auditor', 'jo@exemple.fr')) as jo \gset
select pg_temp.link(:'jo') as link \gset
select is(tests.attempt(who, format('select clinic.resend_invitation(%L, %L)', pg_temp.intend(who), :'jo'), 'write'), 'VS404', who || ' cannot send it again') from unnest(array['b.org_admin', 'a.secretary']) who;
select is(tests.attempt(who, format('select clinic.withdraw_invitation(%L, %L)', pg_temp.intend(who), :'jo'), 'write'), 'VS404', who || ' cannot withdraw it') from unnest(array['b.org_admin', 'a.secretary']) who;
select is(pg_temp.accept(:'link', :'session' || 'y'), 'ok');
select matches(tests.attempt('a.org_admin', format('select clinic.resend_invitation(%L, %L)', pg_temp.intend('a.org_admin'), :'jo'), 'write'), '^\(', 'an administrator sends another link to somebody who stopped on the way');
select is(tests.owner(format('select (iam.may_change_factors(%L, %L, ''{}'')).answer', tests.the('ring'), :'session' || 'y')), 'expired', 'and what the first one opened is over');
select pg_temp.link(:'jo') as link \gset
select matches(tests.attempt('a.org_admin', format('select clinic.withdraw_invitation(%L, %L)', pg_temp.intend('a.org_admin'), :'jo'), 'write'), '^\(', 'an administrator withdraws an invitation');
select is(pg_temp.look(:'link'), 'gone', 'cannot be used after it was withdrawn');
select is(pg_temp.accept(:'link'), 'gone');
-- 5
select is(tests.attempt('a.org_admin', format('select * from clinic.accounts where id = %L', :'jo')), 'nothing', 'and is gone from the list');
select is((select count(*) from vault.keys where subject_id = :'jo'), 0::bigint, 'with its key');
select is((select num_nonnulls(a.family_name, a.given_name, a.quality, a.rpps, a.password_hash, i.email) from iam.accounts a join iam.invitations i on i.account_id = a.id where a.id = :'jo'), 0, 'and what was typed');
select is((select state from ops.outbox where account_id = :'jo' limit 1), 'failed', 'and nothing is sent any more');
select matches(pg_temp.invite('b.org_admin', pg_temp.intend('b.org_admin'), 'auditor', 'jo@exemple.fr'), '^\(', 'the address is free');
select is((select o.template from ops.outbox o join iam.invitations i using (account_id) join access.memberships m using (account_id)
  where m.organisation_id = tests.the('b.organisation')::uuid and m.role = 'auditor' order by o.id desc limit 1), 'invitation', 'really');
select is(tests.owner('update iam.invitations set expires_at = clock_timestamp() - interval ''1 minute'' where organisation_id = ' || quote_literal(tests.the('b.organisation'))), 'done');
select matches(pg_temp.invite('a.org_admin', pg_temp.intend('a.org_admin'), 'auditor', 'jo@exemple.fr'), '^\(', 'also once an invitation elsewhere has run out');
select is((select o.template from ops.outbox o join iam.invitations i using (account_id) join access.memberships m using (account_id)
  where m.organisation_id = tests.the('a.organisation')::uuid and m.role = 'auditor' and i.withdrawn_at is null order by o.id desc limit 1), 'invitation', 'really');
select is(tests.owner('update iam.invitations set expires_at = clock_timestamp() - interval ''31 days'' where withdrawn_at is null and account_id not in (select id from iam.accounts where status = ''active'')'), 'done');
select matches(tests.owner('select iam.forget_expired_invitations()'), '^[1-9]', 'upkeep forgets who didn''t come within a month');
select is((select count(*) from vault.keys k join iam.invitations i on i.account_id = k.subject_id join iam.accounts a on a.id = i.account_id where a.status = 'invited'), 0::bigint);
select is((select status from iam.accounts where id = :'lou'), 'active', 'and nobody who came');

-- 3: a patient, to their own record
create function pg_temp.invite_patient(who text, key uuid, patient text, address text) returns text
language sql as $$ select tests.attempt(who, format('select clinic.invite_patient(%L, %L, %L)', key, patient, address), 'write') $$;
select substr(tests.attempt('a.import of clinician', format('select id from clinic.import_patient(%L)', jsonb_build_object('source', 'Patient/' || gen_random_uuid(),
  'birth_name', 'Leroy', 'first_given_name', 'Zoé', 'email', ' P@exemple.fr')), 'write'), 2, 36) as zoe \gset
insert into tests.world values ('zoe', :'zoe') on conflict (name) do update set value = excluded.value;
select is(pg_temp.invite_patient('a.' || who, gen_random_uuid(), :'zoe', 'p@exemple.fr'), '42501', 'a ' || who || ' cannot invite a patient')
  from unnest(array['patient', 'org_admin', 'auditor', 'dpo', 'researcher', 'import of clinician']) who;
select is(pg_temp.invite_patient(who, pg_temp.intend(who), p, 'p@exemple.fr'), 'VS404', who || ' cannot invite another practice''s patient, or nobody')
  from unnest(array['a.secretary', 'a.colleague']) who, unnest(array[tests.the('b.mine'), gen_random_uuid()::text]) p;
select is(pg_temp.invite_patient('a.colleague', pg_temp.intend('a.colleague'), :'zoe', 'p@exemple.fr'), 'VS404', 'cannot invite a patient of another care team');
select is(pg_temp.invite_patient('a.secretary', pg_temp.intend('a.secretary'), :'zoe', 'p@exemple.fr'), 'VS428', 'cannot invite a patient whose record wasn''t opened');
select is(tests.opened('a.secretary', p), '(ok)') from unnest(array['a.mine', 'a.theirs', 'zoe']) p;
select is(tests.opened('a.colleague', 'a.theirs'), '(ok)');
select is(pg_temp.invite_patient('a.secretary', pg_temp.intend('a.secretary'), tests.the('a.mine'), 'p@exemple.fr'), 'VS409', 'cannot invite a patient who has an account');
select is(pg_temp.invite_patient('a.secretary', pg_temp.intend('a.secretary'), p, address), 'VS422', 'a secretary cannot choose where the link goes: ' || address)
  from (values (:'zoe', 'secretary@exemple.fr'), (tests.the('a.theirs'), 'p@exemple.fr'), (:'zoe', '')) x (p, address);
select pg_temp.account(pg_temp.invite_patient('a.secretary', pg_temp.intend('a.secretary'), :'zoe', 'p@exemple.fr')) as p \gset
select is(tests.attempt('a.secretary', format('select account_id, status, email from clinic.read_patient_account(%L)', :'zoe')), format('(%s,invited,p@exemple.fr)', :'p'), 'a secretary invites a patient at the address of the record, and sees that');
select is(tests.attempt(who, format('select account_id from clinic.read_patient_account(%L)', :'zoe')), 'nothing', who || ' doesn''t see it') from unnest(array['b.secretary', 'a.colleague', 'b.clinician']) who;
select is(tests.attempt('a.org_admin', format('select * from clinic.accounts where id = %L', :'p')), 'nothing', 'nor does an administrator');
select is(tests.attempt(who, format('select clinic.resend_invitation(%L, %L)', pg_temp.intend(who), :'p'), 'write'), 'VS404', who || ' cannot send it again') from unnest(array['a.org_admin', 'a.colleague']) who;
select is(pg_temp.invite_patient('a.secretary', pg_temp.intend('a.secretary'), :'zoe', 'p@exemple.fr'), 'VS409', 'cannot invite a patient twice');
select is((select patient_id = :'zoe' from access.memberships where account_id = :'p'), true, 'to one record alone');
select matches(tests.attempt('a.secretary', format('select clinic.withdraw_invitation(%L, %L)', pg_temp.intend('a.secretary'), :'p'), 'write'), '^\(', 'a secretary withdraws it');
select is(tests.attempt('a.secretary', format('select account_id from clinic.read_patient_account(%L)', :'zoe')), 'nothing');
select pg_temp.account(pg_temp.invite_patient('a.colleague', pg_temp.intend('a.colleague'), tests.the('a.theirs'), 'q@exemple.fr')) as q \gset
select is(tests.attempt('a.colleague', format('select status, email from clinic.read_patient_account(%L)', tests.the('a.theirs'))), '(invited,q@exemple.fr)', 'somebody of the care team invites at any address');
select matches(tests.attempt('a.colleague', format('select clinic.withdraw_invitation(%L, %L)', pg_temp.intend('a.colleague'), :'q'), 'write'), '^\(', 'and withdraws it');

-- nobody's mailbox is filled, by however many invitations
select is(tests.owner('delete from ops.limits where key like ''invitation%'''), 'done');
select matches(pg_temp.invite('a.org_admin', pg_temp.intend('a.org_admin'), 'researcher', address), case when n <= 5 then '^\(' else '^VS429$' end, 'invitation ' || n || ' to an address that has an account elsewhere')
  from (values ('apatient@exemple.fr'), (' APatient@Exemple.fr ')) x (address), generate_series(1, 3) y, lateral (select case when address like ' %' then 3 else 0 end + y as n) z order by n;
select matches(pg_temp.invite('b.org_admin', pg_temp.intend('b.org_admin'), 'researcher', 'apatient@exemple.fr'), '^\(', 'another practice learns nothing by it');
select matches(tests.attempt('a.org_admin', format('select clinic.withdraw_invitation(%L, %L)', pg_temp.intend('a.org_admin'),
  pg_temp.account(pg_temp.invite('a.org_admin', pg_temp.intend('a.org_admin'), 'researcher', 'often@exemple.fr'))), 'write'), '^\(', 'invited and withdrawn') from generate_series(1, 5);
select is(pg_temp.invite('a.org_admin', pg_temp.intend('a.org_admin'), 'researcher', 'often@exemple.fr'), 'VS429', 'withdrawing an invitation doesn''t make room for another message');

-- the log
select is((select bool_and(organisation_id = tests.the('a.organisation')::uuid and actor_role = 'org_admin') from audit.events where event = 'account.invite' and details ~ 'auditor' and organisation_id <> tests.the('b.organisation')::uuid), true, 'who invited is in the log');
select is((select count(*) >= 2 from audit.events where event = 'account.accept' and outcome = 'success'), true, 'who came too');
select is((select count(*) >= 3 from audit.events where event = 'account.accept' and outcome = 'failure'), true, 'and who failed');
select is((select count(*) from audit.events e where e.leaf ~* 'lou\.petit|jo@|p@exemple|Petit'), 0::bigint, 'without a name or an address');
-- many useless links from one address
select count(*) as before from audit.events where event = 'account.accept' \gset
select is(pg_temp.look('guess ' || n, '198.51.100.9'), case when n <= 20 then 'gone' else 'wait' end) from generate_series(1, 25) n;
select is((select count(*) - :before from audit.events where event = 'account.accept'), 20::bigint, 'don''t fill the log');

select * from finish();
