-- Sign-ins: what was unusual about each, who is told, and which are held back.
--
-- Guarantees
--   1. A sign-in has a row: when, and what was unusual about it, in words of a closed list. Its score is the sum of their points.
--      Address, browser and place are sealed with a key of the account.
--   2. From the organisation's `notice_from` on, the person and the administrators are told; from `stop_from` on nobody is let in
--      until the sign-in was released: by a link sent to the person, or by an administrator, never of their own.
--   3. What was held back or disowned makes nothing usual: neither its device, nor its network, nor its place.
--   4. Somebody who tries codes elsewhere makes nothing unusual about a known device.
--   5. Whoever says "that wasn't me" undoes what it opened (0335). A link lives 3 days, and tells the time and what was undone.
--   6. Who has the password and no code is told of as well: at the fifth refused code of a day, once a day.
--   7. The first sign-in of an account has nothing to be compared with, and one by a link of the practice ends what that link
--      began: neither is held back.

set role vs_owner;

create table iam.sign_ins (
  id               uuid primary key default ops.uuid_v7(),
  account_id       uuid not null references iam.accounts,
  organisation_id  uuid not null references access.organisations,
  session_id       uuid not null unique references iam.sessions,
  device_id        uuid references iam.devices,
  at               timestamptz not null default clock_timestamp(),
  -- keyed with a key of the account: nobody compares two people's
  network          bytea check (length(network) = 16),
  -- does its place have coordinates?
  placed           boolean not null,
  signals          text[] not null check (signals <@ array['new_device', 'new_network', 'impossible_speed', 'many_failures', 'odd_hour']),
  score            int not null check (score >= 0),
  outcome          text not null check (outcome in ('let_in', 'told', 'stopped')),
  facts            bytea not null,
  link_hash        bytea unique check (length(link_hash) = 32),
  released_at      timestamptz,
  -- nobody: by the link
  released_by      uuid references iam.accounts,
  disowned_at      timestamptz,
  -- what that has undone (0335)
  undone           text[] not null default '{}' check (undone <@ array['session', 'device', 'recovery', 'address', 'passkey', 'totp', 'sms_code', 'recovery_code']),
  check (outcome = 'stopped' or released_at is null),
  check (released_at is not null or released_by is null)
);
comment on table iam.sign_ins is 'Sign-ins with two factors. facts (sealed JSON): ip, user_agent, place, and what the signals are about: km, minutes, failures.';
-- the history of an account, newest first
create index sign_ins_account on iam.sign_ins (account_id, at desc);
-- the last one with a place, and a network that was used: without reading a history of thousands
create index sign_ins_placed on iam.sign_ins (account_id, at desc) where placed;
create index sign_ins_network on iam.sign_ins (account_id, network, at);
-- what administrators look at
create index sign_ins_unusual on iam.sign_ins (organisation_id, at desc) where outcome <> 'let_in';
-- the device of a foreign key
create index sign_ins_device on iam.sign_ins (device_id) where device_id is not null;
-- and who released
create index sign_ins_released_by on iam.sign_ins (released_by) where released_by is not null;
alter table iam.sign_ins enable row level security;
alter table iam.sign_ins force row level security;
create policy all_owner on iam.sign_ins to vs_owner using (true) with check (true);
comment on policy all_owner on iam.sign_ins is 'Written at sign-in; read by functions that ask who is there.';

-- failures of one account: the log is what counts them
create index events_failures on audit.events (actor_id, at desc) where outcome = 'failure' and event in ('session.password', 'session.factor');

-- ---------------------------------------------------------------- what is unusual

create function iam.signal_points(signal text) returns int
language sql immutable set search_path = '' as $$
  select case signal when 'impossible_speed' then 50 when 'new_device' then 25 when 'many_failures' then 20 when 'odd_hour' then 20
                     when 'new_network' then 15 end
