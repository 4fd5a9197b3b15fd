-- Openings: a look is recorded and committed before the vault lets go of anything.
--
-- Guarantees
--   1. A patient's key is released only after an earlier, committed transaction of the same session opened this
--      patient at this level within the last 15 minutes (vault.release asks audit.is_open).
--   2. Opening asks for access; hidden, missing and erased patients answer alike, and the attempt is recorded.
--   3. Every page that shows a patient writes one access event, also when the opening is still fresh.
--   4. A session opens at most 1,000 patients an hour.

set role vs_owner;

create table audit.openings (
  session_id   uuid not null,
  patient_id   uuid not null,
  level        text not null check (level in ('identity', 'clinical')),
  opened_at    timestamptz not null,
  transaction  xid8 not null,
  primary key (session_id, patient_id, level)
) with (fillfactor = 80);
comment on table audit.openings is 'Which session opened which patient, when, and in which transaction.';
alter table audit.openings enable row level security;
alter table audit.openings force row level security;
create policy all_owner on audit.openings to vs_owner using (true) with check (true);
comment on policy all_owner on audit.openings is 'Written by audit.open_…, read by vault.release.';

create table audit.selections (
  id          uuid primary key,
  session_id  uuid not null,
  patients    uuid[] not null,
  made_at     timestamptz not null default clock_timestamp(),
  transaction xid8 not null default pg_current_xact_id()
);
comment on table audit.selections is 'What a list or a search will show: chosen in the first transaction, read in the second.';
-- clearing out
create index selections_made on audit.selections (made_at);
alter table audit.selections enable row level security;
alter table audit.selections force row level security;
create policy all_owner on audit.selections to vs_owner using (true) with check (true);
comment on policy all_owner on audit.selections is 'Written by audit.open_…, read through audit.selected.';

create function audit.is_open(session uuid, patient uuid, level text) returns boolean
language plpgsql volatile set search_path = '' as $$
begin
  return exists (
    select from audit.openings o
    where o.session_id = session and o.patient_id = patient and o.level = is_open.level
      -- not of this transaction, which could still be rolled back; visible and not ours means committed
      and o.transaction is distinct from pg_current_xact_id_if_assigned()
      and o.opened_at between clock_timestamp() - interval '15 minutes' and clock_timestamp() + interval '5 seconds');
end $$;

create function audit.are_open(session uuid, patients uuid[], level text) returns boolean
language plpgsql volatile set search_path = '' set plan_cache_mode = force_generic_plan as $$
begin
  return cardinality(patients) = (
    select count(*) from audit.openings o
    where o.session_id = session and o.patient_id = any (patients) and o.level = are_open.level
      and o.transaction is distinct from pg_current_xact_id_if_assigned()
      and o.opened_at between clock_timestamp() - interval '15 minutes' and clock_timestamp() + interval '5 seconds');
end $$;
comment on function audit.are_open is 'audit.is_open of all of them, none named twice. Internal.';

create function audit.open_all(claims text[], patients uuid[], levels text[]) returns boolean
language plpgsql volatile set search_path = '' set plan_cache_mode = force_generic_plan as $$
declare
  session uuid := claims[1]::uuid;
  fresh int;
begin
  -- an opening from the future (the clock was stepped) is refreshed like an old one
  select count(*) into fresh from audit.openings o
  where o.session_id = session and o.patient_id = any (patients) and o.level = any (levels)
    and o.opened_at between clock_timestamp() - interval '10 minutes' and clock_timestamp() + interval '1 second';
  if fresh = cardinality(patients) * cardinality(levels) then return true; end if;
  -- one at a time: two transactions that count at once would each find room
  perform from iam.sessions s where s.id = session for no key update;
  if (select count(distinct o.patient_id) from audit.openings o
      where o.session_id = session and o.opened_at > clock_timestamp() - interval '1 hour') + cardinality(patients) > 1000 then
    perform audit.append(claims, 'openings.limited', 'session', session, null, 'failure');
    return false;
  end if;
  insert into audit.openings as o (session_id, patient_id, level, opened_at, transaction)
  select session, p.id, l.level, clock_timestamp(), pg_current_xact_id()
  from unnest(patients) p (id) cross join unnest(levels) l (level)
  order by p.id, l.level
  on conflict (session_id, patient_id, level) do update set opened_at = excluded.opened_at, transaction = excluded.transaction;
  return true;
