\ir support/world.psql
select no_plan();

-- 1 to 5: tests/db/disownings.test.ts signs in from elsewhere and adds factors
select is(tests.attempt('a.clinician', format('select clinic.disown_sign_in(%L, %L)', gen_random_uuid(), gen_random_uuid()), 'write'), 'VS404', 'cannot disown a sign-in that isn''t there');
select is(tests.attempt('nobody', format('select clinic.disown_sign_in(%L, %L)', gen_random_uuid(), gen_random_uuid()), 'open'), '42501', 'nor without a session');
select is(iam.asks_again('sign_ins.disown'), true, '1: a factor is shown again');
select is((select count(*) from pg_proc p where p.pronamespace = 'iam'::regnamespace and p.proname in ('find_doubtful_sessions', 'remove_factors_of', 'disown_sign_in')
  and has_function_privilege('vs_gate', p.oid, 'execute')), 0::bigint, 'nobody removes factors by a function of its own');

select * from finish();
