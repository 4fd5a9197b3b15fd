-- Codes by e-mail and by SMS: a back-up factor, which an organisation may switch off.
--
-- Guarantees
--   1. A code lives 10 minutes, works once, for one session, and takes five tries.
--   2. It is stored as a keyed hash, under a key of the account.

set role vs_owner;

create table iam.sent_codes (
  id          uuid primary key default ops.uuid_v7(),
  session_id  uuid not null references iam.sessions,
  account_id  uuid not null references iam.accounts,
  method      text not null check (method in ('email_code', 'sms_code')),
  code_hash   bytea not null check (length(code_hash) = 32),
  sent_at     timestamptz not null default clock_timestamp(),
  tries       int not null default 0,
  used_at     timestamptz
);
comment on table iam.sent_codes is 'One-time codes that were sent; a new one ends the one before.';
create index sent_codes_session on iam.sent_codes (session_id);
create index sent_codes_account on iam.sent_codes (account_id);
alter table iam.sent_codes enable row level security;
alter table iam.sent_codes force row level security;
create policy all_owner on iam.sent_codes to vs_owner using (true) with check (true);
comment on policy all_owner on iam.sent_codes is 'Made and used up by functions of the gate.';

create table iam.phones (
  account_id    uuid primary key references iam.accounts,
  number        bytea not null,
  confirmed_at  timestamptz
);
comment on table iam.phones is 'A telephone number (E.164, sealed) that codes are sent to, once it is confirmed.';
alter table iam.phones enable row level security;
alter table iam.phones force row level security;
create policy all_owner on iam.phones to vs_owner using (true) with check (true);
comment on policy all_owner on iam.phones is 'Enrolment and sending, by functions of the gate.';

reset role;
