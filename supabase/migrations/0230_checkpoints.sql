-- The Merkle log: every event's hash in one order, so that one signed root speaks for all of them.
--
-- Guarantees
--   1. Each generation of the log has an origin of its own, which never changes: it stands in every checkpoint.

set role vs_owner;

create table audit.log_origins (
  generation       int primary key check (generation > 0),
  -- a key's name in a signed note: no spaces, no plus
  origin           text not null unique check (origin ~ '^[!-*,-~]{1,200}$'),
  began_at         timestamptz not null default clock_timestamp()
);
comment on table audit.log_origins is 'What the log is called. A log that a restore cut short goes on as another generation, under another name.';

alter table audit.log_origins enable row level security;
alter table audit.log_origins force row level security;
create policy select_owner on audit.log_origins for select to vs_owner using (true);
comment on policy select_owner on audit.log_origins is 'Sealing and verification.';
create policy insert_owner on audit.log_origins for insert to vs_owner with check (true);
comment on policy insert_owner on audit.log_origins is 'audit.log_origin begins the log.';
create policy select_dba on audit.log_origins for select to vs_dba using (true);
comment on policy select_dba on audit.log_origins is 'The log''s name: `vitalsync audit verify`.';
-- no update, no delete, for the owner neither
create trigger _100_append_only before update or delete or truncate on audit.log_origins
  for each statement execute function audit.tg_events__append_only();

create function audit.log_origin(name text default null) returns text
language plpgsql volatile set search_path = '' as $$
declare
  found_origin text;
begin
  select o.origin into found_origin from audit.log_origins o order by o.generation desc limit 1;
  if found_origin is null then
    insert into audit.log_origins (generation, origin) values (1, coalesce(name, 'vitalsync.local/' || ops.uuid_v7()))
    on conflict (generation) do nothing;
    select o.origin into strict found_origin from audit.log_origins o order by o.generation desc limit 1;
  end if;
  return found_origin;
end $$;
comment on function audit.log_origin is 'What the log is called now; begins it under this name when it hasn''t begun. Internal.';

reset role;
