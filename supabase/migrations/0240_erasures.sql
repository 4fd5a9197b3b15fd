-- Erasures: a forgotten patient is forgotten (RGPD art. 17).
--
-- Guarantees
--   1. An erasure destroys the patient's keys, search tokens, openings and what selections hold of them, ends every way in,
--      and the sessions, membership, factors and profile key of their own account. Ciphertext stays and opens no more; the
--      log stays whole. Neighbours open as before.
--   2. Whom it concerns is hidden like somebody who never was here, on every page, list, search and import; the same source
--      isn't taken in again, and no key is ever made again for this id.
--   3. What the law keeps is held back, with the explanation, unless the ground overrides it. Asking (DPO) and doing (the
--      administrator of the installation) are two people's.
--   4. An erasure is an event, happens once, and says from when on it is complete: the end of the backups' retention, or the
--      destruction of every master key of then, whichever comes first.
--   5. A database that was restored does it again before it serves, from the record outside (0250, db/erasures.ts).
--
-- What stays: consents, which prove what was agreed to (who, when, which text); ids, times and statuses of rows; the log, with who looked; addresses of the patient's own sign-ins, sealed with
-- the organisation's key, as long as the log is kept.

set role vs_owner;

-- ---------------------------------------------------------------- periods

create table privacy.periods (
  name    text primary key check (name in ('record', 'backup')),
  period  interval not null check (period > interval '0'),
  why     text not null
);
comment on table privacy.periods is 'How long something is kept: the record after the last visit, and backups of the database.';
alter table privacy.periods enable row level security;
alter table privacy.periods force row level security;
create policy select_owner on privacy.periods for select to vs_owner using (true);
comment on policy select_owner on privacy.periods is 'Legal hold and completeness.';
create policy insert_owner on privacy.periods for insert to vs_owner with check (true);
comment on policy insert_owner on privacy.periods is 'Made once, by this migration.';
create policy update_owner on privacy.periods for update to vs_owner using (true) with check (true);
comment on policy update_owner on privacy.periods is 'The administrator, where backups are kept for another time; recorded.';
insert into privacy.periods values
  ('record', '20 years', 'CSP R1112-7 for hospitals, from the last visit; CNIL for practices: 5 years active and 15 archived'),
  ('backup', '30 days', 'after this nothing restores a key that was destroyed');
create trigger _900_audit after insert or update or delete on privacy.periods for each row execute function audit.tg_row('RetentionPeriod', '');

-- ---------------------------------------------------------------- asking

create table privacy.erasure_requests (
  id               uuid primary key,
  organisation_id  uuid not null references access.organisations,
  patient_id       uuid not null references store.patients,
  requested_by     uuid not null references iam.accounts,
  requested_at     timestamptz not null default clock_timestamp(),
  -- art. 17(1) a to e; f is about services that children sign up to. retention_ended: art. 5(1)(e)
  ground           text not null check (ground in ('retention_ended', 'no_longer_necessary', 'consent_withdrawn', 'objection',
                                                   'unlawful_processing', 'legal_obligation')),
  reason           bytea not null
);
comment on table privacy.erasure_requests is 'What a DPO asked the administrator of the installation to erase; the reason is sealed with the patient''s identity key, and goes with it.';
-- "was it asked for?", and the DPO's list
create index erasure_requests_patient on privacy.erasure_requests (patient_id, requested_at desc);
create index erasure_requests_organisation on privacy.erasure_requests (organisation_id, requested_at desc);
create index erasure_requests_requested_by on privacy.erasure_requests (requested_by);
alter table privacy.erasure_requests enable row level security;
alter table privacy.erasure_requests force row level security;
create policy select_owner on privacy.erasure_requests for select to vs_owner using (true);
comment on policy select_owner on privacy.erasure_requests is 'privacy.erase_patient, clinic.read_erasure_requests.';
create policy insert_owner on privacy.erasure_requests for insert to vs_owner
  with check ((select access.role()) = 'dpo' and organisation_id = (select access.organisation_id()) and requested_by = (select access.account_id()));
comment on policy insert_owner on privacy.erasure_requests is 'A DPO, in their own name and organisation.';
create trigger _900_audit after insert or update or delete on privacy.erasure_requests for each row execute function audit.tg_row('ErasureRequest', 'patient_id');

