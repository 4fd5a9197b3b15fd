-- One's own address: another e-mail address to sign in with. Its person alone changes it, no administrator.
--
-- Guarantees
--   1. Whoever asks has shown a factor within 10 minutes, and learns nothing about the address: held by another account or
--      not, the answer is one word, and its mailbox gets one message.
--   2. The address changes when its link is confirmed in a whole session of the same account, within an hour, once. The link
--      opens nothing: a stranger whose mailbox was typed by mistake can do nothing with it.
--   3. The mailbox of before is told when it is asked for and when it has changed, and takes it back by one link (0347) for 7
--      days. As long, nobody else gets that address.
--   4. With the change every other session ends, and what waited to be sent goes to the address that it was written for.
--   5. A recovery goes to the confirmed address. One that goes further than its link ends a change that waits, and a change
--      that is confirmed or taken back ends every recovery.
--   6. Each step is an event, refused ones too. A month later the log alone knows of it; the addresses are forgotten before.

set role vs_owner;

create table iam.address_changes (
  id            uuid primary key default ops.uuid_v7(),
  account_id    uuid not null references iam.accounts,
  -- that asked for it
  session_id    uuid not null references iam.sessions,
  -- the one that waits for its link
  email         bytea,
  -- the one before, as long as it may come back
  former        bytea,
  former_index  bytea check (length(former_index) = 16),
  token_hash    bytea not null unique check (length(token_hash) = 32),
  -- of the two notices to the mailbox of before
  asked_hash    bytea not null unique check (length(asked_hash) = 32),
  changed_hash  bytea unique check (length(changed_hash) = 32),
  state         text not null default 'waiting' check (state in ('waiting', 'done', 'cancelled', 'taken_back')),
  asked_at      timestamptz not null default clock_timestamp(),
  ends_at       timestamptz not null default clock_timestamp() + interval '1 hour',
  changed_at    timestamptz,
  -- with the link, not sent any more if it is cancelled before; no foreign key: the outbox forgets
  message_id    uuid,
  check ((email is not null) = (state = 'waiting')),
  check ((former is not null) = (former_index is not null)),
  check (former is null or state = 'done')
);
comment on table iam.address_changes is 'Changes of the address that somebody signs in with: asked for, done, taken back.';
-- one at a time
create unique index address_changes_waiting on iam.address_changes (account_id) where state = 'waiting';
create index address_changes_account on iam.address_changes (account_id);
create index address_changes_session on iam.address_changes (session_id);
-- is this address kept for whoever has just left it?
create index address_changes_former on iam.address_changes (former_index) where former_index is not null;
-- clearing out
create index address_changes_asked on iam.address_changes (asked_at);
alter table iam.address_changes enable row level security;
alter table iam.address_changes force row level security;
create policy all_owner on iam.address_changes to vs_owner using (true) with check (true);
comment on policy all_owner on iam.address_changes is 'The functions of this file.';

create function iam.address_of(key bytea, change uuid, account uuid, field text, sealed bytea) returns text
language plpgsql stable set search_path = '' as $$
begin
  return convert_from(vault.unpack(key, convert_to('iam.address_changes.' || field, 'UTF8') || '\x00'::bytea || uuid_send(change) || uuid_send(account)
    || int8send(1), sealed), 'UTF8');
end $$;
comment on function iam.address_of is 'field: email or former. Internal.';

create function iam.new_link() returns text
language sql volatile set search_path = '' as $$ select translate(encode(extensions.gen_random_bytes(32), 'base64'), '+/=' || E'\n', '-_') $$;
comment on function iam.new_link is '256 random bits for the path of a link. Internal.';

-- ---------------------------------------------------------------- 3: whose an address is

create function iam.holder_of(ring text, email text) returns uuid
language plpgsql stable set search_path = '' as $$
declare
  indexes bytea[] := iam.email_indexes(ring, email);
begin
  -- in one look: somebody may be changing theirs at this moment
  return (select coalesce((select a.id from iam.accounts a where a.email_index = any (indexes)),
    (select c.account_id from iam.address_changes c where c.former_index = any (indexes) and c.changed_at > clock_timestamp() - interval '7 days'
     order by c.changed_at desc limit 1)));
end $$;
comment on function iam.holder_of is 'The account that has this address, or had it 7 days ago and may take it back; NULL for nobody. Internal: whoever gives an address asks it.';

create function iam.give_address(ring text, account uuid, address text) returns bytea
language plpgsql volatile set search_path = '' as $$
declare
  master text;
  former bytea;
