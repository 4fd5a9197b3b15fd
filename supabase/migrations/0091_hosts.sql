-- Hosts: the one name by which browsers reach this installation, to which its passkeys belong.
--
-- Guarantees
--   1. The administrator says it (PUBLIC_ORIGIN, at each start and migrate). No request does, and no login that serves pages
--      can read or change it: a Host header or an injected query makes no passkey count, nor stop counting.
--   2. After a change of name a passkey of before isn't a factor: it isn't offered, it isn't the one that stays, and whoever
--      has no other one is told so and led to a recovery (0300). Back under the old name, it counts again.
--   3. It never opens the way to a first factor: who has one, of whichever name, adds no other by a link alone.
--   4. How many are concerned is said at the change, and by vitalsync doctor; the change is in the log.

set role vs_owner;

create table iam.hosts (
  one     boolean primary key default true check (one),
  -- not known yet: then every passkey counts, and the edge alone says which are offered
  origin  text check (origin ~ '^https?://[^/]+$')
);
comment on table iam.hosts is 'Where browsers reach this installation: https://dossier.exemple.fr.';
alter table iam.hosts enable row level security;
alter table iam.hosts force row level security;
create policy all_owner on iam.hosts to vs_owner using (true) with check (true);
comment on policy all_owner on iam.hosts is 'iam.serve_at, and the functions that count factors.';
insert into iam.hosts default values;

-- http for localhost alone: elsewhere browsers have no passkeys without TLS, and none at an address made of numbers.
create function iam.rp_id(origin text) returns text
language plpgsql immutable set search_path = '' as $$
declare
  host text := coalesce((regexp_match(origin, '^https://([a-z0-9-]+(\.[a-z0-9-]+)*)(:[0-9]{1,5})?$'))[1],
                        (regexp_match(origin, '^http://(localhost)(:[0-9]{1,5})?$'))[1]);
begin
  return case when host !~ '(^|\.)[0-9]+$' then host end;
end $$;
comment on function iam.rp_id is 'The RP ID of an origin, which is its host name; NULL where a browser makes no passkeys.';

create function iam.is_here(rp_id text) returns boolean
language plpgsql stable set search_path = '' as $$
declare
  here text := (select h.origin from iam.hosts h);
begin
  return here is null or coalesce(is_here.rp_id = iam.rp_id(here), false);
end $$;
comment on function iam.is_here is 'Does a passkey of this host name work here? Internal.';

create function iam.count_elsewhere(out accounts int, out kept_out int)
language plpgsql stable set search_path = '' as $$
begin
  select count(*), count(*) filter (where iam.methods_of(a.id) = '{}') into accounts, kept_out
  from iam.accounts a
  where a.status = 'active' and exists (select from iam.passkeys p where p.account_id = a.id and not iam.is_here(p.rp_id));
end $$;
comment on function iam.count_elsewhere is 'Accounts with passkeys that don''t work here, and those of them that have no other factor. As vs_owner: serve_at and the doctor.';

create function iam.serve_at(origin text, out changed boolean, out accounts int, out kept_out int)
language plpgsql volatile set search_path = '' as $$
begin
  update iam.hosts h set origin = serve_at.origin where h.origin is distinct from serve_at.origin;
  changed := found;
  if changed then
    perform audit.append(array[null, null, null, null, null, null, null, null], 'row.update', 'host', null, null, 'success',
      json_build_object('columns', array['origin'], 'host', iam.rp_id(origin))::text);
  end if;
  select c.accounts, c.kept_out into accounts, kept_out from iam.count_elsewhere() c;
end $$;
comment on function iam.serve_at is 'Says where browsers reach this installation: the administrator''s, as vs_owner. Gives whether that is new, and whom it concerns (iam.count_elsewhere). Errors: 23514 for what is no origin.';
-- no grant: whoever may act as the owner

reset role;
