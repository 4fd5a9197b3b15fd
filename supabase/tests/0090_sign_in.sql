\ir support/world.psql
select no_plan();

-- 1, 2, 4: tests/db/sign-in.test.ts signs in
-- 9: tests/db/factors/reauthentication.test.ts shows passwords; what counts as one that was shown
select ok(not iam.is_within(null, '10 minutes'), 'what was never shown is not recent');
select ok(not iam.is_within(clock_timestamp() - interval '10 minutes 1 second', '10 minutes'), 'nor what was shown before');
select ok(not iam.is_within(clock_timestamp() + interval '1 hour', '10 minutes'), 'nor what will be shown');
select ok(iam.is_within(clock_timestamp() - interval '9 minutes 55 seconds', '10 minutes'), 'what was shown within the time is');
-- 5
select is_empty($$select r.rolname, p.oid::regprocedure from pg_proc p join pg_namespace n on n.oid = p.pronamespace, pg_roles r
  where n.nspname in ('iam', 'ops') and has_function_privilege('vs_gate', p.oid, 'execute')
  and r.rolname ~ '^vs_' and r.rolname not in ('vs_owner', 'vs_gate', 'vs_admin') and has_function_privilege(r.oid, p.oid, 'execute')$$, 'nobody but the gate does what the gate does');
select is_empty($$select p.oid::regprocedure from pg_proc p join pg_namespace n on n.oid = p.pronamespace
  where n.nspname !~ '^pg_|information_schema|public|tests|extensions|^iam$|^ops$' and has_function_privilege('vs_gate', p.oid, 'execute')$$, 'and it does nothing elsewhere');
select is((select count(*) > 3 from pg_proc p where p.pronamespace = 'iam'::regnamespace and has_function_privilege('vs_gate', p.oid, 'execute')), true, 'there are such functions');

select * from finish();