create function clinic.request_erasure(key uuid, patient uuid, ground text, reason text) returns uuid
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  id uuid := ops.uuid_v7();
  organisation uuid := c[3]::uuid;
begin
  if (c[4] = 'dpo') is not true or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS403', message = 'the DPO asks for an erasure';
  end if;
  if coalesce(reason, '') !~ '[^[:space:]]' or length(reason) > 2000 then
    raise exception using errcode = 'VS422', message = 'a request says why, in up to 2,000 characters';
  end if;
  -- of another practice, erased or never here: one answer
  if access.organisation_of(patient) is distinct from organisation then
    raise exception using errcode = 'VS404', message = 'there is no such record here';
  end if;
  perform ops.fulfil(key, 'erasures.request', id);
  insert into privacy.erasure_requests (id, organisation_id, patient_id, requested_by, ground, reason)
  values (id, organisation, patient, c[2]::uuid, request_erasure.ground,
    vault.seal(vault.unwrap(vault.ring(), patient, 'identity'), id, patient, 1,
               convert_to(request_erasure.ground, 'UTF8'), 'privacy.erasure_requests.reason', request_erasure.reason));
  return id;
exception when check_violation then
  raise exception using errcode = 'VS422', message = 'the ground is not one of the list';
end $$;
comment on function clinic.request_erasure is 'A DPO asks for the erasure of a patient of the organisation; the administrator does it with `vitalsync erase`. key: an intent announced with ops.intend(key, ''erasures.request''). Errors: VS208, VS403, VS404, VS422, VS428.';
grant execute on function clinic.request_erasure to vs_dpo;

-- ---------------------------------------------------------------- what was erased

create table privacy.erasures (
  id               uuid primary key,
  -- no foreign keys: a restored database may know neither the patient nor the practice yet
  patient_id       uuid not null unique,
  organisation_id  uuid not null,
  request_id       uuid,
  ground           text not null check (ground in ('retention_ended', 'no_longer_necessary', 'consent_withdrawn', 'objection',
                                                   'unlawful_processing', 'legal_obligation')),
  erased_at        timestamptz not null,
  -- backups from before are gone by then
  complete_from    timestamptz not null,
  -- every master key of then, since a backup may hold the keys as an older one wrapped them: complete as well when all of
  -- these are destroyed
  masters          text[] not null,
  destroyed        jsonb not null,
  event_id         uuid not null,
  leaf_hash        bytea not null check (length(leaf_hash) = 32),
  -- done again in a database that was restored from before it
  replayed_at      timestamptz
);
comment on table privacy.erasures is 'Who was forgotten, when and on which ground; the certificate is made of it.';
-- the DPO's list
create index erasures_organisation on privacy.erasures (organisation_id, erased_at desc);
alter table privacy.erasures enable row level security;
alter table privacy.erasures force row level security;
create policy select_owner on privacy.erasures for select to vs_owner using (true);
comment on policy select_owner on privacy.erasures is 'Certificates, the record outside, and whoever makes a key.';
create policy insert_owner on privacy.erasures for insert to vs_owner with check (true);
comment on policy insert_owner on privacy.erasures is 'privacy.erase_patient, privacy.replay_erasure.';
-- no update, no delete: what is forgotten stays forgotten
create trigger _100_append_only before update or delete on privacy.erasures for each row execute function audit.tg_events__append_only();
create trigger _101_no_truncate before truncate on privacy.erasures for each statement execute function audit.tg_events__append_only();

-- Whatever path an id comes back by (an import, a restored table), nothing is ever sealed for it again.
create function privacy.tg_keys__not_erased() returns trigger
language plpgsql set search_path = '' as $$
begin
  if exists (select from privacy.erasures e where e.patient_id = new.subject_id) then
    raise exception using errcode = 'VS409', message = 'this record was erased: somebody who comes back gets a new one';
  end if;
  return new;
end $$;
-- a broken glass has an id that somebody chose, who must not learn by it whose was erased
create trigger _100_not_erased before insert on vault.keys for each row when (new.level <> 'glass')
  execute function privacy.tg_keys__not_erased();

-- ---------------------------------------------------------------- what the law keeps

