-- The audit log: every access, change and security event, chained.
--
-- Guarantees
--   1. An event is written by the database, in the transaction that it describes.
--   2. Append-only: no role that acts or administers may change or remove an event, a leaf or a lane head.
--   3. Each event's leaf covers its whole content and the hash before it in its lane, so that a change, a
--      removal, an insertion or another order shows (audit.verify here, `vitalsync audit verify` without us).
--   4. Content is ids, column names and digests over ciphertext, never values; the vocabulary is closed.
--   5. Writers of one organisation don't wait for each other: each takes a free lane.
--
-- The leaf is array_to_json(text[]) of the fields below, in this order; hash = sha256(leaf in UTF-8):
--   0 'vs1', 1 id, 2 organisation, 3 lane, 4 seq, 5 time (UTC, microseconds), 6 event, 7 resource type, 8 resource id,
--   9 patient, 10 actor, 11 actor's role, 12 session, 13 origin, 14 outcome, 15 ids shown, 16 details, 17 hash before (hex)

set role vs_owner;

create table audit.lanes (
  organisation_id  uuid not null,
  lane             int not null check (lane between 0 and 15),
  seq              bigint not null default 0,
  head             bytea not null default '\x0000000000000000000000000000000000000000000000000000000000000000'::bytea check (length(head) = 32),
  primary key (organisation_id, lane)
) with (fillfactor = 50);
comment on table audit.lanes is 'The end of each chain. Organisation 00000000-… is the installation: sign-ins of unknown people.';

create table audit.leaves (
  organisation_id  uuid not null,
  lane             int not null,
  seq              bigint not null,
  hash             bytea not null check (length(hash) = 32),
  primary key (organisation_id, lane, seq)
);
comment on table audit.leaves is 'Every leaf''s hash, never partitioned and never pruned: no number is used twice.';

create table audit.events (
  id               uuid not null,
  organisation_id  uuid not null,
  lane             int not null,
  seq              bigint not null,
  at               timestamptz not null,
  event            text not null check (event in (
    'patient.read', 'patients.list', 'patients.search', 'log.read', 'log.verify', 'accounts.read',
    'row.insert', 'row.update', 'row.delete', 'page.refused',
    'session.password', 'session.factor', 'session.end', 'session.reuse', 'session.step_up', 'session.revoke', 'session.unusual',
    'session.limited', 'openings.limited', 'network.deny', 'network.allow', 'network.lift', 'network.refused', 'traffic.unusual',
    'request.forged', 'request.host', 'request.malformed', 'request.method', 'request.polluted', 'request.too_large', 'factor.add', 'factor.remove', 'factor.counter', 'password.change', 'code.send', 'message.send',
    'account.invite', 'account.accept', 'account.register', 'account.confirm', 'account.change',
    'recovery.request', 'recovery.confirm', 'recovery.cancel', 'recovery.complete', 'consent.give', 'consent.withdraw', 'request.answer',
    'log.export', 'log.prune', 'log.restart', 'service.clear', 'glass.break', 'glass.end', 'referral.make', 'referral.end',
    'keys.add', 'keys.rotate', 'keys.retire', 'patient.erase', 'erasure.replay', 'existing.encrypt')),
  resource_type    text not null,
  resource_id      uuid,
  patient_id       uuid,
  actor_id         uuid,
  actor_role       text not null,
  session_id       uuid,
  origin_id        uuid,
  outcome          text not null check (outcome in ('success', 'failure', 'partial')),
  shown            uuid[],
  details          text,
  leaf             text not null,
  primary key (organisation_id, lane, seq, at)
) partition by range (at);
comment on table audit.events is 'FHIR AuditEvent: the fields to search by, and the leaf, the exact text that is hashed.';
-- an auditor's page: newest first
create index events_at on audit.events (organisation_id, at desc);
-- "who looked at my record?"
create index events_patient on audit.events (patient_id, at desc) where patient_id is not null;
-- "whose list was I on?"
create index events_shown on audit.events using gin (shown) where shown is not null;

create table audit.origins (
  id               uuid primary key,
  organisation_id  uuid not null,
  session_id       uuid,
  digest           bytea not null check (length(digest) = 32),
  ip               bytea,
  user_agent       bytea,
  created_at       timestamptz not null default clock_timestamp()
);
comment on table audit.origins is 'Address and browser of a session, sealed with the organisation''s key; events refer to it.';
-- one row for each address and browser of a session
create unique index origins_digest on audit.origins (organisation_id, session_id, digest) nulls not distinct;

-- its partitions, a month each, are made by 0260_retention