$$;
comment on function iam.signal_points is 'What a signal weighs: a new device in a new place is told (40), a copied password and code from abroad is held back (90).';

-- A house or a mobile operator, not one address: IPv4 by its /24, IPv6 by its /48.
create function iam.network_of(profile_key bytea, ip text) returns bytea
language plpgsql immutable set search_path = '' as $$
declare
  address inet := ops.plain_address(ip);
begin
  return substr(extensions.hmac(convert_to(text(network(set_masklen(address, case family(address) when 6 then 48 else 24 end))), 'UTF8'),
                                vault.derive(profile_key, 'network'), 'sha256'), 1, 16);
end $$;
comment on function iam.network_of is 'A keyed hash of the network of an address; NULL for none. Internal.';

create function iam.coordinates(place text) returns double precision[]
language plpgsql immutable set search_path = '' as $$
declare
  degrees text[] := regexp_match(place, '/(-?[0-9]{1,3}(?:[.][0-9]{1,4})?),(-?[0-9]{1,3}(?:[.][0-9]{1,4})?)$');
begin
  if degrees is null or abs(degrees[1]::numeric) > 90 or abs(degrees[2]::numeric) > 180 then return null; end if;
  return degrees::double precision[];
end $$;
comment on function iam.coordinates is 'Latitude and longitude at the end of `country/city/latitude,longitude`; NULL where it has none. Internal.';

create function iam.km_between(a double precision[], b double precision[]) returns double precision
language sql immutable set search_path = '' as $$
  -- haversine, on a sphere: right to one part in two hundred. least() would take an unknown place for the other end of the world.
  select case when cardinality(a) = 2 and cardinality(b) = 2 then
    12742 * asin(sqrt(least(1, sin(radians(b[1] - a[1]) / 2) ^ 2 + cos(radians(a[1])) * cos(radians(b[1])) * sin(radians(b[2] - a[2]) / 2) ^ 2))) end
$$;
comment on function iam.km_between is 'NULL when one of them isn''t known. Internal.';

create function iam.read_facts(profile_key bytea, s iam.sign_ins) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin
  return convert_from(vault.unpack(profile_key, convert_to('iam.sign_ins.facts', 'UTF8') || '\x00'::bytea || uuid_send(s.id)
                                   || uuid_send(s.account_id) || int8send(1), s.facts), 'UTF8')::jsonb;
end $$;
comment on function iam.read_facts is 'Internal.';

create function iam.is_trusted(s iam.sign_ins) returns boolean
language sql immutable set search_path = '' as $$
  select (s.outcome <> 'stopped' or s.released_at is not null) and s.disowned_at is null
$$;
comment on function iam.is_trusted is 'Does this sign-in make its network, place and hour usual? Internal.';

create function iam.find_signals(profile_key bytea, account uuid, device_known boolean, network bytea, place text, at timestamptz,
                                 out signals text[], out facts jsonb)
language plpgsql stable set search_path = '' as $$
declare
  last iam.sign_ins;
  last_placed iam.sign_ins;
  minute int := extract(hour from at at time zone 'Europe/Paris') * 60 + extract(minute from at at time zone 'Europe/Paris');
  km double precision;
  hours double precision;
  failures int;
