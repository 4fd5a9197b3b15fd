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
from (select gen_random_uuid() as key, 'a.' || who as who, given from unnest(array['patient', 'clinician', 'secretary', 'org_admin', 'auditor', 'dpo', 'researcher']) who, unnest(array[true, false]) given, generate_series(1, 32)) k;
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
select throws_ok(q, 'VS403', null, 'nobody changes one or removes it: ' || q) from unnest(array['update privacy.consents set given = true', 'delete from privacy.consents', 'truncate privacy.consents cascade']) q;
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

-- and for whom, and when
create function pg_temp.insert_as(patient text, at timestamptz) returns text language plpgsql as $$
declare
  c text[] := array[gen_random_uuid()::text, tests.the('a.patient.account'), tests.the('a.organisation'), 'patient', tests.the('a.mine'), null, null, null, null];
  of uuid := tests.the(patient);
  organisation uuid := c[3];
  hash bytea := decode(pg_temp.hash_of('marketing'), 'hex');
  ring text := tests.the('ring');
begin
  perform set_config('role', 'vs_owner', true);
  perform access.set_claims(c), vault.set_ring(ring);
  insert into privacy.consents (account_id, organisation_id, patient_id, type, given, text_hash, session_id, at, seq)
  values (c[2]::uuid, organisation, of, 'marketing', true, hash, c[1]::uuid, insert_as.at, 1000);
  raise exception using errcode = 'VS200';
exception when others then
  return sqlstate;
end $$;
select is(pg_temp.insert_as('a.mine', clock_timestamp()), 'VS200', 'one''s own record, now');
select is(pg_temp.insert_as(p, clock_timestamp()), '42501', 'cannot agree for another record: ' || p) from unnest(array['a.theirs', 'b.mine']) p;
select is(pg_temp.insert_as('a.mine', clock_timestamp() + d), '42501', 'cannot date it ' || d) from unnest(array['-1 day', '-2 minutes', '1 minute']::interval[]) d;
select is(tests.owner('insert into privacy.consents (account_id, organisation_id, patient_id, type, given, text_hash, session_id, seq) '
  || format('select %L, %L, %L, ''marketing'', true, hash, gen_random_uuid(), 1000 from privacy.consent_texts limit 1', tests.the('a.patient.account'), tests.the('a.organisation'), tests.the('a.mine'))),
  '42501', 'the owner agrees for nobody, outside of a patient''s session');
select is(tests.attempt(who, q, 'write'), '42501', who || ' writes none: ' || q) from unnest(array['a.patient', 'a.clinician', 'a.dpo', 'a.org_admin']) who,
  unnest(array['insert into privacy.consents (type) values (''marketing'')', 'update privacy.consents set given = true', 'delete from privacy.consents', 'truncate privacy.consents cascade']) q;
-- somebody whose second step is missing
create function pg_temp.half() returns text language plpgsql as $$
declare
  s uuid := (select id from iam.sessions where token_hash = iam.hash_token(tests.the('a.patient')));
  answer text;
begin
  update iam.sessions set factors = 1 where id = s;
  answer := pg_temp.decide('a.patient', 'marketing', true, pg_temp.hash_of('marketing'));
  update iam.sessions set factors = 2 where id = s;
  return answer;
end $$;
select isnt(pg_temp.half(), 'done', 'half a session agrees to nothing');
select is(pg_temp.agrees('marketing'), 'false', 'nothing of all that counts');

-- the last word counts, by the clock of nobody
select is(pg_temp.decide('a.patient', 'mes_sharing', true, pg_temp.hash_of('mes_sharing')), 'done');
set session_replication_role = replica;
update privacy.consents set at = at + interval '1 day' where type = 'mes_sharing' and patient_id = tests.the('a.mine')::uuid;
set session_replication_role = origin;
select is(pg_temp.decide('a.patient', 'mes_sharing', false, pg_temp.hash_of('mes_sharing')), 'done');
select is(pg_temp.agrees('mes_sharing'), 'false', 'a withdrawal counts although the clock was set back before it');
select is(tests.attempt('a.patient', 'select given from clinic.consents where type = ''mes_sharing'' and lang = ''fr'''), '(f)', 'on the patient''s page as well');

