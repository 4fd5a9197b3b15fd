-- Passkeys (WebAuthn Level 3): the edge checks signatures, the database everything that it can check without them.
--
-- Guarantees
--   1. A challenge is random, stored hashed, made for one purpose and one session, lives 5 minutes and works once.
--   2. A passkey belongs to one account; its name is sealed.

set role vs_owner;

create table iam.passkeys (
  id              uuid primary key default ops.uuid_v7(),
  account_id      uuid not null references iam.accounts,
  credential_id   bytea not null unique check (length(credential_id) between 16 and 1023),
  public_key      bytea not null,
  sign_count      bigint not null default 0,
  transports      text[] not null default '{}' check (transports <@ array['usb', 'nfc', 'ble', 'smart-card', 'hybrid', 'internal']),
  name            bytea not null,
  user_verified   boolean not null,
  backup_eligible boolean not null,
  backed_up       boolean not null,
  created_at      timestamptz not null default clock_timestamp(),
  last_used_at    timestamptz
);
comment on table iam.passkeys is 'WebAuthn credential records. The public key is COSE, as the authenticator gave it.';
create index passkeys_account on iam.passkeys (account_id);
alter table iam.passkeys enable row level security;
alter table iam.passkeys force row level security;
create policy all_owner on iam.passkeys to vs_owner using (true) with check (true);
comment on policy all_owner on iam.passkeys is 'Registration, authentication and removal, by functions of the gate.';

create table iam.challenges (
  hash        bytea primary key check (length(hash) = 32),
  purpose     text not null check (purpose in ('register', 'factor', 'passwordless')),
  session_id  uuid references iam.sessions,
  made_at     timestamptz not null default clock_timestamp(),
  check ((purpose = 'passwordless') = (session_id is null))
);
comment on table iam.challenges is 'Challenges that wait for their answer: 5 minutes, then ops.upkeep clears them out.';
create index challenges_session on iam.challenges (session_id) where session_id is not null;
create index challenges_made on iam.challenges (made_at);
alter table iam.challenges enable row level security;
alter table iam.challenges force row level security;
create policy all_owner on iam.challenges to vs_owner using (true) with check (true);
comment on policy all_owner on iam.challenges is 'Made and used up by functions of the gate.';

reset role;
