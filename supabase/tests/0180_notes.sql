\ir support/world.psql
select no_plan();

select policies_are('store', 'notes', array['select_clinician', 'select_patient', 'select_owner', 'insert_owner']);
select policy_roles_are('store', 'notes', 'select_' || r, array['vs_' || r]) from unnest(array['clinician', 'patient', 'owner']) r;
select policy_cmd_is('store', 'notes', 'select_' || r, 'select', 'to read') from unnest(array['clinician', 'patient', 'owner']) r;
select policy_cmd_is('store', 'notes', 'insert_owner', 'insert', 'to write');

-- 1
select is(tests.owner('update store.notes set version = version where true'), 'done', 'nobody, the owner neither, changes a row:') union all
select is((select count(*) from store.notes where xmax <> 0 and xmin = pg_current_xact_id()::xid), 0::bigint, 'none was');

-- 2
select is(tests.attempt('a.clinician', 'select count(*) from clinic.notes', 'read', tests.the('a.theirs')), '(0)', 'a clinician cannot see those of another team''s patient');
select is(tests.attempt('b.clinician', 'select count(*) from clinic.notes', 'read', tests.the('a.mine')), '(0)', 'nor of another practice''s');
select is(tests.attempt('a.clinician', 'select * from clinic.notes', 'read', tests.the('b.mine')), 'nothing', 'nor read them');
select is(tests.attempt('a.' || who, 'select * from clinic.notes'), '42501', 'a ' || who || ' sees none') from unnest(array['secretary', 'org_admin', 'auditor', 'dpo', 'researcher', 'import of clinician']) who;
select is(tests.opened('a.' || who, 'a.mine'), '(ok)') from unnest(array['clinician', 'patient']) who;
select is(tests.attempt('a.' || who, 'select least(count(*), 1) from clinic.notes', 'read', tests.the('a.mine')), '(1)', 'a ' || who || ' sees it') from unnest(array['clinician', 'patient']) who;

-- 3
select is(tests.attempt('a.clinician', s, 'write') in ('42501', '55000'), true, 'cannot ' || s) from unnest(array['insert into clinic.notes default values', 'update clinic.notes set id = id', 'delete from clinic.notes', 'select * from store.notes']) s;
select is(tests.attempt('b.import of clinician', format('select clinic.import_rows(%L, ''notes'', ''[]'')', tests.the('a.mine')), 'write'), 'VS404', 'the import cannot reach a patient of another practice');
select is(tests.attempt('a.clinician', format('select clinic.import_rows(%L, ''notes'', ''[]'')', tests.the('a.mine')), 'write'), '42501', 'a clinician cannot import');
select is(tests.attempt('a.import of clinician', format('select clinic.import_rows(%L, ''notes'', ''[{"source": "x"}]'')', tests.the('a.mine')), 'write'), 'VS422', 'the import cannot bring half a row');
select has_trigger('store', 'notes', '_900_audit', 'each row is recorded');

-- 3
select has_trigger('store', 'notes', '_100_immutable', 'a note keeps its patient, author and date');

-- 4
select is(tests.attempt('a.clinician', format('select clinic.write_note(gen_random_uuid(), %L, ''{"subjective": "x"}'')', tests.the('a.mine')), 'write'), 'VS428', 'cannot write without an intent');
select is(tests.attempt('a.clinician', 'select ops.intend(''11111111-1111-4111-8111-111111111111'', ''notes.sign'')', 'open') in ('(ok)', '(done)'), true, 'announces');
select is(tests.attempt('a.clinician', format('select clinic.write_note(''11111111-1111-4111-8111-111111111111'', %L, ''{"subjective": "x"}'')', tests.the('a.theirs')), 'write'), 'VS404', 'cannot write into another team''s record');
select is(tests.attempt('a.secretary', format('select clinic.write_note(gen_random_uuid(), %L, ''{"subjective": "x"}'')', tests.the('a.mine')), 'write'), '42501', 'a secretary cannot write');
select is(tests.attempt('a.clinician', format('select clinic.write_note(''11111111-1111-4111-8111-111111111111'', %L, ''{"subjective": " "}'')', tests.the('a.mine')), 'write'), 'VS422', 'cannot write nothing');

select * from finish();