alter table audit.lanes enable row level security;
alter table audit.lanes force row level security;
alter table audit.leaves enable row level security;
alter table audit.leaves force row level security;
alter table audit.events enable row level security;
alter table audit.events force row level security;
alter table audit.origins enable row level security;
alter table audit.origins force row level security;

create policy all_owner on audit.lanes to vs_owner using (true) with check (true);
comment on policy all_owner on audit.lanes is 'audit.append moves the head.';
create policy select_owner on audit.leaves for select to vs_owner using (true);
comment on policy select_owner on audit.leaves is 'Verification and export.';
create policy insert_owner on audit.leaves for insert to vs_owner with check (true);
comment on policy insert_owner on audit.leaves is 'audit.append.';
-- a DBA without BYPASSRLS (Postgres 15 and no superuser) verifies all the same
create policy select_dba on audit.lanes for select to vs_dba using (true);
comment on policy select_dba on audit.lanes is 'The ends of the chains: `vitalsync audit verify`.';
create policy select_dba on audit.leaves for select to vs_dba using (true);
comment on policy select_dba on audit.leaves is 'Hashes: `vitalsync audit verify --since`.';
create policy select_owner on audit.events for select to vs_owner using (true);
comment on policy select_owner on audit.events is 'Verification, export, and who looked at a record.';
create policy insert_owner on audit.events for insert to vs_owner with check (true);
comment on policy insert_owner on audit.events is 'audit.append.';
-- no update, no delete, for the owner neither
create policy select_auditor on audit.events for select to vs_auditor
  using (organisation_id = (select access.organisation_as('auditor')));
comment on policy select_auditor on audit.events is 'An auditor reads the log of the organisation.';
create policy select_patient on audit.events for select to vs_patient
  using (patient_id = any ((select access.patients('patient'))::uuid[]));
comment on policy select_patient on audit.events is 'A patient sees who looked at their record.';
create policy select_owner on audit.origins for select to vs_owner using (true);
comment on policy select_owner on audit.origins is 'audit.origin finds the one that exists.';
create policy insert_owner on audit.origins for insert to vs_owner with check (true);
comment on policy insert_owner on audit.origins is 'audit.origin.';
create policy select_auditor on audit.origins for select to vs_auditor
  using (organisation_id = (select access.organisation_as('auditor')));
comment on policy select_auditor on audit.origins is 'An auditor sees where from.';

-- Guards against the owner's own accidents; a superuser who disables them is found by verification.
create function audit.tg_events__append_only() returns trigger
language plpgsql set search_path = '' as $$
begin
  raise exception using errcode = 'VS403', message = format('%s is append-only', tg_table_name);
end $$;
create trigger _100_append_only before update or delete on audit.events for each row execute function audit.tg_events__append_only();
create trigger _100_append_only before update or delete or truncate on audit.leaves for each statement execute function audit.tg_events__append_only();
create trigger _101_no_truncate before truncate on audit.events for each statement execute function audit.tg_events__append_only();

create function audit.create_lanes(organisation uuid) returns void
language sql volatile set search_path = '' as $$
  insert into audit.lanes (organisation_id, lane) select organisation, lane from generate_series(0, 15) as lane
$$;
do $$ begin perform audit.create_lanes('00000000-0000-0000-0000-000000000000'); end $$;

-- ---------------------------------------------------------------- writing

