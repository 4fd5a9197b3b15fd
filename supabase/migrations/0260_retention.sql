-- Retention: the months of the log, made ahead and given up when they are over.
--
-- Guarantees
--   1. The coming months have their partitions, also where a clock that was far off has left events in the default one
--      before: those are filed into their month. No event is lost or changed by it.
--   2. Only a whole month can be pruned that ended more than three years ago (EHDS art. 9: who looked, at least three years),
--      and only while each of its events is what was chained, and stands in a signed checkpoint: what was changed is never
--      cleared away, and what is gone can still be proven to have been.
--   3. What is pruned keeps its leaf hashes (audit.leaves), and what verification needs to go on is recorded: which numbers
--      of which lane, and the hash to go on from. An event log.prune in the organisation's own chain covers that record,
--      so that a month which somebody dropped by hand, or a record made up for it, shows.
--   4. Addresses and browsers to which no event refers any more go as well, at most 10,000 at a time.

set role vs_owner;

create table audit.pruned (
  organisation_id  uuid not null,
  lane             int not null check (lane between 0 and 15),
  first_seq        bigint not null check (first_seq > 0),
  last_seq         bigint not null,
  until            timestamptz not null,
  head             bytea not null check (length(head) = 32),
  primary key (organisation_id, lane, first_seq),
  check (last_seq >= first_seq)
);
comment on table audit.pruned is 'Events that are gone by retention: from which number to which, and the hash of the last one, which the next one holds.';
alter table audit.pruned enable row level security;
alter table audit.pruned force row level security;
create policy all_owner on audit.pruned to vs_owner using (true) with check (true);
comment on policy all_owner on audit.pruned is 'audit.prune_month, which joins neighbours, and verification.';
create policy select_dba on audit.pruned for select to vs_dba using (true);
comment on policy select_dba on audit.pruned is 'A DBA without BYPASSRLS verifies all the same.';
-- no grant to acting roles: verification tells them

-- an origin of a sign-in belongs to no session and may serve for years: is it still referred to?
create index events_origin on audit.events (origin_id) where session_id is null and origin_id is not null;
create policy delete_owner on audit.origins for delete to vs_owner using (created_at < now() - interval '3 years');
comment on policy delete_owner on audit.origins is 'audit.forget_origins, when their events have been pruned.';

-- ---------------------------------------------------------------- months

create function audit.months() returns table (month timestamptz, name text)
language sql stable set search_path = '' as $$
  select to_timestamp(substr(c.relname, 8) || '-01', 'YYYY_MM-DD')::timestamp at time zone 'UTC', c.relname::text
  from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhrelid
  where i.inhparent = 'audit.events'::regclass and c.relname ~ '^events_[0-9]{4}_[0-9]{2}$'
$$;
comment on function audit.months is 'The months that have a partition (their first moment, in UTC), and its name. Internal.';

create function audit.month_after(month timestamptz, months int default 1) returns timestamptz
language sql immutable set search_path = '' as $$
  select (month at time zone 'UTC' + pg_catalog.make_interval(months => months)) at time zone 'UTC'
$$;

create function audit.month_of(at timestamptz) returns timestamptz
language sql immutable set search_path = '' as $$
  select pg_catalog.date_trunc('month', at at time zone 'UTC') at time zone 'UTC'
$$;

create function audit.months_between(since timestamptz, until timestamptz) returns int
language sql immutable set search_path = '' as $$
  select coalesce((extract(year from until at time zone 'UTC') - extract(year from since at time zone 'UTC')) * 12
                  + extract(month from until at time zone 'UTC') - extract(month from since at time zone 'UTC'), 0)::int
$$;

-- Through the parent, as everybody reads: the gaps between the months are what the default partition holds.
create function audit.strays() returns table (month timestamptz, events bigint)
language plpgsql stable set search_path = '' as $$
declare
  gap record;
begin
  for gap in
    select coalesce(audit.month_after(lag(m.month) over w), '-infinity') as since, m.month as until from audit.months() m window w as (order by m.month)
    union all select coalesce(audit.month_after(max(m.month)), '-infinity'), 'infinity' from audit.months() m
  loop
    continue when gap.since = gap.until;
    return query select audit.month_of(e.at), count(*) from audit.events e
                 where e.at >= gap.since and e.at < gap.until group by 1 order by 1;
  end loop;
end $$;
comment on function audit.strays is 'Events dated outside of the months that have a partition, by month: a clock was far off. Internal.';

