\ir support/world.psql
select no_plan();

-- 1, 2, 4: tests/db/sign-in.test.ts signs in
-- 5
select is_empty($$select r.rolname, p.oid::regprocedure from pg_proc p join pg_namespace n on n.oid = p.pronamespace, pg_roles r
  where n.nspname in ('iam', 'ops') and has_function_privilege('vs_gate', p.oid, 'execute')
  and r.rolname ~ '^vs_' and r.rolname not in ('vs_owner', 'vs_gate', 'vs_admin') and has_function_privilege(r.oid, p.oid, 'execute')$$, 'nobody but the gate does what the gate does');
select is_empty($$select p.oid::regprocedure from pg_proc p join pg_namespace n on n.oid = p.pronamespace
  where n.nspname !~ '^pg_|information_schema|public|tests|extensions|^iam$|^ops$' and has_function_privilege('vs_gate', p.oid, 'execute')$$, 'and it does nothing elsewhere');
select is((select count(*) > 3 from pg_proc p where p.pronamespace = 'iam'::regnamespace and has_function_privilege('vs_gate', p.oid, 'execute')), true, 'there are such functions');

select * from finish();
