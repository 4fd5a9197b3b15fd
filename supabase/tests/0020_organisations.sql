\ir support/world.psql
select plan(7);

select policies_are('access', 'organisations', array['select_owner', 'insert_owner', 'update_owner']);
select policy_roles_are('access', 'organisations', 'select_owner', array['vs_owner']);
select policy_roles_are('access', 'organisations', 'insert_owner', array['vs_owner']);
select policy_roles_are('access', 'organisations', 'update_owner', array['vs_owner']);

-- 1
select is(tests.attempt('a.clinician', 'select organisation_name from clinic.me'), '("Cabinet a")', 'a member sees the own organisation');
select is(tests.attempt('a.clinician', 'select * from access.organisations'), '42501', 'cannot name the table of organisations');
-- 2
select is(tests.attempt('a.org_admin', $$select iam.create_organisation('x=y', 'Pirate')$$), '42501', 'cannot create an organisation');

select * from finish();
