\ir support/world.psql
select no_plan();

-- patients of this file's own, since an erasure lasts: one that the law keeps, and one of whom it is silent
create function pg_temp.import(source text, traits jsonb) returns text language sql as $$
  select substr(tests.attempt('a.import of clinician', format('select id from clinic.import_patient(%L)',
    '{"birth_name": "Lenoir", "first_given_name": "Yves", "sex": "male", "birth_date": "1931-04-02", "last_activity_at": "2004-03-01T09:00:00Z"}'::jsonb
    || jsonb_build_object('source', source) || traits), 'write'), 2, 36)
$$;
delete from tests.world where name in ('a.third', 'a.old', 'a.kept', 'a.minor', 'a.deceased', 'a.old account', 'a.old patient');
insert into tests.world values ('a.source', 'Patient/' || gen_random_uuid()) on conflict (name) do update set value = excluded.value;
insert into tests.world values ('a.old', pg_temp.import(tests.the('a.source'), '{"birth_name": "Desvignes"}')), ('a.kept', pg_temp.import('Patient/' || gen_random_uuid(), '{"last_activity_at": "2025-03-01T09:00:00Z"}')),
  ('a.minor', pg_temp.import('Patient/' || gen_random_uuid(), '{"birth_date": "2003"}')),
  ('a.deceased', pg_temp.import('Patient/' || gen_random_uuid(), '{"last_activity_at": "2013-03-01T09:00:00Z", "deceased_date": "2015-06"}'));
create function pg_temp.kept_until(patient text) returns text language sql as $$
  select tests.owner(format('select (privacy.kept_until(%L, %L) at time zone ''UTC'')::date::text', tests.the('ring'), tests.the(patient)))
$$;
create function pg_temp.erase(patient text, ground text) returns text language sql as $$
  select tests.owner(format('select privacy.erase_patient(%L, %L, %L)::text', tests.the('ring'), tests.the(patient), ground))
$$;

-- ---------------------------------------------------------------- 3: what the law keeps, and who asks

select is(pg_temp.kept_until('a.old'), '2024-03-01', '20 years after the last visit');
select is(pg_temp.kept_until('a.minor'), '2031-12-30', 'to the 28th birthday, the last day that it can be');
select is(pg_temp.kept_until('a.deceased'), '2025-06-29', '10 years after a death that followed the last visit');
select is(pg_temp.erase('a.kept', g), 'VS409', 'the law keeps a record against ' || g)
from unnest(array['retention_ended', 'no_longer_necessary', 'consent_withdrawn', 'objection']) g;
select is(pg_temp.erase('a.kept', 'because'), 'VS422', 'a ground is one of the list');
select is(pg_temp.erase('a.kept', null), 'VS422', 'nothing is erased without a ground');
select is(tests.owner(format('select privacy.erase_patient(%L, gen_random_uuid(), ''unlawful_processing'')::text', tests.the('ring'))), 'VS404', 'nobody is erased who isn''t here');
select is(tests.attempt(who, format('select privacy.erase_patient(%L, %L, ''legal_obligation'')', tests.the('ring'), tests.the('a.old')), 'write'), '42501', 'cannot erase: ' || who)
from unnest(array['a.clinician', 'a.secretary', 'a.patient', 'a.org_admin', 'a.auditor', 'a.dpo', 'a.researcher', 'a.import of clinician']) who;

create function pg_temp.ask(who text, patient text, ground text, reason text) returns uuid language plpgsql as $$
declare
  key uuid := gen_random_uuid();
begin
  perform tests.attempt(who, format('select ops.intend(%L, ''erasures.request'')', key), 'open');
  return key;
end $$;
create temp table asked as select pg_temp.ask('a.dpo', 'a.old', 'objection', 'x') as key, pg_temp.ask('a.dpo', 'a.old', 'objection', 'x') as other, pg_temp.ask('a.clinician', 'a.old', 'objection', 'x') as clinician, pg_temp.ask('b.dpo', 'a.old', 'objection', 'x') as foreign_one;
create function pg_temp.request(who text, key uuid, patient text, ground text, reason text) returns text language sql as $$
  select case when length(a) = 38 then 'asked' else a end from tests.attempt(who, format('select clinic.request_erasure(%L, %L, %L, %L)', key, coalesce(tests.the(patient), gen_random_uuid()::text), ground, reason), 'write') a
