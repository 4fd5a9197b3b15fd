-- The DPO's desk: what waits for an answer, who agreed to what, and what was forgotten.
--
-- Guarantees
--   1. A DPO reads their own organisation alone, by ids: no name, no birth date, nothing clinical.
--   2. A withdrawn needed agreement waits until it is answered, or until the patient agrees again; a request of erasure until
--      it is done or answered. An answer is one of a closed list, once, by whom and when; append-only, an event that the patient
--      reads too.
--   3. Nobody answers that an erasure was asked for where none was.
--   4. What waits has its day: a month from when it came (RGPD art. 12(3)).
--   5. The certificate of an erasure is told to the DPO of its organisation, and to nobody else.

set role vs_owner;

-- ---------------------------------------------------------------- answers

create table privacy.answers (
  id                  uuid primary key default ops.uuid_v7(),
  organisation_id     uuid not null references access.organisations,
  -- answered once, and it is one or the other
  consent_id          uuid unique references privacy.consents,
  erasure_request_id  uuid unique references privacy.erasure_requests,
  answer              text not null,
  answered_by         uuid not null references iam.accounts,
  answered_at         timestamptz not null default clock_timestamp(),
  check (num_nonnulls(consent_id, erasure_request_id) = 1),
  -- a withdrawal: the patient was told what it changes and what the law keeps; is followed elsewhere from now on; wants to be
  -- forgotten; or meant something else. An erasure: they were told until when and why the law keeps it; or want it no longer
  check (case when consent_id is not null then answer in ('informed', 'care_ended', 'erasure_requested', 'mistake')
              else answer in ('kept_by_law', 'taken_back') end)
);
comment on table privacy.answers is 'What the DPO answered to a withdrawn agreement that is needed, or to somebody whose erasure was asked for.';
create index answers_organisation on privacy.answers (organisation_id);
create index answers_answered_by on privacy.answers (answered_by);
alter table privacy.answers enable row level security;
alter table privacy.answers force row level security;
create policy select_owner on privacy.answers for select to vs_owner using (true);
comment on policy select_owner on privacy.answers is 'The functions below, and privacy.erase_patient.';
create policy insert_owner on privacy.answers for insert to vs_owner
  with check ((select access.role()) = 'dpo' and organisation_id = (select access.organisation_id()) and answered_by = (select access.account_id())
              and answered_at between clock_timestamp() - interval '1 minute' and clock_timestamp() + interval '5 seconds');
comment on policy insert_owner on privacy.answers is 'A DPO, in their own name and organisation, now.';
-- no update, no delete: it was answered
create trigger _100_append_only before update or delete on privacy.answers for each row execute function audit.tg_events__append_only();
create trigger _101_no_truncate before truncate on privacy.answers for each statement execute function audit.tg_events__append_only();
create trigger _900_audit after insert or update or delete on privacy.answers for each row execute function audit.tg_row('PrivacyAnswer', '');

-- Each withdrawal of a needed agreement that was in force, in this organisation; `again` is when the patient agreed again.
create function privacy.withdrawals(organisation uuid) returns table (id uuid, patient_id uuid, type text, at timestamptz, again timestamptz)
language plpgsql stable rows 100 set search_path = '' as $$
begin
  return query
  select c.id, c.patient_id, c.type, c.at, g.at
  from privacy.consents c
  left join lateral (select x.at from privacy.consents x where x.patient_id = c.patient_id and x.type = c.type and x.seq > c.seq and x.given
                     order by x.seq limit 1) g on true
  where c.organisation_id = organisation and not c.given and privacy.is_needed(c.type)
    -- sent twice: the first one has done it
    and (select x.given from privacy.consents x where x.patient_id = c.patient_id and x.type = c.type and x.seq < c.seq order by x.seq desc limit 1)
    and not exists (select from privacy.erasures e where e.patient_id = c.patient_id);
