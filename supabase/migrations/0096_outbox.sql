-- Outbox: what is told to people by e-mail and SMS, written in the transaction that it speaks of, and delivered by the edge.
--
-- Guarantees
--   1. A message that speaks of something that was rolled back is never sent.
--   2. Its words are sealed with a key of the account that it goes to, the address is read when it is sent, and once it was
--      sent, or never will be, they are gone.
--   3. Nothing is sent twice: a message is taken, and that is committed, before it goes out. Whoever was lost with one
--      leaves it uncertain, and nobody sends it again. Only what was refused for certain is tried again, later each time.
--   4. Nothing is sent late: a code that is over and a link that is dead stay where they are.
--   5. A link in a message leads to this installation: a message holds a path, and the delivery knows the rest.
--   6. What became of a message is in the log; the login that delivers is the gate's.

set role vs_owner;

create table ops.outbox (
  id               uuid primary key default ops.uuid_v7(),
  account_id       uuid not null references iam.accounts,
  channel          text not null check (channel in ('email', 'sms')),
  template         text not null check (template in (
    'invitation', 'invitation_exists', 'email_confirmation', 'registration_exists', 'email_code', 'sms_code', 'phone_code',
    'recovery_link', 'recovery_requested', 'recovery_requested_sms', 'recovery_ready', 'recovery_confirmed', 'recovery_cancelled', 'recovery_asks_colleague',
    'unusual_sign_in', 'unusual_sign_in_of_member', 'sign_in_stopped', 'sign_in_disowned', 'codes_refused', 'unusual_traffic',
    'factor_added', 'factor_removed', 'recovery_codes_made', 'recovery_code_used', 'password_changed', 'account_changed', 'glass_broken',
    'consent_withdrawn', 'consent_withdrawn_here', 'address_link', 'address_exists', 'address_asked', 'address_changed', 'address_kept')),
  vars             bytea,
  state            text not null default 'waiting' check (state in ('waiting', 'sending', 'sent', 'failed', 'uncertain')),
  attempts         int not null default 0,
  next_at          timestamptz not null default clock_timestamp(),
  -- from then on it helps nobody
  expires_at       timestamptz not null,
  -- until then whoever took it tells what became of it
  lease_until      timestamptz,
  created_at       timestamptz not null default clock_timestamp(),
  ended_at         timestamptz,
  check ((lease_until is not null) = (state = 'sending')),
  check ((ended_at is not null) = (state in ('sent', 'failed', 'uncertain'))),
  -- guarantee 2
  check ((vars is null) = (state in ('sent', 'failed', 'uncertain')))
);
comment on table ops.outbox is 'Messages to people. `uncertain`: whoever was sending it was lost meanwhile, so it isn''t sent again.';
-- what is due
create index outbox_due on ops.outbox (next_at) where state = 'waiting';
-- whose sender was lost
create index outbox_lease on ops.outbox (lease_until) where state = 'sending';
-- clearing out
create index outbox_ended on ops.outbox (ended_at) where ended_at is not null;
create index outbox_account on ops.outbox (account_id);
alter table ops.outbox enable row level security;
alter table ops.outbox force row level security;
create policy all_owner on ops.outbox to vs_owner using (true) with check (true);
comment on policy all_owner on ops.outbox is 'ops.post, and the delivery.';

create table ops.deliveries (
  channel  text primary key check (channel in ('email', 'sms')),
  seen_at  timestamptz not null default clock_timestamp()
) with (fillfactor = 50);
comment on table ops.deliveries is 'When somebody last asked for messages of this kind: what nobody delivers isn''t offered.';
alter table ops.deliveries enable row level security;
alter table ops.deliveries force row level security;
create policy all_owner on ops.deliveries to vs_owner using (true) with check (true);
comment on policy all_owner on ops.deliveries is 'The delivery writes, sending a code asks.';

-- ---------------------------------------------------------------- posting

create function ops.message_life(template text) returns interval
language sql immutable set search_path = '' as $$
  select case when template in ('email_code', 'sms_code', 'phone_code') then interval '10 minutes'
              when template in ('invitation', 'sign_in_stopped') then interval '72 hours'
              when template = 'email_confirmation' then interval '24 hours'
              when template in ('recovery_link', 'address_link') then interval '1 hour'
              else interval '48 hours' end
$$;
comment on function ops.message_life is 'How long a message may wait for its delivery. Internal.';

create function ops.post(ring text, account uuid, channel text, template text, vars jsonb default '{}') returns uuid
language plpgsql volatile set search_path = '' as $$
declare
  id uuid := ops.uuid_v7();