begin
  signals := '{}';
  facts := '{}';
  -- nothing to compare with
  if not exists (select from iam.sign_ins s where s.account_id = account) then return; end if;
  select * into last from iam.sign_ins s where s.account_id = account and iam.is_trusted(s) order by s.at desc limit 1;

  if not device_known then
    signals := signals || 'new_device'::text;
    -- those of the last day, and not of before the last sign-in; counted no further than it matters
    failures := (select count(*) from (
      select from audit.events e
      where e.actor_id = account and e.outcome = 'failure' and e.event in ('session.password', 'session.factor')
        and e.at > greatest(find_signals.at - interval '1 day', last.at) limit 100) f);
    if failures >= 5 then
      signals := signals || 'many_failures'::text;
      facts := facts || jsonb_build_object('failures', failures);
    end if;
  end if;

  if network is not null and not exists (select from iam.sign_ins s where s.account_id = account and s.network = find_signals.network
                                           and s.at > find_signals.at - interval '180 days' and iam.is_trusted(s)) then
    signals := signals || 'new_network'::text;
  end if;

  select * into last_placed from iam.sign_ins s where s.account_id = account and s.placed and iam.is_trusted(s) order by s.at desc limit 1;
  if last_placed.id is not null then
    km := iam.km_between(iam.coordinates(iam.read_facts(profile_key, last_placed) ->> 'place'), iam.coordinates(place));
    hours := greatest(0, extract(epoch from at - last_placed.at)) / 3600;
    -- faster than an airliner; and where an address seems to be is right to 200 km at best
    if km > 200 and km > 900 * hours then
      signals := signals || 'impossible_speed'::text;
      facts := facts || jsonb_build_object('km', round(km), 'minutes', round(hours * 60));
    end if;
  end if;

  -- no earlier sign-in within three hours of this one's, on any day, once there are ten to go by
  if (select count(*) >= 10 and min(least(h.apart, 1440 - h.apart)) > 180
      from (select abs(extract(hour from s.at at time zone 'Europe/Paris') * 60 + extract(minute from s.at at time zone 'Europe/Paris') - minute) as apart
            from iam.sign_ins s
            where s.account_id = account and s.at > find_signals.at - interval '90 days' and iam.is_trusted(s) order by s.at desc limit 50) h) then
    signals := signals || 'odd_hour'::text;
  end if;
end $$;
comment on function iam.find_signals is 'What is unusual about a sign-in, and the figures behind it. Internal.';

-- ---------------------------------------------------------------- at the gate: iam.accept_factor asks

create function iam.weigh_sign_in(ring text, s iam.sessions, caller jsonb) returns text
language plpgsql volatile set search_path = '' as $$
declare
  key bytea := vault.unwrap(ring, s.account_id, 'profile');
  o access.organisations;
  device uuid := iam.known_device(s.account_id, caller ->> 'device');
  place text := case when caller ->> 'place' ~ '^[A-Z]{2}/[^/]{0,80}/[-0-9.,]{0,24}$' then caller ->> 'place' end;
  entry iam.sign_ins;
  facts jsonb;
  link text := translate(encode(extensions.gen_random_bytes(32), 'base64'), '+/=' || E'\n', '-_');
begin
  select * into strict o from access.organisations x where x.id = s.organisation_id;
  entry.id := ops.uuid_v7();
  entry.at := clock_timestamp();
  entry.network := iam.network_of(key, caller ->> 'ip');
  select f.signals, f.facts into entry.signals, facts
  -- one that a whole practice shares is usual to each of them (0088)
  from iam.find_signals(key, s.account_id, device is not null, case when not ops.is_allowed_network(caller ->> 'ip') then entry.network end,
                        place, entry.at) f;
  entry.score := (select coalesce(sum(iam.signal_points(signal)), 0) from unnest(entry.signals) signal);
  entry.outcome := case when entry.score >= o.stop_from and not s.enrols then 'stopped' when entry.score >= o.notice_from then 'told' else 'let_in' end;
  if entry.outcome <> 'let_in' then entry.link_hash := iam.hash_token(link); end if;
  device := iam.remember_device(s.account_id, caller ->> 'device', entry.outcome <> 'stopped');
  facts := facts || jsonb_strip_nulls(jsonb_build_object('ip', caller ->> 'ip', 'user_agent', left(caller ->> 'user_agent', 300), 'place', place));
  insert into iam.sign_ins (id, account_id, organisation_id, session_id, device_id, at, network, placed, signals, score, outcome, facts, link_hash)
  values (entry.id, s.account_id, s.organisation_id, s.id, device, entry.at, entry.network, iam.coordinates(place) is not null, entry.signals, entry.score, entry.outcome,
          vault.seal(key, entry.id, s.account_id, 1, '', 'iam.sign_ins.facts', facts::text), entry.link_hash);
  update iam.sessions x set device_id = device where x.id = s.id;
  if entry.outcome = 'let_in' then return 'ok'; end if;
  perform audit.append(iam.gate_claims(s.account_id, s.id, s.origin_id), 'session.unusual', 'SignIn', entry.id, null,
    case when entry.outcome = 'stopped' then 'failure' else 'success' end,
    json_build_object('outcome', entry.outcome, 'score', entry.score, 'signals', entry.signals)::text);
  perform iam.tell_of_sign_in(ring, s, entry, facts, link);
  if entry.outcome = 'told' then return 'ok'; end if;
  update iam.sessions x set revoked_at = clock_timestamp(), revoked_because = 'held' where x.id = s.id;
  return 'stopped';