-- an older text doesn't do
select is(tests.owner(format('select privacy.publish_text(''research_anonymized'', ''2026.1'', %L, %L, ''Texte'')', l, 'Titre ' || l)), null, 'a new version is published') from unnest(array['fr', 'en']) l;
select is(pg_temp.decide('a.patient', 'research_anonymized', true, (select encode(hash, 'hex') from privacy.consent_texts where type = 'research_anonymized' and version = '2025.1' and lang = 'fr')), 'VS409', 'who was shown older words is asked again');
select is(pg_temp.decide('a.patient', 'research_anonymized', true, (select encode(hash, 'hex') from privacy.consent_texts where type = 'research_anonymized' and version = '2026.1' and lang = 'fr')), 'done');
select is(pg_temp.decide('a.patient', 'research_anonymized', false, pg_temp.hash_of('research_anonymized')), 'done', 'and takes it back whatever words they have before them');
select is(pg_temp.agrees('research_anonymized'), 'false', 'at once');

-- ---------------------------------------------------------------- 6: what a withdrawal stops, and what it doesn't hide

update iam.accounts set email_confirmed_at = clock_timestamp() where id = any (array[tests.the('a.dpo.account'), tests.the('a.org_admin.account'), tests.the('a.secretary.account'), tests.the('b.dpo.account')]::uuid[]);
delete from ops.outbox;
create temp table refer as select gen_random_uuid() as key, n from generate_series(1, 4) n;
select is(tests.opened('a.clinician', 'a.mine'), '(ok)');
select is(tests.attempt('a.clinician', format('select ops.intend(%L, ''referrals.make'')', key), 'open'), '(ok)') from refer;
create function pg_temp.refer(i int) returns text language sql as $$
  select case when length(a) = 38 then 'done' else a end from refer r, lateral tests.attempt('a.clinician',
    format('select clinic.make_referral(%L, %L, %L, ''routine'', ''avis'', now() + interval ''1 day'')', r.key, tests.the('a.mine'), tests.the('a.colleague.account')), 'write') a where r.n = i
$$;
create function pg_temp.take_in() returns text language sql as $$
  select tests.attempt('a.import of clinician', format('select clinic.import_rows(%L, ''conditions'', %L)', tests.the('a.mine'),
    jsonb_build_array(jsonb_build_object('source', gen_random_uuid(), 'clinical_status', 'active', 'code', jsonb_build_object('text', 'asthme')))), 'write')
$$;
select is(pg_temp.refer(1), 'done', 'who never was asked has withdrawn nothing');
select is(pg_temp.decide('a.patient', t, true, pg_temp.hash_of(t)), 'done') from unnest(array['data_processing', 'medical_record_storage', 'telemedicine_usage', 'marketing']) t;
select is(pg_temp.refer(2), 'done', 'somebody who agrees is referred');
select is(pg_temp.take_in(), '(1)', 'and what comes from elsewhere is taken in');
select is(pg_temp.decide('a.patient', 'marketing', false, pg_temp.hash_of('marketing')), 'done');
select is((select count(*) from ops.outbox), 0::bigint, 'nobody hears of one that isn''t needed');
select is(pg_temp.decide('a.patient', 'medical_record_storage', false, pg_temp.hash_of('medical_record_storage')), 'done');
select is(pg_temp.take_in(), 'VS409', 'without storage nothing is taken in from elsewhere');
select is(pg_temp.refer(3), 'done', 'and care goes on');
select is((select string_agg(template || ' ' || case account_id::text when tests.the('a.dpo.account') then 'dpo' when tests.the('a.org_admin.account') then 'org_admin' else 'another' end, ', ' order by template) from ops.outbox),
  'consent_withdrawn dpo, consent_withdrawn_here org_admin', 'the DPO and the administrator are told, and nobody else');
select is(pg_temp.decide('a.patient', 'data_processing', false, pg_temp.hash_of('data_processing')), 'done');
select is((select count(*) from ops.outbox), 2::bigint, 'once an hour');
select is(pg_temp.refer(4), 'VS409', 'cannot share with somebody else what the patient doesn''t share');
select is(pg_temp.take_in(), 'VS409');
select is(tests.attempt('a.import of clinician', format('select id, taken from clinic.import_patient(%L)', '{"source": "Patient/mine", "birth_name": "Moreau"}'), 'write'), '(,)', 'nor bring them to another team by an import');
select is(tests.opened('a.clinician', 'a.mine'), '(ok)', 'who treats them sees the record');
select is(tests.attempt('a.clinician', 'select count(*) from clinic.allergy_intolerances', 'read', tests.the('a.mine')), '(1)', 'allergies first of all');
select is(tests.opened('a.colleague', 'a.mine'), '(ok)', 'so does the colleague to whom they were referred before');
select is(tests.attempt('a.colleague', 'select count(*) from clinic.allergy_intolerances', 'read', tests.the('a.mine')), '(1)');
select is(tests.opened('a.secretary', 'a.mine'), '(ok)', 'and a secretary who they are');