create function privacy.last_day(partial_date text) returns date
language plpgsql stable set search_path = '' as $$
begin
  -- FHIR's dates may lack the day, or the month and the day: the last day that it can be
  return case length(partial_date)
    when 4 then make_date(partial_date::int, 12, 31)
    when 7 then (partial_date || '-01')::date + interval '1 month' - interval '1 day'
    else left(partial_date, 10)::date end;
exception when others then
  return null;  -- the text of that error would hold the date
end $$;
comment on function privacy.last_day is 'Internal: NULL for what is no date.';

create function privacy.kept_until(ring text, patient uuid) returns timestamptz
language plpgsql volatile set search_path = '' as $$
declare
  p store.patients;
  key bytea := vault.unwrap(ring, patient, 'identity');
  bound bytea;
  ends timestamptz;
  born date;
  died date;
begin
  select * into strict p from store.patients x where x.id = patient;
  bound := '\x00'::bytea || uuid_send(p.id) || uuid_send(p.id) || int8send(p.version)
    || convert_to(p.identity_status, 'UTF8') || uuid_send(p.organisation_id);
  born := privacy.last_day(convert_from(vault.unpack(key, 'store.patients.birth_date'::bytea || bound, p.birth_date), 'UTF8'));
  died := privacy.last_day(convert_from(vault.unpack(key, 'store.patients.deceased_date'::bytea || bound, p.deceased_date), 'UTF8'));
  ends := p.last_activity_at + (select x.period from privacy.periods x where x.name = 'record');
  -- a child's record to the 28th birthday; where death came within 10 years of the last visit, 10 years from there
  ends := greatest(ends, (born + interval '28 years') at time zone 'Europe/Paris');
  if died < p.last_activity_at + interval '10 years' then
    ends := (died + interval '10 years') at time zone 'Europe/Paris';
  end if;
  return ends;
end $$;
comment on function privacy.kept_until is 'Until when the law keeps this record (CSP R1112-7). What is opened for it doesn''t leave this function. Internal. Errors: VS404, VS500, VS503.';

-- ---------------------------------------------------------------- doing

-- Everything but the record of it; gives what was destroyed, as counts.
create function privacy.destroy(patient uuid) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare
  -- of whom nothing else here is: somebody who works here too keeps their account
  own_accounts uuid[] := array(
    select m.account_id from access.memberships m where m.patient_id = patient
      and not exists (select from access.memberships o where o.account_id = m.account_id and o.patient_id is distinct from patient));
  sessions uuid[] := array(
    select s.id from iam.sessions s join access.memberships m on m.id = s.membership_id where m.patient_id = patient);
  now_at timestamptz := clock_timestamp();
  n bigint;
  m bigint;
  counts jsonb := '{}'::jsonb;
