\ir support/world.psql
select no_plan();

select policies_are('iam', 'passkeys', array['all_owner']);
select policy_roles_are('iam', 'passkeys', 'all_owner', array['vs_owner']);
select policies_are('iam', 'challenges', array['all_owner']);
select policy_roles_are('iam', 'challenges', 'all_owner', array['vs_owner']);

select * from finish();
