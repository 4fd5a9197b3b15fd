-- Networks: which ones are refused before anybody says who they are, and which are a practice's own.
--
-- Guarantees
--   1. Who comes from a denied network gets nothing of the gate and opens no page, signed in or not, with a known browser or not;
--      in the same words whether an account exists. What only closes stays open to them: "that wasn't me", cancelling a recovery.
--   2. An allowed network opens nothing. Tries of passwords aren't counted for its address, which a whole practice shares, and it
--      isn't unusual at a sign-in (0099); accounts, browsers, codes and routes have their limits there as everywhere.
--   3. The most exact network decides; of two that are equal, deny. ::ffff:203.0.113.9 is 203.0.113.9.
--   4. Each entry ends by itself, after a year at most. Nothing but the owner's hand makes one: no rule, no role that is
--      reachable from vs_edge or vs_gate, and no number of failures.
--   5. Nobody shuts everybody out: nothing wider than an IPv4 /8 or an IPv6 /19 is taken, and this machine can't be denied.
--   6. Each change is an event, whatever SQL made it, and so are refusals: one a minute for each entry.
--
-- An operator's network stands here in clear, since it is compared with addresses. A /32 may be one person's address, which is
-- personal data: so the row goes 30 days after its end, and the log, which is kept for years and sealed with a signature, has
-- its id, family and length alone. The reason is a word of a list: nobody writes a name there.

set role vs_owner;

-- ---------------------------------------------------------------- addresses

create function ops.plain_network(network inet) returns inet
language sql immutable set search_path = '' as $$
  select case when network <<= '::ffff:0.0.0.0/96'
              then set_masklen(inet '0.0.0.0' + (set_masklen(network, 128) - inet '::ffff:0.0.0.0'), masklen(network) - 96)
              else network end
$$;
comment on function ops.plain_network is 'An IPv4 address or network that is written as IPv6 (RFC 4291 §2.5.5.2), as IPv4. Internal.';

create function ops.plain_address(ip text) returns inet
language plpgsql immutable set search_path = '' as $$
begin
  return ops.plain_network(host(ip::inet)::inet);
exception when invalid_text_representation then
  raise exception using errcode = 'VS422', message = 'the address of the request is no IP address';
end $$;
comment on function ops.plain_address is 'The address of a request; NULL if nobody knows it. Internal. Errors: VS422.';

create function ops.is_wide(network inet) returns boolean
language sql immutable set search_path = '' as $$
  select masklen(network) < case family(network) when 6 then 19 else 8 end
$$;
comment on function ops.is_wide is 'Wider than what one provider has. Internal.';

create function ops.is_local(network inet) returns boolean
language sql immutable set search_path = '' as $$
  -- 0.0.0.0 stands for a socket without an address (edge/client.ts)
  select network && '127.0.0.0/8' or network && '0.0.0.0/8' or network && '::/127'
$$;
comment on function ops.is_local is 'This machine. Internal.';

-- ---------------------------------------------------------------- the list

create table ops.networks (
  id         uuid primary key default ops.uuid_v7(),
  -- guarantee 3: written in one way
  network    cidr not null check (ops.plain_network(network) = network),
  list       text not null check (list in ('allow', 'deny')),
  reason     text not null,
  -- the login, not a person of the practice
  made_by    name not null default session_user,
  made_at    timestamptz not null default clock_timestamp(),
  until      timestamptz not null,
  lifted_at  timestamptz,
  lifted_by  name,
  -- guarantee 4
  check (until > made_at and until <= made_at + interval '1 year'),
  -- guarantee 5
  check (not ops.is_wide(network) and (list = 'allow' or not ops.is_local(network))),
  -- no free text
  check (case list when 'deny' then reason in ('guessing', 'flood', 'scanning', 'incident', 'test')
                   else reason in ('practice', 'partner', 'test') end),
  check ((lifted_at is null) = (lifted_by is null))
);
comment on table ops.networks is 'Denied and allowed networks, each with its end. Changed by ops.deny_network, ops.allow_network and ops.lift_network.';
-- which networks hold an address
create index networks_network on ops.networks using gist (network inet_ops) where lifted_at is null;
-- one entry of a kind for a network
create unique index networks_once on ops.networks (network, list) where lifted_at is null;
alter table ops.networks enable row level security;
alter table ops.networks force row level security;
create policy all_owner on ops.networks to vs_owner using (true) with check (true);
comment on policy all_owner on ops.networks is 'The administrator of the installation, and whoever asks about an address.';
-- a DBA without BYPASSRLS (Postgres 15 and no superuser) sees it all the same
create policy select_dba on ops.networks for select to vs_dba using (true);
comment on policy select_dba on ops.networks is 'What is refused, and until when.';
-- no insert, no update: vs_dba reads

