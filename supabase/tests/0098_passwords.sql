\ir support/world.psql
select no_plan();

-- 1, 2, 3, 4: tests/db/factors/password.test.ts
select function_privs_are('iam', 'change_password', array['text', 'text', 'text', 'text', 'jsonb'], r, '{}', format('%s cannot change a password', r))
  from unnest(array['vs_edge', 'vs_anon', 'vs_clinician', 'vs_org_admin', 'vs_dba']) r;
select is(tests.owner(format($$select answer from iam.change_password(%L, %L, 'x', 'y', '{}')$$, tests.the('ring'), 'nobody''s')), 'expired', 'cannot change one without a session');

select * from finish();
