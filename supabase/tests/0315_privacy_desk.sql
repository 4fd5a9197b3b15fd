\ir support/world.psql
select no_plan();

select policies_are('privacy', 'answers', array['select_owner', 'insert_owner']);
select has_trigger('privacy', 'answers', '_900_audit', 'each row is recorded');

create function pg_temp.intend(who text, operation text) returns uuid language plpgsql as $$
declare
  key uuid := gen_random_uuid();
begin
  perform tests.attempt(who, format('select ops.intend(%L, %L)', key, operation), 'open');
  return key;
end $$;
create temp table keys as
  select pg_temp.intend('a.patient', o) as key, o as operation from unnest(array['consents.give', 'consents.withdraw']) o, generate_series(1, 6)
  union all select pg_temp.intend('a.dpo', 'requests.answer'), 'requests.answer' from generate_series(1, 12)
  union all select pg_temp.intend('b.dpo', 'requests.answer'), 'foreign' from generate_series(1, 2)
  union all select pg_temp.intend('a.dpo', 'erasures.request'), 'erasures.request' from generate_series(1, 2);
create function pg_temp.key(o text) returns uuid language sql as $$
  delete from keys x where x.key = (select y.key from keys y where y.operation = o limit 1) returning x.key
$$;
create function pg_temp.decide(t text, gives boolean) returns text language sql as $$
  select case when length(a) = 38 then 'done' else a end from tests.attempt('a.patient', format('select clinic.change_consent(%L, %L, %L, %L)',
    pg_temp.key(case when gives then 'consents.give' else 'consents.withdraw' end), t, gives,
    (select encode(hash, 'hex') from privacy.consent_texts x where x.type = t and lang = 'fr' and x.version = privacy.current_version(t))), 'write') a
$$;
create function pg_temp.answer(who text, consent uuid, answer text, key uuid) returns text language sql as $$
  select case when length(a) = 38 then 'done' else a end from tests.attempt(who, format('select clinic.answer_request(%L, %L, %L)', key, consent, answer), 'write') a
$$;
create function pg_temp.waiting() returns text language sql as $$
  select tests.attempt('a.dpo', format('select count(*) from clinic.privacy_tasks where kind = ''withdrawal'' and patient_id = %L', tests.the('a.mine')))
$$;
-- what earlier runs left is over
select pg_temp.decide('data_processing', true) \gset
select count(*) as before from privacy.consents \gset

-- ---------------------------------------------------------------- 2: what waits

