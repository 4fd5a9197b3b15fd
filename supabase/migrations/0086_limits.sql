-- Limits: how often somebody may try, and how many passwords are hashed at a time. Every edge asks here.
--
-- Guarantees
--   1. A limit is counted in the database: whoever spreads requests over edges gains nothing.
--   2. An address counts by its network (IPv6: the /64, of which one household has 2^64 addresses), under a keyed hash.
--   3. Buckets bear volume; delays grow with each failure in a row, and end: nothing is locked for good, and a clock
--      that was stepped locks nobody out.
--   4. What is over is cleared out at the pace at which it comes: a flood of addresses doesn't fill the table for long.
--   5. No more passwords are hashed at a time, in the whole installation, than ops.hashing says; a browser that is known
--      to its account has one turn besides.
--   6. Refusals are recorded without a flood of them filling the log: one a minute for each limit that was reached.

set role vs_owner;

-- ---------------------------------------------------------------- buckets

create table ops.limits (
  key      text primary key,
  tokens   double precision not null,
  at       timestamptz not null,
  full_at  timestamptz not null default clock_timestamp() + interval '1 day'
) with (fillfactor = 70);
comment on table ops.limits is 'Token buckets, shared by all edges. Keys hold ids and keyed hashes, no addresses. One that is full again is as good as none.';
-- clearing out
create index limits_full on ops.limits (full_at);
alter table ops.limits enable row level security;
alter table ops.limits force row level security;
create policy all_owner on ops.limits to vs_owner using (true) with check (true);
comment on policy all_owner on ops.limits is 'ops.take.';

create function ops.take(key text, capacity double precision, per_second double precision, lowest double precision default -1) returns int
language plpgsql volatile set search_path = '' as $$
declare
  left_over double precision;
  is_new boolean;
  now_at timestamptz := clock_timestamp();
begin
  insert into ops.limits as l (key, tokens, at, full_at) values (take.key, capacity - 1, now_at, now_at + make_interval(secs => 1 / per_second))
  on conflict on constraint limits_pkey do update set
    tokens = greatest(lowest, least(capacity, l.tokens + per_second * greatest(0, extract(epoch from now_at - l.at)::float8)) - 1),
    at = now_at, full_at = now_at + make_interval(secs => (capacity - lowest) / per_second)
  returning tokens, xmax = 0 into left_over, is_new;
  -- each new one takes two away that are over: the table doesn't outgrow what is going on
  if is_new then
    delete from ops.limits l where l.key in (
      select x.key from ops.limits x where x.full_at < now_at order by x.full_at limit 2 for update skip locked);
  end if;
  if left_over >= 0 then return 0; end if;
  return ceil(-left_over / per_second)::int;
end $$;
comment on function ops.take is 'Takes a token from a bucket: 0, or the seconds to wait. lowest: how far below zero those go on who don''t wait. Internal.';

create function ops.peek(key text, capacity double precision, per_second double precision) returns int
language plpgsql stable set search_path = '' as $$
declare
  l ops.limits;
  left_over double precision;
begin
  select * into l from ops.limits x where x.key = peek.key;
  -- none, or one of a clock that was ahead, which ops.take corrects
  if l.key is null or l.at > clock_timestamp() + interval '5 seconds' then return 0; end if;
  left_over := least(capacity, l.tokens + per_second * greatest(0, extract(epoch from clock_timestamp() - l.at)::float8)) - 1;
  return case when left_over >= 0 then 0 else ceil(-left_over / per_second)::int end;
end $$;
comment on function ops.peek is 'What ops.take would answer: takes nothing, waits for nobody. Internal.';

create function ops.give_back(key text) returns void
language sql volatile set search_path = '' as $$
  update ops.limits l set tokens = l.tokens + 1 where l.key = give_back.key
$$;
comment on function ops.give_back is 'The token, to somebody who needed none. Internal.';

-- ---------------------------------------------------------------- delays

create table ops.delays (
  key               text primary key,
  failures          int not null check (failures >= 0),
  not_before        timestamptz not null,
  forgotten_at      timestamptz not null,
  -- what it was before the last try: a success goes back to it
  was_forgotten_at  timestamptz not null
) with (fillfactor = 70);
comment on table ops.delays is 'Failures in a row, and when the next try is taken. Keys as in ops.limits.';
-- clearing out
create index delays_forgotten on ops.delays (forgotten_at);
alter table ops.delays enable row level security;
alter table ops.delays force row level security;
create policy all_owner on ops.delays to vs_owner using (true) with check (true);
comment on policy all_owner on ops.delays is 'ops.delay.';