$$;
select is(pg_temp.request('a.clinician', (select clinician from asked), 'a.old', 'objection', 'demande'), '42501', 'a clinician doesn''t ask for an erasure');
select is(pg_temp.request('b.dpo', (select foreign_one from asked), 'a.old', 'objection', 'demande'), 'VS404', 'nor the DPO of another practice');
select is(pg_temp.request('a.dpo', (select key from asked), 'a.nobody at all', 'objection', 'demande'), 'VS404', 'in the same words as for nobody');
select is(pg_temp.request('a.dpo', (select key from asked), 'a.old', 'objection', ' '), 'VS422', 'without a reason');
select is(pg_temp.request('a.dpo', (select key from asked), 'a.old', 'wish', 'demande'), 'VS422', 'or a ground');
select is(pg_temp.request('a.dpo', gen_random_uuid(), 'a.old', 'objection', 'demande'), 'VS428', 'or an intent');
select is(pg_temp.request('a.dpo', (select key from asked), 'a.old', 'objection', 'courrier du 3 mars'), 'asked', 'the DPO asks');
select is(pg_temp.request('a.dpo', (select key from asked), 'a.old', 'objection', 'courrier du 3 mars'), 'VS208', 'once');
select is(tests.attempt('a.dpo', format('select ground, reason, erased_at from clinic.erasure_requests where patient_id = %L', tests.the('a.old'))), '(objection,"courrier du 3 mars",)', 'and reads what was asked');
select is(tests.attempt('b.dpo', 'select * from clinic.erasure_requests'), 'nothing', 'another DPO reads nothing of it');
select is(tests.attempt('a.org_admin', 'select * from clinic.erasure_requests'), '42501', 'nor an administrator of the practice');
select is((select position('courrier' in row_to_json(r)::text) from privacy.erasure_requests r limit 1), 0, 'the reason is sealed');

-- ---------------------------------------------------------------- 1: what is destroyed

-- an account of their own, signed in, and a clinician who has them open and on a list
do $$
declare
  ring text := tests.the('ring');
  organisation uuid := tests.the('a.organisation');
  patient uuid := tests.the('a.old');
  account uuid;
  token text;
begin
  perform set_config('role', 'vs_owner', true);
  account := iam.create_account(ring, organisation, 'patient', 'yves@exemple.fr', '{"family_name": "Lenoir", "given_name": "Yves"}', null, null,
                                patient => patient, password_hash => '$2a$12$' || repeat('.', 53));
  token := iam.open_session(account);
  insert into iam.devices (account_id, token_hash) values (account, iam.hash_token('a browser'));
  insert into iam.recovery_codes (account_id, code_hash) values (account, '$2a$10$' || repeat('.', 53));
  insert into iam.passkeys (account_id, credential_id, public_key, rp_id, name, user_verified, backup_eligible, backed_up)
  values (account, uuid_send(account), 'key', 'localhost', 'sealed', true, false, false);
  perform ops.post(ring, account, 'email', 'password_changed', '{}');
  perform set_config('role', 'none', true);
  insert into tests.world values ('a.old account', account), ('a.old patient', token);
end $$;
select is(tests.opened('a.old patient', 'a.old'), '(ok)');
select is(tests.opened('a.clinician', 'a.old'), '(ok)');
select is(tests.opened('a.clinician', 'a.mine'), '(ok)');
-- referred to the colleague; a third clinician has found them in an emergency, and broken the glass
do $$
declare
  ring text := tests.the('ring');
  organisation uuid := tests.the('a.organisation');
  account uuid;
  token text;
begin
  perform set_config('role', 'vs_owner', true);
  account := iam.create_account(ring, organisation, 'clinician', 'third@exemple.fr', '{"family_name": "Tiers", "given_name": "Zoé"}', null, null, password_hash => '$2a$12$' || repeat('.', 53));
  token := iam.open_session(account);
  perform set_config('role', 'none', true);
  insert into tests.world values ('a.third', token);
