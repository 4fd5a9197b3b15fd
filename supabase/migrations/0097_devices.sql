-- Devices: browsers that have signed somebody in before.
--
-- Guarantees
--   1. A device is known by a random token in a cookie of its own, stored hashed, for one account; it proves nothing but that.

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
comment on table iam.devices is 'A browser in which somebody has shown two factors.';
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

reset role;