begin
  -- under the master key by which this account is found already: a rotation that has renewed it doesn't come back (0220)
  select k.indexed into strict master from vault.keys k where k.subject_id = account and k.level = 'profile' for share;
  select a.email_index into former from iam.accounts a where a.id = account for update;
  update iam.accounts a set email_index = (iam.email_indexes(master || '=' || encode(vault.master(ring, master), 'base64'), address))[1],
    email = vault.seal(vault.unwrap(ring, account, 'profile'), account, account, 1, '', 'iam.accounts.email', address) where a.id = account;
  return former;
end $$;
comment on function iam.give_address is 'Gives the index of the address before. Internal. Errors: 23505 where somebody else has it.';

-- ---------------------------------------------------------------- 1: asking

create function iam.begin_address_change(ring text, token text, email text, caller jsonb, out answer text, out retry_after int)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  allowed record;
  claims text[];
  address text := lower(normalize(btrim(email), nfc));
  account uuid;
  bucket text;
begin
  retry_after := 0;
  select * into allowed from iam.may_change_factors(ring, token, caller);
  answer := case when allowed.answer = 'ok' and iam.is_half(allowed.session) then 'second_factor' else allowed.answer end;
  if answer <> 'ok' then
    perform iam.record_refused_change(ring, token, 'account.change', answer, caller);
    return;
  end if;
  account := allowed.account;
  claims := iam.gate_claims(account, allowed.session, allowed.origin);
  bucket := 'address/account/' || account;
  if not iam.is_address(address) then answer := 'address';
  elsif exists (select from iam.accounts a where a.id = account and a.email_index = any (iam.email_indexes(ring, address))) then answer := 'same';
  else
    retry_after := ops.take(bucket, 5, 1.0 / 1800);
    if retry_after > 0 then
      answer := 'wait';
      perform ops.record_limited(ring, claims, 'address', bucket, caller);
      return;
    end if;
    perform iam.cancel_address_changes(account, claims, 'asked_again');
    perform iam.ask_for_address(ring, allowed.session, account, address);
  end if;
  perform audit.append(claims, 'account.change', 'Person', account, null, case when answer = 'ok' then 'success' else 'failure' end,
    json_build_object('change', 'address', 'step', 'asked', 'answer', answer)::text);
end $$;
comment on function iam.begin_address_change is 'Somebody wants to sign in with another address: a link goes there. Answers ok, address (it is none), same (one''s own), wait (retry_after: seconds), or what iam.may_change_factors says. Errors: VS503.';
grant execute on function iam.begin_address_change to vs_gate;

create function iam.ask_for_address(ring text, session uuid, account uuid, address text) returns void
language plpgsql volatile set search_path = '' as $$
declare
  key bytea := vault.unwrap(ring, account, 'profile');
  link text := iam.new_link();
  notice text := iam.new_link();
  entry uuid := ops.uuid_v7();
  holder uuid;
  message uuid;
begin
  -- three messages to an address at once and one an hour, whoever asks; more than that says nothing
  if ops.take('address/to/' || encode((iam.email_indexes(ring, address))[1], 'hex'), 3, 1.0 / 3600) = 0 then
    holder := iam.holder_of(ring, address);
    -- what holds it loosely is let be, or whoever types an address would end somebody's registration: the link frees it (0290)
    if holder is null or holder = account or exists (select from iam.registrations r where r.account_id = holder and r.completed_at is null)
       or exists (select from iam.invitations i where i.account_id = holder and iam.is_forgettable(i)) then
      message := ops.post(ring, account, 'email', 'address_link', jsonb_build_object('path', '/account/address/confirm/' || link, 'to', address));
    elsif (select a.status from iam.accounts a where a.id = holder) <> 'suspended' then
      -- the link of this one goes nowhere
      perform ops.post(ring, holder, 'email', 'address_exists');
    end if;
  end if;
  insert into iam.address_changes (id, account_id, session_id, email, token_hash, asked_hash, message_id)
  values (entry, account, session, vault.seal(key, entry, account, 1, '', 'iam.address_changes.email', address), iam.hash_token(link), iam.hash_token(notice), message);
  perform ops.post(ring, account, 'email', 'address_asked', jsonb_build_object('path', '/account/address/not-me/' || notice, 'to',
    (select convert_from(vault.unpack(key, iam.profile_aad(a.id, 'email'), a.email), 'UTF8') from iam.accounts a where a.id = account)));
end $$;
comment on function iam.ask_for_address is 'Sends the link, and the notice to the mailbox of now. Internal.';

create function iam.cancel_address_changes(account uuid, claims text[], by text) returns void
language plpgsql volatile set search_path = '' as $$
declare
  c iam.address_changes;
