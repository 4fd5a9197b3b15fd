-- Outbox: what is told to people by e-mail and SMS, written in the transaction that it speaks of, and delivered by the edge.
--
-- Guarantees
--   1. A message that speaks of something that was rolled back is never sent.
--   2. Its words are sealed with a key of the account that it goes to; the address is read when it is sent.
--   3. Nothing is sent twice: a message is taken, and that is committed, before it goes out.

set role vs_owner;

create table ops.outbox (
  id               uuid primary key default ops.uuid_v7(),
  account_id       uuid not null references iam.accounts,
  channel          text not null check (channel in ('email', 'sms')),
  template         text not null check (template in (
    'invitation', 'email_confirmation', 'registration_exists', 'email_code', 'sms_code', 'phone_code',
    'recovery_link', 'recovery_requested', 'recovery_ready', 'recovery_confirmed', 'recovery_cancelled', 'recovery_asks_colleague',
    'unusual_sign_in', 'unusual_sign_in_of_member', 'sign_in_stopped',
    'factor_added', 'factor_removed', 'recovery_codes_made', 'recovery_code_used', 'password_changed', 'account_changed', 'glass_broken')),
  vars             bytea not null,
  state            text not null default 'waiting' check (state in ('waiting', 'sending', 'sent', 'failed', 'uncertain')),
  attempts         int not null default 0,
  next_at          timestamptz not null default clock_timestamp(),
  created_at       timestamptz not null default clock_timestamp(),
  sent_at          timestamptz
);
comment on table ops.outbox is 'Messages to people. `uncertain`: whoever was sending it was lost meanwhile, so it isn''t sent again.';
-- what is due
create index outbox_due on ops.outbox (next_at) where state = 'waiting';
create index outbox_account on ops.outbox (account_id);
alter table ops.outbox enable row level security;
alter table ops.outbox force row level security;
create policy all_owner on ops.outbox to vs_owner using (true) with check (true);
comment on policy all_owner on ops.outbox is 'ops.post, and the delivery.';

create function ops.post(ring text, account uuid, channel text, template text, vars jsonb default '{}') returns uuid
language plpgsql volatile set search_path = '' as $$
declare
  id uuid := ops.uuid_v7();
begin
  insert into ops.outbox (id, account_id, channel, template, vars)
  values (id, account, post.channel, post.template,
          vault.seal(vault.unwrap(ring, account, 'profile'), id, account, 1, '', 'ops.outbox.vars', vars::text));
  return id;
end $$;
comment on function ops.post is 'Puts a message into the outbox. template: which words (app/mail); vars: what goes into them. Internal.';

reset role;