create function audit.make_month(month timestamptz) returns void
language plpgsql volatile set search_path = '' as $$
declare
  name text := 'events_' || to_char(month at time zone 'UTC', 'YYYY_MM');
begin
  execute format('create table audit.%I partition of audit.events for values from (%L) to (%L)', name, month, audit.month_after(month));
  execute format('alter table audit.%I enable row level security', name);
  execute format('alter table audit.%I force row level security', name);
end $$;
comment on function audit.make_month is 'The partition of one month. Internal.';

create function audit.make_default() returns void
language plpgsql volatile set search_path = '' as $$
begin
  execute 'create table audit.events_default partition of audit.events default';
  execute 'alter table audit.events_default enable row level security';
  execute 'alter table audit.events_default force row level security';
end $$;
comment on function audit.make_default is 'The partition for what is dated outside of every month. Internal.';

-- A month can't be made while the default partition holds events of it. Nothing is deleted: the default partition is
-- copied, dropped, made anew and filled through the parent, in one transaction, while nobody writes.
create function audit.file_strays(wanted timestamptz[]) returns bigint
language plpgsql volatile set search_path = '' as $$
declare
  aside text := 'events_astray';
  month timestamptz;
  astray bigint;
  back bigint;
begin
  perform set_config('lock_timeout', '5s', true);
  lock table audit.events in access exclusive mode;
  execute 'alter table audit.events_default no force row level security';
  execute format('create table audit.%I as select * from audit.events_default', aside);
  get diagnostics astray = row_count;
  execute 'drop table audit.events_default';
  foreach month in array wanted loop perform audit.make_month(month); end loop;
  perform audit.make_default();
  execute format('insert into audit.events select * from audit.%I', aside);
  get diagnostics back = row_count;
  if back <> astray then
    raise exception using errcode = 'VS500', message = 'events of the default partition were not filed: nothing was changed';
  end if;
  execute format('drop table audit.%I', aside);
  return astray - coalesce((select sum(s.events) from audit.strays() s), 0);
end $$;
comment on function audit.file_strays is 'Makes these months and files what the default partition holds of them; gives the number of events. Internal.';

create function audit.ensure_partitions(ahead int default 3, today timestamptz default now()) returns int
language plpgsql volatile set search_path = '' as $$
declare
  now_month timestamptz := audit.month_of(today);
  newest timestamptz;
  wanted timestamptz[];
begin
  -- two at once: the second one finds everything made
  perform pg_advisory_xact_lock(hashtextextended('audit.ensure_partitions', 0));
  -- without a gap since the newest month before this one (a server that slept), but not for ever (a clock that was far off)
  select max(m.month) into newest from audit.months() m where m.month < now_month;
  wanted := array(
    select audit.month_after(now_month, i) from generate_series(
      least(-1, greatest(-36, audit.months_between(now_month, newest))), ahead) i
    -- and the months that a clock which was behind has written into
    union select s.month from audit.strays() s where s.month between audit.month_after(now_month, -36) and audit.month_after(now_month, ahead)
    except select m.month from audit.months() m
    order by 1);
  if exists (select from audit.strays() s where s.month = any (wanted)) then
    perform audit.file_strays(wanted);
  else
    perform audit.make_month(m) from unnest(wanted) m;
  end if;
  return cardinality(wanted);
end $$;
comment on function audit.ensure_partitions is 'Makes the partitions of the coming months and files events that were dated outside of them. As vs_owner, at every start and by a job.';

do $$ begin
  perform audit.make_default();
  perform audit.ensure_partitions();
end $$;

-- ---------------------------------------------------------------- pruning

create function audit.prunable(before date default null) returns table (month date, name text, events bigint, bytes bigint)
language plpgsql stable set search_path = '' as $$
declare
  latest date := (audit.month_after(audit.month_of(now()), -36) at time zone 'UTC')::date;
  m record;
begin
  if before > latest then
    raise exception using errcode = 'VS422', message = format('only whole months before %s can be pruned: the log is kept for three years', latest);
  end if;
  for m in select * from audit.months() x where (x.month at time zone 'UTC')::date < coalesce(before, latest) order by x.month loop
    month := (m.month at time zone 'UTC')::date;
    name := m.name;
    bytes := pg_total_relation_size(format('audit.%I', m.name));
    select count(*) into events from audit.events e where e.at >= m.month and e.at < audit.month_after(m.month);
    return next;
  end loop;
end $$;
comment on function audit.prunable is 'The months that can be pruned: those that ended more than three years ago, and before that date. Errors: VS422 when the date is later. As vs_owner.';

