\ir support/world.psql
select no_plan();

-- Two practices of these tests alone, whose people have signed in nowhere else.
do $$
declare
  house text;
begin
  if tests.the('s.organisation') is not null then return; end if;
  for house in select unnest(array['s', 't']) loop
    perform tests.make_house(house), tests.make_record(house, 'clinician', 'mine'), tests.make_patient(house);
  end loop;
end $$;
-- As somebody's second and third browser.
create function tests.browser(who text) returns text language plpgsql as $$
declare
  token text;
  account uuid := tests.the(who || '.account');
begin
  perform set_config('role', 'vs_owner', true);
  token := iam.open_session(account);
  perform set_config('role', 'none', true);
  return token;
end $$;
create function tests.session_of(token text) returns uuid language sql as $$ select id from iam.sessions where token_hash = iam.hash_token(token) $$;
create function tests.ended(who text) returns text language sql as $$
  select coalesce(string_agg(distinct s.revoked_because, ','), 'none') from iam.sessions s where s.account_id = tests.the(who || '.account')::uuid and s.token_hash <> iam.hash_token(tests.the(who))
$$;
create function tests.intended(who text, key uuid) returns text language sql as $$
  select tests.attempt(who, format('select ops.intend(%L, ''sessions.end'')', key), 'open')
$$;
insert into tests.world select 'phone of ' || who, tests.browser(who) from unnest(array['s.clinician', 's.colleague', 's.org_admin', 't.clinician', 's.patient']) who;

-- 1
select is(tests.attempt('s.' || who, 'select count(*) from clinic.own_sessions where current'), '(1)', 'a ' || who || ' sees the session they are in') from unnest(array['patient', 'clinician', 'secretary', 'org_admin', 'auditor', 'dpo', 'researcher']) who;
select is(tests.attempt('s.clinician', 'select count(*) from clinic.own_sessions'), '(2)', 'and their other browser''s');
select is(tests.attempt('s.clinician', format('select count(*) from clinic.own_sessions where id <> all (%L)', (select array_agg(id) from iam.sessions where account_id = tests.the('s.clinician.account')::uuid))), '(0)', 'and nobody else''s');
select is(tests.attempt('s.import of clinician', 'select * from clinic.own_sessions'), '42501', 'the import has none');
select is(tests.attempt('s.org_admin', 'select * from iam.sessions'), '42501', 'an administrator sees no session of others');

-- 2
select is(tests.attempt('s.clinician', format('select clinic.end_own_session(%L, %L)', gen_random_uuid(), tests.session_of(tests.the('phone of s.clinician'))), 'write'), 'VS428', 'cannot end without an intent');
select is(tests.intended('s.clinician', 'a0000000-0000-4000-8000-000000000001'), '(ok)');
select is(tests.attempt('s.clinician', format('select clinic.end_own_session(''a0000000-0000-4000-8000-000000000001'', %L)', s), 'write'), 'VS404', 'cannot end ' || whose)
  from (values (tests.session_of(tests.the('phone of s.colleague')), 'a colleague''s'), (tests.session_of(tests.the('t.clinician')), 'one of another practice'), (gen_random_uuid(), 'one that there isn''t')) x (s, whose);
select is(tests.attempt('s.' || who, 'select clinic.end_sessions_of(gen_random_uuid(), gen_random_uuid())', 'write'), '42501', 'a ' || who || ' signs nobody out') from unnest(array['patient', 'clinician', 'secretary', 'auditor', 'dpo', 'researcher', 'import of clinician']) who;
select is(tests.attempt('s.' || who, 'select clinic.end_all_sessions(gen_random_uuid())', 'write'), '42501', 'and nobody everybody') from unnest(array['patient', 'clinician', 'secretary', 'auditor', 'dpo', 'researcher', 'import of clinician']) who;
select is(tests.attempt('s.secretary', 'do $d$ begin perform set_config(''role'', ''vs_org_admin'', true); perform clinic.end_all_sessions(gen_random_uuid()); end $d$', 'write'), 'VS403', 'nor by taking the role on');
select is(tests.intended('s.org_admin', 'a0000000-0000-4000-8000-000000000002'), '(ok)');
select is(tests.attempt('s.org_admin', format('select clinic.end_sessions_of(''a0000000-0000-4000-8000-000000000002'', %L)', a), 'write'), 'VS404', 'an administrator cannot sign out ' || whose)
  from (values (tests.the('t.clinician.account'), 'somebody of another practice'), (tests.the('s.patient.account'), 'a patient alone, of whom they know nothing'), (gen_random_uuid()::text, 'nobody')) x (a, whose);