create function ops.is_in_force(n ops.networks) returns boolean
language sql stable set search_path = '' as $$
  -- one that was made by a clock that was years ahead doesn't stay for years
  select n.lifted_at is null and n.until > clock_timestamp() and n.until <= clock_timestamp() + interval '1 year'
$$;
comment on function ops.is_in_force is 'Internal.';

create view ops.networks_in_force with (security_invoker = true) as
  select n.network, n.list, n.reason, n.made_by, n.made_at, n.until, n.id from ops.networks n
  where n.lifted_at is null and n.until > clock_timestamp() and n.until <= clock_timestamp() + interval '1 year'
  order by n.network, n.list;
comment on view ops.networks_in_force is 'What is denied and allowed now.';

-- ---------------------------------------------------------------- every change is an event

create function ops.tg_networks__record() returns trigger
language plpgsql volatile set search_path = '' as $$
declare
  n ops.networks := coalesce(new, old);
begin
  if tg_op = 'UPDATE' and (to_jsonb(new) - '{lifted_at,lifted_by}'::text[] <> to_jsonb(old) - '{lifted_at,lifted_by}'::text[]
                           or old.lifted_at is not null) then
    raise exception using errcode = 'VS422', message = 'an entry is lifted, and another one made: ops.lift_network, ops.deny_network, ops.allow_network';
  end if;
  -- one that is over changes nothing by going
  if tg_op = 'DELETE' and not ops.is_in_force(old) then return null; end if;
  perform audit.append(array_fill(null::text, array[8]), case when tg_op = 'INSERT' then 'network.' || n.list else 'network.lift' end,
    'Network', n.id, null, 'success', json_build_object('list', n.list, 'family', family(n.network), 'length', masklen(n.network),
      'reason', n.reason, 'until', to_char(n.until at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))::text);
  return null;
end $$;
comment on function ops.tg_networks__record is 'network.deny, network.allow, network.lift: without the network itself (see above).';
create trigger _101_no_truncate before truncate on ops.networks for each statement execute function audit.tg_events__append_only();
create trigger _900_audit after insert or update or delete on ops.networks for each row execute function ops.tg_networks__record();

-- ---------------------------------------------------------------- changing it: as vs_owner

create function ops.list_network(network inet, list text, reason text, lasting interval) returns uuid
language plpgsql volatile set search_path = '' as $$
#variable_conflict use_column
declare
  plain cidr := network(ops.plain_network(list_network.network));
  -- an interval counts a month for 30 days or 31; the end says which
  ending timestamptz := clock_timestamp() + lasting;
  made uuid;
begin
  if plain is null then
    raise exception using errcode = 'VS422', message = 'which network? 203.0.113.0/24, or one address';
  end if;
  if ops.is_wide(plain) then
    raise exception using errcode = 'VS422', message = 'this would reach half the world: an IPv4 network is /8 or narrower, an IPv6 network /19';
  end if;
  if list_network.list = 'deny' and ops.is_local(plain) then
    raise exception using errcode = 'VS422', message = 'this machine can''t be denied: everybody comes by it when a proxy is in front';
  end if;
  if (ending > clock_timestamp() and ending <= clock_timestamp() + interval '1 year') is not true then
    raise exception using errcode = 'VS422', message = 'an entry has an end, within a year';
  end if;
  if (list_network.reason = any (case list_network.list when 'deny' then '{guessing,flood,scanning,incident,test}'::text[] else '{practice,partner,test}' end)) is not true then
    raise exception using errcode = 'VS422', message = case list_network.list
      when 'deny' then 'the reason is guessing, flood, scanning, incident or test' else 'the reason is practice, partner or test' end;
  end if;
  -- two at the same moment come one after the other
  perform pg_advisory_xact_lock(hashtextextended('ops.networks', 0));
  -- again: another reason, or another end
  update ops.networks n set lifted_at = clock_timestamp(), lifted_by = session_user
  where n.network = plain and n.list = list_network.list and n.lifted_at is null;
  insert into ops.networks (network, list, reason, until) values (plain, list_network.list, list_network.reason, ending)
  returning id into made;
  return made;
end $$;
comment on function ops.list_network is 'Internal: ops.deny_network, ops.allow_network.';

create function ops.deny_network(network inet, reason text, lasting interval) returns uuid
language sql volatile set search_path = '' as $$
  select ops.list_network(network, 'deny', reason, lasting)
