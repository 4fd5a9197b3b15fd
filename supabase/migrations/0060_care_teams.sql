-- Care teams: who looks after whom. They decide which patients a clinician sees.
--
-- Guarantees
--   1. A clinician sees the patients of the care teams they are a member of now, those referred to them (0112) or whose
--      glass they broke (0114), and no others.
--   2. A secretary sees the identity of the organisation's patients; a patient sees their own record; nobody else
--      sees a patient at all.
--   3. Every policy and every release of a key asks the functions of this file.
--   4. An administrator keeps the teams of the own organisation: clinicians with a role and dates, patients with dates.
--      Nobody gets access in the past, and a period that has begun is ended rather than erased.
--   5. Somebody may leave and return: each stay is a row, and two stays of one person in one team never overlap.

set role vs_owner;

create table access.care_teams (
  id               uuid primary key default ops.uuid_v7(),
  organisation_id  uuid not null references access.organisations,
  lead_account_id  uuid not null references iam.accounts,
  created_at       timestamptz not null default clock_timestamp()
);
comment on table access.care_teams is 'FHIR CareTeam. It has no name of its own: it is called by its lead.';
-- the administrator's page, and the team of an importing clinician
create index care_teams_organisation on access.care_teams (organisation_id, lead_account_id);
create index care_teams_lead on access.care_teams (lead_account_id);

create table access.care_team_members (
  id            uuid primary key default ops.uuid_v7(),
  care_team_id  uuid not null references access.care_teams,
  account_id    uuid not null references iam.accounts,
  role          text not null default 'physician'
                check (role in ('lead', 'physician', 'nurse', 'midwife', 'physiotherapist', 'pharmacist', 'psychologist', 'other')),
  valid_from    timestamptz not null default clock_timestamp(),
  valid_until   timestamptz not null default 'infinity' check (valid_until >= valid_from),
  -- "whose patients does this clinician see?" begins with the account
  unique (account_id, care_team_id, valid_from)
);
comment on table access.care_team_members is 'FHIR CareTeam.participant: one stay of one person in one team. `lead` is the médecin traitant or référent.';
create index care_team_members_team on access.care_team_members (care_team_id);
-- one stay without an end, and one such lead, whatever happens at the same moment
create unique index care_team_members_open on access.care_team_members (care_team_id, account_id) where valid_until = 'infinity';
create unique index care_team_members_lead on access.care_team_members (care_team_id) where role = 'lead' and valid_until = 'infinity';

create table access.care_team_patients (
  id            uuid primary key default ops.uuid_v7(),
  care_team_id  uuid not null references access.care_teams,
  patient_id    uuid not null,
  valid_from    timestamptz not null default clock_timestamp(),
  valid_until   timestamptz not null default 'infinity' check (valid_until >= valid_from),
  unique (care_team_id, patient_id, valid_from)
);
comment on table access.care_team_patients is 'FHIR CareTeam.subject: one period in which one team follows one patient.';
-- "may this clinician open this patient?"
create index care_team_patients_patient on access.care_team_patients (patient_id, care_team_id);
create unique index care_team_patients_open on access.care_team_patients (care_team_id, patient_id) where valid_until = 'infinity';

-- An exclusion constraint would need GiST over a range. The team's row is locked instead, so that two changes of one team
-- come one after the other; who waits sees what the other one committed (read committed, as every page).
create function access.tg_care_team_members__apart() returns trigger
language plpgsql set search_path = '' as $$
begin
  perform from access.care_teams t where t.id = new.care_team_id for no key update;
  if exists (select from access.care_team_members m
             where m.account_id = new.account_id and m.care_team_id = new.care_team_id and m.id <> new.id
               and m.valid_from < new.valid_until and new.valid_from < m.valid_until) then
    raise exception using errcode = 'VS409', message = 'this person is in the team at that time already';
  end if;
  if new.role = 'lead' and exists (select from access.care_team_members m
             where m.care_team_id = new.care_team_id and m.role = 'lead' and m.id <> new.id
               and m.valid_from < new.valid_until and new.valid_from < m.valid_until) then
    raise exception using errcode = 'VS409', message = 'the team has a lead at that time already';
  end if;
  return new;
end $$;
create trigger _100_apart before insert or update on access.care_team_members for each row execute function access.tg_care_team_members__apart();

