\ir support/world.psql
select no_plan();

select policies_are('iam', 'devices', array['all_owner']);
select policy_roles_are('iam', 'devices', 'all_owner', array['vs_owner']);

select * from finish();
