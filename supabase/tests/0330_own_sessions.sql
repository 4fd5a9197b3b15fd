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

-- 5: what is over, and what isn't
create function pg_temp.old(name text, age interval, replaces text default null, device boolean default false) returns uuid language plpgsql as $$
declare
  made uuid;
  d uuid;
begin
  if device then
    insert into iam.devices (account_id, token_hash, first_seen_at, last_seen_at)
    values (tests.the('s.clinician.account')::uuid, sha256(name::bytea), now() - age, now() - age) returning id into d;
  end if;
  insert into iam.sessions (token_hash, account_id, membership_id, organisation_id, role, factors, methods, created_at, expires_at, last_seen_at, replaces_id, device_id)
  select sha256(name::bytea), m.account_id, m.id, m.organisation_id, m.role, 2, '{owner}', now() - age, now() - age + interval '12 hours', now() - age,
         (select s.id from iam.sessions s where s.token_hash = sha256(replaces::bytea)), d
  from access.memberships m where m.account_id = tests.the('s.clinician.account')::uuid returning id into made;
  return made;
end $$;
create function pg_temp.is_left(name text) returns boolean language sql as $$ select exists (select from iam.sessions where token_hash = sha256(name::bytea)) $$;
select pg_temp.old('first', '15 months'), pg_temp.old('second', '14 months', 'first', true), pg_temp.old('third', '12 months', 'second', true), pg_temp.old('signed', '14 months'),
       pg_temp.old('unfinished', '14 months');
insert into iam.sign_ins (account_id, organisation_id, session_id, at, placed, signals, score, outcome, facts)
  select s.account_id, s.organisation_id, s.id, s.created_at, false, '{}', 0, 'let_in', '\x00' from iam.sessions s where s.token_hash = sha256('signed'::bytea);
insert into iam.old_tokens (token_hash, session_id) select sha256('older'::bytea), s.id from iam.sessions s where s.token_hash = sha256('unfinished'::bytea);
insert into iam.sent_codes (session_id, account_id, method, code_hash) select s.id, s.account_id, 'email_code', sha256('c'::bytea) from iam.sessions s where s.token_hash = sha256('unfinished'::bytea);
select is(tests.owner('select iam.forget_sessions()'), '', 'what has been over for 13 months');
select is(pg_temp.is_left(name), is_left, format('%s: %s', name, is_left)) from (values ('first', false), ('second', false), ('unfinished', false), ('third', true), ('signed', true)) x (name, is_left);
select is((select count(*) from iam.old_tokens where token_hash = sha256('older'::bytea)), 0::bigint, 'with what waited for it');
select is((select replaces_id from iam.sessions where token_hash = sha256('third'::bytea)), null, 'and nothing points there');
select is(tests.attempt('s.org_admin', 'select 1'), '(1)', 'a session of today stays');
select is_empty($$select conrelid::regclass from pg_constraint c where c.contype = 'f' and c.confrelid = 'iam.sessions'::regclass and c.conrelid <> 'iam.sessions'::regclass
  and (select p.prosrc from pg_proc p where p.oid = 'iam.forget_sessions'::regproc) !~ (' ' || c.conrelid::regclass || ' ')$$, 'whatever refers to sessions is thought of there');
-- and browsers
select is((select count(*) from iam.devices where token_hash in (sha256('second'::bytea), sha256('third'::bytea))), 2::bigint, 'browsers of a year ago');
insert into iam.devices (account_id, token_hash) values (tests.the('s.clinician.account')::uuid, sha256('today'::bytea));
update iam.sessions set device_id = (select id from iam.devices where token_hash = sha256('second'::bytea)) where token_hash = sha256('signed'::bytea);
update iam.sign_ins set device_id = (select id from iam.devices where token_hash = sha256('second'::bytea)) where session_id = (select id from iam.sessions where token_hash = sha256('signed'::bytea));
select is(tests.owner('select iam.forget_devices()'), '', 'of 13 months');
select is((select string_agg(n, ' ') from unnest(array['second', 'third', 'today']) n where exists (select from iam.devices where token_hash = sha256(n::bytea))), 'third today', 'are gone, the others stay');
select is_empty($$select conrelid::regclass from pg_constraint c where c.contype = 'f' and c.confrelid = 'iam.devices'::regclass
  and (select p.prosrc from pg_proc p where p.oid = 'iam.forget_devices'::regproc) !~ (' ' || c.conrelid::regclass || ' ')$$, 'whatever refers to browsers is thought of there');
delete from iam.sign_ins where session_id in (select id from iam.sessions where token_hash = sha256('signed'::bytea));
delete from iam.sessions where token_hash in (sha256('signed'::bytea), sha256('third'::bytea));

-- for whatever comes after this file in the same database
delete from tests.world where name like 'phone of %';
update iam.sessions set revoked_at = null, revoked_because = null where revoked_because in ('own', 'administrator');
drop function tests.browser, tests.session_of, tests.ended, tests.intended;

select * from finish();