create function audit.leaf(e audit.events, before bytea) returns text
language plpgsql stable set search_path = '' as $$
begin
  return array_to_json(array[
    'vs1', e.id::text, e.organisation_id::text, e.lane::text, e.seq::text,
    to_char(e.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    e.event, e.resource_type, e.resource_id::text, e.patient_id::text, e.actor_id::text, e.actor_role,
    e.session_id::text, e.origin_id::text, e.outcome, e.shown::text, e.details, encode(before, 'hex')])::text;
end $$;
comment on function audit.leaf is 'The text that is hashed: see the head of 0070_audit and docs/formats.md.';

-- claims: as in access.claims(); for events without a session (sign-in), the caller makes them up.
create function audit.append(claims text[], event text, resource_type text, resource_id uuid, patient uuid, outcome text,
                             details text default null, shown uuid[] default null) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
  organisation uuid := coalesce(claims[3]::uuid, '00000000-0000-0000-0000-000000000000');
  e audit.events;
  remembered text := current_setting('vs.lane', true);
  -- each backend has a lane that it tries first, so that those of a pool rarely meet, and a row stays in its caches
  first int := pg_backend_pid() % 16;
  before bytea;
  place tid;
  digest bytea;
begin
  -- One lane in a transaction, or two transactions could wait for each other. The setting is a hint: the lock below decides.
  if left(remembered, 36) = organisation::text then
    -- By its place: the index would lead through every version that this transaction has left behind, thousands in an import.
    select l.ctid, l.lane, l.seq, l.head into place, e.lane, e.seq, before from audit.lanes l
    where l.ctid = split_part(remembered, ' ', 3)::tid and l.organisation_id = organisation
      and l.lane = split_part(remembered, ' ', 2)::int for update;
    if e.lane is null then
      -- a savepoint that was rolled back took that version away
      select l.ctid, l.lane, l.seq, l.head into place, e.lane, e.seq, before from audit.lanes l
      where l.organisation_id = organisation and l.lane = split_part(remembered, ' ', 2)::int for update;
    end if;
  else
    for i in first .. first + 15 loop
      select l.ctid, l.lane, l.seq, l.head into place, e.lane, e.seq, before from audit.lanes l
      where l.organisation_id = organisation and l.lane = i % 16 for update skip locked;
      exit when found;
    end loop;
    if e.lane is null then
      select l.ctid, l.lane, l.seq, l.head into place, e.lane, e.seq, before from audit.lanes l
      where l.organisation_id = organisation and l.lane = first for update;
    end if;
  end if;
  if e.lane is null then
    raise exception using errcode = 'VS500', message = 'this organisation has no audit lanes';
  end if;
  e.id := ops.uuid_v7();
  e.organisation_id := organisation;
  e.seq := e.seq + 1;
  e.at := clock_timestamp();
  e.event := event;
  e.resource_type := resource_type;
  e.resource_id := resource_id;
  e.patient_id := patient;
  e.actor_id := claims[2]::uuid;
  e.actor_role := coalesce(claims[4], 'owner');
  e.session_id := claims[1]::uuid;
  e.origin_id := claims[8]::uuid;
  e.outcome := outcome;
  e.shown := shown;
  e.details := details;
  e.leaf := audit.leaf(e, before);
  digest := sha256(convert_to(e.leaf, 'UTF8'));
  insert into audit.events values (e.*);
  insert into audit.leaves values (organisation, e.lane, e.seq, digest);
  update audit.lanes l set seq = e.seq, head = digest
  where l.ctid = place and l.organisation_id = organisation and l.lane = e.lane returning l.ctid into place;
  if place is null then
    raise exception using errcode = 'VS500', message = 'the lane was lost while it was held';
  end if;
  perform set_config('vs.lane', organisation::text || ' ' || e.lane || ' ' || place, true);
  return e.id;
end $$;
comment on function audit.append is 'Writes one event at the end of a lane; gives its id. Internal: only definer functions and triggers call it.';

create function audit.origin(ring text, organisation uuid, session uuid, ip text, user_agent text) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
  address text;
  browser text := left(user_agent, 300);
  place uuid := coalesce(organisation, '00000000-0000-0000-0000-000000000000');
  keyed bytea;
  found_id uuid;
  key bytea;
begin
  if ip is null and user_agent is null then return null; end if;
  address := host(ip::inet);
  keyed := extensions.hmac(convert_to(array_to_json(array[address, browser])::text, 'UTF8'),
                           vault.derive(vault.master(ring, vault.current_master(ring)), 'origin'), 'sha256');
  select o.id into found_id from audit.origins o
  where o.organisation_id = place and o.session_id is not distinct from session and o.digest = keyed;
  if found_id is not null then return found_id; end if;
  found_id := ops.uuid_v7();
  if organisation is not null then key := vault.unwrap(ring, organisation, 'organisation'); end if;
  insert into audit.origins (id, organisation_id, session_id, digest, ip, user_agent)
  values (found_id, place, session, keyed,
          -- of somebody unknown nothing is kept but the digest: there is no organisation whose key would seal it
          case when key is not null then vault.seal(key, found_id, organisation, 1, '', 'audit.origins.ip', address) end,
          case when key is not null then vault.seal(key, found_id, organisation, 1, '', 'audit.origins.user_agent', browser) end)
  on conflict (organisation_id, session_id, digest) do nothing;
  -- two requests of a new session at once: the other one's is there, committed
  if not found then
    select o.id into strict found_id from audit.origins o
    where o.organisation_id = place and o.session_id is not distinct from session and o.digest = keyed;
  end if;
  return found_id;
exception when invalid_text_representation then
  raise exception using errcode = 'VS422', message = 'the address of the request is no IP address';
end $$;
comment on function audit.origin is 'Where a request came from, as an id; sealed once for each session, address and browser. Internal.';

-- ---------------------------------------------------------------- rows

-- After each row of a stored table. Arguments: resource type, and the column that holds the patient, if there is one.
-- The settings are pinned: a digest must not depend on the caller's time zone or formats.
create function audit.tg_row() returns trigger
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off set timezone = 'UTC' set datestyle = 'ISO, YMD'
  set bytea_output = 'hex' set intervalstyle = 'iso_8601' set extra_float_digits = '1' as $$
declare
  c text[] := access.claims();
  before jsonb;
  after jsonb;
  content jsonb;
  columns text[];
begin
  if tg_op <> 'INSERT' then before := to_jsonb(old); end if;
  if tg_op <> 'DELETE' then after := to_jsonb(new); end if;
  -- the date of the last activity moves without an event, so the digest leaves it out
  content := coalesce(after, before) - 'last_activity_at';
  if c is null then
    -- nobody has entered: the administrator of the installation, in whose organisation's log it belongs all the same
    c := array[null, null, coalesce(content ->> 'organisation_id',
      (select t.organisation_id from access.care_teams t where t.id = (content ->> 'care_team_id')::uuid)::text,
      (select k.organisation_id from vault.keys k where k.level = 'profile'
       and k.subject_id = coalesce(content ->> 'account_id', content ->> 'id')::uuid)::text), null, null, null, null, null];
  end if;
  if tg_op = 'UPDATE' then
    select array_agg(key order by key) into columns from jsonb_each(after) a where a.value is distinct from before -> a.key;
  end if;
  perform audit.append(c, 'row.' || lower(tg_op), tg_argv[0], (content ->> coalesce(tg_argv[2], 'id'))::uuid,
    case when tg_argv[1] <> '' then (content ->> tg_argv[1])::uuid end, 'success',
    json_build_object('digest', encode(sha256(convert_to(content::text, 'UTF8')), 'hex'), 'columns', columns)::text);
  return null;
end $$;
comment on function audit.tg_row is 'One event for each row: its digest over ciphertext, and which columns changed.';

-- what grants something is recorded too
create trigger _900_audit after insert or update or delete on access.organisations for each row execute function audit.tg_row('Organization', '');
create trigger _900_audit after insert or update or delete on access.memberships for each row execute function audit.tg_row('PractitionerRole', 'patient_id');
create trigger _900_audit after insert or update or delete on access.care_teams for each row execute function audit.tg_row('CareTeam', '');
create trigger _900_audit after insert or update or delete on access.care_team_members for each row execute function audit.tg_row('CareTeamMember', '', 'account_id');
create trigger _900_audit after insert or update or delete on access.care_team_patients for each row execute function audit.tg_row('CareTeamPatient', 'patient_id', 'patient_id');
-- updates: one event for a statement, which names each row (0220_key_rotation)
create trigger _900_audit after insert or delete on vault.keys for each row execute function audit.tg_row('Key', '', 'subject_id');
create trigger _900_audit after insert or delete or update of password_hash, status on iam.accounts for each row execute function audit.tg_row('Person', '');
create trigger _900_audit after insert or delete or update of secret, confirmed_at on iam.totp_factors for each row execute function audit.tg_row('Factor', '', 'account_id');

-- ---------------------------------------------------------------- verification

-- Lane by lane, so that memory doesn't grow with the log, and in one pass: each event beside its recorded hash and after the
-- one before it. What 0260_retention has pruned has its recorded hash left.
create function audit.check_lane(organisation uuid, lane int) returns table (seq bigint, problem text)
language plpgsql stable set search_path = '' as $$
begin
  return query
  select c.seq,
         case when c.hash is null then 'the event is missing'
              when c.step <> 1 then format('%s events before this one are missing or out of order', abs(c.step - 1))
              when c.leaf is distinct from audit.leaf(c.event, c.hash_before) then 'the event is not what was chained'
              else 'the leaf''s hash is not the one recorded' end
  from (
    select x.*, x.seq - coalesce(lag(x.seq) over w, 0) as step,
           coalesce(lag(coalesce(x.hash, x.recorded)) over w, decode(repeat('00', 32), 'hex')) as hash_before
    from (
      select coalesce(e.seq, f.seq) as seq, e.event, e.leaf, sha256(convert_to(e.leaf, 'UTF8')) as hash, f.hash as recorded
      from (select v.seq, v.leaf, v as event from audit.events v where v.organisation_id = organisation and v.lane = check_lane.lane) e
      full join (select l.seq, l.hash from audit.leaves l where l.organisation_id = organisation and l.lane = check_lane.lane) f on f.seq = e.seq
    ) x
    window w as (order by x.seq)
  ) c
  where (c.step <> 1 or c.hash is distinct from c.recorded or c.leaf is distinct from audit.leaf(c.event, c.hash_before))
    and not (c.hash is null and c.step = 1 and exists (select from audit.pruned p where p.organisation_id = organisation and p.lane = check_lane.lane
                                                         and c.seq between p.first_seq and p.last_seq));
  -- a lane has a head also when somebody took its row away
  return query
  select coalesce(h.seq, t.seq), 'the head of the lane is not its last event'
  from (select) o
  left join audit.lanes h on (h.organisation_id, h.lane) = (organisation, check_lane.lane)
  left join lateral (
    select y.seq, y.hash from (
      (select e.seq, sha256(convert_to(e.leaf, 'UTF8')) as hash from audit.events e
       where e.organisation_id = organisation and e.lane = check_lane.lane order by e.seq desc limit 1)
      union all
      (select p.last_seq, p.head from audit.pruned p where p.organisation_id = organisation and p.lane = check_lane.lane order by p.last_seq desc limit 1)) y
    order by y.seq desc limit 1) t on true
  where (h.seq, h.head) is distinct from (coalesce(t.seq, 0), coalesce(t.hash, decode(repeat('00', 32), 'hex')));
end $$;
comment on function audit.check_lane is 'Every break in one chain. Internal.';

create function audit.check_lanes(organisations uuid[]) returns table (organisation_id uuid, lane int, seq bigint, problem text)
language plpgsql stable set search_path = '' as $$
begin
  -- lanes that are named anywhere: one whose row was taken away is still verified
  for organisation_id, lane in
    select l.organisation_id, l.lane from audit.lanes l where l.organisation_id = any (organisations)
    union select l.organisation_id, l.lane from audit.leaves l where l.organisation_id = any (organisations)
    union select e.organisation_id, e.lane from audit.events e where e.organisation_id = any (organisations)
    union select p.organisation_id, p.lane from audit.pruned p where p.organisation_id = any (organisations)
    order by 1, 2
  loop
    for seq, problem in select c.seq, c.problem from audit.check_lane(organisation_id, lane) c loop return next; end loop;
  end loop;
  return query select l.organisation_id, l.lane, max(l.seq), 'the lane has two heads' from audit.lanes l
  where l.organisation_id = any (organisations) group by l.organisation_id, l.lane having count(*) > 1;
  return query select g.organisation_id, g.lane, g.seq, g.problem from audit.check_pruned(organisations) g;
end $$;
comment on function audit.check_lanes is 'Every break in the chains of these organisations, with its place; no row: intact. Internal.';

create function audit.verify() returns table (lane int, seq bigint, problem text)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  organisation uuid := access.organisation_as('auditor');
begin
  if organisation is null then
    raise exception using errcode = 'VS403', message = 'auditors verify the log';
  end if;
  return query select c.lane, c.seq, c.problem from audit.check_lanes(array[organisation]) c;
end $$;
comment on function audit.verify is 'For an auditor: the breaks in the organisation''s chains; no row: intact.';
grant execute on function audit.verify to vs_auditor;

create function audit.heads() returns table (lane int, events bigint, head text, last_at timestamptz)
language plpgsql stable security definer set search_path = '' set debug_print_plan = off as $$
declare
  organisation uuid := access.organisation_as('auditor');
begin
  return query
    select l.lane, l.seq, encode(l.head, 'hex'),
           (select e.at from audit.events e where e.organisation_id = l.organisation_id and e.lane = l.lane and e.seq = l.seq)
    from audit.lanes l where l.organisation_id = organisation order by l.lane;
end $$;
comment on function audit.heads is 'For an auditor: the chains of the organisation and their ends.';
grant execute on function audit.heads to vs_auditor;

create function audit.verify_all() returns table (organisation_id uuid, lane int, seq bigint, problem text)
language sql stable security definer set search_path = '' set debug_print_plan = off as $$
  -- whoever is named anywhere: an organisation whose lanes were taken away is still verified
  select * from audit.check_lanes(array(select l.organisation_id from audit.lanes l union select l.organisation_id from audit.leaves l
                                        union select e.organisation_id from audit.events e))
$$;
comment on function audit.verify_all is 'Every chain of the installation: for the DBA and `vitalsync audit verify`.';
grant execute on function audit.verify_all to vs_dba;

reset role;