-- ---------------------------------------------------------------- 7: what who treats sees

create function pg_temp.seen(who text, patient text default 'a.mine') returns text language sql as $$
  select replace(tests.attempt(who, format('select type || ''='' || agreed || '' '' || (decided_at is not null) from clinic.read_patient_consents(%L)', tests.the(patient))), E'\n', ', ')
$$;
select is(pg_temp.decide('a.patient', 'telemedicine_usage', false, pg_temp.hash_of('telemedicine_usage')), 'done');
select is(pg_temp.seen(who), '("data_processing=false true"), ("medical_record_storage=false true"), ("telemedicine_usage=false true"), ("mes_sharing=false true")', who || ' sees what care depends on, and no more') from unnest(array['a.clinician', 'a.colleague']) who;
select is(pg_temp.seen('a.secretary'), '("telemedicine_usage=false true")', 'a secretary what a booking depends on');
select is(pg_temp.seen(who), 'nothing', who || ' sees nothing of it') from unnest(array['b.clinician', 'b.secretary']) who;
select is(pg_temp.seen('a.clinician', 'a.theirs'), 'nothing', 'nor of a patient whom one doesn''t see');
select is(pg_temp.seen('a.' || who), '42501', 'nor a ' || who) from unnest(array['patient', 'org_admin', 'auditor', 'dpo', 'researcher', 'import of clinician']) who;
insert into audit.openings (session_id, patient_id, level, opened_at, transaction)
select id, tests.the('a.mine')::uuid, 'identity', clock_timestamp(), pg_current_xact_id() from iam.sessions where token_hash in (iam.hash_token(tests.the('b.clinician')), iam.hash_token(tests.the('b.secretary')));
select is(pg_temp.seen(who), 'nothing', 'nor ' || who || ', who sees the patient no longer, while what they opened is still open') from unnest(array['b.clinician', 'b.secretary']) who;
delete from audit.openings;
select is(pg_temp.seen(who), 'nothing', 'nor anybody who didn''t open the record') from unnest(array['a.clinician', 'a.secretary']) who;
-- other files have this patient too
select is(pg_temp.decide('a.patient', t, true, pg_temp.hash_of(t)), 'done', 'agreed to again') from unnest(array['data_processing', 'medical_record_storage', 'telemedicine_usage']) t;
select is(pg_temp.take_in(), '(1)', 'with effect at once');
update iam.accounts set email_confirmed_at = null where id = any (array[tests.the('a.dpo.account'), tests.the('a.org_admin.account'), tests.the('a.secretary.account'), tests.the('b.dpo.account')]::uuid[]);
update store.referrals set valid_until = greatest(valid_from, clock_timestamp()) where patient_id = tests.the('a.mine')::uuid and valid_until > clock_timestamp();

-- ---------------------------------------------------------------- proof

select is(tests.attempt('b.dpo', 'select * from clinic.consent_proofs'), 'nothing', 'another practice''s DPO has no proofs of this one');
select is(tests.attempt('a.dpo', 'select count(*) from clinic.consent_proofs where patient_id = ' || quote_literal(tests.the('a.mine')) || ' and type = ''marketing'''), '(4)', 'the DPO has them');
select is(tests.attempt('a.dpo', 'select session_id from privacy.consents'), '42501', 'and not what is behind them');
select is(tests.attempt('a.' || who, 'select * from clinic.consent_proofs'), '42501', 'nor a ' || who) from unnest(array['patient', 'clinician', 'secretary', 'org_admin', 'auditor', 'researcher']) who;
select is(tests.attempt('a.' || who, 'select audit.open_consents()', 'open'), case who when 'dpo' then '(ok)' else '(forbidden)' end) from unnest(array['dpo', 'org_admin', 'auditor', 'patient']) who;

