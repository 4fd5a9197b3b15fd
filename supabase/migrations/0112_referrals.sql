-- Referrals: a clinician asks a colleague to see a patient, who sees the record until the referral ends.
--
-- Guarantees
--   1. Only a clinician of the patient's care team refers; somebody who was referred to, or who broke the glass, does not.
--   2. The colleague works as a clinician in the same organisation, and sees the patient from then until the end: at most
--      180 days, and never longer than the membership.
--   3. Either side or an administrator ends it; it can be shortened and never prolonged, and everything else of it stays.
--   4. The reason is sealed with the patient's clinical key, bound to both people, the urgency and the time: an administrator
--      sees that there is a referral, and not why.

set role vs_owner;

create table store.referrals (
  id               uuid primary key,
  organisation_id  uuid not null references access.organisations,
  patient_id       uuid not null references store.patients,
  requester_id     uuid not null references iam.accounts,
  performer_id     uuid not null references iam.accounts check (performer_id <> requester_id),
  priority         text not null check (priority in ('routine', 'urgent', 'asap', 'stat')),
  reason           bytea not null,
  valid_from       timestamptz not null,
  valid_until      timestamptz not null check (valid_until between valid_from and valid_from + interval '180 days'),
  ended_by         uuid references iam.accounts
);
comment on table store.referrals is 'FHIR ServiceRequest: requester, performer, priority, occurrencePeriod.';
-- "may this clinician open this patient?" and "whose patients does this clinician see?"
create index referrals_performer on store.referrals (performer_id, patient_id);
-- the chart, and an erasure
create index referrals_patient on store.referrals (patient_id, valid_from desc);
-- the administrator's page
create index referrals_organisation on store.referrals (organisation_id, valid_until desc);
create index referrals_requester on store.referrals (requester_id);
create index referrals_ended_by on store.referrals (ended_by) where ended_by is not null;

alter table store.referrals enable row level security;
alter table store.referrals force row level security;
create policy select_clinician on store.referrals for select to vs_clinician
  using (patient_id = any ((select access.patients('clinician'))::uuid[]));
comment on policy select_clinician on store.referrals is 'Referrals of the patients that one sees.';
create policy select_patient on store.referrals for select to vs_patient
  using (patient_id = any ((select access.patients('patient'))::uuid[]));
comment on policy select_patient on store.referrals is 'One''s own record.';
create policy select_org_admin on store.referrals for select to vs_org_admin
  using (organisation_id = (select access.organisation_as('org_admin')));
comment on policy select_org_admin on store.referrals is 'An administrator sees who sees whom by referral: ids, no identity and no reason.';
-- predicates read this table, so the owner sees it whole
create policy select_owner on store.referrals for select to vs_owner using (true);
comment on policy select_owner on store.referrals is 'access.is_referred and access.patients read it.';
create policy insert_owner on store.referrals for insert to vs_owner
  with check ((select access.role()) = 'clinician' and requester_id = (select access.account_id())
              and organisation_id = (select access.organisation_id()));
comment on policy insert_owner on store.referrals is 'A clinician, in their own name and organisation.';
create policy update_owner on store.referrals for update to vs_owner
  using (organisation_id = (select access.organisation_id()) or (select access.role()) is null)
  with check (organisation_id = (select access.organisation_id()) or (select access.role()) is null);
comment on policy update_owner on store.referrals is 'Ending one, within the organisation; an erasure ends them outside any session. What else may change, the trigger says.';

grant select on store.referrals to vs_clinician, vs_patient;
-- an administrator: everything but the reason
grant select (id, organisation_id, patient_id, requester_id, performer_id, priority, valid_from, valid_until, ended_by)
  on store.referrals to vs_org_admin;
-- no insert, update or delete: clinic.make_referral and clinic.end_referral, as the owner