begin
  for c in select * from iam.address_changes x where x.account_id = account and x.state = 'waiting' for update loop
    update iam.address_changes x set state = 'cancelled', email = null where x.id = c.id;
    perform iam.withdraw_message(c.message_id);
    if c.ends_at > clock_timestamp() then
      perform audit.append(claims, 'account.change', 'Person', account, null, 'success', json_build_object('change', 'address', 'step', 'cancelled', 'by', by)::text);
    end if;
  end loop;
end $$;
comment on function iam.cancel_address_changes is 'What waits for its link waits no more. by: own, asked_again, recovery, taken or disowned. Internal.';

create function iam.cancel_own_address_change(ring text, token text, caller jsonb) returns text
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  s iam.sessions;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform set_config('lock_timeout', '5s', true);
  s := iam.find_session(ring, token, caller);
  if s.id is null or s.factors < 2 then return case when s.id is null then 'expired' else 'second_factor' end; end if;
  perform iam.cancel_address_changes(s.account_id, iam.gate_claims(s.account_id, s.id, iam.caller_origin(ring, s.organisation_id, s.id, caller)), 'own');
  return 'ok';
end $$;
comment on function iam.cancel_own_address_change is 'The address stays what it is. ok, second_factor or expired. Errors: VS503.';
grant execute on function iam.cancel_own_address_change to vs_gate;

create function iam.read_address_change(ring text, token text, caller jsonb, out answer text, out email text, out waiting text, out ends_at timestamptz)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  s iam.sessions;
  c iam.address_changes;
  key bytea;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform set_config('lock_timeout', '5s', true);
  s := iam.find_session(ring, token, caller);
  answer := case when s.id is null then 'expired' when s.factors < 2 then 'second_factor' else 'ok' end;
  if answer <> 'ok' then return; end if;
  key := vault.unwrap(ring, s.account_id, 'profile');
  select convert_from(vault.unpack(key, iam.profile_aad(a.id, 'email'), a.email), 'UTF8') into email from iam.accounts a where a.id = s.account_id;
  select * into c from iam.address_changes x where x.account_id = s.account_id and x.state = 'waiting' and x.ends_at > clock_timestamp();
  waiting := iam.address_of(key, c.id, s.account_id, 'email', c.email);
  ends_at := c.ends_at;
end $$;
comment on function iam.read_address_change is 'For one''s own page: the address, and the one that waits for its link. answer: ok, second_factor or expired. Errors: VS503.';
grant execute on function iam.read_address_change to vs_gate;

-- ---------------------------------------------------------------- 2: the link

create function iam.find_address_change(ring text, token text, link text, caller jsonb, out answer text, out retry_after int,
                                        out session uuid, out change uuid)
language plpgsql volatile set search_path = '' as $$
declare
  s iam.sessions;
  c iam.address_changes;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform set_config('lock_timeout', '5s', true);
  -- this account's lock and no other's: two people with each other's links don't wait for each other
  s := iam.find_session(ring, token, caller);
  session := s.id;
  select * into c from iam.address_changes x where x.token_hash = iam.hash_token(link) and x.state = 'waiting' and x.ends_at > clock_timestamp();
  answer := case when c.id is null then 'gone' when s.id is null or s.factors < 2 then 'sign_in'
                 when s.account_id = c.account_id then 'ok' else 'gone' end;
  if answer = 'ok' then
    change := c.id;
  elsif answer = 'gone' then
    retry_after := iam.refuse_address_link(ring, link, caller);
    if retry_after > 0 then answer := 'wait'; end if;
  end if;
end $$;
comment on function iam.find_address_change is 'What a link to a new mailbox leads to: ok (session and change, under the lock of their account), sign_in, gone (somebody else''s, too), or wait. Internal. Errors: VS503.';

create function iam.refuse_address_link(ring text, link text, caller jsonb) returns int
language plpgsql volatile set search_path = '' as $$
declare
  retry_after int := ops.limit_route(ring, 'confirm', caller);
  account uuid;
begin
  if retry_after = 0 then
    select x.account_id into account from iam.address_changes x where iam.hash_token(link) in (x.token_hash, x.asked_hash, x.changed_hash);
    perform audit.append(iam.gate_claims(account, null, iam.caller_origin(ring, null, null, caller)), 'account.change', 'Person', account, null,
      'failure', '{"change":"address","answer":"gone"}');
  end if;
  return retry_after;
end $$;
comment on function iam.refuse_address_link is 'A link that leads nowhere: recorded, and only so often. Gives the seconds to wait. Internal.';

create function iam.look_at_address_change(ring text, token text, link text, caller jsonb, out answer text, out email text, out retry_after int)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  f record;
  c iam.address_changes;