create function access.tg_care_team_patients__apart() returns trigger
language plpgsql set search_path = '' as $$
begin
  perform from access.care_teams t where t.id = new.care_team_id for no key update;
  -- an erasure that is under way comes first, and nobody follows somebody who was erased
  perform from store.patients p where p.id = new.patient_id for key share;
  -- asked once, here, and not at each look: a team and its patients are of one practice
  if (select t.organisation_id from access.care_teams t where t.id = new.care_team_id) is distinct from access.organisation_of(new.patient_id) then
    raise exception using errcode = 'VS422', message = 'a team follows patients of its own organisation';
  end if;
  if exists (select from access.care_team_patients p
             where p.patient_id = new.patient_id and p.care_team_id = new.care_team_id and p.id <> new.id
               and p.valid_from < new.valid_until and new.valid_from < p.valid_until) then
    raise exception using errcode = 'VS409', message = 'the team follows this patient at that time already';
  end if;
  return new;
end $$;
create trigger _100_apart before insert or update on access.care_team_patients for each row execute function access.tg_care_team_patients__apart();

alter table access.care_teams enable row level security;
alter table access.care_teams force row level security;
alter table access.care_team_members enable row level security;
alter table access.care_team_members force row level security;
alter table access.care_team_patients enable row level security;
alter table access.care_team_patients force row level security;

-- predicates read these tables, so the owner sees them whole
create policy all_owner on access.care_teams to vs_owner using (true) with check (true);
comment on policy all_owner on access.care_teams is 'Predicates, and functions of the owner.';
create policy all_owner on access.care_team_members to vs_owner using (true) with check (true);
comment on policy all_owner on access.care_team_members is 'Predicates, and functions of the owner.';
create policy all_owner on access.care_team_patients to vs_owner using (true) with check (true);
comment on policy all_owner on access.care_team_patients is 'Predicates, and functions of the owner.';

create policy select_org_admin on access.care_teams for select to vs_org_admin
  using (organisation_id = (select access.organisation_as('org_admin')));
comment on policy select_org_admin on access.care_teams is 'An administrator sees the teams of the organisation.';
create policy select_org_admin on access.care_team_members for select to vs_org_admin
  using (care_team_id in (select t.id from access.care_teams t));
comment on policy select_org_admin on access.care_team_members is 'Members of the teams that the administrator sees.';
create policy select_org_admin on access.care_team_patients for select to vs_org_admin
  using (care_team_id in (select t.id from access.care_teams t));
comment on policy select_org_admin on access.care_team_patients is 'To count them: ids, no identity.';

create function access.create_care_team(organisation uuid, lead uuid) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
  team uuid := ops.uuid_v7();
begin
  insert into access.care_teams (id, organisation_id, lead_account_id) values (team, organisation, lead);
  insert into access.care_team_members (care_team_id, account_id, role) values (team, lead, 'lead');
  return team;
end $$;
comment on function access.create_care_team is 'A team and its lead. As vs_owner; clinic.create_care_team asks first.';

-- ---------------------------------------------------------------- predicates

create function access.membership_is_live(membership uuid) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return exists (
    select from access.memberships m join iam.accounts a on a.id = m.account_id
    where m.id = membership and a.status = 'active' and clock_timestamp() between m.valid_from and m.valid_until);
end $$;

create function access.organisation_of(patient uuid) returns uuid
language plpgsql stable set search_path = '' as $$
begin
  return (select p.organisation_id from store.patients p where p.id = patient and p.erased_at is null);
end $$;
comment on function access.organisation_of is 'Where a patient is; NULL for one who never was here or was erased.';

create function access.in_care_of(account uuid, organisation uuid, patient uuid) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return exists (
    select from access.care_team_patients p join access.care_team_members m using (care_team_id)
    -- somebody may work in two organisations; a session is in one
    join access.care_teams t on t.id = p.care_team_id and t.organisation_id = organisation
    where p.patient_id = patient and m.account_id = account
      and clock_timestamp() >= p.valid_from and clock_timestamp() < p.valid_until
      and clock_timestamp() >= m.valid_from and clock_timestamp() < m.valid_until);
end $$;

-- The rule itself: by which way does this person see this patient, if at all? The care team is asked first: the others
-- cost a look-up each, and only where it said no.
create function access.way_in(role text, account uuid, organisation uuid, own uuid, patient uuid) returns text
language plpgsql stable set search_path = '' as $$
begin
  if role = 'clinician' then
    if access.in_care_of(account, organisation, patient) then return 'care_team'; end if;
    if access.is_referred(account, organisation, patient) then return 'referral'; end if;
    if access.glass(account, organisation, patient) is not null then return 'glass'; end if;
  elsif role = 'secretary' then
    if access.organisation_of(patient) = organisation then return 'organisation'; end if;
  elsif role = 'patient' then
    if patient = own then return 'own'; end if;
  end if;
  return null;
