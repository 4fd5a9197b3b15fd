\ir support/world.psql
select no_plan();

select policies_are('access', t, array['all_owner', 'select_org_admin']) from unnest(array['care_teams', 'care_team_members', 'care_team_patients']) t;
select policy_roles_are('access', t, 'select_org_admin', array['vs_org_admin']) from unnest(array['care_teams', 'care_team_members', 'care_team_patients']) t;
select policy_cmd_is('access', t, 'select_org_admin', 'select', 'to look') from unnest(array['care_teams', 'care_team_members', 'care_team_patients']) t;

-- 1
select is(tests.opened('a.clinician', 'a.mine'), '(ok)', 'a clinician opens a patient of the care team');
select is(tests.opened('a.clinician', 'a.theirs'), '(hidden)', 'cannot open another team''s patient');
select is(tests.opened('a.clinician', 'b.mine'), '(hidden)', 'cannot open another practice''s patient');
select is(tests.attempt('a.clinician', 'select count(*) from clinic.patients'), '(1)', 'sees one patient');
-- somebody of b joins a team of a: a session of b still is in b
select is(tests.owner(format('insert into access.care_team_members (care_team_id, account_id) select id, %L from access.care_teams where organisation_id = %L on conflict do nothing', tests.the('b.colleague.account'), tests.the('a.organisation'))), 'done');
select is(tests.opened('b.colleague', 'a.mine'), '(hidden)', 'cannot open a patient of the other practice that one works in too');
select is(tests.owner(format('update access.care_team_members set valid_until = clock_timestamp() where account_id = %L', tests.the('a.clinician.account'))), 'done');
select is(tests.opened('a.clinician', 'a.mine'), '(hidden)', 'cannot open a patient of a team that one has left');
select is(tests.attempt('a.clinician', 'select count(*) from clinic.notes'), '(0)', 'nor sees one');
select is(tests.owner(format('update access.care_team_members set valid_until = ''infinity'' where account_id = %L', tests.the('a.clinician.account'))), 'done');

-- 2
select is(tests.opened('a.secretary', p), e) from (values ('a.mine', '(ok)'), ('a.theirs', '(ok)'), ('b.mine', '(hidden)')) x (p, e);
select is(tests.opened('a.patient', p), e) from (values ('a.mine', '(ok)'), ('a.theirs', '(hidden)'), ('b.mine', '(hidden)')) x (p, e);
select is(tests.opened('a.' || who, 'a.mine'), '(hidden)', 'cannot open as ' || who) from unnest(array['org_admin', 'auditor', 'dpo', 'researcher', 'import of clinician']) who;

select * from finish();