begin
  select * into f from iam.find_address_change(ring, token, link, caller);
  answer := f.answer;
  retry_after := f.retry_after;
  if answer = 'ok' then
    select * into strict c from iam.address_changes x where x.id = f.change;
    email := iam.address_of(vault.unwrap(ring, c.account_id, 'profile'), c.id, c.account_id, 'email', c.email);
  end if;
end $$;
comment on function iam.look_at_address_change is 'Where a link leads, without using it up: mail programs open links by themselves. Answers ok, sign_in (with both factors first), gone, or wait (retry_after: seconds). Errors: VS503.';

create function iam.confirm_address_change(ring text, token text, link text, caller jsonb, out answer text, out retry_after int)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  f record;
  s iam.sessions;
  c iam.address_changes;
  claims text[];
  address text;
  ended int;
begin
  select * into f from iam.find_address_change(ring, token, link, caller);
  answer := f.answer;
  retry_after := f.retry_after;
  if answer <> 'ok' then return; end if;
  select * into strict s from iam.sessions x where x.id = f.session;
  select * into strict c from iam.address_changes x where x.id = f.change;
  claims := iam.gate_claims(s.account_id, s.id, iam.caller_origin(ring, s.organisation_id, s.id, caller));
  address := iam.address_of(vault.unwrap(ring, s.account_id, 'profile'), c.id, s.account_id, 'email', c.email);
  perform iam.free_address(ring, address);
  if coalesce(iam.holder_of(ring, address), s.account_id) <> s.account_id then
    answer := 'taken';
  else
    begin
      perform iam.change_address(ring, c, address, claims);
    exception when unique_violation then
      -- somebody else, at this very moment
      answer := 'taken';
    end;
  end if;
  if answer = 'ok' then
    ended := iam.revoke_account(claims, s.account_id, 'address_changed', s.id);
  else
    perform iam.cancel_address_changes(s.account_id, claims, 'taken');
  end if;
  perform audit.append(claims, 'account.change', 'Person', s.account_id, null, case when answer = 'ok' then 'success' else 'failure' end,
    json_strip_nulls(json_build_object('change', 'address', 'step', 'confirmed', 'answer', answer, 'sessions_ended', ended))::text);
end $$;
comment on function iam.confirm_address_change is 'The mailbox is theirs, and so is the session: from now on they sign in with that address. Answers ok (every other session is over), taken (it belongs to somebody else by now), sign_in, gone, or wait (retry_after: seconds). Errors: VS503.';
grant execute on function iam.look_at_address_change, iam.confirm_address_change to vs_gate;

create function iam.change_address(ring text, c iam.address_changes, address text, claims text[]) returns void
language plpgsql volatile set search_path = '' as $$
declare
  key bytea := vault.unwrap(ring, c.account_id, 'profile');
  left_address text := (select convert_from(vault.unpack(key, iam.profile_aad(a.id, 'email'), a.email), 'UTF8') from iam.accounts a where a.id = c.account_id);
  left_index bytea;
  notice text := iam.new_link();
begin
  perform iam.cancel_recoveries(ring, c.account_id, claims, 'address');
  -- 4: after that, so that whoever asked for one is told where they asked
  perform ops.pin_messages(ring, c.account_id, left_address);
  left_index := iam.give_address(ring, c.account_id, address);
  update iam.accounts a set email_confirmed_at = clock_timestamp() where a.id = c.account_id;
  update iam.address_changes x set state = 'done', email = null, changed_at = clock_timestamp(), former_index = left_index,
    former = vault.seal(key, c.id, c.account_id, 1, '', 'iam.address_changes.former', left_address), changed_hash = iam.hash_token(notice)
  where x.id = c.id;
  perform ops.post(ring, c.account_id, 'email', 'address_changed', jsonb_build_object('path', '/account/address/not-me/' || notice, 'to', left_address,
    'ready_at', to_json(clock_timestamp() + interval '7 days')));
end $$;
comment on function iam.change_address is 'Internal. Errors: 23505.';

-- ---------------------------------------------------------------- 6: forgetting

create function iam.forget_address_changes() returns void
language sql volatile set search_path = '' as $$
  update iam.address_changes c set state = 'cancelled', email = null where c.id in (
    select x.id from iam.address_changes x where x.state = 'waiting' and x.ends_at < clock_timestamp() limit 1000 for update skip locked);
  update iam.address_changes c set former = null, former_index = null where c.id in (
    select x.id from iam.address_changes x where x.former is not null and x.changed_at < clock_timestamp() - interval '7 days' limit 1000 for update skip locked);
  delete from iam.address_changes c where c.id in (select x.id from iam.address_changes x where x.asked_at < clock_timestamp() - interval '30 days' limit 1000)
$$;
comment on function iam.forget_address_changes is 'Internal: ops.upkeep.';

reset role;