$$;
comment on function ops.deny_network is 'Refuses a network for a while: ''203.0.113.0/24'', or one address; in place of an entry that it has. reason: guessing, flood, scanning, incident or test. Gives the id that events name. As vs_owner. Errors: VS422.';

create function ops.allow_network(network inet, reason text, lasting interval) returns uuid
language sql volatile set search_path = '' as $$
  select ops.list_network(network, 'allow', reason, lasting)
$$;
comment on function ops.allow_network is 'A network that many share: tries aren''t counted for its address, and it isn''t unusual. reason: practice, partner or test. As vs_owner. Errors: VS422.';

create function ops.lift_network(network inet) returns int
language plpgsql volatile set search_path = '' as $$
#variable_conflict use_column
declare
  lifted int;
begin
  perform pg_advisory_xact_lock(hashtextextended('ops.networks', 0));
  update ops.networks n set lifted_at = clock_timestamp(), lifted_by = session_user
  where n.network = network(ops.plain_network(lift_network.network)) and ops.is_in_force(n);
  get diagnostics lifted = row_count;
  if lifted = 0 then
    raise exception using errcode = 'VS404', message = 'there is no entry for exactly this network: vitalsync networks lists them';
  end if;
  return lifted;
end $$;
comment on function ops.lift_network is 'Ends the entries for exactly this network, now: how many. As vs_owner. Errors: VS404.';
-- no grant: whoever may act as the owner

-- ---------------------------------------------------------------- asking

-- planned once: a plan for each address costs five times what asking does
create function ops.network_of(ip text) returns ops.networks
language plpgsql stable set search_path = '' set plan_cache_mode = 'force_generic_plan' as $$
declare
  address inet;
  decides ops.networks;
begin
  -- most installations have no list
  if ip is null or not exists (select from ops.networks n where n.lifted_at is null) then return null; end if;
  address := ops.plain_address(ip);
  select n.* into decides from ops.networks n
  where n.network >>= address and n.lifted_at is null and n.until > clock_timestamp() and n.until <= clock_timestamp() + interval '1 year'
  order by masklen(n.network) desc, n.list = 'deny' desc limit 1;
  return decides;
end $$;
comment on function ops.network_of is 'The entry that decides about an address; NULL for none. Internal.';

create function ops.is_allowed_network(ip text) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return coalesce((ops.network_of(ip)).list = 'allow', false);
end $$;
comment on function ops.is_allowed_network is 'Is this a network that many share, says the owner? Internal.';

-- An error and no answer, unlike other refusals of the gate: one line serves every function, nothing has been done that would
-- have to stay, and no function can forget to say it. So its record is made by the next transaction (db/batch.ts), which is
-- told which entry it was.
create function ops.require_network(ip text) returns void
language plpgsql stable set search_path = '' as $$
declare
  decides ops.networks := ops.network_of(ip);
begin
  if decides.list = 'deny' then
    raise exception using errcode = 'VS471', message = 'the network that this request comes from is refused for a while', detail = decides.id;
  end if;
end $$;
comment on function ops.require_network is 'Internal: first in every function of the gate that takes a caller. Errors: VS471, whose detail is the id for ops.record_denied.';

create function ops.record_denied(network uuid, claims text[] default array_fill(null::text, array[8])) returns text
language plpgsql volatile set search_path = '' as $$
begin
  if ops.peek('denied/' || network, 1, 1.0 / 60) > 0 or ops.take('denied/' || network, 1, 1.0 / 60) > 0 then return 'limited'; end if;
  perform audit.append(claims, 'network.refused', 'Network', network, null, 'failure');
  return 'ok';
end $$;
comment on function ops.record_denied is 'That somebody came from a denied network: once a minute for each entry. Internal.';

create function iam.record_denied(network uuid) returns text
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
begin
  perform ops.require_clearance();
  -- whoever has this login writes about what is there, and no more often
  if not exists (select from ops.networks n where n.id = record_denied.network and n.list = 'deny' and ops.is_in_force(n)) then return 'unknown'; end if;
  return ops.record_denied(network);
end $$;
comment on function iam.record_denied is 'Records what ops.require_network has refused: ok, limited (one a minute for each entry), or unknown. network: the error''s detail. A definer: the gate writes no event by itself. Errors: VS503.';
grant execute on function iam.record_denied to vs_gate;

-- ---------------------------------------------------------------- upkeep

create function ops.forget_networks() returns void
language plpgsql volatile set search_path = '' as $$
begin
  delete from ops.networks n where least(n.until, coalesce(n.lifted_at, n.until)) < clock_timestamp() - interval '30 days';
end $$;
comment on function ops.forget_networks is 'Removes entries 30 days after their end. As vs_owner, by ops.upkeep.';

reset role;
