\ir support/world.psql
select no_plan();

select policies_are('iam', 'recovery_codes', array['all_owner']);
select policy_roles_are('iam', 'recovery_codes', 'all_owner', array['vs_owner']);

select * from finish();
