-- Limits: token buckets that all edges share.
--
-- Guarantees
--   1. A bucket counts in the database: whoever spreads requests over edges gains nothing.
--   2. Keys hold ids and keyed hashes, no addresses.

set role vs_owner;

create table ops.limits (
  key     text primary key,
  tokens  double precision not null,
  at      timestamptz not null
) with (fillfactor = 70);
comment on table ops.limits is 'Token buckets, shared by all edges. Keys hold ids and keyed hashes, no addresses.';
-- clearing out
create index limits_at on ops.limits (at);
alter table ops.limits enable row level security;
alter table ops.limits force row level security;
create policy all_owner on ops.limits to vs_owner using (true) with check (true);
comment on policy all_owner on ops.limits is 'ops.take.';

create function ops.take(key text, capacity double precision, per_second double precision) returns int
language plpgsql volatile set search_path = '' as $$
declare
  left_over double precision;
begin
  insert into ops.limits as l (key, tokens, at) values (take.key, capacity - 1, clock_timestamp())
  on conflict on constraint limits_pkey do update set
    tokens = greatest(-1, least(capacity, l.tokens + per_second * greatest(0, extract(epoch from clock_timestamp() - l.at)::float8)) - 1),
    at = clock_timestamp()
  returning tokens into left_over;
  if left_over >= 0 then return 0; end if;
  return ceil(-left_over / per_second)::int;
end $$;
comment on function ops.take is 'Takes a token from a bucket: 0, or the seconds to wait.';

create function ops.give_back(key text) returns void
language sql volatile set search_path = '' as $$
  update ops.limits l set tokens = l.tokens + 1 where l.key = give_back.key
$$;

create function ops.network_key(ring text, ip text) returns text
language plpgsql stable set search_path = '' as $$
declare
  network text := case when ip is null then ''
                       when family(ip::inet) = 6 then text(network(set_masklen(ip::inet, 64)))
                       else host(ip::inet) end;
begin
  return encode(substr(extensions.hmac(convert_to(network, 'UTF8'),
    vault.derive(vault.master(ring, vault.current_master(ring)), 'origin'), 'sha256'), 1, 12), 'hex');
exception when invalid_text_representation then
  raise exception using errcode = 'VS422', message = 'the address of the request is no IP address';
end $$;
comment on function ops.network_key is 'A keyed hash of an address, IPv6 by its /64: what a bucket is called by. Internal.';

reset role;
