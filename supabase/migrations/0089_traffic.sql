-- Traffic: tries to sign in that are unusual for this installation. It tells; it holds nobody back.
--
-- Guarantees
--   1. Each try that was looked at is counted when somebody is let in or refused, in a row of its own: nobody waits for another's.
--      Whoever was told to wait (0086) isn't: so there are no more rows than hashing and the limits of codes and passkeys let through.
--   2. Neither address nor account stands there: both under a keyed hash, for two hours. What stays for 14 days are sums of five
--      minutes of the installation, and for 30 what was unusual.
--   3. What is unusual is said in words of a closed list, with the figure, what is usual, and from where on it counts.
--   4. Told once an hour for each: an event, a figure for monitoring, a line of `vitalsync doctor`; and once a day, where one
--      account is tried from many networks, a message to the administrators of its practice, which names nobody.
--   5. A flood of networks fills neither the log nor this table: 20 an hour of a kind.
--   6. The same work for an account and for an address that has none.
--
-- Usual is the median, over 14 days, of the busiest five minutes of the same hour. Somebody who wants to be usual has to keep it
-- up for a week. Weekends and a week of holidays leave it as it is. An installation younger than that goes by the floors alone.

set role vs_owner;

create table ops.tries (
  id       uuid primary key default ops.uuid_v7(),
  at       timestamptz not null,
  -- keyed hashes; nobody knows the address, or the passkey is none of ours
  network  text check (network ~ '^[0-9a-f]{24}$'),
  account  text check (account ~ '^[0-9a-f]{24}$'),
  known    boolean not null,
  -- let in
  ok       boolean not null
);
comment on table ops.tries is 'Tries to sign in of the last hours. network, account: keyed hashes; known: there is such an account; ok: they came in.';
-- the last minutes, and clearing out
create index tries_at on ops.tries (at);
-- how many accounts one network tries
create index tries_network on ops.tries (network, at);
-- from how many networks one account is tried
create index tries_account on ops.tries (account, at);
alter table ops.tries enable row level security;
alter table ops.tries force row level security;
create policy all_owner on ops.tries to vs_owner using (true) with check (true);
comment on policy all_owner on ops.tries is 'ops.note_try.';

create table ops.traffic (
  at        timestamptz primary key,
  tries     int not null,
  failures  int not null,
  unknown   int not null
);
comment on table ops.traffic is 'Tries of five minutes each, of the whole installation: what is usual. unknown: for addresses without an account.';
alter table ops.traffic enable row level security;
alter table ops.traffic force row level security;
create policy all_owner on ops.traffic to vs_owner using (true) with check (true);
comment on policy all_owner on ops.traffic is 'ops.forget_traffic writes, ops.usual_traffic reads.';

create table ops.unusual (
  id               uuid primary key default ops.uuid_v7(),
  at               timestamptz not null default clock_timestamp(),
  signal           text not null check (signal in ('many_tries', 'many_failures', 'unknown_addresses', 'many_accounts', 'many_networks')),
  -- a keyed hash: of the network (many_accounts) or of the account (many_networks)
  subject          text not null check (subject ~ '^([0-9a-f]{24})?$'),
  figure           int not null,
  usual            int,
  floor            int not null,
  -- whose account is tried, if it is one
  organisation_id  uuid references access.organisations,
  told_at          timestamptz
);
comment on table ops.unusual is 'What was unusual, once an hour for each. `vitalsync networks --check ADDRESS` says whether it came from there.';
-- the last ones, and clearing out
create index unusual_at on ops.unusual (at);
-- who is still to be told
create index unusual_to_tell on ops.unusual (organisation_id) where organisation_id is not null and told_at is null;
alter table ops.unusual enable row level security;
alter table ops.unusual force row level security;
create policy all_owner on ops.unusual to vs_owner using (true) with check (true);
comment on policy all_owner on ops.unusual is 'ops.note_try writes, monitoring reads.';
-- a DBA without BYPASSRLS (Postgres 15 and no superuser) sees it all the same
create policy select_dba on ops.unusual for select to vs_dba using (true);
comment on policy select_dba on ops.unusual is 'What was unusual, and when.';

-- ---------------------------------------------------------------- what is unusual

create function ops.traffic_floor(signal text) returns int
language sql immutable set search_path = '' as $$
  select case signal when 'many_tries' then 100 when 'many_failures' then 30 when 'unknown_addresses' then 20
                     when 'many_accounts' then 10 when 'many_networks' then 6 end
$$;
comment on function ops.traffic_floor is 'From where on it counts at all. In five minutes: tries, failures, tries for addresses that have no account. In an hour: accounts that one network fails to open, networks that fail to open one account.';

