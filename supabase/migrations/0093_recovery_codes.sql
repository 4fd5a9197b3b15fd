-- Recovery codes: for the day on which the phone is lost.
--
-- Guarantees
--   1. Stored as keyed hashes, under a key of the account; shown once, when they are made.
--   2. Each works once; new ones end those before.

set role vs_owner;

create table iam.recovery_codes (
  id          uuid primary key default ops.uuid_v7(),
  account_id  uuid not null references iam.accounts,
  code_hash   bytea not null check (length(code_hash) = 32),
  made_at     timestamptz not null default clock_timestamp(),
  used_at     timestamptz,
  unique (account_id, code_hash)
);
comment on table iam.recovery_codes is 'Codes to sign in with when no other factor is at hand; ten at a time.';
alter table iam.recovery_codes enable row level security;
alter table iam.recovery_codes force row level security;
create policy all_owner on iam.recovery_codes to vs_owner using (true) with check (true);
comment on policy all_owner on iam.recovery_codes is 'Made and used up by functions of the gate.';

reset role;