select is(pg_temp.waiting(), '(0)', 'nothing waits');
select is(pg_temp.decide('data_processing', false), 'done', 'a patient withdraws');
select is(pg_temp.decide('data_processing', false), 'done', 'twice');
select is(pg_temp.waiting(), '(1)', 'one thing waits');
select id as first from privacy.consents where patient_id = tests.the('a.mine')::uuid and type = 'data_processing' and not given order by seq desc offset 1 limit 1 \gset
select id as second from privacy.consents where patient_id = tests.the('a.mine')::uuid and type = 'data_processing' and not given order by seq desc limit 1 \gset
select is(tests.attempt('a.dpo', format('select what, due_at = since + interval ''1 month'' from clinic.privacy_tasks where id = %L', :'first')), '(data_processing,t)', 'with its day');
select is(tests.attempt('b.dpo', 'select * from ' || v), 'nothing', 'not on another DPO''s page: ' || v) from unnest(array['clinic.privacy_tasks', 'clinic.withdrawals']) v;
select is(tests.attempt('a.' || who, 'select * from ' || v), '42501', 'nor a ' || who || '''s') from unnest(array['clinic.privacy_tasks', 'clinic.withdrawals', 'clinic.consent_counts']) v,
  unnest(array['patient', 'clinician', 'secretary', 'org_admin', 'auditor', 'researcher']) who;
select is(tests.attempt('a.' || who, 'select audit.open_privacy()', 'open'), case who when 'dpo' then '(ok)' else '(forbidden)' end, who) from unnest(array['dpo', 'org_admin', 'auditor', 'patient', 'clinician']) who;

-- 2, 3: answering
select is(pg_temp.answer('a.' || who, :'first', 'informed', gen_random_uuid()), '42501', 'a ' || who || ' answers nothing') from unnest(array['patient', 'clinician', 'secretary', 'org_admin', 'auditor', 'researcher']) who;
select is(pg_temp.answer('b.dpo', :'first', 'informed', pg_temp.key('foreign')), 'VS404', 'nor another practice''s DPO');
select is(pg_temp.answer('a.dpo', c, 'informed', gen_random_uuid()), 'VS404', 'nor to what was no withdrawal in force') from unnest(array[:'second', gen_random_uuid()]::uuid[]) c;
select is(pg_temp.answer('a.dpo', :'first', a, pg_temp.key('requests.answer')), 'VS422', 'nor in words of one''s own') from unnest(array['done', '', null, 'kept_by_law']) a;
select is(pg_temp.answer('a.dpo', :'first', 'informed', gen_random_uuid()), 'VS428', 'nor without an intent');
select is(pg_temp.answer('a.dpo', :'first', 'erasure_requested', pg_temp.key('requests.answer')), 'VS409', 'nor that an erasure was asked for where none was')
where not exists (select from privacy.erasure_requests where patient_id = tests.the('a.mine')::uuid);
select is(pg_temp.answer('a.dpo', :'first', 'informed', pg_temp.key('requests.answer')), 'done', 'the DPO answers');
select is(pg_temp.answer('a.dpo', :'first', 'mistake', pg_temp.key('requests.answer')), 'VS409', 'once');
select is(pg_temp.waiting(), '(0)', 'and nothing waits any more');
select is(tests.attempt('a.dpo', format('select answer, open from clinic.withdrawals where id = %L', :'first')), '(informed,f)', 'what was answered stays');
select is((select count(*) from audit.events where event = 'request.answer' and resource_id = :'first' and patient_id = tests.the('a.mine')::uuid and details = '{"answer" : "informed"}'), 1::bigint, 'an event of the patient''s');
select throws_ok(q, 'VS403', null, 'nobody changes an answer: ' || q) from unnest(array['update privacy.answers set answer = ''mistake''', 'delete from privacy.answers', 'truncate privacy.answers']) q;
select is(tests.owner(format('insert into privacy.answers (consent_id, organisation_id, answer, answered_by) values (%L, %L, ''informed'', %L)', :'second', tests.the('a.organisation'), tests.the('a.dpo.account'))), '42501', 'the owner answers nothing, outside of a DPO''s session');

-- agreed to again, by themselves
select is(pg_temp.decide('data_processing', true), 'done');
select is(pg_temp.decide('data_processing', false), 'done');
select is(pg_temp.waiting(), '(1)', 'another withdrawal waits again');
select is(pg_temp.decide('data_processing', true), 'done');
select is(pg_temp.waiting(), '(0)', 'and not once they agree again');

-- ---------------------------------------------------------------- 1: counts

select is(tests.attempt('a.dpo', 'select given, withdrawn from clinic.consent_counts where type = ''data_processing'' and version = ''2025.1'''), '(1,0)', 'each patient counts once, by their last word');
select is(tests.attempt('b.dpo', 'select sum(given + withdrawn) from clinic.consent_counts'), '(0)', 'and of one''s own practice alone');
select is(tests.attempt('a.dpo', q), '42501', 'a DPO opens no identity: ' || q) from unnest(array['select * from clinic.patients', 'select * from store.patients', 'select * from clinic.read_patient_consents(gen_random_uuid())']) q;
select is(tests.opened('a.dpo', 'a.mine'), '(hidden)', 'nor a record');

-- ---------------------------------------------------------------- 4, 5: erasures

