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


-- 4: an administrator keeps the teams of the organisation. Each change: a key, its intent, the change.
select tests.owner(format('select id from access.care_teams where organisation_id = %L and lead_account_id = %L', tests.the('a.organisation'), tests.the('a.clinician.account'))) as team,
       tests.owner(format('select id from access.care_teams where organisation_id = %L limit 1', tests.the('b.organisation'))) as foreign_team \gset
select is(tests.attempt('a.' || who, format('select clinic.add_care_team_member(gen_random_uuid(), %L, %L, ''nurse'')', :'team', tests.the('a.colleague.account')), 'write'), '42501', 'a ' || who || ' cannot let somebody into a team')
  from unnest(array['patient', 'clinician', 'secretary', 'auditor', 'dpo', 'researcher', 'import of clinician']) who;
select is(tests.attempt('a.org_admin', format('select clinic.add_care_team_member(gen_random_uuid(), %L, %L, ''nurse'')', :'team', tests.the('a.colleague.account')), 'write'), 'VS428', 'cannot change a team without an intent');
select is(tests.attempt('a.org_admin', format('select clinic.add_care_team_member(gen_random_uuid(), %L, %L, ''nurse'')', t, tests.the('a.colleague.account')), 'write'), 'VS404', 'another practice''s team and one that isn''t there answer alike') from unnest(array[:'foreign_team', gen_random_uuid()::text]) t;
select is(tests.attempt('a.org_admin', format('select clinic.end_care_team_member(gen_random_uuid(), %L)', s), 'write'), 'VS404', 'cannot end another practice''s stay') from unnest(array[tests.owner(format('select id from access.care_team_members where care_team_id = %L limit 1', :'foreign_team')), gen_random_uuid()::text]) s;
select is(tests.attempt('a.org_admin', format('select clinic.add_care_team_patient(gen_random_uuid(), %L, %L)', :'team', tests.the('b.mine')), 'write'), 'VS404', 'cannot give a team another practice''s patient');
select is(tests.attempt('a.org_admin', format('select clinic.create_care_team(gen_random_uuid(), %L)', tests.the(l)), 'write'), 'VS422', 'cannot make a team led by ' || l) from unnest(array['b.clinician.account', 'a.secretary.account', 'a.patient.account']) l;

select gen_random_uuid() as key, gen_random_uuid() as other_key, gen_random_uuid() as end_key, gen_random_uuid() as patient_key, gen_random_uuid() as place_key, gen_random_uuid() as spare_key \gset
select is(tests.attempt('a.org_admin', format('select ops.intend(%L, %L)', k, o), 'open'), '(ok)', 'announces ' || o) from (values (:'key', 'care_teams.add_member'), (:'other_key', 'care_teams.add_member'), (:'spare_key', 'care_teams.add_member'),
  (:'end_key', 'care_teams.end_member'), (:'patient_key', 'care_teams.add_patient'), (:'place_key', 'care_teams.end_patient')) x (k, o);
select is(tests.attempt('a.org_admin', format('select clinic.add_care_team_member(%L, %L, %L, %L, %s, %s)', :'spare_key', :'team', tests.the(who), role, starts, ends), 'write'), expected, title) from (values
  ('a.colleague.account', 'chief', 'null', 'null', 'VS422', 'cannot invent a role'),
  ('a.colleague.account', 'lead', 'null', 'null', 'VS409', 'cannot make a second lead'),
  ('a.clinician.account', 'nurse', 'null', 'null', 'VS409', 'cannot let somebody in twice'),
  ('b.clinician.account', 'nurse', 'null', 'null', 'VS422', 'cannot let in somebody who doesn''t work here'),
  ('a.secretary.account', 'other', 'null', 'null', 'VS422', 'cannot let in a secretary'),
  ('a.colleague.account', 'nurse', 'null', 'now() - interval ''1 day''', 'VS422', 'cannot let somebody into the past')) x (who, role, starts, ends, expected, title);
select is(tests.opened('a.colleague', 'a.mine'), '(hidden)', 'none of these let anybody in');
select is(tests.attempt('a.org_admin', format('select clinic.add_care_team_member(%L, %L, %L, ''nurse'', now() - interval ''1 year'')', :'key', :'team', tests.the('a.colleague.account')), 'write') ~ '^\(', true, 'an administrator lets a colleague in');
select is(tests.opened('a.colleague', 'a.mine'), '(ok)', 'a new member sees the patients of the team at once');
select is((select bool_and(valid_from > now() - interval '1 minute') from access.care_team_members where account_id = tests.the('a.colleague.account')::uuid and care_team_id = :'team'), true, 'and never from the past');
select is(tests.attempt('a.org_admin', format('select clinic.add_care_team_member(%L, %L, %L, ''nurse'')', :'key', :'team', tests.the('a.colleague.account')), 'write'), 'VS208', 'the same form again changes nothing');

-- 5
select id as stay from access.care_team_members where account_id = tests.the('a.colleague.account')::uuid and care_team_id = :'team' order by valid_from desc limit 1 \gset
select is(tests.attempt('a.org_admin', format('select clinic.end_care_team_member(%L, %L)', :'end_key', :'stay'), 'write') ~ '^\(', true, 'an administrator ends a stay');
select is(tests.opened('a.colleague', 'a.mine'), '(hidden)', 'who has left sees nothing');
select is(tests.attempt('a.org_admin', format('select clinic.add_care_team_member(%L, %L, %L, ''physician'', null, now() + interval ''1 day'')', :'other_key', :'team', tests.the('a.colleague.account')), 'write') ~ '^\(', true, 'somebody who left returns');
select is(tests.opened('a.colleague', 'a.mine'), '(ok)', 'and sees again');
select is(tests.owner(format('insert into access.care_team_members (care_team_id, account_id, valid_from) values (%L, %L, now() + interval ''1 hour'')', :'team', tests.the('a.colleague.account'))), 'VS409', 'two stays cannot overlap, whoever writes them');
select is(tests.owner(format('update access.care_team_members set valid_until = ''infinity'' where id = %L', :'stay')), 'VS409', 'nor by prolonging one');
select is((select count(*) from audit.events where resource_type = 'CareTeamMember' and actor_role = 'org_admin' and outcome = 'success') >= 3, true, 'each change is in the log, in the administrator''s name');
select is(tests.owner(format('update access.care_team_members set valid_until = greatest(valid_from, clock_timestamp()) where account_id = %L and care_team_id = %L and valid_until > now()', tests.the('a.colleague.account'), :'team')), 'done');

select is(tests.opened('a.clinician', 'a.theirs'), '(hidden)');
select is(tests.attempt('a.org_admin', format('select clinic.add_care_team_patient(%L, %L, %L)', :'patient_key', :'team', tests.the('a.theirs')), 'write') ~ '^\(', true, 'an administrator gives a team a patient');
select is(tests.opened('a.clinician', 'a.theirs'), '(ok)');
select id as place from access.care_team_patients where care_team_id = :'team' and patient_id = tests.the('a.theirs')::uuid \gset
select is(tests.attempt('a.org_admin', format('select clinic.end_care_team_patient(%L, %L)', :'place_key', :'place'), 'write') ~ '^\(', true, 'and takes the patient away');
select is(tests.opened('a.clinician', 'a.theirs'), '(hidden)');
select is(tests.owner(format('insert into access.care_team_patients (care_team_id, patient_id) values (%L, %L)', :'team', tests.the('b.mine'))), 'VS422', 'the owner neither can give a team another practice''s patient');
select is(tests.attempt('a.org_admin', 'select birth_name from clinic.patients'), '42501', 'and sees no identity all the while');

select * from finish();