begin
  perform iam.lock_account(x) from unnest(own_accounts) x order by x;
  -- ways in first, while everything still knows its organisation
  update access.care_team_patients p set valid_until = greatest(p.valid_from, now_at) where p.patient_id = patient and p.valid_until > now_at;
  get diagnostics n = row_count; counts := counts || jsonb_build_object('care_teams', n);
  update store.referrals r set valid_until = greatest(r.valid_from, now_at) where r.patient_id = patient and r.valid_until > now_at;
  get diagnostics n = row_count; counts := counts || jsonb_build_object('referrals', n);
  update access.broken_glass b set ends_at = greatest(b.broken_at, now_at) where b.patient_id = patient and b.ends_at > now_at;
  get diagnostics n = row_count; counts := counts || jsonb_build_object('emergencies', n);
  -- an emergency search that found them has found nobody
  update access.emergency_searches s set patient_id = null, matches = 0 where s.patient_id = patient;
  update iam.sessions s set revoked_at = now_at where s.id = any (sessions) and s.revoked_at is null;
  get diagnostics n = row_count; counts := counts || jsonb_build_object('sessions', n);
  update access.memberships m set valid_until = now_at where m.patient_id = patient and m.valid_until > now_at;
  get diagnostics n = row_count; counts := counts || jsonb_build_object('memberships', n);
  delete from iam.totp_factors f where f.account_id = any (own_accounts);
  get diagnostics n = row_count;
  delete from iam.passkeys f where f.account_id = any (own_accounts);
  get diagnostics m = row_count;
  delete from iam.phones f where f.account_id = any (own_accounts);
  delete from iam.recovery_codes f where f.account_id = any (own_accounts);
  counts := counts || jsonb_build_object('factors', n + m);
  -- what hangs on sign-ins, whoever's session it is: an account that stays keeps its own
  delete from iam.totp_enrolments x where x.session_id in (select s.id from iam.sessions s where s.account_id = any (own_accounts));
  delete from iam.challenges x where x.session_id in (select s.id from iam.sessions s where s.account_id = any (own_accounts));
  delete from iam.sent_codes x where x.account_id = any (own_accounts);
  delete from iam.address_changes x where x.account_id = any (own_accounts);
  delete from iam.sign_ins x where x.account_id = any (own_accounts);
  update iam.sessions s set device_id = null where s.account_id = any (own_accounts) and s.device_id is not null;
  delete from iam.devices x where x.account_id = any (own_accounts);
  delete from iam.invitations x where x.account_id = any (own_accounts);
  delete from iam.registration_links x where x.account_id = any (own_accounts);
  delete from iam.registrations x where x.account_id = any (own_accounts);
  delete from iam.recoveries x where x.account_id = any (own_accounts);
  delete from iam.former_names x where x.account_id = any (own_accounts);
  delete from ops.outbox x where x.account_id = any (own_accounts);
  -- the index of an address could be tried with the master key: random bytes instead
  update iam.accounts a set status = 'suspended', email_index = extensions.gen_random_bytes(16), password_hash = null, pepper_id = null,
    last_sign_in_at = null, email_confirmed_at = null, password_changed_at = null
  where a.id = any (own_accounts);
  get diagnostics n = row_count; counts := counts || jsonb_build_object('accounts', n);
  -- keys before tokens: a rotation that renews the tokens at this moment holds the key's row. Reasons of emergencies have
  -- keys of their own, which go with these (0114).
  delete from vault.keys k where (k.subject_id = patient and k.level <> 'glass') or (k.subject_id = any (own_accounts) and k.level = 'profile');
  get diagnostics n = row_count; counts := counts || jsonb_build_object('keys', n);
  delete from vault.search_tokens t where t.patient_id = patient;
  get diagnostics n = row_count; counts := counts || jsonb_build_object('search_tokens', n);
  delete from audit.openings o where o.patient_id = patient or o.session_id = any (sessions);
  get diagnostics n = row_count; counts := counts || jsonb_build_object('openings', n);
  update audit.selections s set patients = array_remove(s.patients, patient) where patient = any (s.patients);
  get diagnostics n = row_count; counts := counts || jsonb_build_object('selections', n);
  update store.patients p set erased_at = now_at, version = p.version + 1 where p.id = patient and p.erased_at is null;
  return counts;
end $$;
comment on function privacy.destroy is 'Internal: privacy.erase_patient has asked whether it may, privacy.replay_erasure repeats what was decided.';

create function privacy.erase_patient(ring text, patient uuid, ground text default null) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
  erasure_id uuid := ops.uuid_v7();
  organisation uuid;
  request privacy.erasure_requests;
  known text[];
  ends timestamptz;
  counts jsonb;
  written uuid;