create function ops.usual_traffic(at timestamptz, out tries int, out failures int, out unknown int)
language sql stable set search_path = '' as $$
  select percentile_disc(0.5) within group (order by d.tries), percentile_disc(0.5) within group (order by d.failures),
         percentile_disc(0.5) within group (order by d.unknown)
  from (
    -- a day without anybody counts as one
    select coalesce(max(t.tries), 0) as tries, coalesce(max(t.failures), 0) as failures, coalesce(max(t.unknown), 0) as unknown
    from generate_series(1, 14) as day
    left join ops.traffic t on t.at >= date_bin('1 hour', usual_traffic.at, '2000-01-01Z') - day * interval '24 hours'
                           and t.at < date_bin('1 hour', usual_traffic.at, '2000-01-01Z') - day * interval '24 hours' + interval '1 hour'
    group by day) d
$$;
comment on function ops.usual_traffic is 'The median, over 14 days, of the busiest five minutes of this hour. Internal.';

create function ops.count_tries(at timestamptz, out tries int, out failures int, out unknown int)
language sql stable set search_path = '' as $$
  select count(*), count(*) filter (where not t.ok), count(*) filter (where not t.known)
  from ops.tries t where t.at > count_tries.at - interval '5 minutes' and t.at <= count_tries.at
$$;
comment on function ops.count_tries is 'Of the five minutes until then. Internal.';

create function ops.find_unusual(network text, account text, at timestamptz, whole boolean default true)
returns table (signal text, subject text, figure int, usual int)
language plpgsql stable set search_path = '' as $$
#variable_conflict use_column
declare
  now_at timestamptz := find_unusual.at;
  found_tries record;
  usual_tries record;
begin
  -- somebody who has mistyped and come in since is no attack: forty people behind one address do that every morning
  select count(*) into figure from (
    select from ops.tries t where t.network = find_unusual.network and t.at > now_at - interval '1 hour' and t.at <= now_at
    group by t.account having not bool_or(t.ok) limit 1000) a;
  if figure >= ops.traffic_floor('many_accounts') then
    return query select 'many_accounts', find_unusual.network, figure, null::int;
  end if;
  select count(*) into figure from (
    select from ops.tries t where t.account = find_unusual.account and t.at > now_at - interval '1 hour' and t.at <= now_at
    group by t.network having not bool_or(t.ok) limit 1000) n;
  if figure >= ops.traffic_floor('many_networks') then
    return query select 'many_networks', find_unusual.account, figure, null::int;
  end if;
  if not whole then return; end if;
  select * into found_tries from ops.count_tries(now_at);
  -- what is usual is asked for only where it could matter
  if found_tries.tries < ops.traffic_floor('unknown_addresses') then return; end if;
  select * into usual_tries from ops.usual_traffic(now_at);
  return query select x.signal, '', x.figure, x.usual
  from (values ('many_tries', found_tries.tries, usual_tries.tries), ('many_failures', found_tries.failures, usual_tries.failures),
               ('unknown_addresses', found_tries.unknown, usual_tries.unknown)) x (signal, figure, usual)
  where x.figure >= ops.traffic_floor(x.signal) and x.figure > 3 * x.usual;
end $$;
comment on function ops.find_unusual is 'What is unusual about a network, an account (keyed hashes), and the installation as a `whole`, at this moment. Internal.';

-- ---------------------------------------------------------------- at the gate

create function ops.account_key(ring text, account uuid) returns text
language plpgsql stable set search_path = '' as $$
begin
  return encode(substr(extensions.hmac(convert_to(account::text, 'UTF8'),
    vault.derive(vault.master(ring, vault.current_master(ring)), 'traffic'), 'sha256'), 1, 12), 'hex');
end $$;
comment on function ops.account_key is 'A keyed hash of an account: what a try is counted under; NULL for none. Internal.';

create function ops.note_try(ring text, account uuid, ok boolean, caller jsonb) returns void
language plpgsql volatile set search_path = '' as $$
declare
  network text := case when caller ->> 'ip' is not null then ops.network_key(ring, caller ->> 'ip') end;
  key text := ops.account_key(ring, account);
  known boolean := exists (select from iam.accounts a where a.id = account);
  -- it is the same for everybody: one at a time looks at it, once in ten seconds
  whole boolean := pg_try_advisory_xact_lock(hashtextextended('ops.unusual', 0))
    and ops.peek('unusual', 1, 0.1) = 0 and ops.take('unusual', 1, 0.1) = 0;
  found_one record;
begin
  insert into ops.tries (at, network, account, known, ok) values (clock_timestamp(), network, key, known, note_try.ok);
  for found_one in select f.* from ops.find_unusual(network, key, clock_timestamp(), whole) f loop
    perform ops.record_unusual(found_one.signal, found_one.subject, found_one.figure, found_one.usual, account);
  end loop;
end $$;
comment on function ops.note_try is 'Counts a try to sign in, and tells of what is unusual. Last in its function: after it nothing is locked. Internal.';