select is(tests.attempt('a.dpo', format('select clinic.request_erasure(%L, %L, ''objection'', ''courrier'')', pg_temp.key('erasures.request'), tests.the('a.mine')), 'write') ~ '^\(', true, 'an erasure is asked for');
select is(tests.attempt('a.dpo', format('select kind, what from clinic.privacy_tasks where kind = ''erasure'' and patient_id = %L limit 1', tests.the('a.mine'))), '(erasure,objection)', 'it waits');
select is(tests.attempt('a.dpo', format('select held_until between 2040 and 2050, due_at = requested_at + interval ''1 month'' from clinic.erasure_requests where patient_id = %L limit 1', tests.the('a.mine'))), '(t,t)', 'with the year that the law says');
select is(tests.owner(format('select privacy.held_until(%L, %L, %L) is null', tests.the('ring'), tests.the('a.mine'), g)), 'true', 'which holds nothing back against ' || g) from unnest(array['unlawful_processing', 'legal_obligation']) g;
select id as request from privacy.erasure_requests where patient_id = tests.the('a.mine')::uuid order by requested_at desc limit 1 \gset
select is(tests.attempt(who, format('select clinic.erasure_certificate(%L)', :'request')), answer, who || ' has no certificate of what wasn''t done') from (values ('a.dpo', 'VS404'), ('b.dpo', 'VS404'), ('a.org_admin', '42501'), ('a.patient', '42501')) x (who, answer);
select is(pg_temp.answer('a.dpo', :'request', 'informed', pg_temp.key('requests.answer')), 'VS422', 'an erasure has answers of its own');
select is(pg_temp.answer('b.dpo', :'request', 'taken_back', pg_temp.key('foreign')), 'VS404', 'nor does another practice''s DPO answer it');
select is(tests.owner(format('select privacy.erase_patient(%L, %L)::text', tests.the('ring'), tests.the('a.mine'))), 'VS409', 'the law keeps the record');
select is(pg_temp.answer('a.dpo', :'request', 'taken_back', pg_temp.key('requests.answer')), 'done', 'the patient wants it no longer');
select is(tests.attempt('a.dpo', format('select answer from clinic.erasure_requests where id = %L', :'request')), '(taken_back)', 'which stays beside the request');
select is(tests.attempt('a.dpo', format('select * from clinic.privacy_tasks where id = %L', :'request')), 'nothing', 'and waits no more');
select is(tests.owner(format('select privacy.erase_patient(%L, %L)::text', tests.the('ring'), tests.the('a.mine'))), 'VS422', 'nor does anybody erase on it')
where not exists (select from privacy.erasure_requests where patient_id = tests.the('a.mine')::uuid and id <> :'request');

-- 5: one that was done
select substr(tests.attempt('a.import of clinician', format('select id from clinic.import_patient(%L)',
  jsonb_build_object('source', gen_random_uuid(), 'birth_name', 'Lenoir', 'sex', 'male', 'birth_date', '1931-04-02')), 'write'), 2, 36) as forgotten \gset
select is(tests.attempt('a.dpo', format('select clinic.request_erasure(%L, %L, ''unlawful_processing'', ''courrier'')', pg_temp.key('erasures.request'), :'forgotten'), 'write') ~ '^\(', true);
select is(length(tests.owner(format('select privacy.erase_patient(%L, %L)::text', tests.the('ring'), :'forgotten'))), 36, 'an erasure is done');
select id as done from privacy.erasure_requests where patient_id = :'forgotten' \gset
select is(tests.attempt(who, format('select clinic.erasure_certificate(%L) ->> ''patient''', :'done')), answer, who || ' and its certificate')
from (values ('a.dpo', '(' || :'forgotten' || ')'), ('b.dpo', 'VS404'), ('a.org_admin', '42501'), ('a.auditor', '42501')) x (who, answer);
select is(tests.attempt('a.dpo', format('select * from clinic.privacy_tasks where patient_id = %L', :'forgotten')), 'nothing', 'nothing of them waits');

select * from finish();