begin
  if (coalesce(vars ->> 'path', '/') ~ '^/([A-Za-z0-9_?=&.-][A-Za-z0-9/_?=&.-]*)?$' and jsonb_typeof(vars) = 'object'
      and (not vars ? 'to' or iam.is_address(vars ->> 'to'))) is not true then
    raise exception using errcode = 'VS422', message = 'a message leads to a path of this installation';
  end if;
  insert into ops.outbox (id, account_id, channel, template, expires_at, vars)
  values (id, account, post.channel, post.template, clock_timestamp() + ops.message_life(post.template),
          vault.seal(vault.unwrap(ring, account, 'profile'), id, account, 1, '', 'ops.outbox.vars', vars::text));
  return id;
end $$;
comment on function ops.post is 'Puts a message into the outbox. template: which words (app/mail); vars: what goes into them, {"path"} for a link, {"to"} where it goes to another address than the account''s (0345). Internal. Errors: VS404, VS422.';

create function ops.message_vars(key bytea, m ops.outbox) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return convert_from(vault.unpack(key, convert_to('ops.outbox.vars', 'UTF8') || '\x00'::bytea
    || uuid_send(m.id) || uuid_send(m.account_id) || int8send(1), m.vars), 'UTF8')::jsonb;
end $$;
comment on function ops.message_vars is 'key: of the profile. Internal.';

create function ops.pin_messages(ring text, account uuid, address text) returns void
language plpgsql volatile set search_path = '' as $$
declare
  key bytea := vault.unwrap(ring, account, 'profile');
  m ops.outbox;
begin
  for m in select * from ops.outbox o where o.account_id = account and o.channel = 'email' and o.state = 'waiting' order by o.id for update loop
    update ops.outbox o set vars = vault.seal(key, m.id, account, 1, '', 'ops.outbox.vars',
      (jsonb_build_object('to', address) || ops.message_vars(key, m))::text) where o.id = m.id;
  end loop;
end $$;
comment on function ops.pin_messages is 'What waits to be sent goes to this address, whatever the account''s is by then. Internal: a change of address.';

create function ops.delivers(channel text) returns boolean
language sql stable set search_path = '' as $$
  select exists (select from ops.deliveries d where d.channel = delivers.channel and d.seen_at > clock_timestamp() - interval '15 minutes')
$$;
comment on function ops.delivers is 'Does anybody deliver messages of this kind? Internal.';

-- ---------------------------------------------------------------- delivery

create function ops.end_message(m ops.outbox, outcome text, reason text) returns void
language plpgsql volatile set search_path = '' as $$
begin
  update ops.outbox o set state = outcome, ended_at = clock_timestamp(), vars = null, lease_until = null where o.id = m.id;
  perform audit.append(iam.gate_claims(m.account_id, null, null), 'message.send', 'Message', m.id, null,
    case outcome when 'sent' then 'success' when 'failed' then 'failure' else 'partial' end,
    json_build_object('template', m.template, 'channel', m.channel, 'attempts', m.attempts,
                      -- a word of ours or a number: what a mail server says may quote an address
                      'reason', case when reason ~ '^[A-Za-z0-9_ ]{1,40}$' then reason end)::text);
end $$;
comment on function ops.end_message is 'Internal.';

create function ops.give_up_messages() returns void
language plpgsql volatile set search_path = '' as $$
declare
  m ops.outbox;
begin
  for m in select * from ops.outbox o where o.state = 'sending' and o.lease_until < clock_timestamp()
           order by o.lease_until limit 100 for update skip locked loop
    perform ops.end_message(m, 'uncertain', 'sender lost');
  end loop;
  for m in select * from ops.outbox o where o.state = 'waiting' and o.next_at <= clock_timestamp() and o.expires_at <= clock_timestamp()
           order by o.next_at limit 100 for update skip locked loop
    perform ops.end_message(m, 'failed', 'too late');
  end loop;
end $$;
comment on function ops.give_up_messages is 'Ends what was lost with its sender, and what is too late. Internal: the delivery and ops.upkeep.';

