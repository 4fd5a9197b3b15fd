\ir support/world.psql
select no_plan();

select is(tests.owner('update iam.sessions set factor_at = clock_timestamp()'), 'done');
-- somebody who can sign in has a second factor: the administrator, and a deputy below
select is(tests.owner(format('insert into iam.totp_factors (account_id, secret, confirmed_at) select a::uuid, ''\x00'', now() from unnest(%L::text[]) a on conflict do nothing',
  array[tests.the('a.org_admin.account'), tests.the('b.org_admin.account'), tests.the('a.dpo.account')])), 'done');
select tests.the('a.org_admin.account') as admin, tests.the('a.secretary.account') as secretary, tests.the('a.clinician.account') as clinician, tests.the('a.dpo.account') as deputy \gset

-- an intent is committed before its change, so these are announced beforehand
create temp table intents as select who, gen_random_uuid() as key from unnest(array['a.org_admin', 'b.org_admin', 'deputy']) who, generate_series(1, 40);
select is((select string_agg(distinct tests.attempt(who, format('select ops.intend(%L, ''accounts.change'')', key), 'open'), '') from intents where who <> 'deputy'), '(ok)');
create function pg_temp.intend(of_whom text) returns uuid
language sql as $$ delete from intents where key = (select i.key from intents i where i.who = of_whom limit 1) returning key $$;
create function pg_temp.change(who text, what text, account text, extra text default '') returns text
language sql as $$ select regexp_replace(tests.attempt(who, format('select clinic.%s(%L, %L%s)', what, pg_temp.intend(who), account, extra), 'write'), '^\(.*\)$', 'ok') $$;
create function pg_temp.opens(who text) returns text
language sql as $$ select regexp_replace(tests.attempt(who, 'select role from clinic.me'), '^VS401$', 'signed out') $$;
create function pg_temp.sign_in(name text, of_whom text) returns text language sql as $$
  insert into tests.world values (name, tests.owner(format('select iam.open_session(%L)', of_whom))) on conflict (name) do update set value = excluded.value returning 'done' $$;

-- 1
select is(tests.attempt('a.' || who, format('select clinic.%s(gen_random_uuid(), %L%s)', what, :'secretary', extra), 'write'), '42501', 'a ' || who || ' cannot ' || what)
  from unnest(array['patient', 'clinician', 'secretary', 'auditor', 'dpo', 'researcher', 'import of clinician']) who,
       (values ('suspend_account', ''), ('restore_account', ''), ('end_membership', ''), ('change_role', ', ''org_admin''')) x (what, extra);
select is(pg_temp.change('a.org_admin', what, whom, extra), 'VS404', 'cannot ' || what || ' somebody of another practice, a patient, or nobody')
  from (values ('suspend_account', ''), ('restore_account', ''), ('end_membership', ''), ('change_role', ', ''clinician''')) x (what, extra),
       unnest(array[tests.the('b.clinician.account'), tests.the('a.patient.account'), gen_random_uuid()::text]) whom;
select is(tests.attempt('a.org_admin', format('select clinic.suspend_account(gen_random_uuid(), %L)', :'secretary'), 'write'), 'VS428', 'cannot suspend without an intent');
select is(pg_temp.change('a.org_admin', 'change_role', :'secretary', format(', %L', role)), 'VS422', 'cannot make somebody ' || role) from unnest(array['patient', 'import', 'owner', '']) role;
select is(tests.owner('update iam.sessions set factor_at = clock_timestamp() - interval ''11 minutes'''), 'done');
select is(pg_temp.change('a.org_admin', 'suspend_account', :'secretary'), 'VS470', 'cannot suspend on a factor shown long ago');
select is(tests.owner('update iam.sessions set factor_at = clock_timestamp()'), 'done');

-- 2: alone
select is(pg_temp.change('a.org_admin', what, :'admin', extra), 'VS409', 'the only administrator cannot ' || what || ' themselves')
  from (values ('suspend_account', ''), ('end_membership', ''), ('change_role', ', ''clinician''')) x (what, extra);
select is(pg_temp.opens('a.org_admin'), '(org_admin)', 'and goes on');

-- 3: suspended
select is(pg_temp.opens('a.secretary'), '(secretary)');
select is(pg_temp.change('a.org_admin', 'suspend_account', :'secretary'), 'ok', 'an administrator suspends');
select is(pg_temp.opens('a.secretary'), 'signed out', 'whose session is over');
select is(tests.owner(format('select iam.open_session(%L)', :'secretary')), 'P0002', 'who cannot begin another');
select is(tests.attempt('a.org_admin', format('select status, open_sessions from clinic.accounts where id = %L', :'secretary')), '(suspended,0)', 'and is seen to be');
select is(pg_temp.change('a.org_admin', 'suspend_account', :'secretary'), 'VS422', 'once');
select is(pg_temp.change('a.org_admin', 'restore_account', :'secretary'), 'ok', 'an administrator restores');
select is(pg_temp.opens('a.secretary'), 'signed out', 'which brings no session back');
select is(pg_temp.sign_in('a.secretary', :'secretary'), 'done');
select is(pg_temp.opens('a.secretary'), '(secretary)');
select is(pg_temp.change('a.org_admin', 'restore_account', :'secretary'), 'VS422');