create function store.tg_referrals__only_ends() returns trigger
language plpgsql set search_path = '' as $$
begin
  if to_jsonb(new) - 'valid_until' - 'ended_by' <> to_jsonb(old) - 'valid_until' - 'ended_by' or new.valid_until > old.valid_until then
    raise exception using errcode = 'VS403', message = 'a referral can be ended, and not changed otherwise';
  end if;
  return new;
end $$;
create trigger _100_only_ends before update on store.referrals for each row execute function store.tg_referrals__only_ends();
create trigger _900_audit after insert or update or delete on store.referrals for each row execute function audit.tg_row('ServiceRequest', 'patient_id');

-- ---------------------------------------------------------------- the predicate

create function access.is_referred(account uuid, organisation uuid, patient uuid) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return exists (
    select from store.referrals r
    where r.performer_id = account and r.patient_id = patient and r.organisation_id = organisation
      and clock_timestamp() >= r.valid_from and clock_timestamp() < r.valid_until);
end $$;
comment on function access.is_referred is 'Has this patient been referred to this person, now? access.way_in asks it where the care team said no.';

-- ---------------------------------------------------------------- what pages read

create function store.referral_context(r store.referrals) returns bytea
language plpgsql stable set search_path = '' as $$
begin
  return uuid_send(r.requester_id) || uuid_send(r.performer_id) || timestamptz_send(r.valid_from) || convert_to(r.priority, 'UTF8');
end $$;

create view clinic.referrals with (security_invoker = true) as
  select r.id, r.patient_id, r.requester_id, a.name as requester_name, r.performer_id, b.name as performer_name, r.priority,
         v.v[1] as reason, r.valid_from, r.valid_until, r.ended_by,
         case when r.valid_until > now() then 'active' when r.ended_by is not null then 'revoked' else 'completed' end as status
  from store.referrals r
  cross join lateral (select vault.open('clinical', r.id, r.patient_id, 1,
    uuid_send(r.requester_id) || uuid_send(r.performer_id) || timestamptz_send(r.valid_from) || convert_to(r.priority, 'UTF8'),
    array['store.referrals.reason']::bytea[], array[r.reason]) as v) v
  left join lateral (select iam.person_name(r.requester_id) as name offset 0) a on true
  left join lateral (select iam.person_name(r.performer_id) as name offset 0) b on true;
comment on view clinic.referrals is 'Referrals with their reason (FHIR ServiceRequest.status). not null: id, patient_id, requester_id, performer_id, priority, reason, valid_from, valid_until, status';
grant select on clinic.referrals to vs_clinician, vs_patient;

create view clinic.referral_periods with (security_invoker = true) as
  select r.id, r.patient_id, r.requester_id, iam.person_name(r.requester_id) as requester_name,
         r.performer_id, iam.person_name(r.performer_id) as performer_name, r.priority, r.valid_from, r.valid_until
  from store.referrals r where r.valid_until > now();
comment on view clinic.referral_periods is 'For an administrator: the referrals of now, without their reason. not null: id, patient_id, requester_id, performer_id, priority, valid_from, valid_until';
grant select on clinic.referral_periods to vs_org_admin;

create function clinic.read_colleagues() returns table (account_id uuid, display_name text)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
begin
  if (c[4] in ('clinician', 'org_admin')) is not true then
    raise exception using errcode = 'VS403', message = 'clinicians and administrators see who works here';
  end if;
  return query
    select m.account_id, iam.person_name(m.account_id) from access.memberships m
    where m.organisation_id = c[3]::uuid and m.role = 'clinician' and m.account_id <> c[2]::uuid and access.membership_is_live(m.id)
    order by m.id;
end $$;
comment on function clinic.read_colleagues is 'The other clinicians who work in the organisation now: to refer to, or for a care team. Errors: VS403.';
grant execute on function clinic.read_colleagues to vs_clinician, vs_org_admin;
create view clinic.colleagues with (security_invoker = true) as select * from clinic.read_colleagues();
comment on view clinic.colleagues is 'The other clinicians of the organisation. not null: account_id';
grant select on clinic.colleagues to vs_clinician, vs_org_admin;