create function ops.record_unusual(signal text, subject text, figure int, usual int, account uuid) returns void
language plpgsql volatile set search_path = '' as $$
declare
  place text := 'unusual/' || signal || '/' || subject;
  claims text[] := case when signal = 'many_networks' then iam.gate_claims(account, null, null) else array_fill(null::text, array[8]) end;
  id uuid := ops.uuid_v7();
begin
  -- nobody waits for another's: the next try finds the same
  if not pg_try_advisory_xact_lock(hashtextextended('ops.unusual/record', 0)) then return; end if;
  if ops.peek(place, 1, 1.0 / 3600) > 0 or ops.peek('unusual/' || signal, 20, 20.0 / 3600) > 0 then return; end if;
  if ops.take(place, 1, 1.0 / 3600) > 0 or ops.take('unusual/' || signal, 20, 20.0 / 3600) > 0 then return; end if;
  insert into ops.unusual (id, signal, subject, figure, usual, floor, organisation_id)
  values (id, signal, subject, figure, usual, ops.traffic_floor(signal), claims[3]::uuid);
  perform audit.append(claims, 'traffic.unusual', 'Traffic', id, null, 'failure',
    json_strip_nulls(json_build_object('signal', signal, 'figure', figure, 'usual', usual, 'floor', ops.traffic_floor(signal)))::text);
end $$;
comment on function ops.record_unusual is 'Once an hour for each network, account, and the installation; 20 an hour of a kind. Where one account is tried, in the log of its practice. Internal.';

-- ---------------------------------------------------------------- who is told

-- With the delivery and not at the gate: there, an account that exists would take the longer for it.
create function ops.tell_of_traffic(ring text) returns void
language plpgsql volatile set search_path = '' as $$
declare
  place uuid;
  administrator uuid;
begin
  for place in
    update ops.unusual u set told_at = clock_timestamp()
    where u.id in (select x.id from ops.unusual x where x.organisation_id is not null and x.told_at is null limit 100 for update skip locked)
    returning u.organisation_id
  loop
    if ops.take('told/traffic/' || place, 1, 1.0 / 86400) > 0 then continue; end if;
    for administrator in
      select m.account_id from access.memberships m
      where m.organisation_id = place and m.role = 'org_admin' and access.membership_is_live(m.id) order by m.id limit 20
    loop
      perform ops.post(ring, administrator, 'email', 'unusual_traffic', '{"path": "/admin/sign-ins"}');
    end loop;
  end loop;
end $$;
comment on function ops.tell_of_traffic is 'Posts to the administrators of a practice, once a day, that an account of theirs is tried from many networks. Internal: ops.take_messages.';

-- ---------------------------------------------------------------- figures and upkeep

create function ops.traffic_figures() returns table (name text, help text, value double precision)
language sql stable set search_path = '' as $$
  select 'sign_in_tries', 'Tries to sign in of the last five minutes that were looked at.', c.tries::float8 from ops.count_tries(clock_timestamp()) c
  union all
  select 'sign_in_failures', 'Those of them that failed.', c.failures::float8 from ops.count_tries(clock_timestamp()) c
  union all
  select 'sign_in_unknown_addresses', 'Those of them for addresses that have no account.', c.unknown::float8 from ops.count_tries(clock_timestamp()) c
  union all
  select 'sign_in_unusual', 'What was unusual about tries to sign in within the last hour: see ops.unusual.',
    (select count(*)::float8 from ops.unusual u where u.at > clock_timestamp() - interval '1 hour')
  union all
  select 'networks_denied', 'Networks that are denied now.',
    (select count(*)::float8 from ops.networks_in_force n where n.list = 'deny')
$$;
comment on function ops.traffic_figures is 'Internal: ops.figures.';

create function ops.forget_traffic() returns void
language plpgsql volatile set search_path = '' as $$
begin
  with gone as (
    -- and what a clock that was ahead has left
    delete from ops.tries t where t.at < clock_timestamp() - interval '1 hour' or t.at > clock_timestamp() + interval '1 hour' returning t.*)
  insert into ops.traffic as x (at, tries, failures, unknown)
  select date_bin('5 minutes', g.at, '2000-01-01Z'), count(*), count(*) filter (where not g.ok), count(*) filter (where not g.known)
  from gone g where g.at < clock_timestamp() group by 1
  on conflict on constraint traffic_pkey do update set
    tries = x.tries + excluded.tries, failures = x.failures + excluded.failures, unknown = x.unknown + excluded.unknown;
  delete from ops.traffic t where t.at < clock_timestamp() - interval '15 days' or t.at > clock_timestamp() + interval '1 hour';
  delete from ops.unusual u where u.at < clock_timestamp() - interval '30 days';
end $$;
comment on function ops.forget_traffic is 'Sums up tries that are an hour old, and removes what is over. As vs_owner, by ops.upkeep.';

reset role;