end $$;
comment on function audit.open_all is 'Opens these patients for the session; false when it has opened too many. Internal: access was asked before.';

create function audit.open_patient(patient uuid) returns text
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
begin
  if c is null then return 'signed_out'; end if;
  if not access.may_open(c, patient, 'identity') then
    perform audit.append(c, 'patient.read', 'Patient', patient, null, 'failure');
    return 'hidden';
  end if;
  if not audit.open_all(c, array[patient],
                        case when c[4] = 'secretary' then array['identity'] else array['identity', 'clinical'] end) then
    return 'limited';
  end if;
  perform audit.append(c, 'patient.read', 'Patient', patient, patient, 'success',
    case when c[9] is not null then json_build_object('glass', c[9])::text end);
  return 'ok';
end $$;
comment on function audit.open_patient is 'Opens one patient: identity for a secretary, the whole record for a clinician who sees it (access.way_in) or the patient. ok, hidden, limited or signed_out.';
grant execute on function audit.open_patient to vs_anon, vs_patient, vs_clinician, vs_secretary, vs_org_admin, vs_auditor, vs_dpo, vs_researcher, vs_import;

create function audit.open_own_record() returns text
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
begin
  if c is null then return 'signed_out'; end if;
  if c[5] is null then return 'hidden'; end if;
  return audit.open_patient(c[5]::uuid);
end $$;
comment on function audit.open_own_record is 'A patient opens their own record.';
grant execute on function audit.open_own_record to vs_anon, vs_patient, vs_clinician, vs_secretary, vs_org_admin, vs_auditor, vs_dpo, vs_researcher;

create function audit.select_patients(claims text[], selection uuid, patients uuid[], event text, details text) returns text
language plpgsql volatile set search_path = '' as $$
begin
  if not audit.open_all(claims, patients, array['identity']) then return 'limited'; end if;
  -- a page that is asked for again after a lost connection brings the same id
  insert into audit.selections as s (id, session_id, patients) values (selection, claims[1]::uuid, patients)
  on conflict (id) do update set patients = excluded.patients, transaction = excluded.transaction where s.session_id = excluded.session_id;
  if not found then
    raise exception using errcode = 'VS409', message = 'this page was asked for already: load it again';
  end if;
  perform audit.append(claims, event, 'Patient', null, null, 'success', details, patients);
  return 'ok';
end $$;
comment on function audit.select_patients is 'Opens the identity of what a list will show, and records the ids. Internal.';

create function audit.selected(selection uuid) returns uuid[]
language plpgsql stable parallel restricted security definer set search_path = '' set debug_print_plan = off as $$
begin
  return coalesce((select s.patients from audit.selections s
                   where s.id = selection and s.session_id = (access.claims())[1]::uuid
                     -- not of this transaction: what a search found is told after its record is committed
                     and s.transaction is distinct from pg_current_xact_id_if_assigned()), '{}');
end $$;
comment on function audit.selected is 'The patients that this list or search of one''s own session shows, once an earlier transaction has committed it.';
grant execute on function audit.selected to vs_clinician, vs_secretary;

create function audit.latest_seen(claims text[], most int) returns uuid[]
language plpgsql stable set search_path = '' set plan_cache_mode = force_generic_plan as $$
declare
  latest uuid[];
  seen uuid[] := '{}'::uuid[];
  looked_at int := 0;
begin
  loop
    latest := array(select p.id from store.patients p where p.organisation_id = claims[3]::uuid and p.erased_at is null
                    order by p.last_activity_at desc, p.id offset looked_at limit 200);
    seen := seen || array(select p.id from unnest(latest) with ordinality p (id, place)
                          where p.id = any ((select access.seen_among(claims, latest))::uuid[]) order by p.place);
    looked_at := looked_at + 200;
    exit when cardinality(seen) >= most or cardinality(latest) < 200;
  end loop;
  return seen[1 : most];
end $$;
comment on function audit.latest_seen is 'The patients with the latest activity among those that this clinician sees, for somebody who sees most of them. Internal.';

create function audit.open_patient_list(selection uuid) returns text
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  found_ids uuid[];
  seen uuid[];