end $$;
comment on function privacy.withdrawals is 'Internal.';

create function clinic.answer_request(key uuid, request uuid, answer text) returns uuid
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  made privacy.answers;
  patient uuid;
begin
  if (c[4] = 'dpo') is not true or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS403', message = 'the DPO answers';
  end if;
  select w.id, w.patient_id into made.consent_id, patient from privacy.withdrawals(c[3]::uuid) w where w.id = request;
  if patient is null then
    select r.id, r.patient_id into made.erasure_request_id, patient from privacy.erasure_requests r
    where r.id = request and r.organisation_id = c[3]::uuid and not exists (select from privacy.erasures e where e.patient_id = r.patient_id);
  end if;
  if patient is null then
    raise exception using errcode = 'VS404', message = 'there is no such request here';
  end if;
  made.id := ops.uuid_v7();
  perform ops.fulfil(key, 'requests.answer', made.id);
  if answer_request.answer = 'erasure_requested'
     and not exists (select from privacy.erasure_requests r where r.patient_id = patient and r.organisation_id = c[3]::uuid) then
    raise exception using errcode = 'VS409', message = 'no erasure was asked for: ask for it first';
  end if;
  insert into privacy.answers (id, organisation_id, consent_id, erasure_request_id, answer, answered_by)
  values (made.id, c[3]::uuid, made.consent_id, made.erasure_request_id, answer_request.answer, c[2]::uuid);
  perform audit.append(c, 'request.answer', case when made.consent_id is null then 'ErasureRequest' else 'Consent' end, request, patient, 'success',
    json_build_object('answer', answer_request.answer)::text);
  return made.id;
exception
  when check_violation or not_null_violation then
    raise exception using errcode = 'VS422', message = 'the answer is one of the list';
  when unique_violation then
    raise exception using errcode = 'VS409', message = 'somebody has answered it already';
end $$;
comment on function clinic.answer_request is 'The DPO notes what became of a withdrawn agreement or of a request of erasure. key: ops.intend(key, ''requests.answer''). Errors: VS208, VS403, VS404, VS409, VS422, VS428.';

-- ---------------------------------------------------------------- what waits

create function clinic.read_withdrawals() returns table (id uuid, patient_id uuid, type text, at timestamptz, due_at timestamptz, again_at timestamptz,
  answer text, answered_at timestamptz, answered_by_name text, open boolean)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
begin
  return query
  select w.id, w.patient_id, w.type, w.at, privacy.due(w.at), w.again, a.answer, a.answered_at, iam.person_name(a.answered_by),
         a.id is null and w.again is null
  from privacy.withdrawals(access.organisation_as('dpo')) w left join privacy.answers a on a.consent_id = w.id
  order by w.at desc;
end $$;
comment on function clinic.read_withdrawals is 'For a DPO. Errors: VS503.';
create view clinic.withdrawals with (security_invoker = true) as select * from clinic.read_withdrawals();
comment on view clinic.withdrawals is 'Withdrawn agreements that are needed, and what became of each; open: nobody has answered it and the patient hasn''t agreed again. not null: id, patient_id, type, at, due_at, open';

create function clinic.read_privacy_tasks() returns table (kind text, id uuid, patient_id uuid, what text, since timestamptz, due_at timestamptz)
language plpgsql stable security definer set search_path = '' set debug_print_plan = off as $$
declare
  organisation uuid := access.organisation_as('dpo');
begin
  return query
  select 'erasure', r.id, r.patient_id, r.ground, r.requested_at, privacy.due(r.requested_at)
  from privacy.erasure_requests r
  where r.organisation_id = organisation and not exists (select from privacy.erasures e where e.patient_id = r.patient_id)
    and not exists (select from privacy.answers a where a.erasure_request_id = r.id)
  union all
  select 'withdrawal', w.id, w.patient_id, w.type, w.at, privacy.due(w.at)
  from privacy.withdrawals(organisation) w
  where w.again is null and not exists (select from privacy.answers a where a.consent_id = w.id)
  union all
  -- no law gives these a day; they come after what has one
  select 'glass', b.id, b.patient_id, b.kind, b.broken_at, null
  from access.broken_glass b where b.organisation_id = organisation and b.seen_at is null;
