\ir support/world.psql
select no_plan();

select policies_are('ops', 'outbox', array['all_owner']);
select policy_roles_are('ops', 'outbox', 'all_owner', array['vs_owner']);

select * from finish();
