\ir support/world.psql
select no_plan();

-- 1
select is(tests.opened('a.import of clinician', 'a.mine'), '(hidden)', 'the import opens nothing');
select is(tests.attempt('a.import of clinician', 'select * from ' || v), '42501', 'nor may it look at ' || v) from (select c.oid::regclass::text from pg_class c where c.relnamespace = 'clinic'::regnamespace and c.relkind = 'v') x (v);
-- 2
select is(tests.attempt('b.import of clinician', format('select clinic.import_rows(%L, %L, ''[]'')', tests.the('a.mine'), t), 'write'), 'VS404', 'cannot write into another practice: ' || t)
  from unnest(array['encounters', 'conditions', 'observations', 'medication_requests', 'allergy_intolerances', 'notes']) t;
select is(tests.attempt('a.import of clinician', format($$select clinic.import_rows(%L, 'notes', '[{"source": "x", "author_id": %s, "created_at": "2026-01-01T00:00:00Z", "subjective": "x"}]')$$, tests.the('a.mine'), to_json(tests.the('b.clinician.account'))), 'write'), 'VS422', 'cannot write in the name of another practice''s clinician');
-- 3
select is(tests.attempt('a.import of clinician', format($$select clinic.import_rows(%L, 'conditions', '[{"source": "conditions/mine", "clinical_status": "active", "code": {"text": "x"}}]')$$, tests.the('a.mine')), 'write'), '(0)', 'the same source twice changes nothing');
select is(tests.attempt('a.import of clinician', format('select clinic.import_rows(%L, ''conditions'', %L)', tests.the('a.mine'), r), 'write'), 'VS422', 'cannot import ' || r)
  from unnest(array['[{}]', '[{"source": "y", "clinical_status": "canari"}]', '[{"source": "y", "clinical_status": "active", "onset_at": "canari"}]']) r;

select * from finish();