end $$;
comment on function access.way_in is 'care_team, referral or glass for a clinician, within the organisation of the session; organisation for a secretary; own for a patient; NULL: not at all.';

create function access.sees(role text, account uuid, organisation uuid, own uuid, patient uuid) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return access.way_in(role, account, organisation, own, patient) is not null;
end $$;
comment on function access.sees is 'Does this person see this patient at all? access.way_in tells by which way.';

create function access.may_open(claims text[], patient uuid, level text) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  if level not in ('identity', 'clinical') or (level = 'clinical' and claims[4] = 'secretary') then return false; end if;
  -- iam.enter has asked for the patient on the page in this very transaction; nobody is the zero that says no
  if claims[6] is not null and (claims[6]::uuid = patient and patient <> '00000000-0000-0000-0000-000000000000') is not true then return false; end if;
  -- a broken glass ends by the clock, in the middle of a transaction if need be
  if claims[6] is not null and claims[9] is null then return true; end if;
  return access.way_in(claims[4], claims[2]::uuid, claims[3]::uuid, claims[5]::uuid, patient) is not null;
end $$;
comment on function access.may_open is 'May this identity open this patient at this level, here and now? Internal.';

-- The list of a clinician's patients, cut off after `most`: whose list is longer sees by other means (access.patients).
create function access.first_patients(claims text[], most int) returns uuid[]
language plpgsql stable set search_path = '' as $$
begin
  if claims[6] is not null then return array(select claims[6]::uuid where access.may_open(claims, claims[6]::uuid, 'identity')); end if;
  return array(
    (select p.patient_id
     from access.care_team_members m join access.care_team_patients p using (care_team_id)
     join access.care_teams t on t.id = m.care_team_id and t.organisation_id = claims[3]::uuid
     where m.account_id = claims[2]::uuid
       and clock_timestamp() >= p.valid_from and clock_timestamp() < p.valid_until
       and clock_timestamp() >= m.valid_from and clock_timestamp() < m.valid_until
     limit most)
    union all
    select r.patient_id from store.referrals r
    where r.performer_id = claims[2]::uuid and r.organisation_id = claims[3]::uuid
      and clock_timestamp() >= r.valid_from and clock_timestamp() < r.valid_until
    union all
    select b.patient_id from access.broken_glass b
    where b.account_id = claims[2]::uuid and b.organisation_id = claims[3]::uuid
      and clock_timestamp() >= b.broken_at - interval '5 seconds' and clock_timestamp() < b.ends_at);
end $$;
comment on function access.first_patients is 'The patients of a clinician by every way, those of the care teams up to `most`. Internal.';

create function access.is_wide(patients uuid[]) returns boolean
language plpgsql immutable set search_path = '' as $$
begin
  return cardinality(patients) >= 1001;
end $$;
comment on function access.is_wide is 'Does this list (of access.first_patients with 1001) belong to somebody who sees more than 1,000 patients? Lists are quick up to there (docs/performance.md). Internal.';

create function access.seen_among(claims text[], patients uuid[]) returns uuid[]
language plpgsql stable set search_path = '' set plan_cache_mode = force_generic_plan as $$
declare
  seen uuid[] := '{}'::uuid[];
begin
  if claims[4] = 'clinician' and claims[6] is null then
    -- the care team for all of them at once; the other ways, which few have, one by one below
    seen := array(
      select p.patient_id
      from access.care_team_patients p join access.care_team_members m using (care_team_id)
      join access.care_teams t on t.id = p.care_team_id and t.organisation_id = claims[3]::uuid
      where p.patient_id = any (patients) and m.account_id = claims[2]::uuid
        and clock_timestamp() >= p.valid_from and clock_timestamp() < p.valid_until
        and clock_timestamp() >= m.valid_from and clock_timestamp() < m.valid_until);
  end if;
  return array(select p from unnest(patients) p where p = any (seen) or access.may_open(claims, p, 'identity'));
end $$;
comment on function access.seen_among is 'Those of these patients that this identity sees, here and now. Internal.';