begin
  if c is null then return 'signed_out'; end if;
  if c[4] = 'clinician' then
    seen := access.first_patients(c, 1001);
    if access.is_wide(seen) then
      -- nearly every patient is one of theirs: a few hundred of the latest hold the first fifty
      found_ids := audit.latest_seen(c, 50);
    else
      found_ids := array(select p.id from store.patients p where p.id = any (seen)
                         order by p.last_activity_at desc, p.id limit 50);
    end if;
  elsif c[4] = 'secretary' then
    found_ids := array(select p.id from store.patients p where p.organisation_id = c[3]::uuid and p.erased_at is null
                       order by p.last_activity_at desc, p.id limit 50);
  else
    perform audit.append(c, 'patients.list', 'Patient', null, null, 'failure');
    return 'forbidden';
  end if;
  return audit.select_patients(c, selection, found_ids, 'patients.list', null);
end $$;
comment on function audit.open_patient_list is 'The 50 patients with the last activity. ok, forbidden, limited or signed_out; then audit.selected gives their ids.';
grant execute on function audit.open_patient_list to vs_anon, vs_patient, vs_clinician, vs_secretary, vs_org_admin, vs_auditor, vs_dpo, vs_researcher;

-- Pages that show no patient, but something that only one role may look at.
create function audit.open_page(role text, event text, resource_type text) returns text
language plpgsql volatile set search_path = '' as $$
declare
  c text[] := access.claims();
begin
  if c is null then return 'signed_out'; end if;
  perform audit.append(c, event, resource_type, null, null, case when c[4] = role then 'success' else 'failure' end);
  return case when c[4] = role then 'ok' else 'forbidden' end;
end $$;

create function audit.open_log() returns text
language sql volatile security definer set search_path = '' set debug_print_plan = off as $$ select audit.open_page('auditor', 'log.read', 'AuditEvent') $$;
create function audit.open_verification() returns text
language sql volatile security definer set search_path = '' set debug_print_plan = off as $$ select audit.open_page('auditor', 'log.verify', 'AuditEvent') $$;
create function audit.open_accounts() returns text
language sql volatile security definer set search_path = '' set debug_print_plan = off as $$ select audit.open_page('org_admin', 'accounts.read', 'Person') $$;
create function audit.open_home() returns text
language sql stable security definer set search_path = '' set debug_print_plan = off as $$
  select case when access.claims() is null then 'signed_out' else 'ok' end
$$;
comment on function audit.open_log is 'An auditor reads the log.';
comment on function audit.open_verification is 'An auditor has the log verified.';
comment on function audit.open_accounts is 'An administrator reads accounts and teams.';
comment on function audit.open_home is 'A page that shows nothing personal but one''s own name: nothing to record.';
grant execute on function audit.open_log, audit.open_verification, audit.open_accounts, audit.open_home
  to vs_anon, vs_patient, vs_clinician, vs_secretary, vs_org_admin, vs_auditor, vs_dpo, vs_researcher;

-- five letters of anybody's choice would be a name, in a log that can't forget
create function ops.is_sqlstate(code text) returns boolean
language sql immutable parallel safe set search_path = '' as $$
  select code ~ '^(VS[0-9]{3}|([0-9][0-9A-Z]|F0|HV|P0|XX)[0-9P][0-9][0-9A-Z])$'
$$;
comment on function ops.is_sqlstate is 'The form of the codes of Postgres and ours. Internal.';

-- What a page asked for after its opening, and was refused: that transaction is gone, so the door records it in one of its own.
create function audit.record_refusal(patient uuid, sqlstate text) returns text
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
begin
  if c is null then return 'signed_out'; end if;
  perform audit.append(c, 'page.refused', 'Patient', patient, case when access.may_open(c, patient, 'identity') then patient end, 'failure',
    json_build_object('sqlstate', case when ops.is_sqlstate(sqlstate) then sqlstate end)::text);
  return 'ok';
end $$;
comment on function audit.record_refusal is 'Records that a page or a change was refused in its second transaction, and why (SQLSTATE).';
grant execute on function audit.record_refusal to vs_anon, vs_patient, vs_clinician, vs_secretary, vs_org_admin, vs_auditor, vs_dpo, vs_researcher;

reset role;
