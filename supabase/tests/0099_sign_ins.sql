\ir support/world.psql
select no_plan();

select policies_are('iam', 'sign_ins', array['all_owner']);
select policy_roles_are('iam', 'sign_ins', 'all_owner', array['vs_owner']);

-- a sign-in of the account with a session of its own, from there
create function pg_temp.sign_in(who text, caller jsonb, out answer text, out session uuid) language plpgsql as $$
declare
  s iam.sessions;
  ring text := tests.the('ring');
  account uuid := tests.the(who || '.account');
begin
  perform set_config('role', 'vs_owner', true);
  s := iam.start_session(ring, account, gen_random_uuid()::text, '{password}', caller);
  answer := iam.accept_factor(ring, s, 'totp', gen_random_uuid()::text, caller);
  session := s.id;
  perform set_config('role', 'none', true);
end $$;
create function pg_temp.last(who text, what text) returns text language sql as $$
  select tests.owner(format('select %s from iam.sign_ins s where account_id = %L order by at desc limit 1', what, tests.the(who || '.account')))
$$;
create function pg_temp.from(device text, network int, place text) returns jsonb language sql as $$
  select jsonb_build_object('ip', format('192.0.%s.7', network), 'user_agent', 'Firefox', 'device', repeat(device, 43), 'place', place)
$$;

-- 6
select is((pg_temp.sign_in('a.clinician', pg_temp.from('a', 2, 'FR/Lyon/45.76,4.84'))).answer, 'ok', 'the first sign-in');
select is(pg_temp.last('a.clinician', 'outcome || score'), 'let_in0', 'is compared with nothing');
select is((pg_temp.sign_in('a.clinician', pg_temp.from('a', 2, 'FR/Lyon/45.76,4.84'))).answer, 'ok', 'the same again');
select is(pg_temp.last('a.clinician', 'outcome || score'), 'let_in0', 'is usual');
-- 1
select is((pg_temp.sign_in('a.clinician', pg_temp.from('b', 2, 'FR/Lyon/45.76,4.84'))).answer, 'ok', 'another device of the same practice');
select is(pg_temp.last('a.clinician', 'outcome || signals::text'), 'let_in{new_device}', 'is said to be one, and not told of');
select is(pg_temp.last('a.clinician', $$(facts::text like '%4669%')::text$$), 'false', 'the browser is sealed');
-- 2
select is((pg_temp.sign_in('a.clinician', pg_temp.from('c', 3, null))).answer, 'ok', 'another device elsewhere');
select is(pg_temp.last('a.clinician', 'outcome || score'), 'told40', 'is told of');
select is(tests.owner(format('select string_agg(template, '','') from ops.outbox where template like ''unusual%%'' and account_id in (%L, %L)', tests.the('a.clinician.account'), tests.the('a.org_admin.account'))),
  'unusual_sign_in,unusual_sign_in_of_member', 'to the person and the administrator');
select is((pg_temp.sign_in('a.clinician', pg_temp.from('a', 2, 'FR/Lyon/45.76,4.84'))).answer, 'ok', 'home again');
select is((pg_temp.sign_in('a.clinician', pg_temp.from('d', 4, 'BR/Recife/-8.05,-34.9'))).answer, 'stopped', 'an unknown device across the ocean is held back');
select is(pg_temp.last('a.clinician', 'outcome || signals::text'), 'stopped{new_device,new_network,impossible_speed}', 'and it is said why');
select is(tests.owner(format($$select revoked_because || factors from iam.sessions where account_id = %L order by created_at desc limit 1$$, tests.the('a.clinician.account'))), 'held1', 'its session is over before it began');
-- 3
select is((pg_temp.sign_in('a.clinician', pg_temp.from('d', 4, 'BR/Recife/-8.05,-34.9'))).answer, 'stopped', 'trying again makes nothing usual');
select is((pg_temp.sign_in('a.clinician', pg_temp.from('a', 2, 'FR/Lyon/45.76,4.84'))).answer, 'ok', 'the owner at home');
select is(pg_temp.last('a.clinician', 'outcome || score'), 'let_in0', 'notices nothing');