-- 3: the role
select is(tests.opened('a.clinician', 'a.mine'), '(ok)');
select is(pg_temp.change('a.org_admin', 'change_role', :'clinician', ', ''secretary'''), 'ok', 'a clinician becomes a secretary');
select is(pg_temp.opens('a.clinician'), 'signed out', 'and signs in anew');
select is((select count(*) from iam.sessions where account_id = :'clinician' and revoked_at is null), 0::bigint, 'each session was ended by itself');
select is((select count(*) from access.care_team_members where account_id = :'clinician' and valid_until > now()), 0::bigint, 'in no care team any more');
select is(pg_temp.change('a.org_admin', 'change_role', :'clinician', ', ''clinician'''), 'ok');
select is(pg_temp.sign_in('a.clinician', :'clinician'), 'done');
select is(pg_temp.opens('a.clinician'), '(clinician)', 'and a clinician again');
select is(tests.opened('a.clinician', 'a.mine'), '(hidden)', 'who sees nobody until somebody lets them into a team');
select is((select count(*) from access.memberships where account_id = :'clinician' and valid_until > now()), 1::bigint, 'one role at a time');

-- 2: two administrators
select is(pg_temp.change('a.org_admin', 'change_role', :'deputy', ', ''org_admin'''), 'ok', 'somebody else becomes an administrator');
select is(pg_temp.sign_in('deputy', :'deputy'), 'done');
select is((select string_agg(distinct tests.attempt(who, format('select ops.intend(%L, ''accounts.change'')', key), 'open'), '') from intents where who = 'deputy'), '(ok)');
select is(tests.owner(format('delete from iam.totp_factors where account_id = %L', :'deputy')), 'done');
select is(pg_temp.change('a.org_admin', 'change_role', :'admin', ', ''auditor'''), 'VS409', 'the only one who can sign in cannot step down');
select is(pg_temp.change('deputy', 'suspend_account', :'admin'), 'VS409', 'nor be suspended');
select is(tests.owner(format('insert into iam.totp_factors (account_id, secret, confirmed_at) values (%L, ''\x00'', now())', :'deputy')), 'done');
select is(pg_temp.change('a.org_admin', 'change_role', :'admin', ', ''auditor'''), 'ok', 'but once there is another one');
select is(pg_temp.opens('a.org_admin'), 'signed out');
select is(pg_temp.change('deputy', what, :'deputy', extra), 'VS409', 'who then is the only one')
  from (values ('suspend_account', ''), ('end_membership', ''), ('change_role', ', ''clinician''')) x (what, extra);
select is(pg_temp.change('deputy', 'change_role', :'admin', ', ''org_admin'''), 'ok');
select is(pg_temp.change('deputy', 'change_role', :'deputy', ', ''dpo'''), 'ok');
select is(pg_temp.sign_in('a.org_admin', :'admin'), 'done');

-- the end of a stay, and a return
select is(pg_temp.change('a.org_admin', 'end_membership', :'clinician'), 'ok', 'somebody leaves');
select is(pg_temp.opens('a.clinician'), 'signed out');
select is(tests.attempt('a.org_admin', format('select status from clinic.accounts where id = %L', :'clinician')), '(ended)', 'and is listed as such');
select is(pg_temp.change('a.org_admin', 'restore_account', :'clinician'), 'VS422');
select is(pg_temp.change('a.org_admin', 'change_role', :'clinician', ', ''clinician'''), 'ok', 'and returns');
select is(pg_temp.sign_in('a.clinician', :'clinician'), 'done');
select is(pg_temp.opens('a.clinician'), '(clinician)');

-- 4
select is((select string_agg(distinct details::jsonb ->> 'change', ' ' order by details::jsonb ->> 'change') from audit.events
  where event = 'account.change' and organisation_id = tests.the('a.organisation')::uuid and actor_role = 'org_admin'), 'ended restored role suspended', 'each change is in the log');
select is((select count(*) from ops.outbox where template = 'account_changed' and account_id = :'clinician'), 4::bigint, 'and its person is told');
select is((select count(*) > 0 from audit.events where event = 'session.revoke' and details ~ 'suspended'), true, 'each session that ended too');
-- 5
select is((select count(*) from information_schema.role_routine_grants where grantee = 'vs_org_admin' and routine_schema = 'clinic' and routine_name ~ 'password|factor|email'), 0::bigint, 'no function gives an administrator somebody''s factor, password or address');

-- the world as it was, for the files that come after
select is(tests.owner(format('insert into access.care_team_members (care_team_id, account_id, role) select id, %L, ''lead'' from access.care_teams where lead_account_id = %L', :'clinician', :'clinician')), 'done');
select is(tests.owner(format('delete from iam.totp_factors where account_id in (%L, %L, %L)', :'admin', :'deputy', tests.the('b.org_admin.account'))), 'done');
select is(pg_temp.sign_in('a.dpo', :'deputy'), 'done');

select * from finish();
