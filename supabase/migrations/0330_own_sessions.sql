-- Sessions that one may see and end: one's own, and for an administrator those of the organisation.
--
-- Guarantees
--   1. Everybody sees their own sessions, with where from and since when, and nobody else's.
--   2. One ends one's own; an administrator ends those of a member of staff or all of the organisation, and sees none of
--      them. Each asks for a factor shown within 10 minutes (ASVS 5.0 §7.5.2).
--   3. An ended session opens nothing from the next transaction on, on every edge, and nothing brings it back.
--   4. Each ending is an event: who ended whose, and why.
--   5. What is over is removed 13 months later, when the sign-ins that point there are gone (0099: a year), and the log alone
--      knows of it; but for sessions that evidence refers to: a broken glass, the last sign-in of an account.

set role vs_owner;

-- everybody in an organisation is signed out: its sessions of today, not those of years
create index sessions_unfinished on iam.sessions (organisation_id, expires_at) where revoked_at is null;

-- clearing out
create index sessions_over on iam.sessions ((coalesce(revoked_at, expires_at)));

-- ---------------------------------------------------------------- ending, for whoever has the right to

create function iam.revoke_sessions(c text[], ended uuid[], because text) returns int
language plpgsql volatile set search_path = '' as $$
declare
  s iam.sessions;
  n int := 0;
begin
  -- in one order, so that two who end the same ones don't wait for each other; what ran out by itself stays as it is
  for s in select * from iam.sessions x where x.id = any (ended) and x.revoked_at is null and x.expires_at > clock_timestamp()
           order by x.id for update loop
    update iam.sessions x set revoked_at = clock_timestamp(), revoked_because = because where x.id = s.id;
    perform audit.append(c, 'session.revoke', 'session', s.id, null, 'success',
      json_build_object('because', because, 'account', s.account_id)::text);
    n := n + 1;
  end loop;
  return n;
end $$;
comment on function iam.revoke_sessions is 'Ends these sessions, with an event for each; gives how many there were to end. c: who does it (access.claims or iam.gate_claims). Internal.';

create function iam.revoke_account(c text[], account uuid, because text, spared uuid default null) returns int
language sql volatile set search_path = '' as $$
  select iam.lock_account(account);
  select iam.revoke_sessions(c, array(select x.id from iam.sessions x where x.account_id = account and x.revoked_at is null
                                      and x.expires_at > clock_timestamp() and x.id is distinct from spared), because)
$$;
comment on function iam.revoke_account is 'Ends every session of an account, also those that wait for their second factor, but one. Internal: a changed password, a suspension, a recovery.';

-- ---------------------------------------------------------------- one's own

create function iam.origin_of(s iam.sessions) returns text[]
language plpgsql volatile set search_path = '' as $$
declare
  o audit.origins;
  key bytea;
begin
  select * into o from audit.origins x where x.id = s.origin_id and x.organisation_id = s.organisation_id;
  if not found or (o.ip is null and o.user_agent is null) then return null; end if;
  key := vault.unwrap(vault.ring(), s.organisation_id, 'organisation');
  return array[
    convert_from(vault.unpack(key, convert_to('audit.origins.ip', 'UTF8') || '\x00'::bytea || uuid_send(o.id) || uuid_send(o.organisation_id) || int8send(1), o.ip), 'UTF8'),
    convert_from(vault.unpack(key, convert_to('audit.origins.user_agent', 'UTF8') || '\x00'::bytea || uuid_send(o.id) || uuid_send(o.organisation_id) || int8send(1), o.user_agent), 'UTF8')];
end $$;
comment on function iam.origin_of is 'Address and browser that a session was begun with; NULL when it isn''t known. Internal: asked for one''s own.';

create function clinic.read_own_sessions() returns table (id uuid, current boolean, ip text, user_agent text, place text, methods text[],
  created_at timestamptz, last_seen_at timestamptz, ended_at timestamptz, ended_because text)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
#variable_conflict use_column
declare
  c text[] := access.claims();
  key bytea := vault.unwrap(vault.ring(), c[2]::uuid, 'profile');
begin
  return query
  select s.id, s.id = c[1]::uuid, o.o[1], o.o[2], f.facts ->> 'place', s.methods, s.created_at, s.last_seen_at, s.revoked_at, s.revoked_because
  from (select x.* from iam.sessions x
        where x.account_id = c[2]::uuid and x.factors = 2
          and (case when x.revoked_at is null
                    then x.expires_at > clock_timestamp() and x.last_seen_at > clock_timestamp() - interval '30 minutes'
                    else x.revoked_at > clock_timestamp() - interval '1 day' end)
        order by x.id desc limit 50) s
  left join lateral (select iam.origin_of(s) as o offset 0) o on true
  -- where that seemed to be (0099_sign_ins)
  left join lateral (select iam.read_facts(key, i) as facts from iam.sign_ins i where i.session_id = s.id) f on true;
end $$;
comment on function clinic.read_own_sessions is 'One''s own sessions: those that are open, and those that were ended within a day.';
create view clinic.own_sessions with (security_invoker = true) as select * from clinic.read_own_sessions();
comment on view clinic.own_sessions is 'One''s own sessions, open (ended_at is null) or ended within a day, and why. not null: id, current, methods, created_at, last_seen_at';
grant execute on function clinic.read_own_sessions to vs_patient, vs_clinician, vs_secretary, vs_org_admin, vs_auditor, vs_dpo, vs_researcher;
grant select on clinic.own_sessions to vs_patient, vs_clinician, vs_secretary, vs_org_admin, vs_auditor, vs_dpo, vs_researcher;

