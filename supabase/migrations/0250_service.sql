-- Service: nobody enters a database that was restarted, copied or restored before somebody has looked at the record that is
-- kept outside it.
--
-- Guarantees
--   1. After a restart of Postgres, a restored backup of its files, a failover, `createdb -T` or pg_restore, iam.enter and
--      the sign-in functions answer VS503 until ops.clear_to_serve has run here.
--   2. Only the owner clears, and each time is an event: what the database was compared with stands in it.
--
-- A backup from before an erasure holds the keys that it destroyed (0240), and one from before a checkpoint holds a shorter
-- log. Neither can know that by itself, but no copy runs at the same start, in the same file and with its row written by the
-- same transaction. `vitalsync start`, `migrate` and `audit seal` compare with what is outside (db/service.ts), then clear.

set role vs_owner;

create table ops.service (
  id          int primary key default 1 check (id = 1),
  -- of the postmaster: another one after a restart, on a restored backup and on a standby
  started_at  timestamptz not null,
  -- of this table: another one in a copied database, and where pg_restore has made the table
  file        text not null,
  -- which wrote this row: another one where pg_restore has filled the table
  writer      xid not null,
  compared    text not null check (compared in ('outside', 'empty', 'nothing')),
  cleared_at  timestamptz not null default clock_timestamp()
);
comment on table ops.service is 'One row: for which start, file and transaction this database was cleared to serve.';
alter table ops.service enable row level security;
alter table ops.service force row level security;
create policy all_owner on ops.service to vs_owner using (true) with check (true);
comment on policy all_owner on ops.service is 'ops.is_cleared, ops.clear_to_serve.';
-- a DBA without BYPASSRLS (Postgres 15 and no superuser) sees it all the same
create policy select_dba on ops.service for select to vs_dba using (true);
comment on policy select_dba on ops.service is 'Why nobody enters: `vitalsync doctor`.';

create function ops.is_cleared() returns boolean
language plpgsql volatile set search_path = '' as $$
begin
  return exists (
    select from ops.service s
    where s.started_at = pg_postmaster_start_time() and s.file = pg_relation_filepath(s.tableoid) and s.writer = s.xmin);
end $$;
comment on function ops.is_cleared is 'Is this the database that was cleared, since it was? Asked by iam.admit and the sign-in functions.';
grant execute on function ops.is_cleared to vs_dba;

create function ops.require_clearance() returns void
language plpgsql volatile set search_path = '' as $$
begin
  if not ops.is_cleared() then
    raise exception using errcode = 'VS503',
      message = 'the database was restarted, copied or restored, and waits to be compared with the record outside: vitalsync start, migrate or audit seal does it';
  end if;
end $$;
comment on function ops.require_clearance is 'Internal. Errors: VS503.';

create function ops.clear_to_serve(compared text default 'nothing') returns boolean
language plpgsql volatile set search_path = '' as $$
begin
  -- two that start at once: the second one finds it done
  lock table ops.service in share row exclusive mode;
  if ops.is_cleared() then return false; end if;
  insert into ops.service as s (started_at, file, writer, compared)
  values (pg_postmaster_start_time(), pg_relation_filepath('ops.service'::regclass), '0', clear_to_serve.compared)
  on conflict (id) do update set started_at = excluded.started_at, file = excluded.file, writer = excluded.writer,
                                 compared = excluded.compared, cleared_at = excluded.cleared_at;
  -- a second step: which transaction wrote the row shows when it is there, and within a savepoint it isn't the outer one
  update ops.service s set writer = s.xmin;
  perform audit.append(array_fill(null::text, array[8]), 'service.clear', 'service', null, null, 'success',
    json_build_object('compared', clear_to_serve.compared)::text);
  return true;
end $$;
comment on function ops.clear_to_serve is 'Lets people in again; true if they were kept out. compared: with what is `outside`, an `empty` database, or `nothing`. As vs_owner.';
-- no grant: db/service.ts, as the owner

reset role;
