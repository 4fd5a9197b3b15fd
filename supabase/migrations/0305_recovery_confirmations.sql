-- Recovery confirmations: a colleague says that it is them.
--
-- Guarantees
--   1. For people who work here an administrator confirms, for patients a secretary: that somebody is a patient isn't an
--      administrator's to know. Of the same practice, on a factor shown within 10 minutes, and never one's own.
--   2. It takes a code that stands on the page of whoever asks, which they have to tell: five tries for each recovery.
--   3. Who reads the list and what is answered is in the log; of patients the list names, with their ids.

set role vs_owner;

create function iam.recovery_confirmation(ring text, r iam.recoveries) returns text
language plpgsql stable set search_path = '' as $$
declare
  h bytea := extensions.hmac(convert_to('recovery', 'UTF8') || r.token_hash, vault.derive(vault.unwrap(ring, r.account_id, 'profile'), 'code'), 'sha256');
begin
  return lpad((('x' || encode(substr(h, 1, 6), 'hex'))::bit(48)::bigint % 1000000)::text, 6, '0');
end $$;
comment on function iam.recovery_confirmation is 'The code that the page shows and the colleague types: made of the link, never stored. Internal.';

create function iam.confirming_role(r iam.recoveries) returns text
language plpgsql stable set search_path = '' as $$
begin
  -- that somebody is a patient here isn't an administrator's to know
  return case when exists (select from access.memberships m where m.account_id = r.account_id and m.organisation_id = r.organisation_id and m.role <> 'patient')
              then 'org_admin' else 'secretary' end;
end $$;
comment on function iam.confirming_role is 'Internal.';

create function clinic.read_recoveries() returns table (id uuid, display_name text, role text, lost text, asked_at timestamptz, ready_at timestamptz,
  confirmed_at timestamptz, confirmed_by_name text)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
#variable_conflict use_column
declare
  c text[] := access.claims();
  r iam.recoveries;
  a iam.accounts;
  key bytea;
begin
  if (c[4] in ('org_admin', 'secretary')) is not true then return; end if;
  for r in select * from iam.recoveries x where x.organisation_id = c[3]::uuid and x.state = 'waiting' and x.ends_at > clock_timestamp()
             and x.account_id <> c[2]::uuid and iam.confirming_role(x) = c[4] order by x.asked_at limit 200 loop
    -- of somebody who was suspended or erased meanwhile there is nothing to confirm, nor perhaps a key
    select * into a from iam.accounts x where x.id = r.account_id and x.status = 'active';
    continue when a.id is null;
    key := vault.unwrap(vault.ring(), r.account_id, 'profile');
    return query select r.id, concat_ws(' ',
        convert_from(vault.unpack(key, iam.profile_aad(r.account_id, 'given_name'), a.given_name), 'UTF8'),
        upper(convert_from(vault.unpack(key, iam.profile_aad(r.account_id, 'family_name'), a.family_name), 'UTF8') collate "default")),
      (select m.role from access.memberships m where m.account_id = r.account_id and m.organisation_id = r.organisation_id order by m.valid_from, m.id limit 1),
      r.lost, r.asked_at, nullif(r.ready_at, 'infinity'), r.confirmed_at, iam.person_name(r.confirmed_by);
  end loop;
end $$;
comment on function clinic.read_recoveries is 'For an administrator, of colleagues; for a secretary, of patients.';
create view clinic.recoveries with (security_invoker = true) as select * from clinic.read_recoveries();
comment on view clinic.recoveries is 'Who waits for somebody to confirm that it is them. not null: id, role, lost, asked_at';
grant execute on function clinic.read_recoveries to vs_org_admin, vs_secretary;
grant select on clinic.recoveries to vs_org_admin, vs_secretary;

