\ir support/world.psql
select no_plan();

-- ---------------------------------------------------------------- 1: texts

select is((select count(*) from privacy.consent_texts where version = '2025.1'), 12::bigint, 'six texts in two languages');
select is((select count(*) from privacy.consent_texts t where t.hash <> sha256(convert_to(t.type || E'\n' || t.version || E'\n' || t.lang || E'\n' || t.title || E'\n\n' || t.body, 'UTF8'))), 0::bigint, 'a hash stands for the words');
select throws_ok(q, 'VS403', null, 'cannot change or remove one, whoever tries: ' || q) from unnest(array[
  'update privacy.consent_texts set body = ''x''', 'delete from privacy.consent_texts', 'truncate privacy.consent_texts cascade']) q;
select policies_are('privacy', 'consent_texts', array['select_owner', 'insert_owner']);

-- ---------------------------------------------------------------- 2, 5: consents

select policies_are('privacy', 'consents', array['select_patient', 'select_dpo', 'select_owner', 'insert_owner']);
select has_trigger('privacy', 'consents', '_900_audit', 'each row is recorded');

create function pg_temp.hash_of(t text, l text default 'fr') returns text language sql as $$
  select encode(hash, 'hex') from privacy.consent_texts where type = t and lang = l and version = '2025.1'
$$;
-- announced by a statement, and a transaction, of its own
create temp table keys as select k.key, k.who, k.given, tests.attempt(k.who, format('select ops.intend(%L, %L)', k.key, case when k.given then 'consents.give' else 'consents.withdraw' end), 'open') as answer
from (select gen_random_uuid() as key, 'a.' || who as who, given from unnest(array['patient', 'clinician', 'secretary', 'org_admin', 'auditor', 'dpo', 'researcher']) who, unnest(array[true, false]) given, generate_series(1, 6)) k;
create function pg_temp.decide(by text, t text, gives boolean, hash text) returns text language plpgsql as $$
declare
  k uuid;
  answer text;
begin
  delete from keys x where x.key = (select y.key from keys y where y.who = by and y.given = gives limit 1) returning x.key into k;
  answer := tests.attempt(by, format('select clinic.change_consent(%L, %L, %L, %L)', k, t, gives, hash), 'write');
  return case when length(answer) = 38 then 'done' else answer end;
end $$;
create function pg_temp.agrees(t text) returns text language sql as $$
  select tests.owner(format('select access.consents_to(%L, %L)::text', tests.the('a.mine'), t))
$$;

select is(pg_temp.decide('a.' || who, 'marketing', true, pg_temp.hash_of('marketing')), '42501', 'a ' || who || ' decides nothing for a patient')
from unnest(array['clinician', 'secretary', 'org_admin', 'auditor', 'dpo', 'researcher']) who;
select is(pg_temp.decide('a.patient', 'marketing', true, repeat('0', 64)), 'VS409', 'cannot agree to words that were never shown');
select is(pg_temp.decide('a.patient', 'marketing', true, pg_temp.hash_of('mes_sharing')), 'VS409', 'nor to one thing by the words of another');
select is(pg_temp.decide('a.patient', 'everything', true, pg_temp.hash_of('marketing')), 'VS409', 'nor to what nobody asks');
select is(tests.attempt('a.patient', format('select clinic.change_consent(%L, ''marketing'', true, %L)', gen_random_uuid(), pg_temp.hash_of('marketing')), 'write'), 'VS428', 'nor without an intent');
select is(pg_temp.agrees('marketing'), 'false', 'off until somebody switches it on');
select is(pg_temp.decide('a.patient', 'marketing', true, pg_temp.hash_of('marketing')), 'done', 'a patient agrees');
select is(pg_temp.agrees('marketing'), 'true', 'at once');
select is(tests.attempt('a.patient', 'select given, agreed_version from clinic.consents where type = ''marketing'' and lang = ''fr'''), '(t,2025.1)', 'and reads it');
select is(tests.attempt('b.patient', 'select count(*) from clinic.consents where given'), '(0)', 'another patient reads nothing of it');
select is(tests.attempt('b.patient', 'select * from clinic.consent_history'), 'nothing', 'in no view');
select is(tests.attempt('a.' || who, 'select * from clinic.consent_history'), '42501', 'nor a ' || who) from unnest(array['clinician', 'secretary', 'org_admin', 'auditor', 'dpo', 'researcher']) who;
-- 4
select is(pg_temp.decide('a.patient', 'marketing', false, pg_temp.hash_of('marketing')), 'done', 'and withdraws');
select is(pg_temp.agrees('marketing'), 'false', 'with effect at once');
select is(tests.attempt('a.patient', 'select string_agg(given::text, '' '' order by at) from clinic.consent_history where type = ''marketing'''), '("true false")', 'both stay');
select throws_ok(q, 'VS403', null, 'nobody changes one or removes it: ' || q) from unnest(array['update privacy.consents set given = true', 'delete from privacy.consents', 'truncate privacy.consents']) q;
select is((select string_agg(e.event, ' ' order by e.at, e.seq) from audit.events e where e.resource_type = 'Consent' and e.event like 'consent.%' and e.patient_id = tests.the('a.mine')::uuid), 'consent.give consent.withdraw', 'each is an event');