create function ops.seconds_until(not_before timestamptz, longest interval) returns int
language sql volatile set search_path = '' as $$
  -- one that is further away than any delay comes from a clock that was ahead
  select case when not_before > clock_timestamp() and not_before <= clock_timestamp() + longest
              then ceil(extract(epoch from not_before - clock_timestamp()))::int else 0 end
$$;
comment on function ops.seconds_until is 'Internal.';

create function ops.delay(key text, free int, first interval, longest interval, memory interval) returns int
language plpgsql volatile set search_path = '' as $$
declare
  d ops.delays;
  now_at timestamptz := clock_timestamp();
  wait interval := interval '0';
begin
  delete from ops.delays x where x.key in (
    select y.key from ops.delays y where y.forgotten_at < now_at and y.key <> delay.key order by y.forgotten_at limit 2 for update skip locked);
  -- an update of nothing locks the row, and gives it
  insert into ops.delays as x (key, failures, not_before, forgotten_at, was_forgotten_at) values (delay.key, 0, '-infinity', now_at, now_at)
  on conflict on constraint delays_pkey do update set failures = x.failures returning x.* into d;
  if ops.seconds_until(d.not_before, longest) > 0 then return ops.seconds_until(d.not_before, longest); end if;
  if d.forgotten_at <= now_at then d.failures := 0; end if;
  d.failures := d.failures + 1;
  if d.failures >= free then
    wait := least(longest, first * (2.0 ^ least(30, d.failures - free)));
  end if;
  update ops.delays x set failures = d.failures, not_before = now_at + wait, forgotten_at = now_at + greatest(wait, memory),
    was_forgotten_at = d.forgotten_at where x.key = delay.key;
  return 0;
end $$;
comment on function ops.delay is 'Counts a try as a failure: 0, or the seconds to wait, and then nothing is counted. The first `free` come at once; then the next one waits `first`, and twice as long each time, up to `longest`. Forgotten after `memory` without one. Internal.';

create function ops.delayed(key text, longest interval) returns int
language sql volatile set search_path = '' as $$
  select coalesce((select ops.seconds_until(d.not_before, longest) from ops.delays d where d.key = delayed.key), 0)
$$;
comment on function ops.delayed is 'What ops.delay would answer: counts nothing, waits for nobody. Internal.';

create function ops.forgive(key text) returns void
language sql volatile set search_path = '' as $$
  update ops.delays d set failures = greatest(0, d.failures - 1), not_before = '-infinity', forgotten_at = d.was_forgotten_at where d.key = forgive.key
$$;
comment on function ops.forgive is 'The try that ops.delay has just counted, in the same transaction, was none. Internal.';

create function ops.forget(key text) returns void
language sql volatile set search_path = '' as $$
  delete from ops.delays d where d.key = forget.key
$$;
comment on function ops.forget is 'All failures: whoever failed has shown who they are. Internal.';

-- ---------------------------------------------------------------- who is counted

create function ops.network_key(ring text, ip text) returns text
language plpgsql stable set search_path = '' as $$
declare
  address inet := ops.plain_address(ip);
  network text;
begin
  network := case when ip is null then ''
                  when family(address) = 6 then text(network(set_masklen(address, 64)))
                  else host(address) end;
  return encode(substr(extensions.hmac(convert_to(network, 'UTF8'),
    vault.derive(vault.master(ring, vault.current_master(ring)), 'origin'), 'sha256'), 1, 12), 'hex');
end $$;
comment on function ops.network_key is 'A keyed hash of an address, IPv6 by its /64: what a bucket is called by. Internal.';

-- Routes at which nobody is signed in yet, or which cost: an e-mail, an SMS, a signature. Burst, and then so many an hour.
create function ops.limit_route(ring text, route text, caller jsonb, subject uuid default null) returns int
language plpgsql volatile set search_path = '' as $$
declare
  burst double precision := case when route in ('register', 'recover', 'send_code') then 5 when route in ('accept', 'confirm') then 20 else 30 end;
  an_hour double precision := case when route in ('register', 'recover', 'send_code') then 10 when route in ('accept', 'confirm') then 60 else 360 end;
  place text := 'route/' || route || '/address/' || ops.network_key(ring, caller ->> 'ip');
  retry_after int;
  reached text := place;
