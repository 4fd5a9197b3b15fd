\ir support/world.psql
select no_plan();

select policies_are('iam', 'sessions', array['all_owner']);
select policy_roles_are('iam', 'sessions', 'all_owner', array['vs_owner']);

-- 1: tests/db/identity.test.ts lets sessions end in every way
select is((select count(*) from iam.sessions s where s::text ~ tests.the('a.clinician')), 0::bigint, 'a token is stored hashed');
insert into tests.world values ('nobody', 'x') on conflict do nothing;
select is(tests.attempt('nobody', 'select 1', phase), e, format('without a session, phase %s: %s', phase, e)) from (values ('open', '(1)'), ('read', 'VS401'), ('write', 'VS401'), ('x', 'VS422')) x (phase, e);
select is(tests.attempt('nobody', 'select current_user', 'open'), '(vs_anon)', 'one acts as nobody');
select is(tests.attempt('nobody', 'select * from clinic.me', 'open'), '42501', 'who sees nothing');

-- 2
select is(tests.attempt('a.clinician', $$select count(*) from (select set_config('vs.claims', overlay(current_setting('vs.claims') placing '#' from 70 for 1), true) offset 0) x, clinic.patients$$), 'VS401', 'cannot forge an identity');
select is(tests.attempt('a.clinician', $$select count(*) from (select set_config('vs.claims', '', true) offset 0) x, clinic.me$$), '(0)', 'cannot do without one');

-- 3
select is(tests.attempt('a.secretary', format('select count(*) from (select set_config(''role'', %L, true) offset 0) x, %s', 'vs_' || role, view)) in ('(0)', '42501', 'VS403', 'VS404', 'VS428'), true, format('a secretary who becomes vs_%s sees nothing more in %s', role, view))
  from unnest(array['clinician', 'auditor', 'org_admin', 'patient', 'dpo', 'import']) role, unnest(array['clinic.notes', 'clinic.audit_events', 'clinic.accounts', 'clinic.record_accesses', 'clinic.care_teams']) view;
select function_privs_are('iam', f, a, r, '{}', format('%s cannot call iam.%s', r, f))
  from (values ('sign_in_password', array['text', 'uuid', 'text', 'text', 'jsonb', 'text']), ('take_factor', array['text', 'text', 'text', 'jsonb', 'text', 'jsonb']), ('open_session', array['uuid'])) x (f, a),
       unnest(array['vs_edge', 'vs_anon', 'vs_clinician', 'vs_org_admin', 'vs_import']) r;

-- 4
select is(tests.owner(format('update iam.sessions set factors = 1 where token_hash = iam.hash_token(%L)', tests.the('a.researcher'))), 'done');
select is(tests.attempt('a.researcher', 'select current_user', 'open'), '(vs_anon)', 'one factor: one acts as nobody');
select is(tests.attempt('a.researcher', 'select 1', 'read'), 'VS401', 'and reads nothing');
select is(tests.owner(format('update iam.sessions set factors = 2 where token_hash = iam.hash_token(%L)', tests.the('a.researcher'))), 'done');

select * from finish();