create function audit.prune_digest(organisation uuid) returns text
language sql stable set search_path = '' as $$
  select encode(sha256(convert_to(coalesce(string_agg(array_to_json(array[p.lane::text, p.first_seq::text, p.last_seq::text,
    to_char(p.until at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), encode(p.head, 'hex')])::text, E'\n' order by p.lane, p.first_seq), ''), 'UTF8')), 'hex')
  from audit.pruned p where p.organisation_id = organisation
$$;
comment on function audit.prune_digest is 'Of what audit.pruned holds of an organisation; its last event log.prune holds the same. Internal.';

create function audit.prune_month(month date) returns bigint
language plpgsql volatile set search_path = '' as $$
declare
  m record;
  first timestamptz := month::timestamp at time zone 'UTC';
  past timestamptz := audit.month_after(month::timestamp at time zone 'UTC');
  wrong bigint;
  ranges audit.pruned[];
  o record;
  removed bigint;
begin
  -- the same refusal for a month that is too young and for a date that isn't a month's first
  select * into m from audit.prunable(((month + interval '1 month'))::date) p where p.month = prune_month.month;
  if not found then
    raise exception using errcode = 'VS404', message = 'the log has no such month: a month is named by its first day';
  end if;
  -- 2: read first, while others write
  select count(*) into wrong from audit.events e
  left join audit.leaves l on (l.organisation_id, l.lane, l.seq) = (e.organisation_id, e.lane, e.seq)
  left join audit.leaves b on (b.organisation_id, b.lane, b.seq) = (e.organisation_id, e.lane, e.seq - 1)
  where e.at >= first and e.at < past
    and ((e.leaf = audit.leaf(e, coalesce(b.hash, decode(repeat('00', 32), 'hex'))) and l.hash = sha256(convert_to(e.leaf, 'UTF8'))) is not true);
  if wrong > 0 then
    raise exception using errcode = 'VS409', message = format('%s events of this month are not what was chained: `vitalsync audit verify` tells which, and nothing was pruned', wrong);
  end if;
  select count(*) into wrong from audit.events e
  where e.at >= first and e.at < past and not exists (
    select from audit.log l join audit.checkpoints c on c.generation = l.generation and c.size > l.leaf_index
    where (l.organisation_id, l.lane, l.seq) = (e.organisation_id, e.lane, e.seq) and l.hash = audit.leaf_hash(e.leaf));
  if wrong > 0 then
    raise exception using errcode = 'VS409', message = format('no checkpoint holds %s events of this month: `vitalsync audit seal` signs one, and nothing was pruned', wrong);
  end if;
  -- nobody waits long for us, and we hold no lane while we wait
  perform set_config('lock_timeout', '2s', true);
  lock table audit.events in access exclusive mode;
  select count(*) into removed from audit.events e where e.at >= first and e.at < past;
  -- what is there of these organisations and what comes to it, neighbours joined
  ranges := array(
    with mine as (
      select e.organisation_id, e.lane, e.seq, e.seq - row_number() over (partition by e.organisation_id, e.lane order by e.seq) as island
      from audit.events e where e.at >= first and e.at < past),
    pieces as (
      select x.organisation_id, x.lane, min(x.seq) as first_seq, max(x.seq) as last_seq, past as until from mine x group by x.organisation_id, x.lane, x.island
      union all
      select p.organisation_id, p.lane, p.first_seq, p.last_seq, p.until from audit.pruned p where p.organisation_id in (select x.organisation_id from mine x)),
    begun as (
      select p.*, (p.first_seq is distinct from lag(p.last_seq) over (partition by p.organisation_id, p.lane order by p.first_seq) + 1)::int as begins from pieces p),
    grouped as (select b.*, sum(b.begins) over (partition by b.organisation_id, b.lane order by b.first_seq) as range from begun b),
    joined as (select g.organisation_id, g.lane, min(g.first_seq) as first_seq, max(g.last_seq) as last_seq, max(g.until) as until
               from grouped g group by g.organisation_id, g.lane, g.range)
    select row(j.organisation_id, j.lane, j.first_seq, j.last_seq, j.until, l.hash)::audit.pruned
    from joined j join audit.leaves l on (l.organisation_id, l.lane, l.seq) = (j.organisation_id, j.lane, j.last_seq));
  delete from audit.pruned p where p.organisation_id in (select r.organisation_id from unnest(ranges) r);
  insert into audit.pruned select r.* from unnest(ranges) r;
  for o in select e.organisation_id as id, count(*) as events from audit.events e where e.at >= first and e.at < past group by 1 order by 1 loop
    perform audit.append(array[null, null, o.id::text, null, null, null, null, null], 'log.prune', 'AuditEvent', null, null, 'success',
      json_build_object('month', to_char(month, 'YYYY-MM'), 'events', o.events, 'digest', audit.prune_digest(o.id))::text);
  end loop;
  execute format('drop table audit.%I', m.name);
  return removed;