-- 2, who releases
select is(tests.attempt('a.org_admin', $$select count(*), bool_and(role = 'clinician'), min(display_name) from clinic.unusual_sign_ins$$), '(3,t,"Anne ROUX")', 'an administrator sees what was unusual');
select is(tests.attempt('b.org_admin', 'select * from clinic.unusual_sign_ins'), 'nothing', 'not in another practice');
select is(tests.attempt('a.clinician', 'select * from clinic.unusual_sign_ins'), '42501', 'nor a clinician');
select is(tests.attempt('a.clinician', 'select count(*), bool_or(current) from clinic.own_sign_ins'), '(8,f)', 'who sees their own');
select is(tests.attempt('a.colleague', 'select * from clinic.own_sign_ins'), 'nothing', 'and not a colleague''s');
select is(tests.attempt('a.org_admin', format('select clinic.release_sign_in(%L, %L)', gen_random_uuid(), pg_temp.last('a.clinician', 'id')), 'write'), 'VS409', 'what was let in can''t be released');

create temp table held as select tests.owner(format($$select id from iam.sign_ins where account_id = %L and outcome = 'stopped' limit 1$$, tests.the('a.clinician.account'))) as id, gen_random_uuid() as key;
grant select on held to public;
select is(tests.attempt('b.org_admin', format('select clinic.release_sign_in(%L, %L)', gen_random_uuid(), (select id from held)), 'write'), 'VS404', 'cannot release a sign-in of another practice');
select is(tests.attempt('a.org_admin', format('select clinic.release_sign_in(%L, %L)', gen_random_uuid(), (select id from held)), 'write'), 'VS428', 'cannot release without an intent');
update iam.sessions set factor_at = clock_timestamp() - interval '11 minutes' where account_id = tests.the('a.org_admin.account')::uuid;
select is(tests.attempt('a.org_admin', format($$select ops.intend(%L, 'sign_ins.release')$$, (select key from held)), 'open'), '(step_up)', 'cannot release on a factor of eleven minutes ago');
update iam.sessions set factor_at = clock_timestamp() where account_id = tests.the('a.org_admin.account')::uuid;
select is(tests.attempt('a.org_admin', format($$select ops.intend(%L, 'sign_ins.release')$$, (select key from held)), 'open'), '(ok)', 'announced');
select is(tests.attempt('a.org_admin', format('select clinic.release_sign_in(%L, %L) is not null', (select key from held), (select id from held)), 'write'), '(t)', 'and released');
select is((pg_temp.sign_in('a.clinician', pg_temp.from('d', 4, 'BR/Recife/-8.05,-34.9'))).answer, 'ok', 'the next one from there is let in');

-- settings
select is(tests.attempt('a.org_admin', 'select notice_from, stop_from, email_codes, sms_codes from clinic.security'), '(40,80,t,t)', 'an administrator reads the thresholds');
select is(tests.attempt('a.clinician', 'select * from clinic.security'), '42501', 'nobody else');
select is(tests.attempt('a.clinician', format('select clinic.change_security(%L, 1, 1, true, true)', gen_random_uuid()), 'write'), '42501', 'cannot change the thresholds without being one');
select is(tests.attempt('a.org_admin', format('select clinic.change_security(%L, 50, 40, true, true)', gen_random_uuid()), 'write'), 'VS422', 'cannot hold back what isn''t told of');
select is(tests.attempt('a.org_admin', format('select clinic.change_security(%L, 50, 60, true, true)', gen_random_uuid()), 'write'), 'VS428', 'cannot change without an intent');

-- figures
select is(round(tests.owner($$select iam.km_between('{48.8566,2.3522}', '{40.7128,-74.006}')$$)::numeric, -1), 5840::numeric, 'Paris to New York');
select is(tests.owner($$select count(iam.coordinates(p)) from unnest(array['FR/x/91,0', 'FR/x/0,181', 'FR/x/', 'FR', '', 'FR/x/1;2', 'FR/1,2/nowhere']) p$$), '0', 'a place that is none has no coordinates');

-- 1
select matches(tests.owner($$select string_agg(distinct details, ' ') from audit.events where event = 'session.unusual' and details like '%stopped%'$$), '"score" : 90', 'the log says what was held back, and why');

-- upkeep
select is(tests.owner('select iam.forget_sign_ins()'), '', 'upkeep');
select is(tests.owner(format('select count(*) from iam.sign_ins where account_id = %L', tests.the('a.clinician.account'))), '9', 'keeps this year''s');
select is(tests.owner($$update iam.sign_ins set at = at - interval '2 years'$$), 'done', 'two years later');
select is(tests.owner('select iam.forget_sign_ins()'), '', 'upkeep');
select is(tests.owner(format('select count(*) from iam.sign_ins where account_id = %L', tests.the('a.clinician.account'))), '1', 'keeps the last one, which says that there was one');

select * from finish();