create function clinic.end_own_session(key uuid, session uuid) returns int
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
begin
  if not exists (select from iam.sessions s where s.id = session and s.account_id = c[2]::uuid) or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS404', message = 'there is no such session of yours';
  end if;
  perform ops.fulfil(key, 'sessions.end', session);
  return iam.revoke_sessions(c, array[session], 'own');
end $$;
comment on function clinic.end_own_session is 'Ends one of one''s own sessions. key: ops.intend(key, ''sessions.end''). Errors: VS208, VS404, VS428, VS470.';

create function clinic.end_other_sessions(key uuid) returns int
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
begin
  if c[2] is null or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS404', message = 'there is no such session of yours';
  end if;
  perform ops.fulfil(key, 'sessions.end', c[2]::uuid);
  return iam.revoke_account(c, c[2]::uuid, 'own', c[1]::uuid);
end $$;
comment on function clinic.end_other_sessions is 'Ends all of one''s own sessions but this one, also sign-ins that wait for their second factor; gives how many. key: ops.intend(key, ''sessions.end''). Errors: VS208, VS404, VS428, VS470.';
grant execute on function clinic.end_own_session, clinic.end_other_sessions
  to vs_patient, vs_clinician, vs_secretary, vs_org_admin, vs_auditor, vs_dpo, vs_researcher;

-- ---------------------------------------------------------------- an administrator's

create function clinic.end_sessions_of(key uuid, account uuid) returns int
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
begin
  if (c[4] = 'org_admin') is not true or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS403', message = 'administrators sign others out';
  end if;
  -- staff only: that somebody is a patient here is not the administrator's to see
  if not exists (select from access.memberships m where m.account_id = account and m.organisation_id = c[3]::uuid and m.role <> 'patient') then
    raise exception using errcode = 'VS404', message = 'there is no such member of the organisation';
  end if;
  perform ops.fulfil(key, 'sessions.end', account);
  perform iam.lock_account(account);
  -- what this person does in another organisation isn't this administrator's either
  return iam.revoke_sessions(c, array(select s.id from iam.sessions s where s.account_id = end_sessions_of.account
    and s.organisation_id = c[3]::uuid and s.role <> 'patient' and s.id <> c[1]::uuid), 'administrator');
end $$;
comment on function clinic.end_sessions_of is 'An administrator signs a member of staff out everywhere (oneself: everywhere else); gives how many sessions that were. key: ops.intend(key, ''sessions.end''). Errors: VS208, VS403, VS404, VS428, VS470.';

create function clinic.end_all_sessions(key uuid) returns int
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
begin
  if (c[4] = 'org_admin') is not true or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS403', message = 'administrators sign others out';
  end if;
  -- whoever is signing in has locked their session, and goes on to the one before: neither waits for the other
  perform iam.lock_accounts_of(c[3]::uuid);
  perform ops.fulfil(key, 'sessions.end', c[3]::uuid);
  -- an import has no account: it is the installation's, and ends with its command
  return iam.revoke_sessions(c, array(select s.id from iam.sessions s where s.organisation_id = c[3]::uuid and s.account_id is not null
    and s.revoked_at is null and s.expires_at > clock_timestamp() and s.id <> c[1]::uuid), 'administrator');
end $$;
comment on function clinic.end_all_sessions is 'An administrator signs everybody of the organisation out, patients too; their own session goes on. Gives how many that were. key: ops.intend(key, ''sessions.end''). Errors: VS208, VS403, VS428, VS470.';
grant execute on function clinic.end_sessions_of, clinic.end_all_sessions to vs_org_admin;

-- ---------------------------------------------------------------- upkeep

create function iam.forget_sessions() returns void
language plpgsql volatile set search_path = '' as $$
declare
  over uuid[] := array(
    select s.id from iam.sessions s
    where coalesce(s.revoked_at, s.expires_at) < clock_timestamp() - interval '13 months'
      and not exists (select from iam.sign_ins x where x.session_id = s.id)
      and not exists (select from access.broken_glass x where x.session_id = s.id)
      and not exists (select from access.emergency_searches x where x.session_id = s.id)
      and not exists (select from iam.recoveries x where x.session_id = s.id)
      and not exists (select from iam.address_changes x where x.session_id = s.id)
    order by coalesce(s.revoked_at, s.expires_at) limit 10000 for update skip locked);
begin
  -- what only waited for a session goes with it; it is cleared out much earlier
  delete from iam.old_tokens x where x.session_id = any (over);
  delete from iam.totp_enrolments x where x.session_id = any (over);
  delete from iam.challenges x where x.session_id = any (over);
  delete from iam.sent_codes x where x.session_id = any (over);
  -- the one that took its place began while it went on, so it is over as well
  update iam.sessions x set replaces_id = null where x.replaces_id = any (over);
  delete from iam.sessions x where x.id = any (over);
end $$;
comment on function iam.forget_sessions is 'Sessions that were over 13 months ago and nothing refers to, 10,000 at a time. Internal: ops.upkeep.';

reset role;