create function ops.take_messages(ring text, channels text[], most int)
returns table (id uuid, attempt int, channel text, template text, lang text, address text, organisation text, written_at timestamptz, vars jsonb)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
#variable_conflict use_column
declare
  m ops.outbox;
  a iam.accounts;
  key bytea;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform set_config('lock_timeout', '5s', true);
  -- once a minute, so that it costs nothing to ask often, and nobody waits for somebody who asks at the same time
  insert into ops.deliveries as d (channel)
  select c from unnest(channels) c
  where c in ('email', 'sms') and not exists (select from ops.deliveries x where x.channel = c and x.seen_at > clock_timestamp() - interval '1 minute')
  on conflict on constraint deliveries_pkey do update set seen_at = clock_timestamp();
  perform ops.give_up_messages();
  perform ops.tell_of_traffic(ring);
  for m in select o.* from ops.outbox o
           where o.state = 'waiting' and o.next_at <= clock_timestamp() and o.channel = any (channels)
           order by o.next_at limit least(most, 20) for update skip locked loop
    begin
      select x.* into a from iam.accounts x where x.id = m.account_id;
      key := vault.unwrap(ring, m.account_id, 'profile');
      take_messages.vars := ops.message_vars(key, m);
      take_messages.address := case when take_messages.vars ? 'to' then take_messages.vars ->> 'to'
                                    when m.channel = 'email' then convert_from(vault.unpack(key, iam.profile_aad(a.id, 'email'), a.email), 'UTF8')
                                    else iam.phone_number(key, a.id, m.template = 'phone_code') end;
    exception when others then
      -- a key that is gone, or that this edge doesn't have yet: perhaps later, and else it becomes too late
      update ops.outbox o set next_at = clock_timestamp() + interval '5 minutes' where o.id = m.id;
      continue;
    end;
    take_messages.vars := take_messages.vars - 'to';
    if take_messages.address is null then
      perform ops.end_message(m, 'failed', 'no address');
      continue;
    end if;
    update ops.outbox o set state = 'sending', attempts = o.attempts + 1, lease_until = clock_timestamp() + interval '2 minutes' where o.id = m.id;
    take_messages.id := m.id;
    take_messages.attempt := m.attempts + 1;
    take_messages.channel := m.channel;
    take_messages.template := m.template;
    take_messages.lang := a.lang;
    take_messages.organisation := (select x.name from access.memberships s join access.organisations x on x.id = s.organisation_id
                                   where s.account_id = a.id order by s.valid_from, s.id limit 1);
    take_messages.written_at := m.created_at;
    return next;
  end loop;
end $$;
comment on function ops.take_messages is 'Messages to send now, `most` of them: each is given once, and ops.message_done tells within two minutes what became of it. channels: what the caller delivers. Errors: VS503.';
grant execute on function ops.take_messages to vs_gate;

create function ops.message_done(id uuid, attempt int, outcome text, reason text) returns text
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  m ops.outbox;
  later timestamptz;
begin
  perform ops.require_clearance();
  perform set_config('lock_timeout', '5s', true);
  if (outcome in ('sent', 'retry', 'failed', 'uncertain')) is not true then
    raise exception using errcode = 'VS422', message = 'outcome is sent, retry, failed or uncertain';
  end if;
  select * into m from ops.outbox o where o.id = message_done.id and o.attempts = message_done.attempt
    -- somebody slow tells after their time that it was sent after all
    and (o.state = 'sending' or (o.state = 'uncertain' and message_done.outcome = 'sent')) for update;
  if not found then return 'over'; end if;
  -- 15 s, 1 min, 4 min, 16 min, then every hour
  later := clock_timestamp() + least(interval '1 hour', interval '15 seconds' * 4 ^ least(m.attempts - 1, 6));
  if outcome <> 'retry' then
    perform ops.end_message(m, outcome, reason);
  elsif later >= m.expires_at then
    perform ops.end_message(m, 'failed', reason);
  else
    update ops.outbox o set state = 'waiting', next_at = later, lease_until = null where o.id = m.id;
  end if;
  return 'ok';
end $$;
comment on function ops.message_done is 'What became of a message that ops.take_messages gave. outcome: sent, retry (it certainly wasn''t sent, and may be later), failed (nobody will take it) or uncertain; reason: a word or a number for the log. ok, or over: nobody waits for this any more. Errors: VS422, VS503.';
grant execute on function ops.message_done to vs_gate;
grant usage on schema ops to vs_gate;

-- ---------------------------------------------------------------- upkeep and figures

create function ops.clear_outbox() returns void
language plpgsql volatile set search_path = '' as $$
begin
  perform ops.give_up_messages();
  -- the log has what became of them
  delete from ops.outbox o where o.id in (select x.id from ops.outbox x where x.ended_at < now() - interval '30 days' limit 10000);
end $$;
comment on function ops.clear_outbox is 'Internal: ops.upkeep.';

create function ops.outbox_figures() returns table (name text, help text, value double precision)
language sql stable set search_path = '' as $$
  select 'messages_waiting', 'E-mails and SMS that wait for their delivery.',
    (select count(*)::float8 from ops.outbox o where o.state in ('waiting', 'sending'))
  union all
  select 'message_wait_seconds', 'How long the oldest message has been waiting for its delivery.',
    -- one that was posted for later waits from then on
    (select greatest(0, coalesce(extract(epoch from clock_timestamp() - min(case when o.attempts = 0 then o.next_at else o.created_at end)), 0))::float8
     from ops.outbox o where o.state in ('waiting', 'sending'))
  union all
  select 'messages_failed', 'Messages of the last day that nobody took.',
    (select count(*)::float8 from ops.outbox o where o.state = 'failed' and o.ended_at > clock_timestamp() - interval '1 day')
  union all
  select 'messages_uncertain', 'Messages of the last day of which nobody knows whether they were sent.',
    (select count(*)::float8 from ops.outbox o where o.state = 'uncertain' and o.ended_at > clock_timestamp() - interval '1 day')
$$;
comment on function ops.outbox_figures is 'Internal: ops.figures.';

reset role;
