-- Care teams: who looks after whom. They decide which patients a clinician sees.
--
-- Guarantees
--   1. A clinician sees the patients of the care teams they are a member of now, and no others.
--   2. A secretary sees the identity of the organisation's patients; a patient sees their own record; nobody else
--      sees a patient at all.
--   3. Every policy and every release of a key asks the functions of this file.

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
  care_team_id  uuid not null references access.care_teams,
  account_id    uuid not null references iam.accounts,
  valid_from    timestamptz not null default clock_timestamp(),
  valid_until   timestamptz not null default 'infinity' check (valid_until >= valid_from),
  primary key (account_id, care_team_id)
);
comment on table access.care_team_members is 'FHIR CareTeam.participant, with dates.';
create index care_team_members_team on access.care_team_members (care_team_id);

create table access.care_team_patients (
  care_team_id  uuid not null references access.care_teams,
  patient_id    uuid not null,
  valid_from    timestamptz not null default clock_timestamp(),
  valid_until   timestamptz not null default 'infinity' check (valid_until >= valid_from),
  primary key (care_team_id, patient_id)
);
comment on table access.care_team_patients is 'FHIR CareTeam.subject, with dates.';
-- "may this clinician open this patient?"
create index care_team_patients_patient on access.care_team_patients (patient_id, care_team_id);

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
  insert into access.care_team_members (care_team_id, account_id) values (team, lead);
  return team;
end $$;
comment on function access.create_care_team is 'A team and its lead. As vs_owner.';

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
  return (select p.organisation_id from store.patients p where p.id = patient);
end $$;

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

-- The rule itself: does this person see this patient at all?
create function access.sees(role text, account uuid, organisation uuid, own uuid, patient uuid) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return coalesce(case role
    when 'clinician' then access.in_care_of(account, organisation, patient)
    when 'secretary' then access.organisation_of(patient) = organisation
    when 'patient' then patient = own
  end, false);
end $$;
comment on function access.sees is 'Clinician: on a care team of the patient, in the organisation of the session. Secretary: same organisation. Patient: own record. Nobody else.';

create function access.may_open(claims text[], patient uuid, level text) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  if level not in ('identity', 'clinical') or (level = 'clinical' and claims[4] = 'secretary') then return false; end if;
  -- iam.enter has asked for the patient on the page in this very transaction; nobody is the zero that says no
  if claims[6] is not null then return claims[6]::uuid = patient and patient <> '00000000-0000-0000-0000-000000000000'; end if;
  return access.sees(claims[4], claims[2]::uuid, claims[3]::uuid, claims[5]::uuid, patient);
end $$;

-- For policies: `patient_id = any ((select access.patients('clinician'))::uuid[])` uses the index, where
-- `in (select …)` scans every patient (docs/performance.md).
create function access.patients(role text) returns uuid[]
language plpgsql stable parallel restricted security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
begin
  if (c[4] = role) is not true then return '{}'::uuid[]; end if;
  if c[6] is not null then return array[c[6]::uuid]; end if;
  if role = 'patient' then return array[c[5]::uuid]; end if;
  return array(
    select p.patient_id
    from access.care_team_members m join access.care_team_patients p using (care_team_id)
    join access.care_teams t on t.id = m.care_team_id and t.organisation_id = c[3]::uuid
    where m.account_id = c[2]::uuid
      and clock_timestamp() >= p.valid_from and clock_timestamp() < p.valid_until
      and clock_timestamp() >= m.valid_from and clock_timestamp() < m.valid_until);
end $$;
comment on function access.patients is 'The patients that the verified identity sees, if it has this role; on a page that shows one patient, that one.';
grant execute on function access.patients to vs_patient, vs_clinician;

-- The name of a person opens for colleagues, and for a patient whose record the person touched.
create function access.knows(claims text[], account uuid) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  if claims[2]::uuid = account then return true; end if;
  if claims[4] = 'patient' then
    return exists (select from audit.events e where e.patient_id = claims[5]::uuid and e.actor_id = account)
        or exists (select from audit.events e where e.shown @> array[claims[5]::uuid] and e.actor_id = account)
        or exists (select from store.notes n where n.patient_id = claims[5]::uuid and n.author_id = account);
  end if;
  -- a colleague isn't a patient who has an account here: identity is the vault's to open
  return exists (select from access.memberships m where m.account_id = account and m.organisation_id = claims[3]::uuid and m.role <> 'patient');
end $$;

reset role;
