-- The log in a file, for an auditor: what a search finds, as CSV or JSON Lines (app/audit-export).
--
-- Guarantees
--   1. Only an auditor exports, and only the organisation's own log.
--   2. An export asks for a factor of the last 10 minutes (requirement A8).
--   3. Not a line is given before the event of the export is committed: which kinds of criteria, how many events, which
--      format; never whose. Rolling back gives nothing. A refused export is an event too.
--   4. An export gives what was announced, to the session that announced it, within five minutes: the same criteria, and no
--      event that came later.
--   5. At most 10,000 events at once. Who wants more names a shorter period, or asks the DBA for `vitalsync audit export`.

set role vs_owner;

create table audit.exports (
  id           uuid primary key,
  session_id   uuid not null,
  digest       bytea not null check (length(digest) = 32),
  until        timestamptz not null,
  transaction  xid8 not null default pg_current_xact_id()
);
comment on table audit.exports is 'Exports that were announced: by whom, a digest of the criteria, up to when. The event of the log is what stays.';
-- clearing out
create index exports_until on audit.exports (until);
alter table audit.exports enable row level security;
alter table audit.exports force row level security;
create policy all_owner on audit.exports to vs_owner using (true) with check (true);
comment on policy all_owner on audit.exports is 'Written by audit.begin_export, read by audit.export_events.';

-- Criteria: JSON of texts; event, outcome, role, actor, patient (ids), from, to (days in France, `to` included). What is missing isn't asked for.
create function audit.find_events(organisation uuid, criteria jsonb, until timestamptz, most int) returns setof audit.events
-- planned for these criteria, so that those that are missing cost nothing and the others have their index
language plpgsql stable set search_path = '' set plan_cache_mode = force_custom_plan as $$
begin
  return query
  select e.* from audit.events e
  where e.organisation_id = organisation and e.at <= find_events.until
    and (criteria ->> 'event' is null or e.event = criteria ->> 'event')
    and (criteria ->> 'outcome' is null or e.outcome = criteria ->> 'outcome')
    and (criteria ->> 'role' is null or e.actor_role = criteria ->> 'role')
    and (criteria ->> 'actor' is null or e.actor_id = (criteria ->> 'actor')::uuid)
    and (criteria ->> 'patient' is null or e.patient_id = (criteria ->> 'patient')::uuid)
    and (criteria ->> 'from' is null or e.at >= (criteria ->> 'from')::date::timestamp at time zone 'Europe/Paris')
    and (criteria ->> 'to' is null or e.at < ((criteria ->> 'to')::date + 1)::timestamp at time zone 'Europe/Paris')
  order by e.at desc, e.id desc limit most;
end $$;
comment on function audit.find_events is 'What the criteria find, newest first. Internal: access was asked before.';

create function audit.may_export(claims text[]) returns text
language plpgsql volatile set search_path = '' as $$
begin
  if claims is null then return 'signed_out'; end if;
  if claims[4] <> 'auditor' then
    perform audit.append(claims, 'log.export', 'AuditEvent', null, null, 'failure');
    return 'forbidden';
  end if;
  if iam.asks_again('audit.export') and not iam.factor_is_recent(claims[1]::uuid) then
    perform audit.append(claims, 'session.step_up', 'session', claims[1]::uuid, null, 'failure', json_build_object('asked', true)::text);
    return 'step_up';
  end if;
  return 'ok';
end $$;
comment on function audit.may_export is 'Of both functions below; a refusal is recorded. Internal.';

create function audit.open_export() returns text
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  answer text := audit.may_export(c);
begin
  if answer = 'ok' then perform audit.append(c, 'log.read', 'AuditEvent', null, null, 'success'); end if;
  return answer;
end $$;
comment on function audit.open_export is 'The page before an export: asks for the factor, so that the file comes at once. ok, forbidden, step_up or signed_out.';

create function audit.count_events(criteria jsonb) returns int
language plpgsql stable security definer set search_path = '' set debug_print_plan = off as $$
declare
  organisation uuid := access.organisation_as('auditor');