end $$;
comment on function audit.prune_month is 'Gives up the events of one whole month, named by its first day; their leaf hashes stay. Gives their number. Errors: VS404, VS409 (something of it was changed, or isn''t sealed), VS422 (younger than three years), 55P03 (the log is being read: again later). As vs_owner.';

-- Part of audit.check_lanes: a record of pruning that nobody made by audit.prune_month.
create function audit.check_pruned(organisations uuid[]) returns table (organisation_id uuid, lane int, seq bigint, problem text)
language sql stable set search_path = '' as $$
  with mine as (select p.* from audit.pruned p where p.organisation_id = any (organisations)),
  told as (select o.organisation_id, audit.prune_digest(o.organisation_id) as digest, max(o.until) as until from mine o group by o.organisation_id)
  select p.organisation_id, p.lane, p.first_seq, 'no event log.prune covers what was pruned here'
  from mine p join told t on t.organisation_id = p.organisation_id
  where not exists (select from audit.events e where e.organisation_id = t.organisation_id and e.event = 'log.prune'
                    and e.details::json ->> 'digest' = t.digest and e.at >= audit.month_after(t.until, 36)
                    -- nobody prunes in a time to come
                    and e.at < clock_timestamp() + interval '1 day')
  union all
  select p.organisation_id, p.lane, p.first_seq, 'the organisation is younger than what was pruned here'
  from mine p where p.until <= ops.uuid_v7_time(p.organisation_id)
  union all
  -- an event of more than a month later was signed before the last one of these joined the log: it isn't that old
  select p.organisation_id, p.lane, p.first_seq, 'what was pruned here joined the log long after its month'
  from mine p join audit.log l on (l.organisation_id, l.lane, l.seq) = (p.organisation_id, p.lane, p.last_seq)
  where exists (
    select from (select v.lane, v.seq from audit.events v where v.organisation_id = p.organisation_id and v.at >= audit.month_after(p.until)
                 order by v.at limit 1) e
    join audit.log x on (x.organisation_id, x.lane, x.seq) = (p.organisation_id, e.lane, e.seq)
    where x.generation < l.generation or (x.generation = l.generation and x.leaf_index <
      (select max(c.size) from audit.checkpoints c where c.generation = l.generation and c.size <= l.leaf_index)))
  union all
  select p.organisation_id, p.lane, p.first_seq, 'a month ends otherwise' from mine p where p.until is distinct from audit.month_of(p.until)
  union all
  select p.organisation_id, p.lane, p.last_seq, 'the leaf of the last event that was pruned is not the one recorded'
  from mine p left join audit.leaves l on (l.organisation_id, l.lane, l.seq) = (p.organisation_id, p.lane, p.last_seq)
  where l.hash is distinct from p.head
  union all
  select p.organisation_id, p.lane, p.first_seq, format('%s leaves of pruned events are missing', p.last_seq - p.first_seq + 1 - n.leaves)
  from mine p cross join lateral (select count(*) as leaves from audit.leaves l where (l.organisation_id, l.lane) = (p.organisation_id, p.lane)
                                  and l.seq between p.first_seq and p.last_seq) n
  where n.leaves <> p.last_seq - p.first_seq + 1
$$;
comment on function audit.check_pruned is 'What is wrong with the record of pruned events; no row: nothing. Internal.';

create function audit.forget_origins(at_most int default 10000) returns int
language plpgsql volatile set search_path = '' as $$
declare
  oldest timestamptz := (select min(m.month) from audit.months() m);
  forgotten int;
begin
  -- a session lasts 12 hours at most, so that its events are gone with the month after
  delete from audit.origins o where o.id in (
    select x.id from audit.origins x
    where x.created_at < least(oldest - interval '1 day', now() - interval '3 years')
      -- one of a sign-in belongs to no session and may have been used since
      and not exists (select from audit.events e where e.origin_id = x.id and e.session_id is null)
      -- what a clock that was far off has dated
      and not exists (select from audit.strays() s)
    order by x.created_at limit at_most);
  get diagnostics forgotten = row_count;
  return forgotten;
end $$;
comment on function audit.forget_origins is 'Removes addresses and browsers to which no event refers any more. As vs_owner, by a job.';

reset role;