-- For policies: `patient_id = any ((select access.patients('clinician'))::uuid[])` uses the index, where
-- `in (select …)` scans every patient (docs/performance.md). Such a list must stay short: whoever sees a whole large
-- practice gets the patients that the session has opened, and of others nothing could be decrypted anyway.
create function access.patients(role text) returns uuid[]
language plpgsql stable parallel restricted security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  seen uuid[];
begin
  if (c[4] = role) is not true then return '{}'::uuid[]; end if;
  if c[6] is not null and c[9] is null then return array[c[6]::uuid]; end if;
  if c[6] is not null then
    return case when access.may_open(c, c[6]::uuid, 'identity') then array[c[6]::uuid] else '{}' end;
  end if;
  if role = 'patient' then return array[c[5]::uuid]; end if;
  seen := access.first_patients(c, 1001);
  if access.is_wide(seen) then
    return access.seen_among(c, array(select distinct o.patient_id from audit.openings o
                                      where o.session_id = c[1]::uuid and o.opened_at > clock_timestamp() - interval '15 minutes'));
  end if;
  return seen;
end $$;
comment on function access.patients is 'The patients that the verified identity sees, if it has this role; on a page that shows one patient, that one; for somebody who sees more than 1,000, those that the session has opened.';
grant execute on function access.patients to vs_patient, vs_clinician;

-- The name of a person opens for colleagues, and for a patient whose record the person touched.
create function access.knows(claims text[], account uuid) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  if claims[2]::uuid = account then return true; end if;
  if claims[4] = 'patient' then
    return exists (select from audit.events e where e.patient_id = claims[5]::uuid and e.actor_id = account)
        or exists (select from audit.events e where e.shown @> array[claims[5]::uuid] and e.actor_id = account)
        or exists (select from store.notes n where n.patient_id = claims[5]::uuid and n.author_id = account)
        or exists (select from store.referrals r where r.patient_id = claims[5]::uuid and r.performer_id = account);
  end if;
  -- whoever vs_edge could be besides (vs_researcher, vs_import) works with no names, whatever role was taken on by hand
  if (claims[4] in ('clinician', 'secretary', 'org_admin', 'auditor', 'dpo')) is not true then return false; end if;
  -- a colleague isn't a patient who has an account here: identity is the vault's to open
  return exists (select from access.memberships m where m.account_id = account and m.organisation_id = claims[3]::uuid and m.role <> 'patient');
end $$;

-- ---------------------------------------------------------------- what an administrator changes
-- Each is announced with ops.intend and happens once. Whether a team is another practice's or isn't there at all is
-- answered alike.

create function access.is_clinician_of(account uuid, organisation uuid) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return exists (select from access.memberships m where m.account_id = account and m.organisation_id = organisation
                 and m.role = 'clinician' and access.membership_is_live(m.id));
end $$;
comment on function access.is_clinician_of is 'Somebody who may take care of patients of this organisation now.';

-- The claims of an administrator whose session is alive, and whose organisation has this team.
create function access.require_admin_of(team uuid) returns text[]
language plpgsql volatile set search_path = '' as $$
declare
  c text[] := access.claims();
begin
  if (c[4] = 'org_admin') is not true or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS403', message = 'administrators keep the care teams';
  end if;
  if team is not null and not exists (select from access.care_teams t where t.id = team and t.organisation_id = c[3]::uuid) then
    raise exception using errcode = 'VS404', message = 'there is no such care team here';
  end if;
  return c;
end $$;
comment on function access.require_admin_of is 'Internal. Errors: VS403, VS404.';

-- A period that a page asks for: from now on if it says nothing, never from the past.
create function access.period(starts timestamptz, ends timestamptz, out valid_from timestamptz, out valid_until timestamptz)
language plpgsql volatile set search_path = '' as $$
begin
  valid_from := greatest(starts, clock_timestamp());
  valid_until := coalesce(ends, 'infinity');
  if valid_until <= valid_from then
    raise exception using errcode = 'VS422', message = 'a period ends after it begins, and not in the past';
  end if;
end $$;
comment on function access.period is 'Internal. Errors: VS422.';

create function clinic.create_care_team(key uuid, lead uuid) returns uuid
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.require_admin_of(null);
  team uuid;
begin
  if not access.is_clinician_of(lead, c[3]::uuid) then
    raise exception using errcode = 'VS422', message = 'a clinician of the organisation leads a care team';
  end if;
  team := access.create_care_team(c[3]::uuid, lead);
  perform ops.fulfil(key, 'care_teams.create', team);
  return team;
