\ir support/world.psql
select no_plan();

-- 1
select is(tests.attempt('a.org_admin', 'select count(*), bool_and(display_name = ''Anne ROUX'') from clinic.accounts'), '(7,t)', 'an administrator sees the staff');
select is(tests.attempt('a.org_admin', format('select 1 from clinic.accounts where id = %L', tests.the('a.patient.account'))), 'nothing', 'and no patient');
select is(tests.attempt('a.org_admin', format('select 1 from clinic.accounts where id = %L', tests.the('b.clinician.account'))), 'nothing', 'and nobody of another practice');
select is(tests.attempt('a.org_admin', 'select sum(patient_count) from clinic.care_teams'), '(2)', 'teams, with how many patients');
select is(tests.attempt('a.' || who, 'select * from ' || v), '42501', format('a %s cannot see %s', who, v)) from unnest(array['clinician', 'secretary', 'patient', 'dpo', 'researcher', 'auditor']) who, unnest(array['clinic.accounts', 'clinic.care_teams']) v;

-- 2
select is(tests.attempt('a.auditor', format('select count(*) filter (where organisation_id <> %L) from audit.events', tests.the('a.organisation'))), '(0)', 'an auditor sees the log of the own practice');
select is(tests.attempt('a.auditor', 'select count(*) > 20 from clinic.audit_events'), '(t)', 'all of it');
select is(tests.attempt('a.' || who, 'select * from clinic.audit_events'), '42501', 'a ' || who || ' cannot see the log') from unnest(array['clinician', 'secretary', 'patient', 'dpo', 'researcher', 'org_admin']) who;
select is(tests.opened('a.clinician', 'a.mine'), '(ok)');
select is(tests.attempt('a.patient', 'select bool_and(actor_name is not null) from clinic.record_accesses where actor_role = ''clinician'' and event = ''patient.read'''), '(t)', 'a patient sees who looked');
select is(tests.attempt('a.patient', format('select count(*) from audit.events where patient_id <> %L', tests.the('a.mine'))), '(0)', 'at the own record');

-- 3
select is(tests.attempt('a.clinician', format('select set_config(''role'', %L, true), (select count(*) from %s)', r, v)) in ('42501', '(vs_org_admin,0)', '(vs_auditor,0)'), true, 'cannot become ' || r)
  from (values ('vs_org_admin', 'clinic.accounts'), ('vs_auditor', 'clinic.audit_events'), ('vs_auditor', 'audit.heads()')) x (r, v);
select is(tests.attempt('a.' || who, 'select account_id from clinic.me'), format('(%s)', tests.the(format('a.%s.account', who))), 'a ' || who || ' is themself') from unnest(array['clinician', 'secretary', 'org_admin', 'auditor', 'dpo', 'researcher', 'patient']) who;

select * from finish();