-- ---------------------------------------------------------------- making and ending

create function clinic.make_referral(key uuid, patient uuid, performer uuid, priority text, reason text, until timestamptz) returns uuid
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  r store.referrals;
  way text;
begin
  if (c[4] = 'clinician') is not true then
    raise exception using errcode = 'VS403', message = 'clinicians refer patients';
  end if;
  -- an erasure that is under way comes first, or this would lead to somebody who was erased
  perform from store.patients p where p.id = patient for key share;
  way := access.way_in(c[4], c[2]::uuid, c[3]::uuid, null, patient);
  if way is null then
    raise exception using errcode = 'VS404', message = 'there is no such record here';
  end if;
  if way <> 'care_team' then
    raise exception using errcode = 'VS403', message = 'somebody of the care team refers a patient';
  end if;
  -- somebody else who sees the record: the patient agrees to it (0310, CSP L1110-4 III)
  if access.has_withdrawn(patient, array['data_processing']) then
    raise exception using errcode = 'VS409', message = 'the patient has withdrawn the agreement that sharing needs: ask them first';
  end if;
  if vault.words(left(reason, 4000)) = '{}' or length(reason) > 4000 then
    raise exception using errcode = 'VS422', message = 'a referral has a reason, of 4,000 characters at most';
  end if;
  -- whoever doesn't work here and whoever doesn't exist are the same to the caller
  if performer = c[2]::uuid or not access.is_clinician_of(performer, c[3]::uuid) then
    raise exception using errcode = 'VS422', message = 'a referral goes to another clinician of the organisation';
  end if;
  r.id := ops.uuid_v7();
  perform ops.fulfil(key, 'referrals.make', r.id);
  r.organisation_id := c[3]::uuid;
  r.patient_id := patient;
  r.requester_id := c[2]::uuid;
  r.performer_id := performer;
  r.priority := make_referral.priority;
  r.valid_from := clock_timestamp();
  r.valid_until := until;
  r.reason := vault.seal(vault.writing_key(patient, 'clinical'), r.id, patient, 1, store.referral_context(r), 'store.referrals.reason', reason);
  insert into store.referrals values (r.*);
  perform audit.append(c, 'referral.make', 'ServiceRequest', r.id, patient, 'success', json_build_object('performer', performer)::text);
  return r.id;
exception when check_violation or not_null_violation then
  raise exception using errcode = 'VS422', message = 'the urgency is one of the list, and the referral ends within 180 days';
end $$;
comment on function clinic.make_referral is 'Somebody of the care team refers a patient to a colleague, who sees the record until then. key: ops.intend(key, ''referrals.make''); the patient was opened in an earlier transaction. Errors: VS208, VS403, VS404, VS422, VS428.';

create function clinic.end_referral(key uuid, referral uuid) returns uuid
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  r store.referrals;
begin
  select * into r from store.referrals x
  where x.id = referral and x.organisation_id = c[3]::uuid
    and (c[4] = 'org_admin' or (c[4] = 'clinician' and c[2]::uuid in (x.requester_id, x.performer_id)))
  for update;
  if not found or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS404', message = 'there is no such referral here';
  end if;
  perform ops.fulfil(key, 'referrals.end', referral);
  if r.valid_until > clock_timestamp() then
    update store.referrals x set valid_until = greatest(x.valid_from, clock_timestamp()), ended_by = c[2]::uuid where x.id = referral;
    perform audit.append(c, 'referral.end', 'ServiceRequest', referral, r.patient_id, 'success');
  end if;
  return referral;
end $$;
comment on function clinic.end_referral is 'Who referred, who was referred to, or an administrator ends a referral, now. key: ops.intend(key, ''referrals.end''). Errors: VS208, VS404, VS428.';

grant execute on function clinic.make_referral to vs_clinician;
grant execute on function clinic.end_referral to vs_clinician, vs_org_admin;

reset role;