end $$;
comment on function iam.weigh_sign_in is 'Records a sign-in that has shown two factors, tells of an unusual one, and says whether it is let in: ok or stopped (its session is over). Internal: iam.accept_factor.';

create function iam.tell_of_sign_in(ring text, s iam.sessions, entry iam.sign_ins, facts jsonb, link text) returns void
language plpgsql volatile set search_path = '' as $$
declare
  administrator uuid;
begin
  perform ops.post(ring, s.account_id, 'email', case when entry.outcome = 'stopped' then 'sign_in_stopped' else 'unusual_sign_in' end,
    jsonb_build_object('path', '/sign-ins/' || link, 'reasons', entry.signals, 'user_agent', facts ->> 'user_agent', 'place', facts ->> 'place'));
  -- that somebody is a patient here goes into nobody's mailbox: the administrators' page has it, without a name
  if s.role = 'patient' then return; end if;
  for administrator in
    select m.account_id from access.memberships m
    where m.organisation_id = s.organisation_id and m.role = 'org_admin' and m.account_id <> s.account_id and access.membership_is_live(m.id)
    order by m.id limit 20
  loop
    perform ops.post(ring, administrator, 'email', 'unusual_sign_in_of_member', '{"path": "/admin/sign-ins"}');
  end loop;
end $$;
comment on function iam.tell_of_sign_in is 'Posts what is told of an unusual sign-in. Internal.';

create function iam.tell_of_codes(ring text, s iam.sessions) returns void
language plpgsql volatile set search_path = '' as $$
begin
  -- one that is signed in shows a factor again: nobody else has got as far as there
  if s.factors = 2 or (select count(*) from (
       select from audit.events e
       where e.actor_id = s.account_id and e.outcome = 'failure' and e.event = 'session.factor' and e.at > clock_timestamp() - interval '1 day'
         and e.details like '%"refused"%'
       limit 4) f) < 4 or ops.take('told/codes/' || s.account_id, 1, 1.0 / 86400) > 0 then
    return;
  end if;
  perform ops.post(ring, s.account_id, 'email', 'codes_refused');
  perform audit.append(iam.gate_claims(s.account_id, s.id, s.origin_id), 'session.unusual', 'session', s.id, null, 'failure', '{"reason":"codes"}');
end $$;
comment on function iam.tell_of_codes is 'The fifth refused code of a day, after the right password: somebody may know it, and its owner is told, once a day. Internal: iam.take_factor.';

-- ---------------------------------------------------------------- "that was me", "that wasn't me"

create function iam.release_sign_in(claims text[], sign_in uuid) returns void
language plpgsql volatile set search_path = '' as $$
declare
  device uuid;
begin
  update iam.sign_ins s set released_at = clock_timestamp(), released_by = claims[2]::uuid where s.id = sign_in returning s.device_id into device;
  -- the browser is known when it comes again
  update iam.devices d set forgotten_at = null, last_seen_at = clock_timestamp() where d.id = device;