begin
  -- one that is done in a database which must not serve would be lost with it
  perform ops.require_clearance();
  -- before the patient's row: whoever decides something at this moment goes from the account to it (0310)
  perform iam.lock_account(x.account_id)
  from (select distinct m.account_id from access.memberships m where m.patient_id = patient order by m.account_id) x;
  select p.organisation_id into organisation from store.patients p where p.id = patient for update;
  if exists (select from privacy.erasures e where e.patient_id = patient) then
    return (select e.id from privacy.erasures e where e.patient_id = patient);
  end if;
  if organisation is null then
    raise exception using errcode = 'VS404', message = 'there is no such patient in this installation';
  end if;
  select * into request from privacy.erasure_requests r where r.patient_id = patient and r.ground = coalesce(erase_patient.ground, r.ground)
    and not exists (select from privacy.answers a where a.erasure_request_id = r.id and a.answer = 'taken_back')
  order by r.requested_at desc limit 1;
  ground := coalesce(erase_patient.ground, request.ground);
  if ground is null then
    raise exception using errcode = 'VS422', message = 'nobody asked for this erasure: give its ground';
  end if;
  if ground not in ('retention_ended', 'no_longer_necessary', 'consent_withdrawn', 'objection', 'unlawful_processing', 'legal_obligation') then
    raise exception using errcode = 'VS422', message = 'the ground is not one of the list';
  end if;
  ends := privacy.kept_until(ring, patient);
  if ends > clock_timestamp() and ground not in ('unlawful_processing', 'legal_obligation') then
    raise exception using errcode = 'VS409', message = format(
      'the law keeps this record until %s (20 years after the last visit, and to the 28th birthday; 10 years after a death that followed it: CSP R1112-7, RGPD art. 17(3)(b)); before that it is erased for unlawful_processing or legal_obligation alone',
      to_char(ends at time zone 'Europe/Paris', 'YYYY-MM-DD'));
  end if;
  known := array(select m.id from vault.masters m order by m.added_at, m.id);
  counts := privacy.destroy(patient);
  written := audit.append(array[null, null, organisation::text, null, null, null, null, null], 'patient.erase', 'Patient', patient, patient, 'success',
    json_build_object('erasure', erasure_id, 'ground', ground, 'request', request.id, 'destroyed', counts)::text);
  insert into privacy.erasures (id, patient_id, organisation_id, request_id, ground, erased_at, complete_from, masters, destroyed, event_id, leaf_hash)
  select erasure_id, patient, organisation, request.id, erase_patient.ground, e.at, e.at + p.period, known, counts, written, sha256(convert_to(e.leaf, 'UTF8'))
  from audit.events e, privacy.periods p where e.id = written and e.patient_id = patient and p.name = 'backup';
  return erasure_id;
end $$;
comment on function privacy.erase_patient is 'Forgets a patient for good; gives the id of the erasure, of the earlier one if that has happened. ground: NULL takes the one that the DPO asked on. As vs_owner. Errors: VS404, VS409 while the law keeps the record, VS422, VS503.';
-- no grant: the administrator of the installation, `vitalsync erase`

