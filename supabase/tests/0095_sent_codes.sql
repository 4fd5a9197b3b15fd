\ir support/world.psql
select no_plan();

select policies_are('iam', 'sent_codes', array['all_owner']);
select policy_roles_are('iam', 'sent_codes', 'all_owner', array['vs_owner']);
select policies_are('iam', 'phones', array['all_owner']);
select policy_roles_are('iam', 'phones', 'all_owner', array['vs_owner']);

select * from finish();