end $$;
comment on function iam.release_sign_in is 'The next sign-in from there is a usual one. claims: who released; none for the link. Internal.';

create function iam.find_by_link(ring text, link text, caller jsonb) returns iam.sign_ins
language plpgsql volatile set search_path = '' as $$
declare
  entry iam.sign_ins;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform set_config('lock_timeout', '5s', true);
  perform iam.lock_account((select s.account_id from iam.sign_ins s where s.link_hash = iam.hash_token(link)));
  select * into entry from iam.sign_ins s
  where s.link_hash = iam.hash_token(link) and s.at > clock_timestamp() - interval '3 days' for update;
  -- 256 bits aren't guessed; the log doesn't grow for ever by those who try
  if entry.id is null and ops.take('sign_in_link/' || ops.network_key(ring, caller ->> 'ip'), 30, 1.0 / 60) = 0 then
    perform audit.append(iam.gate_claims(null, null, iam.caller_origin(ring, null, null, caller)), 'session.unusual', 'SignIn', null, null,
      'failure', '{"answer":"expired"}');
  end if;
  return entry;
end $$;
comment on function iam.find_by_link is 'The sign-in that a link is about, locked. Internal.';

create function iam.state_of(entry iam.sign_ins) returns text
language sql immutable set search_path = '' as $$
  select case when entry.id is null then 'expired' when entry.disowned_at is not null then 'disowned'
              when entry.released_at is not null then 'released' else entry.outcome end
$$;

create function iam.look_at_sign_in(ring text, link text, caller jsonb, out answer text, out at timestamptz, out undone text[])
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  entry iam.sign_ins := iam.find_by_link(ring, link, caller);
begin
  answer := iam.state_of(entry);
  at := entry.at;
  undone := entry.undone;
end $$;
comment on function iam.look_at_sign_in is 'What a link that was sent is about: told or stopped, and when; released or disowned (undone: what that ended) when it was answered, expired. Errors: VS503.';
grant execute on function iam.look_at_sign_in to vs_gate;

create function iam.answer_sign_in(ring text, link text, mine boolean, caller jsonb, out answer text)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  entry iam.sign_ins := iam.find_by_link(ring, link, caller);
  claims text[];
begin
  -- "that wasn't me" opens nothing, and is said from anywhere
  if mine is not false then perform ops.require_network(caller ->> 'ip'); end if;
  answer := iam.state_of(entry);
  if answer in ('expired', 'disowned') then return; end if;
  claims := iam.gate_claims(entry.account_id, null, iam.caller_origin(ring, entry.organisation_id, null, caller));
  if mine and answer = 'stopped' then
    perform iam.release_sign_in(null, entry.id);
    perform audit.append(claims, 'session.unusual', 'SignIn', entry.id, null, 'success', '{"released":true}');
    answer := 'released';
  elsif not mine then
    perform iam.disown_sign_in(ring, claims, entry);
    answer := 'disowned';
  end if;
end $$;
comment on function iam.answer_sign_in is 'The person answers the link: mine releases what was held back, not mine ends every session. Gives what it is now: released, disowned, told, or expired. Errors: VS503.';
grant execute on function iam.answer_sign_in to vs_gate;

-- ---------------------------------------------------------------- one's own

create function clinic.read_own_sign_ins() returns table (id uuid, at timestamptz, current boolean, methods text[], signals text[], score int,
  outcome text, released_at timestamptz, disowned_at timestamptz, undone text[], ip text, user_agent text, place text, km int, minutes int, failures int)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
#variable_conflict use_column
declare
  c text[] := access.claims();
  account uuid := c[2]::uuid;
  key bytea;