end $$;
comment on function clinic.read_privacy_tasks is 'For a DPO.';
create view clinic.privacy_tasks with (security_invoker = true) as select * from clinic.read_privacy_tasks();
comment on view clinic.privacy_tasks is 'What waits for the DPO: erasures that were asked for (what: the ground), withdrawn agreements that are needed (the type) and emergency accesses that nobody looked into (the kind). not null: kind, id, patient_id, what, since';

-- ---------------------------------------------------------------- who agreed to what

create function clinic.read_consent_counts() returns table (type text, version text, present boolean, given bigint, withdrawn bigint)
language plpgsql stable security definer rows 12 set search_path = '' set debug_print_plan = off as $$
declare
  organisation uuid := access.organisation_as('dpo');
begin
  if organisation is null then return; end if;
  return query
  with latest as materialized (
    select distinct on (c.patient_id, c.type) c.patient_id, c.type, c.given, c.text_hash
    from privacy.consents c where c.organisation_id = organisation order by c.patient_id, c.type, c.seq desc
  ), counted as (
    select t.type, t.version, count(*) filter (where l.given) as given, count(*) filter (where not l.given) as withdrawn
    from latest l join privacy.consent_texts t on t.hash = l.text_hash
    where not exists (select from privacy.erasures e where e.patient_id = l.patient_id) group by t.type, t.version
  )
  select v.type, v.version, v.version = privacy.current_version(v.type), coalesce(n.given, 0), coalesce(n.withdrawn, 0)
  from (select distinct t.type, t.version from privacy.consent_texts t) v left join counted n using (type, version)
  order by array_position(array['data_processing', 'medical_record_storage', 'telemedicine_usage', 'mes_sharing', 'research_anonymized', 'marketing'], v.type),
           v.version desc;
end $$;
comment on function clinic.read_consent_counts is 'For a DPO: how many patients'' last word on each text is yes, and no.';
create view clinic.consent_counts with (security_invoker = true) as select * from clinic.read_consent_counts();
comment on view clinic.consent_counts is 'Of the organisation''s patients, by their last decision of each type. present: the text that is asked now. not null: type, version, present, given, withdrawn';

-- ---------------------------------------------------------------- what was forgotten

create function clinic.erasure_certificate(request uuid) returns jsonb
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  found uuid;
begin
  select e.id into found from privacy.erasure_requests r join privacy.erasures e on e.patient_id = r.patient_id
  where r.id = request and r.organisation_id = access.organisation_as('dpo');
  if found is null then
    raise exception using errcode = 'VS404', message = 'there is no such erasure here';
  end if;
  return privacy.certificate(found);
end $$;
comment on function clinic.erasure_certificate is 'For the DPO: what proves that an erasure that they asked for was done (docs/formats.md). Errors: VS404.';

create function audit.open_privacy() returns text
language sql volatile security definer set search_path = '' set debug_print_plan = off as $$ select audit.open_page('dpo', 'log.read', 'ErasureRequest') $$;
comment on function audit.open_privacy is 'The DPO reads requests and what became of them. ok, forbidden or signed_out.';

grant execute on function clinic.answer_request, clinic.read_withdrawals, clinic.read_privacy_tasks, clinic.read_consent_counts,
  clinic.erasure_certificate to vs_dpo;
grant execute on function audit.open_privacy to vs_anon, vs_patient, vs_clinician, vs_secretary, vs_org_admin, vs_auditor, vs_dpo, vs_researcher;
grant select on clinic.withdrawals, clinic.privacy_tasks, clinic.consent_counts to vs_dpo;

reset role;