create function audit.open_recoveries() returns text
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  shown uuid[];
begin
  if c is null then return 'signed_out'; end if;
  if c[4] = 'secretary' then
    shown := array(select m.patient_id from iam.recoveries r join access.memberships m on m.account_id = r.account_id and m.organisation_id = r.organisation_id
                   where r.organisation_id = c[3]::uuid and r.state = 'waiting' and m.role = 'patient');
  end if;
  perform audit.append(c, 'accounts.read', 'Recovery', null, null, case when c[4] in ('org_admin', 'secretary') then 'success' else 'failure' end, null, nullif(shown, '{}'));
  return case when c[4] in ('org_admin', 'secretary') then 'ok' else 'forbidden' end;
end $$;
comment on function audit.open_recoveries is 'An administrator or a secretary reads who waits for a confirmation. ok, forbidden or signed_out.';

-- The refusals are answers, so that they are recorded and counted.
create function audit.confirm_recovery(recovery uuid, code text) returns text
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  r iam.recoveries;
  answer text;
begin
  if c is null then return 'signed_out'; end if;
  perform iam.lock_account((select x.account_id from iam.recoveries x where x.id = recovery and x.organisation_id = c[3]::uuid));
  select * into r from iam.recoveries x where x.id = recovery and x.organisation_id = c[3]::uuid and x.account_id <> c[2]::uuid
    and x.state = 'waiting' and x.ends_at > clock_timestamp() and iam.confirming_role(x) = c[4]
    and (select a.status from iam.accounts a where a.id = x.account_id) = 'active' for update;
  if c[4] not in ('org_admin', 'secretary') then answer := 'forbidden';
  elsif not iam.factor_is_recent(c[1]::uuid) then answer := 'step_up';
  elsif r.id is null or not iam.session_is_live(c[1]::uuid) then answer := 'hidden';
  -- sent again after a lost connection
  elsif r.confirmed_by = c[2]::uuid then return 'ok';
  elsif r.confirmed_at is not null then answer := 'conflict';
  elsif r.code_tries >= 5 then answer := 'limited';
  elsif (sha256(convert_to(iam.recovery_confirmation(vault.ring(), r), 'UTF8')) = sha256(convert_to(code, 'UTF8'))) is not true then
    update iam.recoveries x set code_tries = x.code_tries + 1 where x.id = r.id;
    answer := 'invalid';
  else
    update iam.recoveries x set confirmed_by = c[2]::uuid, confirmed_at = clock_timestamp() where x.id = r.id;
    perform iam.send_ready(vault.ring(), r.id, 'recovery_confirmed', clock_timestamp());
    answer := 'ok';
  end if;
  perform audit.append(c, case when answer = 'step_up' then 'session.step_up' else 'recovery.confirm' end, 'Recovery', r.id, null,
    case when answer = 'ok' then 'success' else 'failure' end, json_build_object('answer', answer)::text);
  return answer;
end $$;
comment on function audit.confirm_recovery is 'Somebody else of the practice has recognised the person, who told them the code of their page. ok, invalid (another code), limited, conflict (somebody has confirmed), hidden, forbidden, step_up or signed_out.';

create function audit.reject_recovery(recovery uuid) returns text
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  r iam.recoveries;
begin
  if c is null then return 'signed_out'; end if;
  perform iam.lock_account((select x.account_id from iam.recoveries x where x.id = recovery and x.organisation_id = c[3]::uuid));
  select * into r from iam.recoveries x where x.id = recovery and x.organisation_id = c[3]::uuid and x.account_id <> c[2]::uuid
    and x.state = 'waiting' and iam.confirming_role(x) = c[4] for update;
  if r.id is null or not iam.session_is_live(c[1]::uuid) then
    perform audit.append(c, 'recovery.cancel', 'Recovery', null, null, 'failure');
    return case when c[4] in ('org_admin', 'secretary') then 'hidden' else 'forbidden' end;
  end if;
  perform iam.cancel_one(vault.ring(), r, c, 'colleague');
  return 'ok';
end $$;
comment on function audit.reject_recovery is 'Somebody else of the practice knows that it isn''t them. ok, hidden, forbidden or signed_out.';
grant execute on function audit.open_recoveries, audit.confirm_recovery, audit.reject_recovery
  to vs_anon, vs_patient, vs_clinician, vs_secretary, vs_org_admin, vs_auditor, vs_dpo, vs_researcher;

reset role;