begin
  if account is null then return; end if;
  key := vault.unwrap(vault.ring(), account, 'profile');
  return query
  select s.id, s.at, s.session_id = c[1]::uuid, x.methods, s.signals, s.score, s.outcome, s.released_at, s.disowned_at, s.undone,
         f.facts ->> 'ip', f.facts ->> 'user_agent', f.facts ->> 'place', (f.facts ->> 'km')::int, (f.facts ->> 'minutes')::int, (f.facts ->> 'failures')::int
  from (select y as entry, y.* from iam.sign_ins y where y.account_id = account and y.at > clock_timestamp() - interval '90 days' order by y.at desc limit 50) s
  join iam.sessions x on x.id = s.session_id
  cross join lateral (select iam.read_facts(key, s.entry) as facts offset 0) f
  order by s.at desc;
end $$;
comment on function clinic.read_own_sign_ins is 'One''s own sign-ins of 90 days, the last 50.';
create view clinic.own_sign_ins with (security_invoker = true) as select * from clinic.read_own_sign_ins();
comment on view clinic.own_sign_ins is 'One''s own sign-ins, newest first, and what was unusual about them. not null: id, at, current, methods, signals, score, outcome, undone';

-- ---------------------------------------------------------------- the administrators

create function audit.open_sign_ins() returns text
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
begin
  return audit.open_page('org_admin', 'accounts.read', 'SignIn');
end $$;
comment on function audit.open_sign_ins is 'An administrator reads the unusual sign-ins, or the settings that they are judged by. ok, forbidden or signed_out.';

create function clinic.read_unusual_sign_ins() returns table (id uuid, at timestamptz, account_id uuid, display_name text, role text, own boolean,
  signals text[], score int, outcome text, released_at timestamptz, released_by_name text, disowned_at timestamptz, place text, km int, minutes int, failures int)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
#variable_conflict use_column
declare
  organisation uuid := access.organisation_as('org_admin');
  self uuid := access.account_id();
begin
  return query
  select s.id, s.at,
         -- that somebody is a patient here is not the administrator's to see
         case when x.role <> 'patient' then s.account_id end, case when x.role <> 'patient' then iam.person_name(s.account_id) end,
         x.role, s.account_id = self, s.signals, s.score, s.outcome, s.released_at, iam.person_name(s.released_by), s.disowned_at,
         f.facts ->> 'place', (f.facts ->> 'km')::int, (f.facts ->> 'minutes')::int, (f.facts ->> 'failures')::int
  from (select y as entry, y.* from iam.sign_ins y
        where y.organisation_id = organisation and y.outcome <> 'let_in' and y.at > clock_timestamp() - interval '90 days'
        order by y.at desc limit 100) s
  join iam.sessions x on x.id = s.session_id
  left join lateral (select iam.read_facts(vault.unwrap(vault.ring(), s.account_id, 'profile'), s.entry) as facts
                     where x.role <> 'patient' offset 0) f on true
  order by s.at desc;
end $$;
comment on function clinic.read_unusual_sign_ins is 'For an administrator: 90 days, the last 100; of patients nothing but that, when and why.';
create view clinic.unusual_sign_ins with (security_invoker = true) as select * from clinic.read_unusual_sign_ins();
comment on view clinic.unusual_sign_ins is 'Sign-ins in the organisation that were told of or held back, newest first. not null: id, at, role, own, signals, score, outcome';

create function clinic.release_sign_in(key uuid, sign_in uuid) returns uuid
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  entry iam.sign_ins;
begin
  select s.* into entry from iam.sign_ins s join iam.sessions x on x.id = s.session_id
  where s.id = sign_in and s.organisation_id = access.organisation_as('org_admin') and x.role <> 'patient' for update of s;
  if not found or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS404', message = 'there is no such sign-in here';
  end if;
  if entry.account_id = c[2]::uuid then
    raise exception using errcode = 'VS403', message = 'somebody else releases a sign-in of one''s own';
  end if;
  if entry.outcome <> 'stopped' or entry.disowned_at is not null then
    raise exception using errcode = 'VS409', message = 'this sign-in isn''t held back any more';
  end if;
  perform ops.fulfil(key, 'sign_ins.release', sign_in);
  if entry.released_at is null then
    perform iam.release_sign_in(c, sign_in);
    perform audit.append(c, 'session.unusual', 'SignIn', sign_in, null, 'success', '{"released":true}');
  end if;
  return sign_in;
