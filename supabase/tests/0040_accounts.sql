\ir support/world.psql
select no_plan();

select policies_are('iam', 'accounts', array['all_owner']);
select policies_are('iam', 'totp_factors', array['all_owner']);
select policies_are('access', 'memberships', array['all_owner']);
select policy_roles_are(s, t, 'all_owner', array['vs_owner']) from (values ('iam', 'accounts'), ('iam', 'totp_factors'), ('access', 'memberships')) x (s, t);

-- 1
select is((select string_agg(a::text, ' ') from iam.accounts a) ~* 'roux|anne|exemple', false, 'a profile is sealed');
select is(tests.attempt('a.clinician', format('select iam.person_name(%L)', tests.the('a.colleague.account'))), '("Anne ROUX")', 'a colleague''s name opens');
select is(tests.attempt('b.clinician', format('select iam.person_name(%L)', tests.the('a.colleague.account'))), '()', 'another practice''s doesn''t');
select is(tests.attempt('a.' || who, format('select iam.person_name(%L)', tests.the('a.patient.account'))), '()', 'a patient''s name is nothing that a ' || who || ' learns by the account')
  from unnest(array['org_admin', 'auditor', 'dpo', 'secretary']) who;
select is(tests.owner(format('select iam.create_account(%L, %L, ''clinician'', ''ACLINICIAN@exemple.fr'', ''{}'', null, null, password_hash => ''$2a$12$'')', tests.the('ring'), tests.the('a.organisation'))), 'VS409', 'cannot make a second account with the address');
select is(tests.owner(format('select iam.create_account(%L, %L, ''clinician'', %L, ''{}'', null, null)', tests.the('ring'), tests.the('a.organisation'), e)), 'VS422', 'cannot make an account with ' || e) from unnest(array['x', 'a b@c', '@', 'a@@']) e;

-- 2
select is(tests.owner($$update iam.accounts set password_hash = extensions.crypt('x', extensions.gen_salt('bf', 8)) where true$$), '23514', 'cannot store a password at a lower cost than 12');

-- 3
select is(tests.attempt('a.org_admin', 'select * from ' || t), '42501', 'cannot name ' || t) from unnest(array['iam.accounts', 'iam.totp_factors', 'iam.sessions', 'access.memberships']) t;

-- 4
select is(tests.owner(format('insert into access.memberships (account_id, organisation_id, role, patient_id) values (%L, %L, ''patient'', null)', tests.the('a.patient.account'), tests.the('b.organisation'))), '23514', 'a patient''s account leads to a record');
select is(tests.owner(format('insert into access.memberships (account_id, organisation_id, role, patient_id) values (%L, %L, ''secretary'', %L)', tests.the('a.dpo.account'), tests.the('a.organisation'), tests.the('a.mine'))), '23514', 'nobody else''s does');

select * from finish();