end $$;
select gen_random_uuid() as referral_key, gen_random_uuid() as found, gen_random_uuid() as found_again, gen_random_uuid() as glass, gen_random_uuid() as glass_again \gset
select is(tests.attempt('a.clinician', format('select ops.intend(%L, ''referrals.make'')', :'referral_key'), 'open'), '(ok)');
select is(tests.attempt('a.clinician', format('select clinic.make_referral(%L, %L, %L, ''routine'', ''avis'', now() + interval ''30 days'')', :'referral_key', tests.the('a.old'), tests.the('a.colleague.account')), 'write') ~ '^\(', true);
select is(tests.opened('a.colleague', 'a.old'), '(ok)', 'referred');
select is(tests.attempt('a.third', format('select audit.open_emergency_search(%L, ''Desvignes'', ''1931-04-02'', null, null)', id), 'open'), '(ok)') from unnest(array[:'found', :'found_again']::uuid[]) id;
select is(tests.attempt('a.third', format('select audit.break_glass(%L, %L, ''emergency'', ''inconscient, aux urgences'')', :'glass', :'found'), 'open'), '(ok)');
select is(tests.opened('a.third', 'a.old'), '(ok)', 'in an emergency');
select gen_random_uuid() as selection \gset
select is(tests.attempt('a.secretary', format('select audit.open_patient_search(%L, ''desvignes'', null)', :'selection'), 'open'), '(ok)');
select is(tests.attempt('a.secretary', format('select birth_name from clinic.patient_names where id = %L and id = any (audit.selected(%L))', tests.the('a.old'), :'selection')), '(Desvignes)');

select tests.the('a.old account') as old \gset
select pg_temp.erase('a.old', null) as erasure \gset
select is(length(:'erasure'), 36, 'the administrator does what the DPO asked for, on that ground');
select is((select destroyed - 'search_tokens' - 'openings' from privacy.erasures where id = :'erasure'),
  '{"keys": 3, "accounts": 1, "factors": 1, "sessions": 1, "selections": 1, "care_teams": 1, "memberships": 1, "referrals": 1, "emergencies": 1}'::jsonb, 'what was destroyed is counted');
select is((select count(*) from vault.keys where subject_id in (tests.the('a.old')::uuid, tests.the('a.old account')::uuid)), 0::bigint, 'no key is left');
select is((select count(*) from vault.search_tokens where patient_id = tests.the('a.old')::uuid), 0::bigint, 'no search token');
select is((select count(*) from audit.openings where patient_id = tests.the('a.old')::uuid), 0::bigint, 'no opening');
select is((select count(*) from audit.selections where tests.the('a.old')::uuid = any (patients)), 0::bigint, 'no selection holds the id');
select is((select count(*) from store.patients where id = tests.the('a.old')::uuid), 1::bigint, 'the ciphertext stays');
select is((select count(*) from iam.devices where account_id = :'old') + (select count(*) from iam.recovery_codes where account_id = :'old')
  + (select count(*) from iam.passkeys where account_id = :'old') + (select count(*) from ops.outbox where account_id = :'old'), 0::bigint, 'browsers, codes, passkeys and messages are gone')
  from (select) x;
select is_empty($$select a.attrelid::regclass from pg_attribute a join pg_class c on c.oid = a.attrelid and c.relkind = 'r'
  where a.attname in ('account_id', 'session_id') and c.relnamespace in ('iam'::regnamespace, 'ops'::regnamespace, 'privacy'::regnamespace)
  -- tokens of sessions that are over, keys of changes, and the proof of what was agreed to
  and a.attrelid::regclass::text not in ('iam.sessions', 'iam.old_tokens', 'ops.intents', 'privacy.consents')
  and strpos((select p.prosrc from pg_proc p where p.oid = 'privacy.destroy'::regproc), 'delete from ' || a.attrelid::regclass || ' ') = 0$$, 'erasing knows every table of what an account has');