-- What is kept outside, a line each: docs/formats.md. Times in UTC, so that a line doesn't follow whoever asks.
create function privacy.told_outside() returns table (patient uuid, line text)
language sql stable set search_path = '' as $$
  select e.patient_id, jsonb_build_object('id', e.id, 'patient', e.patient_id, 'organisation', e.organisation_id, 'request', e.request_id, 'ground', e.ground,
    'erased_at', to_char(e.erased_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'complete_from', to_char(e.complete_from at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'masters', e.masters, 'destroyed', e.destroyed, 'event', e.event_id, 'leaf_hash', encode(e.leaf_hash, 'hex'))::text
  from privacy.erasures e order by e.erased_at, e.id
$$;
comment on function privacy.told_outside is 'Every erasure as it is told to the record outside. As vs_owner.';

create function privacy.replay_erasure(told jsonb) returns boolean
language plpgsql volatile set search_path = '' as $$
declare
  patient uuid := (told ->> 'patient')::uuid;
  place uuid := (select o.id from access.organisations o where o.id = (told ->> 'organisation')::uuid);
begin
  if exists (select from privacy.erasures e where e.patient_id = patient) then return false; end if;
  perform privacy.destroy(patient);
  perform audit.append(array[null, null, place::text, null, null, null, null, null], 'erasure.replay', 'Patient', patient, patient, 'success',
    json_build_object('erasure', told ->> 'id', 'event', told ->> 'event')::text);
  -- the restored copy brought the keys back for a while, and backups of it may have been made
  insert into privacy.erasures (id, patient_id, organisation_id, request_id, ground, erased_at, complete_from, masters, destroyed, event_id, leaf_hash, replayed_at)
  select (told ->> 'id')::uuid, patient, (told ->> 'organisation')::uuid, (told ->> 'request')::uuid, told ->> 'ground', (told ->> 'erased_at')::timestamptz,
         clock_timestamp() + p.period, array(select jsonb_array_elements_text(told -> 'masters')), told -> 'destroyed', (told ->> 'event')::uuid,
         decode(told ->> 'leaf_hash', 'hex'), clock_timestamp()
  from privacy.periods p where p.name = 'backup';
  return true;
end $$;
comment on function privacy.replay_erasure is 'Does again what a line of the record outside tells; false if this database knows it. As vs_owner, before the database is cleared to serve.';

-- ---------------------------------------------------------------- telling

-- volatile, so that the very statement that erases may ask for it
create function privacy.certificate(erasure uuid) returns jsonb
language sql volatile set search_path = '' as $$
  select jsonb_build_object(
    'erasure', e.id, 'patient', e.patient_id, 'organisation', e.organisation_id, 'organisation_name', o.name, 'request', e.request_id,
    'requested_by', r.requested_by, 'ground', e.ground, 'erased_at', to_json(e.erased_at), 'destroyed', e.destroyed,
    'event', jsonb_build_object('id', e.event_id, 'leaf_hash', encode(e.leaf_hash, 'hex')),
    'masters', e.masters,
    -- when none of them is in use any more: destroying them completes the erasure before backups end
    'masters_retired_at', (select to_json(max(m.retired_at)) from vault.masters m where m.id = any (e.masters) having bool_and(not m.active)),
    'complete_from', to_json(e.complete_from), 'replayed_at', to_json(e.replayed_at))
  from privacy.erasures e
  left join access.organisations o on o.id = e.organisation_id
  left join privacy.erasure_requests r on r.id = e.request_id
  where e.id = erasure
$$;
comment on function privacy.certificate is 'What `vitalsync erase` prints: see docs/formats.md. As vs_owner.';

-- RGPD art. 12(3): whoever asks is answered within a month.
create function privacy.due(since timestamptz) returns timestamptz
language sql stable set search_path = '' set timezone = 'Europe/Paris' as $$ select since + interval '1 month' $$;
comment on function privacy.due is 'Until when a request that came then is answered. Internal.';

create function privacy.held_until(ring text, patient uuid, ground text) returns int
language plpgsql stable set search_path = '' as $$
declare
  ends timestamptz;
begin
  if ground in ('unlawful_processing', 'legal_obligation') then return null; end if;
  ends := privacy.kept_until(ring, patient);
  -- the day would be a birthday, of somebody young: a DPO sees no identity
  return case when ends > clock_timestamp() then extract(year from ends at time zone 'Europe/Paris')::int end;
end $$;
comment on function privacy.held_until is 'The year in which the law''s period for this record ends; NULL where it holds nothing back. Internal. Errors: VS404, VS500, VS503.';

create function clinic.read_erasure_requests() returns table (id uuid, patient_id uuid, ground text, reason text, requested_by uuid,
  requested_by_name text, requested_at timestamptz, erased_at timestamptz, complete_from timestamptz, due_at timestamptz, held_until int,
  answer text, answered_at timestamptz)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  organisation uuid := access.organisation_as('dpo');
  ring text;
begin
  if organisation is null then return; end if;
  ring := vault.ring();
  return query
    select r.id, r.patient_id, r.ground,
           -- once it was done, the reason is forgotten with the patient
           case when e.id is null then
             convert_from(vault.unpack(vault.unwrap(ring, r.patient_id, 'identity'), convert_to('privacy.erasure_requests.reason', 'UTF8') || '\x00'::bytea
               || uuid_send(r.id) || uuid_send(r.patient_id) || int8send(1) || convert_to(r.ground, 'UTF8'), r.reason), 'UTF8') end,
           r.requested_by, iam.person_name(r.requested_by), r.requested_at, e.erased_at, e.complete_from, privacy.due(r.requested_at),
           case when e.id is null then privacy.held_until(ring, r.patient_id, r.ground) end, a.answer, a.answered_at
    from privacy.erasure_requests r left join privacy.erasures e on e.patient_id = r.patient_id
    left join privacy.answers a on a.erasure_request_id = r.id
    where r.organisation_id = organisation order by r.requested_at desc;
end $$;
comment on function clinic.read_erasure_requests is 'For a DPO: what was asked for in the organisation, and what became of it; no reason any more once it was done. due_at: a month to answer (RGPD art. 12(3)); held_until: the year until which the law keeps the record.';
grant execute on function clinic.read_erasure_requests to vs_dpo;
create view clinic.erasure_requests with (security_invoker = true) as select * from clinic.read_erasure_requests();
comment on view clinic.erasure_requests is 'Requests of erasure in the organisation. not null: id, patient_id, ground, requested_by, requested_at, due_at';
grant select on clinic.erasure_requests to vs_dpo;

reset role;