begin
  perform ops.require_network(caller ->> 'ip');
  -- whoever doesn't wait, waits longer
  retry_after := ops.take(place, burst, an_hour / 3600, -burst);
  if retry_after = 0 and subject is not null then
    reached := 'route/' || route || '/account/' || subject;
    retry_after := ops.take(reached, burst, an_hour / 3600, -burst);
  end if;
  if retry_after > 0 then perform ops.record_limited(ring, iam.gate_claims(subject, null, null), route, reached, caller); end if;
  return retry_after;
end $$;
comment on function ops.limit_route is 'Begins a gate function that may be asked too often: 0, or the seconds to wait (answer `wait`, retry_after). route: register, recover, send_code (5 at once, 10 an hour), accept, confirm (20, 60), any other word (30, 360); for each network, and for each account if `subject` is given. Internal. Errors: VS471.';

create function ops.record_limited(ring text, claims text[], step text, reached text, caller jsonb) returns void
language plpgsql volatile set search_path = '' as $$
begin
  -- looked at first: those of a flood don't wait for each other
  if ops.peek('limited/' || reached, 1, 1.0 / 60) > 0 or ops.take('limited/' || reached, 1, 1.0 / 60) > 0 then return; end if;
  claims[8] := iam.caller_origin(ring, claims[3]::uuid, claims[1]::uuid, caller)::text;
  perform audit.append(claims, 'session.limited', 'session', claims[1]::uuid, null, 'failure', json_build_object('step', step)::text);
end $$;
comment on function ops.record_limited is 'That a limit was reached: once a minute for each. Internal.';

-- A token that no session has, or has had: somebody guesses, or has come back after months. In the log of the installation.
create function ops.record_unknown(ring text, step text, ip text, user_agent text) returns void
language plpgsql volatile set search_path = '' as $$
declare
  place text := 'unknown/' || ops.network_key(ring, ip);
begin
  if ops.peek(place, 10, 1.0 / 60) > 0 or ops.peek('unknown', 100, 0.1) > 0 then return; end if;
  if ops.take(place, 10, 1.0 / 60) > 0 or ops.take('unknown', 100, 0.1) > 0 then return; end if;
  perform audit.append(array[null, null, null, 'unknown', null, null, null, audit.origin(ring, null, null, ip, user_agent)::text],
    'page.refused', 'session', null, null, 'failure', json_build_object('answer', 'unknown', 'step', step)::text);
end $$;
comment on function ops.record_unknown is 'Records that a token of nobody was tried: ten at once and one a minute for each network, a hundred at once and six a minute in all. Internal.';

-- ---------------------------------------------------------------- turns for hashing

create table ops.hashing (
  one      boolean primary key default true check (one),
  at_once  int not null default 2 check (at_once between 1 and 64)
);
comment on table ops.hashing is 'How many passwords are hashed at a time: each takes a core for a quarter of a second. docs/dba.md says when to raise it.';
alter table ops.hashing enable row level security;
alter table ops.hashing force row level security;
create policy all_owner on ops.hashing to vs_owner using (true) with check (true);
comment on policy all_owner on ops.hashing is 'ops.hash_turn, and the administrator of the installation.';
insert into ops.hashing default values;

create function ops.hash_turn(known boolean default false) returns boolean
language plpgsql volatile set search_path = '' as $$
begin
  for i in 1 .. (select h.at_once from ops.hashing h) + known::int loop
    if pg_try_advisory_xact_lock(hashtextextended('ops.hashing/' || i, 0)) then return true; end if;
  end loop;
  return false;
end $$;
comment on function ops.hash_turn is 'A turn, to the end of the transaction, or false: then nothing is hashed, and the answer is `busy`. known: a browser that its account knows. Internal.';

create function ops.wait_for_hash_turn() returns void
language plpgsql volatile set search_path = '' as $$
begin
  if not ops.hash_turn() then
    perform pg_advisory_xact_lock(hashtextextended('ops.hashing/' || 1 + floor(random() * (select h.at_once from ops.hashing h))::int, 0));
  end if;
end $$;
comment on function ops.wait_for_hash_turn is 'The same for a password that is set: waits, as long as lock_timeout says. Internal. Errors: 55P03.';

reset role;