select is(tests.owner(format('select iam.sign_in_lookup(%L, ''yves@exemple.fr'')::text', tests.the('ring'))) = tests.the('a.old account'), false, 'the address leads nowhere');
select is((select (status, password_hash) from iam.accounts where id = tests.the('a.old account')::uuid), row('suspended'::text, null::text), 'nobody signs in with it');

-- ---------------------------------------------------------------- 2: like somebody who never was here

select is(tests.opened(who, 'a.old'), '(hidden)', 'hidden: ' || who) from unnest(array['a.clinician', 'a.colleague', 'a.third', 'a.secretary', 'a.org_admin', 'a.dpo', 'b.clinician']) who;
select is(tests.attempt('a.third', format('select audit.break_glass(%L, %L, ''emergency'', ''inconscient, aux urgences'')', :'glass_again', :'found_again'), 'open'), '(hidden)', 'what an emergency search had found is nobody');
select is(tests.attempt('a.dpo', format('select reason is null from clinic.broken_glass where id = %L', :'glass')), '(t)', 'the reason of an emergency went with the keys');
select is(tests.attempt('a.old patient', 'select 1', 'read'), 'VS401', 'their own session is over');
select is(tests.attempt('a.clinician', format('select * from clinic.%I where %I = %L', v, case when v ~ '^patient' then 'id' else 'patient_id' end, tests.the('a.old')), 'read', f), 'nothing', 'no row: ' || v)
from unnest(array['patients', 'patient_names', 'encounters', 'conditions', 'observations', 'medication_requests', 'allergy_intolerances', 'notes', 'allergy_status']) v, unnest(array[null, tests.the('a.old')]) f;
select is(tests.attempt('a.secretary', format('select id from clinic.patients where id = %L', tests.the('a.old'))), 'nothing', 'nor for a secretary');
select gen_random_uuid() as list \gset
select is(tests.attempt('a.secretary', format('select audit.open_patient_list(%L)', :'list'), 'open'), '(ok)');
select is(tests.attempt('a.secretary', format('select birth_name, %L = any (audit.selected(%L)) from clinic.patient_names where id = %L and id = any (audit.selected(%L))', tests.the('a.old'), :'list', tests.the('a.mine'), :'list')), '(Moreau,f)', 'the list goes on without them');
select is(tests.attempt('a.secretary', format('select birth_name from clinic.patient_names where id = any (audit.selected(%L))', :'selection')), 'nothing', 'an earlier search shows them no more');
select gen_random_uuid() as again \gset
select is(tests.attempt('a.secretary', format('select audit.open_patient_search(%L, ''desvignes'', ''1931-04-02'')', :'again'), 'open'), '(ok)');
select is(tests.attempt('a.secretary', format('select %L = any (audit.selected(%L))', tests.the('a.old'), :'again')), '(f)', 'a search doesn''t find them');
select is(tests.attempt('a.import of clinician', format('select * from clinic.import_patient(%L)', jsonb_build_object('source', tests.the('a.source'), 'birth_name', 'Lenoir')), 'write'), '(,f)', 'the same source isn''t taken in again');
select is((select count(*) from access.care_team_patients where patient_id = tests.the('a.old')::uuid and valid_until > now()), 0::bigint, 'and joins no team');
select is(tests.attempt('a.import of clinician', format('select clinic.import_rows(%L, ''conditions'', ''[{"source": "c", "clinical_status": "active", "code": {"text": "x"}}]'')', tests.the('a.old')), 'write'), 'VS404', 'no row is sealed for them');
select is(tests.owner(format('select vault.create_key(%L, %L, ''identity'', %L)::text', tests.the('ring'), tests.the('a.old'), tests.the('a.organisation'))), 'VS409', 'no key is made for the id, whoever tries');
select is(tests.owner(format('update store.patients set erased_at = null, version = version + 1 where id = %L', tests.the('a.old'))), 'done', 'no row is there to bring back');
select isnt((select erased_at from store.patients where id = tests.the('a.old')::uuid), null, 'it stays erased');
select is(tests.attempt('a.clinician', format('select birth_name from clinic.patients where id = %L', tests.the('a.mine'))), '(Moreau)', 'a neighbour opens as before');
select is(pg_temp.request('a.dpo', (select other from asked), 'a.old', 'objection', 'encore'), 'VS404', 'for the DPO too there is nobody');
select is(tests.attempt('a.dpo', format('select erased_at is not null, complete_from - erased_at, reason is null from clinic.erasure_requests where patient_id = %L', tests.the('a.old'))), '(t,"30 days",t)', 'who sees that it was done, and from when on it is complete; the reason is forgotten too');