-- the policy itself, past the functions: who the transaction is decides
create function pg_temp.record(as_role text, as_account text, for_account text) returns text language plpgsql as $$
declare
  entered text[] := array[gen_random_uuid()::text, tests.the(as_account), tests.the('a.organisation'), as_role, tests.the('a.mine'), null, null, null, null];
  given text[] := array[entered[1], tests.the(for_account), tests.the('a.organisation'), 'patient', tests.the('a.mine'), null, null, null, null];
  ring text := tests.the('ring');
  hash bytea := decode(pg_temp.hash_of('marketing'), 'hex');
begin
  perform set_config('role', 'vs_owner', true);
  perform access.set_claims(entered), vault.set_ring(ring);
  perform privacy.record_consent(ring, given, 'marketing', true, hash);
  raise exception using errcode = 'VS200';  -- and nothing stays
exception when others then
  return sqlstate;
end $$;
select is(pg_temp.record('patient', 'a.patient.account', 'a.patient.account'), 'VS200', 'a patient for themselves');
select is(pg_temp.record('patient', 'b.patient.account', 'a.patient.account'), '42501', 'cannot agree for somebody else');
select is(pg_temp.record(r, 'a.patient.account', 'a.patient.account'), '42501', 'nor in another role: ' || r) from unnest(array['clinician', 'dpo', 'import']) r;

-- an older text doesn't do
select is(tests.owner(format('select privacy.publish_text(''research_anonymized'', ''2026.1'', %L, %L, ''Texte'')', l, 'Titre ' || l)), null, 'a new version is published') from unnest(array['fr', 'en']) l;
select is(pg_temp.decide('a.patient', 'research_anonymized', true, (select encode(hash, 'hex') from privacy.consent_texts where type = 'research_anonymized' and version = '2025.1' and lang = 'fr')), 'VS409', 'who was shown older words is asked again');

-- ---------------------------------------------------------------- proof

select is(tests.attempt('b.dpo', 'select * from clinic.consent_proofs'), 'nothing', 'another practice''s DPO has no proofs of this one');
select is(tests.attempt('a.dpo', 'select count(*) from clinic.consent_proofs where patient_id = ' || quote_literal(tests.the('a.mine'))), '(2)', 'the DPO has them');
select is(tests.attempt('a.dpo', 'select session_id from privacy.consents'), '42501', 'and not what is behind them');
select is(tests.attempt('a.' || who, 'select * from clinic.consent_proofs'), '42501', 'nor a ' || who) from unnest(array['patient', 'clinician', 'secretary', 'org_admin', 'auditor', 'researcher']) who;
select is(tests.attempt('a.' || who, 'select audit.open_consents()', 'open'), case who when 'dpo' then '(ok)' else '(forbidden)' end) from unnest(array['dpo', 'org_admin', 'auditor', 'patient']) who;

-- ---------------------------------------------------------------- 3: registering

create function pg_temp.registers(choices jsonb) returns text language sql as $$ select tests.owner(format('select coalesce(privacy.agrees(%L)::text, ''null'')', choices)) $$;
create temp view needed as select jsonb_object_agg(t, pg_temp.hash_of(t)) as choices from unnest(array['data_processing', 'telemedicine_usage', 'medical_record_storage']) t;
select is(pg_temp.registers(choices), 'true', 'the three needed ones do') from needed;
select is(pg_temp.registers(choices - t), 'false', 'cannot register without ' || t) from needed, unnest(array['data_processing', 'telemedicine_usage', 'medical_record_storage']) t;
select is(pg_temp.registers(choices || jsonb_build_object('marketing', v)), 'false', 'nor with words that nobody showed') from needed, unnest(array['', repeat('0', 64), pg_temp.hash_of('mes_sharing')]) v;
select is(pg_temp.registers(choices || '{"everything": "x"}'), 'false', 'nor with an agreement that nobody asks') from needed;
select isnt(pg_temp.registers(v::jsonb), 'true', 'nor with ' || v) from unnest(array['null', '[]', '""', '{}', '7']) v;

select * from finish();
