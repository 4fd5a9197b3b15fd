\ir support/world.psql
select no_plan();

select policies_are('ops', 'limits', array['all_owner']);
select policy_roles_are('ops', 'limits', 'all_owner', array['vs_owner']);

-- 1, 2, 4: tests/db/sign-in.test.ts signs in
-- 3: RFC 6238 appendix B, SHA-1, the last six digits
select is(iam.totp('12345678901234567890', time / 30), code, 'at ' || time)
  from (values (59::bigint, '287082'), (1111111109, '081804'), (1111111111, '050471'), (1234567890, '005924'), (2000000000, '279037'), (20000000000, '353130')) x (time, code);

-- 4
select is(tests.owner($$select string_agg(ops.take('pgtap/' || txid_current(), 3, 1)::text, '') from generate_series(1, 4)$$), '0001', 'a bucket of three gives three');

-- 5
select is_empty($$select r.rolname, p.oid::regprocedure from pg_proc p, pg_roles r where p.oid in ('iam.sign_in_lookup'::regproc, 'iam.sign_in_password'::regproc, 'iam.sign_in_totp'::regproc)
  and r.rolname ~ '^vs_' and r.rolname not in ('vs_owner', 'vs_gate', 'vs_admin') and has_function_privilege(r.oid, p.oid, 'execute')$$, 'nobody but the gate signs people in');
select results_eq($$select p.oid::regproc::text collate "C" from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname !~ '^pg_|information_schema|public|tests|extensions' and has_function_privilege('vs_gate', p.oid, 'execute') order by 1$$,
  array['iam.record_failed_sign_in', 'iam.sign_in_lookup', 'iam.sign_in_password', 'iam.sign_in_totp'] collate "C", 'the gate does nothing else');

select * from finish();
