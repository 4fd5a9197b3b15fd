-- Devices: browsers that have signed somebody in before.
--
-- Guarantees
--   1. A device is known by a random token in a cookie of its own, stored hashed, for one account; it proves nothing but that.
--   2. It becomes known when somebody has shown two factors and was let in, and is unknown again after 90 days without.
--   3. One whose sign-in was held back (0099) is noted as forgotten: it's known once that sign-in is released.
--   4. One that nobody has used for 13 months is removed: it hasn't been known for ten of them, and its cookie is about to go (edge/session.ts).

set role vs_owner;

create table iam.devices (
  id            uuid primary key default ops.uuid_v7(),
  account_id    uuid not null references iam.accounts,
  token_hash    bytea not null check (length(token_hash) = 32),
  first_seen_at timestamptz not null default clock_timestamp(),
  last_seen_at  timestamptz not null default clock_timestamp(),
  forgotten_at  timestamptz,
  unique (account_id, token_hash)
);
comment on table iam.devices is 'A browser in which somebody has shown two factors. forgotten_at: it isn''t known any more, or not yet.';
-- clearing out
create index devices_seen on iam.devices (last_seen_at);
alter table iam.devices enable row level security;
alter table iam.devices force row level security;
create policy all_owner on iam.devices to vs_owner using (true) with check (true);
comment on policy all_owner on iam.devices is 'Known by the sign-in functions.';
alter table iam.sessions add column device_id uuid references iam.devices;
create index sessions_device on iam.sessions (device_id) where device_id is not null;

create function iam.known_device(account uuid, device text) returns uuid
language plpgsql stable set search_path = '' as $$
begin
  return (select d.id from iam.devices d
          where d.account_id = account and d.token_hash = iam.hash_token(device) and d.forgotten_at is null
            and d.last_seen_at > clock_timestamp() - interval '90 days');
end $$;
comment on function iam.known_device is 'The device that this cookie stands for, if this account has signed in with it. Internal.';

create function iam.remember_device(account uuid, device text, known boolean) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
  found_id uuid;
begin
  -- a short one could be guessed, whatever the edge lets through
  if device is null or device !~ '^[A-Za-z0-9_-]{43}$' then return null; end if;
  insert into iam.devices as d (account_id, token_hash, forgotten_at)
  values (account, iam.hash_token(device), case when not known then clock_timestamp() end)
  on conflict on constraint devices_account_id_token_hash_key do update set
    last_seen_at = case when known then clock_timestamp() else d.last_seen_at end,
    forgotten_at = case when not known then d.forgotten_at end
  returning d.id into found_id;
  return found_id;
end $$;
comment on function iam.remember_device is 'The device of a sign-in. known: it was let in; else nothing that is known becomes unknown, nor the other way round. NULL for a cookie that isn''t ours. Internal.';

create function iam.is_from_known_device(s iam.sessions) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  -- asked each time: a browser in which a sign-in was stopped, or that its owner has disowned since, is none that the account knows
  return exists (select from iam.devices d where d.id = s.device_id and d.forgotten_at is null);
end $$;
comment on function iam.is_from_known_device is 'Was this session begun in a browser that its account knows, and still does? Internal.';

create function iam.forget_devices() returns void
language plpgsql volatile set search_path = '' as $$
declare
  -- one that somebody is signing in with is locked, and stays
  old uuid[] := array(select d.id from iam.devices d where d.last_seen_at < clock_timestamp() - interval '13 months'
                      order by d.last_seen_at limit 10000 for update skip locked);
begin
  update iam.sessions s set device_id = null where s.device_id = any (old);
  update iam.sign_ins s set device_id = null where s.device_id = any (old);
  delete from iam.devices d where d.id = any (old);
end $$;
comment on function iam.forget_devices is 'Browsers of more than 13 months ago, 10,000 at a time. Internal: ops.upkeep.';

reset role;