end $$;
comment on function clinic.create_care_team is 'For an administrator: a team with its lead. key: ops.intend(key, ''care_teams.create''). Errors: VS208, VS403, VS422, VS428.';

create function clinic.add_care_team_member(key uuid, team uuid, account uuid, role text, starts timestamptz default null,
                                            ends timestamptz default null) returns uuid
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.require_admin_of(team);
  stay uuid := ops.uuid_v7();
  period record;
begin
  perform ops.fulfil(key, 'care_teams.add_member', stay);
  if not access.is_clinician_of(account, c[3]::uuid) then
    raise exception using errcode = 'VS422', message = 'a clinician of the organisation joins a care team';
  end if;
  period := access.period(starts, ends);
  insert into access.care_team_members (id, care_team_id, account_id, role, valid_from, valid_until)
  values (stay, team, account, add_care_team_member.role, period.valid_from, period.valid_until);
  -- the team is called by its lead
  if add_care_team_member.role = 'lead' then
    update access.care_teams t set lead_account_id = account where t.id = team and t.lead_account_id <> account;
  end if;
  return stay;
exception
  when check_violation or not_null_violation then
    raise exception using errcode = 'VS422', message = 'the role is not one of the list';
  when unique_violation then
    raise exception using errcode = 'VS409', message = 'this person is in the team already, or the team has a lead';
end $$;
comment on function clinic.add_care_team_member is 'For an administrator: somebody joins a team, from now or later, until a time or for good. key: ops.intend(key, ''care_teams.add_member''). Errors: VS208, VS403, VS404, VS409, VS422, VS428.';

create function clinic.end_care_team_member(key uuid, stay uuid) returns uuid
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  m access.care_team_members;
begin
  select * into m from access.care_team_members x where x.id = stay;
  -- a team that can't be is nobody's: not found and another practice's answer alike
  perform access.require_admin_of(coalesce(m.care_team_id, '00000000-0000-0000-0000-000000000000'));
  perform ops.fulfil(key, 'care_teams.end_member', stay);
  if m.valid_until > clock_timestamp() then
    -- what has not begun never was
    update access.care_team_members x set valid_until = greatest(x.valid_from, clock_timestamp()) where x.id = stay;
  end if;
  return stay;
end $$;
comment on function clinic.end_care_team_member is 'For an administrator: somebody leaves a team, now. key: ops.intend(key, ''care_teams.end_member''). Errors: VS208, VS403, VS404, VS428.';

create function clinic.add_care_team_patient(key uuid, team uuid, patient uuid, starts timestamptz default null,
                                             ends timestamptz default null) returns uuid
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.require_admin_of(team);
  place uuid := ops.uuid_v7();
  period record;
begin
  if (access.organisation_of(patient) = c[3]::uuid) is not true then
    raise exception using errcode = 'VS404', message = 'there is no such record here';
  end if;
  perform ops.fulfil(key, 'care_teams.add_patient', place);
  period := access.period(starts, ends);
  insert into access.care_team_patients (id, care_team_id, patient_id, valid_from, valid_until)
  values (place, team, patient, period.valid_from, period.valid_until);
  return place;
exception when unique_violation then
  raise exception using errcode = 'VS409', message = 'the team follows this patient already';
end $$;
comment on function clinic.add_care_team_patient is 'For an administrator, who knows a record by its id alone: a team follows a patient. key: ops.intend(key, ''care_teams.add_patient''). Errors: VS208, VS403, VS404, VS409, VS422, VS428.';

create function clinic.end_care_team_patient(key uuid, place uuid) returns uuid
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  p access.care_team_patients;
begin
  select * into p from access.care_team_patients x where x.id = place;
  perform access.require_admin_of(coalesce(p.care_team_id, '00000000-0000-0000-0000-000000000000'));
  perform ops.fulfil(key, 'care_teams.end_patient', place);
  if p.valid_until > clock_timestamp() then
    update access.care_team_patients x set valid_until = greatest(x.valid_from, clock_timestamp()) where x.id = place;
  end if;
  return place;
end $$;
comment on function clinic.end_care_team_patient is 'For an administrator: a team no longer follows a patient, from now. key: ops.intend(key, ''care_teams.end_patient''). Errors: VS208, VS403, VS404, VS428.';

grant execute on function clinic.create_care_team, clinic.add_care_team_member, clinic.end_care_team_member,
  clinic.add_care_team_patient, clinic.end_care_team_patient to vs_org_admin;

reset role;
