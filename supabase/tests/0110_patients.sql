\ir support/world.psql
select no_plan();

select policies_are('store', 'patients', array['select_clinician', 'select_secretary', 'select_patient', 'select_owner', 'insert_owner', 'update_owner']);
select policy_roles_are('store', 'patients', 'select_' || r, array['vs_' || r]) from unnest(array['clinician', 'secretary', 'patient', 'owner']) r;
select policy_roles_are('store', 'patients', v || '_owner', array['vs_owner']) from unnest(array['insert', 'update']) v;

-- 1
select is((select string_agg(p::text, ' ') from store.patients p) ~* 'moreau|élise|female|1958-03-12', false, 'identity is sealed');

-- 2
select is(tests.opened('a.' || who, 'a.' || p), '(ok)') from (values ('clinician', 'mine'), ('colleague', 'theirs'), ('secretary', 'mine'), ('secretary', 'theirs'), ('patient', 'mine')) x (who, p);
select is(tests.attempt('a.' || who, 'select count(birth_name) from clinic.patients'), e, format('a %s sees %s', who, e))
  from (values ('clinician', '(1)'), ('colleague', '(1)'), ('secretary', '(2)'), ('patient', '(1)'), ('org_admin', '42501'), ('auditor', '42501'), ('dpo', '42501'), ('researcher', '42501'), ('import of clinician', '42501')) x (who, e);

-- 3
select gen_random_uuid() as s \gset
select is(tests.attempt('a.secretary', format('select audit.open_patient_list(%L)', :'s'), 'open'), '(ok)');
select is(tests.attempt('a.secretary', format('select count(*) from clinic.selected_patients(%L) l join clinic.patient_names n on n = l', :'s')), '(2)', 'a list shows what the view shows');
select is(tests.attempt('a.' || who, format('select count(*) from clinic.selected_patients(%L)', :'s')), '(0)', format('the %s cannot read another''s list', who)) from unnest(array['clinician', 'colleague']) who;
select is(tests.attempt('a.patient', format('select * from clinic.selected_patients(%L)', :'s')), '42501', 'a patient cannot');
select is(tests.attempt('a.secretary', 'select count(*) from (select gen_random_uuid() s) x, lateral (select audit.open_patient_list(s) offset 0) y, clinic.selected_patients(s)', 'open'), '(0)', 'cannot read a list before its record is committed');
select gen_random_uuid() as left_behind \gset
select is(tests.attempt('a.clinician', format('select audit.open_patient_list(%L)', :'left_behind'), 'open'), '(ok)');
select is(tests.attempt('a.clinician', format('select count(*) from clinic.selected_patients(%L)', :'left_behind')), '(1)');
select tests.owner(format('update access.care_team_patients set valid_until = clock_timestamp() where patient_id = %L', tests.the('a.mine')));
select is(tests.attempt('a.clinician', format('select count(*) from clinic.selected_patients(%L)', :'left_behind')), '(0)', 'a patient who has left the team meanwhile isn''t shown');
select tests.owner(format('update access.care_team_patients set valid_until = ''infinity'' where patient_id = %L', tests.the('a.mine')));
select tests.owner(format('delete from audit.openings where patient_id = %L', tests.the('a.mine')));
select is(tests.attempt('a.secretary', format('select * from clinic.selected_patients(%L)', :'s')), 'VS428', 'cannot read a list whose openings are over');

-- 4
select is(tests.attempt('a.secretary', s, 'write') in ('42501', '55000'), true, 'cannot ' || s) from unnest(array['insert into clinic.patients default values', 'update clinic.patients set version = 2', 'delete from clinic.patients']) s;
select is(tests.attempt('a.clinician', $$select clinic.import_patient('{"source": "x", "birth_name": "x"}')$$, 'write'), '42501', 'a clinician cannot import');
select is(tests.attempt('a.import of clinician', $$select taken from clinic.import_patient('{"source": "Patient/mine", "birth_name": "Autre"}')$$, 'write'), '(f)', 'importing twice changes nothing');
select is(tests.attempt('a.import of clinician', $$select clinic.import_patient('{"source": "Patient/x"}')$$, 'write'), 'VS422', 'cannot import a patient without a name');
select is(tests.owner('delete from store.patients where true returning 1'), 'done', 'the owner deletes no patient:') union all select is((select count(*) >= 4 from store.patients), true, 'they are all there');
select has_trigger('store', 'patients', t, 'is recorded') from unnest(array['_900_audit', '_901_audit']) t;

select * from finish();