select id as proved from privacy.consents where patient_id = tests.the('a.mine')::uuid and type = 'marketing' order by at limit 1 \gset
create function pg_temp.open_proof(who text, id uuid) returns text language sql as $$ select tests.attempt(who, format('select audit.open_consent_proof(%L)', id), 'open') $$;
create function pg_temp.proof(who text, id uuid, field text) returns text language sql as $$ select tests.attempt(who, format('select clinic.consent_proof(%L) %s', id, field)) $$;
select is(pg_temp.open_proof(who, :'proved'), answer, who) from (values ('a.dpo', '(ok)'), ('a.patient', '(ok)'), ('b.dpo', '(hidden)'), ('b.patient', '(hidden)'), ('a.clinician', '(forbidden)'), ('a.org_admin', '(forbidden)'), ('a.auditor', '(forbidden)')) x (who, answer);
select is(pg_temp.open_proof('a.dpo', gen_random_uuid()), '(hidden)', 'another practice''s and nobody''s are one answer');
select is(pg_temp.proof(who, :'proved', '->> ''type'''), answer, who || ' proves') from (values ('a.dpo', '(marketing)'), ('a.patient', '(marketing)'), ('b.dpo', 'VS404'), ('b.patient', 'VS404'), ('a.clinician', '42501'), ('a.org_admin', '42501')) x (who, answer);
select is(pg_temp.proof('a.dpo', :'proved', '#>> ''{text,hash}'''), '(' || pg_temp.hash_of('marketing') || ')', 'with the words');
select is(pg_temp.proof('a.dpo', :'proved', '#>> ''{log,0,event}'''), '(row.insert)', 'and its place in the log');
select is(p, '(t)', 'whose digest is that of the row, and whose leaf is what was chained')
from unnest(array[pg_temp.proof('a.dpo', :'proved', '->> ''row_digest'' = (((clinic.consent_proof(' || quote_literal(:'proved') || ') #>> ''{log,0,leaf}'')::jsonb ->> 16)::jsonb ->> ''digest'')'),
                  pg_temp.proof('a.dpo', :'proved', '#> ''{log}'' is not null')]) p;
select is((select encode(l.hash, 'hex') from audit.leaves l join audit.events e using (organisation_id, lane, seq) where e.resource_id = :'proved' and e.event = 'row.insert'),
  trim(both '()' from pg_temp.proof('a.dpo', :'proved', '#>> ''{log,0,leaf_hash}''')), 'the hash is the one that an export has');
select is((select count(*) from audit.events e where e.event = 'log.read' and e.resource_id = :'proved' and e.outcome = 'success' and e.patient_id = tests.the('a.mine')::uuid), 1::bigint, 'the DPO''s reading is in the log, and on the patient''s page');

-- ---------------------------------------------------------------- 3: registering

create function pg_temp.registers(choices jsonb) returns text language sql as $$ select tests.owner(format('select coalesce(privacy.agrees(%L)::text, ''null'')', choices)) $$;
create temp view needed as select jsonb_object_agg(t, pg_temp.hash_of(t)) as choices from unnest(array['data_processing', 'telemedicine_usage', 'medical_record_storage']) t;
select is(pg_temp.registers(choices), 'true', 'the three needed ones do') from needed;
select is(pg_temp.registers(choices - t), 'false', 'cannot register without ' || t) from needed, unnest(array['data_processing', 'telemedicine_usage', 'medical_record_storage']) t;
select is(pg_temp.registers(choices || jsonb_build_object('marketing', v)), 'false', 'nor with words that nobody showed') from needed, unnest(array['', repeat('0', 64), pg_temp.hash_of('mes_sharing')]) v;
select is(pg_temp.registers(choices || '{"everything": "x"}'), 'false', 'nor with an agreement that nobody asks') from needed;
select isnt(pg_temp.registers(v::jsonb), 'true', 'nor with ' || v) from unnest(array['null', '[]', '""', '{}', '7']) v;

-- nobody fills the log by changing their mind, and nobody waits who takes back what is in force
select is(pg_temp.decide('a.patient', 'marketing', true, pg_temp.hash_of('marketing')), 'done');
select is(tests.owner(format('select count(ops.take(''consents/%s'', 60, 1.0 / 600)) from generate_series(1, 61)', tests.the('a.patient.account'))), '61');
select is(pg_temp.decide('a.patient', 'marketing', true, pg_temp.hash_of('marketing')), 'VS429', 'agreeing again and again waits');
select is(pg_temp.decide('a.patient', 'marketing', false, pg_temp.hash_of('marketing')), 'done', 'withdrawing does not');
select is(pg_temp.decide('a.patient', 'marketing', false, pg_temp.hash_of('marketing')), 'VS429', 'but once more does');
select is(tests.owner('delete from ops.limits where key like ''consents/%'''), 'done');

select * from finish();