end $$;
comment on function clinic.release_sign_in is 'An administrator lets in a colleague whose sign-in was held back, at the next try from there. key: ops.intend(key, ''sign_ins.release''). Errors: VS208, VS403, VS404, VS409, VS428, VS470.';

create function clinic.read_security() returns table (organisation_id uuid, notice_from int, stop_from int, email_codes boolean, sms_codes boolean, points json)
language sql volatile security definer rows 1 set search_path = '' set debug_print_plan = off as $$
  select o.id, o.notice_from, o.stop_from, o.email_codes, o.sms_codes,
         (select json_object_agg(signal, iam.signal_points(signal))
          from unnest(array['impossible_speed', 'new_device', 'many_failures', 'odd_hour', 'new_network']) signal)
  from access.organisations o where o.id = access.organisation_as('org_admin')
$$;
comment on function clinic.read_security is 'For an administrator.';
create view clinic.security with (security_invoker = true) as select * from clinic.read_security();
comment on view clinic.security is 'How the organisation judges sign-ins, and which codes may be sent; points: what each signal weighs. not null: organisation_id, notice_from, stop_from, email_codes, sms_codes, points';

create function clinic.change_security(key uuid, notice_from int, stop_from int, email_codes boolean, sms_codes boolean) returns uuid
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  organisation uuid := access.organisation_as('org_admin');
begin
  if organisation is null or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS403', message = 'administrators change the settings of their organisation';
  end if;
  if (notice_from between 1 and 1000 and stop_from between notice_from and 1000 and email_codes is not null and sms_codes is not null) is not true then
    raise exception using errcode = 'VS422', message = 'telling comes before holding back, and both lie between 1 and 1000';
  end if;
  perform ops.fulfil(key, 'security.change', organisation);
  -- the row's event says which of them changed
  update access.organisations o set notice_from = change_security.notice_from, stop_from = change_security.stop_from,
    email_codes = change_security.email_codes, sms_codes = change_security.sms_codes where o.id = organisation;
  return organisation;
end $$;
comment on function clinic.change_security is 'Thresholds and kinds of codes of one''s own organisation. key: ops.intend(key, ''security.change''). Errors: VS208, VS403, VS422, VS428, VS470.';

grant execute on function clinic.read_own_sign_ins to vs_patient, vs_clinician, vs_secretary, vs_org_admin, vs_auditor, vs_dpo, vs_researcher;
grant select on clinic.own_sign_ins to vs_patient, vs_clinician, vs_secretary, vs_org_admin, vs_auditor, vs_dpo, vs_researcher;
grant execute on function audit.open_sign_ins to vs_anon, vs_patient, vs_clinician, vs_secretary, vs_org_admin, vs_auditor, vs_dpo, vs_researcher;
grant execute on function clinic.read_unusual_sign_ins, clinic.release_sign_in, clinic.read_security, clinic.change_security to vs_org_admin;
grant select on clinic.unusual_sign_ins, clinic.security to vs_org_admin;

-- ---------------------------------------------------------------- upkeep

create function iam.forget_sign_ins() returns void
language plpgsql volatile set search_path = '' as $$
begin
  -- what is older than the log's year of addresses is compared with nothing; the newest of each account says that there was one
  delete from iam.sign_ins s where s.id in (
    select x.id from iam.sign_ins x
    where x.at < clock_timestamp() - interval '1 year'
      and exists (select from iam.sign_ins y where y.account_id = x.account_id and y.at > x.at)
    order by x.at limit 10000);
end $$;
comment on function iam.forget_sign_ins is 'Removes sign-ins of more than a year ago, but the last of each account. As vs_owner, by ops.upkeep.';

reset role;
