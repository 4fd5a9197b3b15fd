\ir support/world.psql
select no_plan();

select policies_are('ops', 'limits', array['all_owner']);
select policy_roles_are('ops', 'limits', 'all_owner', array['vs_owner']);

-- 1
select is(tests.owner($$select string_agg(ops.take('pgtap/' || txid_current(), 3, 1)::text, '') from generate_series(1, 4)$$), '0001', 'a bucket of three gives three');

select * from finish();
