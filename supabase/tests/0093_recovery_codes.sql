\ir support/world.psql
select no_plan();

select policies_are('iam', 'recovery_codes', array['all_owner']);
select policy_roles_are('iam', 'recovery_codes', 'all_owner', array['vs_owner']);

-- 2, 3, 4: tests/db/factors/recovery-codes.test.ts
-- 1
select tests.the('a.clinician.account') as account \gset
select is(tests.owner(format($$select iam.hash_recovery_code(%1$L, %2$L, 'abcde-fgh01', s) = iam.hash_recovery_code(%1$L, %2$L, ' ABCDE FGHoI ', s) from (select extensions.gen_salt('bf', 10) as s) x$$, tests.the('ring'), :'account')), 'true', 'as people copy it');
select is(tests.owner(format($$select iam.hash_recovery_code(%1$L, %2$L, 'abcdefgh01', s) = iam.hash_recovery_code(%1$L, %3$L, 'abcdefgh01', s) from (select extensions.gen_salt('bf', 10) as s) x$$, tests.the('ring'), :'account', tests.the('a.colleague.account'))), 'false', 'another account hashes it otherwise');
select is(tests.owner($$select count(distinct c) from (select iam.new_recovery_code() as c from generate_series(1, 200)) x where c ~ '^[0-9a-hjkmnp-tv-z]{5}-[0-9a-hjkmnp-tv-z]{5}$'$$), '200', 'codes are random, and of letters that nobody confuses');

select * from finish();
