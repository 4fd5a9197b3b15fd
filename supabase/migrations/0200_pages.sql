-- What the pages of staff and patients read beyond the clinical tables: oneself, accounts, teams, the log.
--
-- Guarantees
--   1. An administrator sees accounts and teams of the organisation, and no patient's identity.
--   2. An auditor sees the organisation's log; a patient sees who looked at their record.
--   3. A view that reads the owner's tables is a definer function that asks for the verified role first.

set role vs_owner;

create function clinic.read_me() returns table (account_id uuid, organisation_id uuid, organisation_name text, role text,
  display_name text, patient_id uuid, session_expires_at timestamptz, idle_expires_at timestamptz,
  glass_id uuid, glass_kind text, glass_reason text, glass_ends_at timestamptz)
language plpgsql volatile security definer rows 1 set search_path = '' set debug_print_plan = off as $$
#variable_conflict use_column
declare
  c text[] := access.claims();
  session uuid := c[1]::uuid;
  glass access.broken_glass;
begin
  -- the patient on the page is seen through a broken glass: every page about them says so
  if c[9] is not null then select * into glass from access.broken_glass b where b.id = c[9]::uuid; end if;
  return query
  select s.account_id, s.organisation_id, o.name, s.role, iam.person_name(s.account_id), s.patient_id, s.expires_at,
         s.last_seen_at + interval '30 minutes', glass.id, glass.kind, case when glass.id is not null then clinic.glass_reason(glass.id) end, glass.ends_at
  from iam.sessions s join access.organisations o on o.id = s.organisation_id
  where s.id = session;
end $$;
comment on function clinic.read_me is 'Oneself; and the broken glass that the patient on the page is seen through, if so.';
create view clinic.me with (security_invoker = true) as select * from clinic.read_me();
comment on view clinic.me is 'Who is signed in: one row; glass_…: the emergency access that shows the patient on the page. not null: account_id, organisation_id, organisation_name, role, session_expires_at, idle_expires_at';

create function clinic.read_accounts() returns table (id uuid, display_name text, role text, email text, status text,
  second_factor boolean, methods text[], open_sessions int, last_seen_at timestamptz, last_sign_in_at timestamptz,
  invitation_expires_at timestamptz, accepted boolean)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
#variable_conflict use_column
declare
  organisation uuid := access.organisation_as('org_admin');
begin
  return query
  select a.id, iam.person_name(a.id), m.role,
         -- where somebody was invited to, whoever has that address (0290)
         convert_from(vault.unpack(vault.unwrap(vault.ring(), a.id, 'profile'),
           case when a.status = 'invited' then iam.invitation_aad(a.id) else iam.profile_aad(a.id, 'email') end,
           case when a.status = 'invited' then i.email else a.email end), 'UTF8'),
         case when m.valid_until <= clock_timestamp() then 'ended' else a.status end,
         f.methods && '{totp,passkey,sms_code}', f.methods, s.open_sessions, s.last_seen_at, a.last_sign_in_at,
         case when a.status = 'invited' then i.expires_at end, i.accepted_at is not null
  -- staff only: that somebody is a patient here is not the administrator's to see
  from (select distinct on (x.account_id) x.* from access.memberships x
        where x.organisation_id = organisation and x.role <> 'patient'
        order by x.account_id, x.valid_until desc, x.valid_from desc, x.id) m
  join iam.accounts a on a.id = m.account_id
  left join iam.invitations i on i.account_id = a.id
  left join lateral (select iam.methods_of(a.id) as methods) f on true
  left join lateral (select count(*)::int as open_sessions, max(x.last_seen_at) as last_seen_at from iam.sessions x
                     where x.account_id = a.id and x.organisation_id = organisation and x.factors = 2 and x.revoked_at is null
                       and x.expires_at > clock_timestamp() and x.last_seen_at > clock_timestamp() - interval '30 minutes') s on true
  where i.withdrawn_at is null
  order by m.role, m.id;
end $$;
comment on function clinic.read_accounts is 'For an administrator.';
create view clinic.accounts with (security_invoker = true) as select * from clinic.read_accounts();
comment on view clinic.accounts is 'Accounts of the organisation''s staff, also of those who left. status: active, invited, suspended or ended. methods: second factors; second_factor: one of them is neither an e-mail nor a recovery code. accepted: an invited person has chosen a password. not null: id, role, status, second_factor, methods, open_sessions, accepted';

create view clinic.care_teams with (security_invoker = true) as
  select t.id, t.lead_account_id, iam.person_name(t.lead_account_id) as lead_name,
         (select coalesce(json_agg(json_build_object('stay', m.id, 'id', m.account_id, 'name', iam.person_name(m.account_id), 'role', m.role,
                    'from', m.valid_from, 'until', nullif(m.valid_until, 'infinity')) order by m.valid_from, m.id), '[]')::text
          from access.care_team_members m where m.care_team_id = t.id and now() < m.valid_until) as members,
         (select count(*)::int from access.care_team_patients p where p.care_team_id = t.id and now() between p.valid_from and p.valid_until) as patient_count
  from access.care_teams t;