begin
  -- none isn't nought
  if organisation is null or criteria is null then return null; end if;
  return (select count(*)::int from audit.find_events(organisation, criteria, clock_timestamp(), 10001));
end $$;
comment on function audit.count_events is 'For an auditor: how many events an export would give, 10,001 at most; NULL for anybody else.';

create function audit.begin_export(export uuid, criteria jsonb, format text) returns text
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  answer text := audit.may_export(c);
  kinds text[] := array(select k.key from jsonb_object_keys(criteria) as k(key) order by k.key);
  now_at timestamptz := clock_timestamp();
  found_events int;
begin
  if answer <> 'ok' then return answer; end if;
  -- they stand in the log by name
  if (kinds <@ array['event', 'outcome', 'role', 'actor', 'patient', 'from', 'to'] and format in ('csv', 'jsonl')) is not true then
    raise exception using errcode = 'VS422', message = 'no such criterion, or no such format';
  end if;
  found_events := (select count(*) from audit.find_events(c[3]::uuid, criteria, now_at, 10001));
  if found_events > 10000 then
    perform audit.append(c, 'log.export', 'AuditEvent', null, null, 'failure',
      json_build_object('format', format, 'criteria', kinds, 'answer', 'too_many')::text);
    return 'too_many';
  end if;
  -- a request that is sent again after a lost connection brings the same id
  insert into audit.exports as x (id, session_id, digest, until) values (export, c[1]::uuid, sha256(convert_to(criteria::text, 'UTF8')), now_at)
  on conflict (id) do update set digest = excluded.digest, until = excluded.until, transaction = excluded.transaction where x.session_id = excluded.session_id;
  if not found then
    raise exception using errcode = 'VS409', message = 'this export was asked for already: ask for another';
  end if;
  perform audit.append(c, 'log.export', 'AuditEvent', export, null, 'success',
    json_build_object('format', format, 'criteria', kinds, 'events', found_events)::text);
  return 'ok';
end $$;
comment on function audit.begin_export is 'Announces an export, and records it. ok, forbidden, step_up, too_many or signed_out; then, in another transaction, audit.export_events gives the lines. Errors: VS409, VS422.';

-- Ids alone: what a function returns is kept until it ends, beyond work_mem in a file, and names and addresses must not be. Whoever
-- asks opens them row by row (iam.person_name, audit.read_origin).
create function audit.export_events(export uuid, criteria jsonb)
returns table (id uuid, at timestamptz, lane int, seq bigint, event text, resource_type text, resource_id uuid, patient_id uuid, actor_id uuid,
               actor_role text, session_id uuid, origin_id uuid, outcome text, details text)
language plpgsql stable security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  announced timestamptz;
begin
  if c[4] is distinct from 'auditor' then
    raise exception using errcode = 'VS403', message = 'auditors export the log';
  end if;
  select x.until into announced from audit.exports x
  where x.id = export and x.session_id = c[1]::uuid and x.digest = sha256(convert_to(criteria::text, 'UTF8'))
    -- not of this transaction, which could still be rolled back; visible and not ours means committed
    and x.transaction is distinct from pg_current_xact_id_if_assigned()
    and x.until between clock_timestamp() - interval '5 minutes' and clock_timestamp() + interval '5 seconds';
  if announced is null then
    raise exception using errcode = 'VS428', message = 'no committed export with these criteria: call audit.begin_export in an earlier transaction';
  end if;
  return query
  select e.id, e.at, e.lane, e.seq, e.event, e.resource_type, e.resource_id, e.patient_id, e.actor_id, e.actor_role, e.session_id, e.origin_id,
         e.outcome, e.details
  from audit.find_events(c[3]::uuid, criteria, announced, 10000) e
  order by e.at desc, e.id desc;
end $$;
comment on function audit.export_events is 'The events of an announced export, newest first. Errors: VS403, VS428.';

grant execute on function audit.open_export, audit.begin_export
  to vs_anon, vs_patient, vs_clinician, vs_secretary, vs_org_admin, vs_auditor, vs_dpo, vs_researcher;
grant execute on function audit.count_events, audit.export_events to vs_auditor;

reset role;