-- ---------------------------------------------------------------- 4: an event, once

select is(pg_temp.erase('a.old', 'legal_obligation'), :'erasure', 'the second time it is the same erasure');
select is((select count(*) from audit.events where patient_id = tests.the('a.old')::uuid and event = 'patient.erase'), 1::bigint, 'one event');
select is((select encode(l.hash, 'hex') from audit.events e join audit.leaves l using (organisation_id, lane, seq) where e.event = 'patient.erase' and e.patient_id = tests.the('a.old')::uuid),
  tests.owner(format('select privacy.certificate(%L) -> ''event'' ->> ''leaf_hash''', :'erasure')), 'the certificate names its leaf');
select is_empty('select * from audit.verify_all()', 'the chains are whole');
select is(tests.owner(format('delete from privacy.erasures where id = %L', :'erasure')), 'done');
select is((select count(*) from privacy.erasures where id = :'erasure'), 1::bigint, 'an erasure isn''t taken back');
select is(length(pg_temp.erase('a.kept', 'unlawful_processing')), 36, 'what was never lawful is erased at once');
select is(tests.attempt('a.clinician', format('select birth_name from clinic.patients where id = %L', tests.the('a.mine'))), '(Moreau)');

-- ---------------------------------------------------------------- 5: again, after a restore

create function pg_temp.replay(patient text, organisation text) returns text language sql as $$
  select tests.owner(format('select privacy.replay_erasure(%L)::text', jsonb_build_object('id', gen_random_uuid(), 'patient', coalesce(tests.the(patient), patient),
    'organisation', coalesce(tests.the(organisation), organisation), 'request', null, 'ground', 'objection', 'erased_at', '2026-01-01T00:00:00Z', 'complete_from', '2026-02-01T00:00:00Z',
    'masters', '["2026"]'::jsonb, 'destroyed', '{"keys": 2}'::jsonb, 'event', gen_random_uuid(), 'leaf_hash', repeat('00', 32))))
$$;
select is((tests.owner(format('select line from privacy.told_outside() where patient = %L', tests.the('a.old')))::jsonb - 'destroyed' - 'event' - 'leaf_hash') ->> 'id', :'erasure', 'an erasure is told to the record outside');
set timezone = 'Asia/Tokyo';
select is(tests.owner('select string_agg(line, '','') from privacy.told_outside()') ~ '[+]09', false, 'in UTC');
reset timezone;
select is(pg_temp.replay('a.old', 'a.organisation'), 'false', 'what is known isn''t done again');
select is(pg_temp.replay('a.minor', 'a.organisation'), 'true', 'what is not known is done again');
select is(tests.opened('a.clinician', 'a.minor'), '(hidden)');
select is((select count(*) from vault.keys where subject_id = tests.the('a.minor')::uuid), 0::bigint);
select is((select (erased_at, complete_from - replayed_at < interval '31 days' and replayed_at > erased_at) from privacy.erasures where patient_id = tests.the('a.minor')::uuid),
  row('2026-01-01Z'::timestamptz, true), 'it was erased when it was, and is complete when this copy''s backups are gone');
select is(pg_temp.replay(gen_random_uuid()::text, gen_random_uuid()::text), 'true', 'also of a patient and a practice from after the backup');
select is((select count(*) from audit.events where event = 'erasure.replay'), 2::bigint, 'each is an event');
select is_empty('select * from audit.verify_all()', 'the chains are whole');

select policies_are('privacy', 'erasures', array['select_owner', 'insert_owner']);
select policies_are('privacy', 'erasure_requests', array['select_owner', 'insert_owner']);
select policies_are('privacy', 'periods', array['select_owner', 'insert_owner', 'update_owner']);
select * from finish();
