\ir support/world.psql
select no_plan();

select policies_are('store', 'allergy_intolerances', array['select_clinician', 'select_patient', 'select_owner', 'insert_owner']);
select policy_roles_are('store', 'allergy_intolerances', 'select_' || r, array['vs_' || r]) from unnest(array['clinician', 'patient', 'owner']) r;
select policy_cmd_is('store', 'allergy_intolerances', 'select_' || r, 'select', 'to read') from unnest(array['clinician', 'patient', 'owner']) r;
select policy_cmd_is('store', 'allergy_intolerances', 'insert_owner', 'insert', 'to write');

-- 1
select is(tests.owner('update store.allergy_intolerances set version = version where true'), 'done', 'nobody, the owner neither, changes a row:') union all
select is((select count(*) from store.allergy_intolerances where xmax <> 0 and xmin = pg_current_xact_id()::xid), 0::bigint, 'none was');

-- 2
select is(tests.attempt('a.clinician', 'select count(*) from clinic.allergy_intolerances', 'read', tests.the('a.theirs')), '(0)', 'a clinician cannot see those of another team''s patient');
select is(tests.attempt('b.clinician', 'select count(*) from clinic.allergy_intolerances', 'read', tests.the('a.mine')), '(0)', 'nor of another practice''s');
select is(tests.attempt('a.clinician', 'select * from clinic.allergy_intolerances', 'read', tests.the('b.mine')), 'nothing', 'nor read them');
select is(tests.attempt('a.' || who, 'select * from clinic.allergy_intolerances'), '42501', 'a ' || who || ' sees none') from unnest(array['secretary', 'org_admin', 'auditor', 'dpo', 'researcher', 'import of clinician']) who;
select is(tests.opened('a.' || who, 'a.mine'), '(ok)') from unnest(array['clinician', 'patient']) who;
select is(tests.attempt('a.' || who, 'select count(*) from clinic.allergy_intolerances', 'read', tests.the('a.mine')), '(1)', 'a ' || who || ' sees it') from unnest(array['clinician', 'patient']) who;

-- 3
select is(tests.attempt('a.clinician', s, 'write') in ('42501', '55000'), true, 'cannot ' || s) from unnest(array['insert into clinic.allergy_intolerances default values', 'update clinic.allergy_intolerances set id = id', 'delete from clinic.allergy_intolerances', 'select * from store.allergy_intolerances']) s;
select is(tests.attempt('b.import of clinician', format('select clinic.import_rows(%L, ''allergy_intolerances'', ''[]'')', tests.the('a.mine')), 'write'), 'VS404', 'the import cannot reach a patient of another practice');
select is(tests.attempt('a.clinician', format('select clinic.import_rows(%L, ''allergy_intolerances'', ''[]'')', tests.the('a.mine')), 'write'), '42501', 'a clinician cannot import');
select is(tests.attempt('a.import of clinician', format('select clinic.import_rows(%L, ''allergy_intolerances'', ''[{"source": "x"}]'')', tests.the('a.mine')), 'write'), 'VS422', 'the import cannot bring half a row');
select has_trigger('store', 'allergy_intolerances', '_900_audit', 'each row is recorded');

select * from finish();
