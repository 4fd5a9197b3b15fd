\ir support/world.psql
select no_plan();

select policies_are('store', 'patients', array['select_clinician', 'select_secretary', 'select_patient', 'select_owner', 'insert_owner', 'update_owner', 'erase_owner']);
select policy_roles_are('store', 'patients', 'select_' || r, array['vs_' || r]) from unnest(array['clinician', 'secretary', 'patient', 'owner']) r;
select policy_roles_are('store', 'patients', v || '_owner', array['vs_owner']) from unnest(array['insert', 'update']) v;

-- 1
select is((select string_agg(p::text, ' ') from store.patients p) ~* 'moreau|élise|female|1958-03-12', false, 'identity is sealed');

-- 2
select is(tests.opened('a.' || who, 'a.' || p), '(ok)') from (values ('clinician', 'mine'), ('colleague', 'theirs'), ('secretary', 'mine'), ('secretary', 'theirs'), ('patient', 'mine')) x (who, p);
select is(tests.attempt('a.' || who, 'select count(birth_name) from clinic.patients'), e, format('a %s sees %s', who, e))
  from (values ('clinician', '(1)'), ('colleague', '(1)'), ('secretary', '(2)'), ('patient', '(1)'), ('org_admin', '42501'), ('auditor', '42501'), ('dpo', '42501'), ('researcher', '42501'), ('import of clinician', '42501')) x (who, e);

-- 4
select is(tests.attempt('a.secretary', s, 'write') in ('42501', '55000'), true, 'cannot ' || s) from unnest(array['insert into clinic.patients default values', 'update clinic.patients set version = 2', 'delete from clinic.patients']) s;
select is(tests.attempt('a.clinician', $$select clinic.import_patient('{"source": "x", "birth_name": "x"}')$$, 'write'), '42501', 'a clinician cannot import');
select is(tests.attempt('a.import of clinician', $$select taken from clinic.import_patient('{"source": "Patient/mine", "birth_name": "Autre"}')$$, 'write'), '(f)', 'importing twice changes nothing');
select is(tests.attempt('a.import of clinician', $$select clinic.import_patient('{"source": "Patient/x"}')$$, 'write'), 'VS422', 'cannot import a patient without a name');
select is(tests.owner('delete from store.patients where true returning 1'), 'done', 'the owner deletes no patient:') union all select is((select count(*) >= 4 from store.patients), true, 'they are all there');
select has_trigger('store', 'patients', t, 'is recorded') from unnest(array['_900_audit', '_901_audit']) t;

select * from finish();