comment on view clinic.care_teams is 'Care teams with their members of now and later (JSON: stay, id, name, role, from, until), and how many patients. not null: id, lead_account_id, members, patient_count';
grant select on access.care_teams, access.care_team_members, access.care_team_patients to vs_org_admin;

create function audit.read_origin(origin uuid) returns text[]
language plpgsql stable parallel unsafe security definer cost 5000 set search_path = '' set debug_print_plan = off as $$
declare
  organisation uuid := access.organisation_as('auditor');
  o audit.origins;
  key bytea;
begin
  select * into o from audit.origins x where x.id = origin and x.organisation_id = organisation;
  if not found or (o.ip is null and o.user_agent is null) then return null; end if;
  key := vault.unwrap(vault.ring(), organisation, 'organisation');
  return array[
    convert_from(vault.unpack(key, convert_to('audit.origins.ip', 'UTF8') || '\x00'::bytea || uuid_send(o.id) || uuid_send(organisation) || int8send(1), o.ip), 'UTF8'),
    convert_from(vault.unpack(key, convert_to('audit.origins.user_agent', 'UTF8') || '\x00'::bytea || uuid_send(o.id) || uuid_send(organisation) || int8send(1), o.user_agent), 'UTF8')];
end $$;
comment on function audit.read_origin is 'For an auditor: address and browser of an event.';

-- In the views below, offset 0 keeps the name apart, so that the planner may remember the few people of many rows (Memoize).
create view clinic.audit_events with (security_invoker = true) as
  select e.id, e.at, e.lane, e.seq, e.event, e.resource_type, e.resource_id, e.patient_id, e.actor_id,
         a.name as actor_name, e.actor_role, e.outcome, e.details, o.o[1] as ip, o.o[2] as user_agent
  from audit.events e
  left join lateral (select iam.person_name(e.actor_id) as name offset 0) a on true
  left join lateral (select audit.read_origin(e.origin_id) as o offset 0) o on true;
comment on view clinic.audit_events is 'The log, for an auditor. not null: id, at, lane, seq, event, resource_type, actor_role, outcome';
-- every column, one by one: ctid and xmin would count what other organisations write, in the gaps
grant select (id, organisation_id, lane, seq, at, event, resource_type, resource_id, patient_id, actor_id, actor_role, session_id, origin_id,
  outcome, shown, details, leaf) on audit.events to vs_auditor;

-- Array containment isn't leakproof, so under a policy it couldn't use its index: a definer function looks instead.
create function audit.read_lists() returns table (id uuid, at timestamptz, event text, actor_id uuid, actor_role text, resource_type text, outcome text)
language sql stable security definer set search_path = '' set debug_print_plan = off as $$
  select e.id, e.at, e.event, e.actor_id, e.actor_role, e.resource_type, e.outcome
  from audit.events e where e.shown @> access.patients('patient') and access.patients('patient') <> '{}'
$$;
comment on function audit.read_lists is 'For a patient: the lists and searches that showed them.';

create view clinic.record_accesses with (security_invoker = true) as
  select e.id, e.at, e.event, e.actor_id, a.name as actor_name, e.actor_role, e.resource_type, e.outcome
  from (select e.id, e.at, e.event, e.actor_id, e.actor_role, e.resource_type, e.outcome
        from audit.events e
        where e.patient_id is not null and e.event in ('patient.read', 'row.insert', 'row.update', 'row.delete', 'patients.search',
                                                     'referral.make', 'referral.end', 'glass.break', 'glass.end', 'account.invite',
                                                     'log.read', 'request.answer')
        union all
        select * from audit.read_lists()) e
  left join lateral (select iam.person_name(e.actor_id) as name offset 0) a on true;
comment on view clinic.record_accesses is 'Who looked at one''s record or had one on a list, and who wrote in it. not null: id, at, event, actor_role, resource_type, outcome';
-- not the leaf, the session or the origin: those are other people's
grant select (id, at, event, actor_id, actor_role, resource_type, patient_id, outcome) on audit.events to vs_patient;
grant execute on function audit.read_lists to vs_patient;

create view clinic.allergy_status with (security_invoker = true) as
  select p.id as patient_id,
         case when exists (select from store.allergy_intolerances a where a.patient_id = p.id
                           and a.clinical_status in ('active', 'unknown') and a.verification_status is distinct from 'refuted') then 'known'
              else 'not_recorded' end as state,
         (select max(a.recorded_at) from store.allergy_intolerances a where a.patient_id = p.id) as recorded_at
  from store.patients p;
comment on view clinic.allergy_status is 'Whether allergies are known: unknown isn''t none. not null: patient_id, state';

grant execute on function clinic.read_me to vs_patient, vs_clinician, vs_secretary, vs_org_admin, vs_auditor, vs_dpo, vs_researcher;
grant execute on function clinic.read_accounts to vs_org_admin;
grant execute on function audit.read_origin to vs_auditor;
grant select on clinic.me to vs_patient, vs_clinician, vs_secretary, vs_org_admin, vs_auditor, vs_dpo, vs_researcher;
grant select on clinic.accounts, clinic.care_teams to vs_org_admin;
grant select on clinic.audit_events to vs_auditor;
grant select on clinic.record_accesses to vs_patient;
grant select on clinic.allergy_status to vs_clinician, vs_patient;

reset role;