select is(tests.ended(who), 'none', who || ': all of it ended nothing') from unnest(array['s.clinician', 's.colleague', 't.clinician', 's.patient']) who;
select is(tests.owner('update iam.sessions set factor_at = clock_timestamp() - interval ''10 minutes 1 second'''), 'done', 'after ten minutes');
select is(tests.intended('s.clinician', gen_random_uuid()), '(step_up)', 'a factor is asked for again');
select is(tests.attempt('s.clinician', format('select clinic.end_own_session(''a0000000-0000-4000-8000-000000000001'', %L)', tests.session_of(tests.the('phone of s.clinician'))), 'write'), 'VS470', 'also where the intent is from before') ;
select is(tests.attempt('s.clinician', 'select clinic.end_other_sessions(''a0000000-0000-4000-8000-000000000001'')', 'write'), 'VS470', 'and for all of them');
select is(tests.attempt('s.org_admin', format('select clinic.end_sessions_of(''a0000000-0000-4000-8000-000000000002'', %L)', tests.the('s.clinician.account')), 'write'), 'VS470', 'and for an administrator');
select is(tests.attempt('s.org_admin', 'select clinic.end_all_sessions(''a0000000-0000-4000-8000-000000000002'')', 'write'), 'VS470', 'and for everybody');
select is(tests.owner('update iam.sessions set factor_at = clock_timestamp()'), 'done', 'it is shown');

-- 3
select is(tests.attempt('s.clinician', format('select clinic.end_own_session(''a0000000-0000-4000-8000-000000000001'', %L)', tests.session_of(tests.the('phone of s.clinician'))), 'write'), '(1)', 'one ends one''s other browser');
select is(tests.attempt('phone of s.clinician', 'select 1'), 'VS401', 'which opens nothing any more');
select is(tests.attempt('s.clinician', 'select ended_because from clinic.own_sessions where not current'), '(own)', 'and says why');
select is(tests.attempt('s.clinician', format('select clinic.end_own_session(''a0000000-0000-4000-8000-000000000001'', %L)', tests.session_of(tests.the('phone of s.clinician'))), 'write'), 'VS208', 'sent again, it has happened');
select is(tests.attempt('s.org_admin', format('select clinic.end_sessions_of(''a0000000-0000-4000-8000-000000000002'', %L)', tests.the('s.colleague.account')), 'write'), '(2)', 'an administrator ends both of a colleague');
select is(tests.attempt(s, 'select 1'), 'VS401', s || ': over') from unnest(array['s.colleague', 'phone of s.colleague']) s;
select is(tests.intended('t.clinician', 'b0000000-0000-4000-8000-000000000001'), '(ok)');
select is(tests.owner(format('update iam.sessions set factors = 1 where token_hash = iam.hash_token(%L)', tests.the('phone of t.clinician'))), 'done', 'a sign-in that waits for its second factor');
select is(tests.attempt('t.clinician', 'select count(*) from clinic.own_sessions'), '(1)', 'isn''t a session yet');
select is(tests.attempt('t.clinician', 'select clinic.end_other_sessions(''b0000000-0000-4000-8000-000000000001'')', 'write'), '(1)', 'and ends with all the others');
select is(tests.attempt('t.clinician', 'select 1'), '(1)', 'this one goes on');
select is(tests.intended('s.org_admin', 'a0000000-0000-4000-8000-000000000003'), '(ok)');
select matches(tests.attempt('s.org_admin', 'select clinic.end_all_sessions(''a0000000-0000-4000-8000-000000000003'')', 'write'), '^\([0-9]+\)$', 'an administrator signs everybody out');
select is(tests.attempt(s, 'select 1'), 'VS401', s || ': over') from unnest(array['s.clinician', 's.secretary', 's.patient', 'phone of s.patient', 'phone of s.org_admin']) s;
select is(tests.attempt(s, 'select 1'), '(1)', s || ': goes on') from unnest(array['s.org_admin', 't.clinician', 't.patient']) s;
select is((select count(*) from iam.sessions where account_id is null and revoked_at is not null), 0::bigint, 'and no import');

-- 4
select is((select count(*) from audit.events where event = 'session.revoke'), (select count(*) from iam.sessions where revoked_because in ('own', 'administrator')), 'an event for each');
select is((select count(*) from audit.events e join iam.sessions s on s.id = e.resource_id where e.event = 'session.revoke'
  and (e.actor_id <> case s.revoked_because when 'own' then s.account_id else tests.the('s.org_admin.account')::uuid end or e.details::jsonb ->> 'because' <> s.revoked_because or e.details::jsonb ->> 'account' <> s.account_id::text)), 0::bigint, 'of who ended whose, and why');

-- for whatever comes after this file in the same database
delete from tests.world where name like 'phone of %';
update iam.sessions set revoked_at = null, revoked_because = null where revoked_because in ('own', 'administrator');
drop function tests.browser, tests.session_of, tests.ended, tests.intended;

select * from finish();
