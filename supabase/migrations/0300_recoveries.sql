-- Recoveries: back into an account without the password, without the phone, or without both.
--
-- Guarantees
--   1. Whoever asks learns nothing about an address: known or not, the answer is one word. Its owner gets a link, which
--      works for an hour, is stored hashed, and opens nothing by itself.
--   2. Two factors stay two. Without the password: the link and a second factor (a code that goes to the same mailbox isn't
--      one). Without the factors: the link and the password, and then a colleague who confirms, or 24 hours in which
--      everybody is told. Without both: the link and a colleague who confirms; waiting alone leads nowhere.
--   3. The person is told at once, on every way that there is, and ends it with one link; whoever signs in with a factor
--      ends it too. It ends for good with a suspension, and when the person leaves.
--   4. It ends with a new factor: in one transaction the lost ones go, every other session ends, and a password that was
--      chosen becomes the account's. Until then nothing of the account has changed, and nothing of it opens.
--   5. Each step is an event, refused ones too.

set role vs_owner;

create table iam.recoveries (
  id               uuid primary key default ops.uuid_v7(),
  account_id       uuid not null references iam.accounts,
  organisation_id  uuid not null references access.organisations,
  token_hash       bytea not null unique check (length(token_hash) = 32),
  -- the link of the message that says it can go on
  ready_hash       bytea unique check (length(ready_hash) = 32),
  cancel_hash      bytea unique check (length(cancel_hash) = 32),
  lost             text check (lost in ('password', 'factors', 'both')),
  state            text not null default 'asked' check (state in ('asked', 'waiting', 'done', 'cancelled')),
  -- the password that was chosen, until it becomes the account's
  password_hash    text check (password_hash ~ '^\$2[aby]\$12\$'),
  pepper_id        text check (length(pepper_id) between 1 and 27),
  -- the session that it led to, which a factor makes whole
  session_id       uuid references iam.sessions,
  tries            int not null default 0,
  code_tries       int not null default 0,
  asked_at         timestamptz not null default clock_timestamp(),
  ends_at          timestamptz not null default clock_timestamp() + interval '1 hour',
  -- from when on nobody has to confirm; infinity: somebody has to
  ready_at         timestamptz,
  confirmed_by     uuid references iam.accounts,
  confirmed_at     timestamptz,
  -- the message that says so, which isn't sent if it is cancelled before; no foreign key: the outbox forgets
  ready_message_id uuid,
  check ((confirmed_by is null) = (confirmed_at is null)),
  check (state <> 'waiting' or (coalesce(lost, '') in ('factors', 'both') and ready_at is not null))
);
comment on table iam.recoveries is 'Ways back into an account: what was lost, who confirms, until when.';
-- one at a time, and what a sign-in cancels
create unique index recoveries_waiting on iam.recoveries (account_id) where state = 'waiting';
create index recoveries_account on iam.recoveries (account_id);
-- the page of whoever confirms
create index recoveries_organisation on iam.recoveries (organisation_id) where state = 'waiting';
create index recoveries_practice on iam.recoveries (organisation_id);
create index recoveries_session on iam.recoveries (session_id) where session_id is not null;
create index recoveries_confirmed_by on iam.recoveries (confirmed_by) where confirmed_by is not null;
-- clearing out
create index recoveries_ends on iam.recoveries (ends_at);
alter table iam.recoveries enable row level security;
alter table iam.recoveries force row level security;
create policy all_owner on iam.recoveries to vs_owner using (true) with check (true);
comment on policy all_owner on iam.recoveries is 'The functions of this file.';

create function iam.recovery_claims(r iam.recoveries, origin uuid) returns text[]
language sql stable set search_path = '' as $$
  select array[null, r.account_id::text, r.organisation_id::text, coalesce(m.role, 'unknown'), null, null, null, origin::text]
  from (values (1)) one left join lateral (select x.role from access.memberships x
    where x.account_id = r.account_id and x.organisation_id = r.organisation_id
    order by x.valid_until > clock_timestamp() desc, x.valid_from, x.id limit 1) m on true
$$;
comment on function iam.recovery_claims is 'Internal.';

-- ---------------------------------------------------------------- asking

create function iam.request_recovery(ring text, email text, token text, caller jsonb, out answer text, out retry_after int)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  indexes bytea[] := iam.email_indexes(ring, email);
  a iam.accounts;
  m access.memberships;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform set_config('lock_timeout', '5s', true);
  retry_after := ops.limit_route(ring, 'recover', caller);
  if retry_after > 0 then
    answer := 'wait';
    return;
  end if;
  answer := 'ok';
  select * into a from iam.accounts x where x.email_index = any (indexes) and x.status = 'active';
  select * into m from access.memberships x where x.account_id = a.id and access.membership_is_live(x.id) order by x.valid_from, x.id limit 1;
  perform audit.append(iam.gate_claims(a.id, null, iam.caller_origin(ring, m.organisation_id, null, caller)), 'recovery.request', 'Person', a.id, null,
    case when m.id is not null then 'success' else 'failure' end);
  -- three messages to an address at once and one an hour; more than that changes nothing, and says nothing
  if ops.take('recover/' || encode(indexes[1], 'hex'), 3, 1.0 / 3600) > 0 or m.id is null then return; end if;
  insert into iam.recoveries (account_id, organisation_id, token_hash) values (a.id, m.organisation_id, iam.hash_token(token));
  perform ops.post(ring, a.id, 'email', 'recovery_link', jsonb_build_object('path', '/recover/' || token));
end $$;
comment on function iam.request_recovery is 'Somebody who can''t sign in gives an address. token: what the link will hold, if there is an account. Answers ok, or wait (retry_after: seconds). Errors: VS503.';
grant execute on function iam.request_recovery to vs_gate;

-- ---------------------------------------------------------------- the link

create function iam.find_recovery(token text) returns iam.recoveries
language plpgsql volatile set search_path = '' as $$
declare
  r iam.recoveries;
begin
  perform iam.lock_account((select x.account_id from iam.recoveries x where iam.hash_token(token) in (x.token_hash, x.ready_hash)));
  select x.* into r from iam.recoveries x join iam.accounts a on a.id = x.account_id
  where iam.hash_token(token) in (x.token_hash, x.ready_hash) and x.state in ('asked', 'waiting') and x.ends_at > clock_timestamp()
    and x.tries < 5 and exists (select from access.memberships m where m.account_id = a.id and access.membership_is_live(m.id)) for update of x;
  return r;
end $$;
comment on function iam.find_recovery is 'The live recovery of a link, locked; NULL for none. Internal.';

create function iam.refuse_recovery(ring text, token text, caller jsonb) returns int
language plpgsql volatile set search_path = '' as $$
declare
  r iam.recoveries;
  retry_after int := ops.limit_route(ring, 'confirm', caller);
begin
  if retry_after = 0 then
    select * into r from iam.recoveries x where iam.hash_token(token) in (x.token_hash, x.ready_hash, x.cancel_hash);
    perform audit.append(iam.gate_claims(r.account_id, null, iam.caller_origin(ring, r.organisation_id, null, caller)), 'recovery.request', 'Person', r.account_id, null,
      'failure', '{"answer":"gone"}');
  end if;
  return retry_after;
end $$;
comment on function iam.refuse_recovery is 'A link that leads nowhere: recorded, and only so often. Gives the seconds to wait. Internal.';

create function iam.is_ready(r iam.recoveries) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return r.state = 'waiting' and (r.confirmed_at is not null or r.ready_at <= clock_timestamp());
end $$;
comment on function iam.is_ready is 'Internal.';

create function iam.read_recovery(ring text, token text, caller jsonb, out answer text, out account uuid, out lost text, out code text,
                                  out ready_at timestamptz, out has_factors boolean, out about text[], out retry_after int)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  r iam.recoveries;
  a iam.accounts;
  key bytea;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform ops.require_network(caller ->> 'ip');
  perform set_config('lock_timeout', '5s', true);
  r := iam.find_recovery(token);
  if r.id is null then
    retry_after := iam.refuse_recovery(ring, token, caller);
    answer := case when retry_after > 0 then 'wait' else 'gone' end;
    return;
  end if;
  select * into strict a from iam.accounts x where x.id = r.account_id;
  key := vault.unwrap(ring, a.id, 'profile');
  about := array[convert_from(vault.unpack(key, iam.profile_aad(a.id, 'email'), a.email), 'UTF8'),
                 convert_from(vault.unpack(key, iam.profile_aad(a.id, 'family_name'), a.family_name), 'UTF8'),
                 convert_from(vault.unpack(key, iam.profile_aad(a.id, 'given_name'), a.given_name), 'UTF8'),
                 (select o.name from access.organisations o where o.id = r.organisation_id)];
  account := r.account_id;
  lost := r.lost;
  has_factors := iam.methods_beside_link(r.account_id) <> '{}';
  answer := case when r.state = 'asked' then 'choose' when iam.is_ready(r) then 'ready' else 'waiting' end;
  if answer = 'waiting' then
    code := iam.recovery_confirmation(ring, r);
    ready_at := nullif(r.ready_at, 'infinity');
  end if;
end $$;
comment on function iam.read_recovery is 'Where a link leads, without using it up: mail programs open links by themselves. about: address, names and practice, which a password must not be made of; for the edge, and no page shows them. Answers choose, waiting (code: what a colleague has to be told; ready_at: NULL if somebody has to confirm), ready, gone, or wait (retry_after: seconds). Errors: VS503.';

create function iam.methods_beside_link(account uuid) returns text[]
language plpgsql stable set search_path = '' as $$
begin
  return array_remove(iam.methods_of(account), 'email_code');
end $$;
comment on function iam.methods_beside_link is 'A link that was mailed and a code that is mailed are one factor, not two. Internal.';

-- ---------------------------------------------------------------- what was lost

create function iam.choose_recovery(ring text, token text, lost text, prehash text, new_token text, cancel_token text, caller jsonb,
                                    out answer text, out retry_after int)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  r iam.recoveries;
  a iam.accounts;
  s iam.sessions;
  origin uuid;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform ops.require_network(caller ->> 'ip');
  perform set_config('lock_timeout', '5s', true);
  r := iam.find_recovery(token);
  if r.id is null or r.state <> 'asked' then
    retry_after := iam.refuse_recovery(ring, token, caller);
    answer := case when retry_after > 0 then 'wait' else 'gone' end;
    return;
  end if;
  if (lost in ('password', 'factors', 'both')) is not true then
    raise exception using errcode = 'VS422', message = 'what was lost is the password, the factors, or both';
  end if;
  select * into strict a from iam.accounts x where x.id = r.account_id;
  origin := iam.caller_origin(ring, r.organisation_id, null, caller);
  perform ops.wait_for_hash_turn();
  if lost = 'password' then
    if iam.methods_beside_link(a.id) = '{}' then
      answer := 'no_factor';
    else
      update iam.sessions x set revoked_at = clock_timestamp(), revoked_because = 'signed_in_again' where x.id = r.session_id and x.revoked_at is null;
      s := iam.start_session(ring, a.id, new_token, '{link}', caller);
      update iam.recoveries x set lost = 'password', session_id = s.id, pepper_id = split_part(prehash, ':', 1),
        password_hash = extensions.crypt(prehash, extensions.gen_salt('bf', 12)) where x.id = r.id;
      answer := 'second_factor';
    end if;
  elsif lost = 'factors' and (extensions.crypt(prehash, a.password_hash) = a.password_hash) is not true then
    update iam.recoveries x set tries = x.tries + 1 where x.id = r.id;
    answer := 'refused';
  else
    perform iam.begin_waiting(ring, r, lost, prehash, cancel_token);
    answer := 'waiting';
  end if;
  -- whoever has lost a factor isn't changing the address (0345)
  if answer in ('second_factor', 'waiting') then perform iam.cancel_address_changes(a.id, iam.recovery_claims(r, origin), 'recovery'); end if;
  perform audit.append(iam.recovery_claims(r, origin), 'recovery.request', 'Person', a.id, null,
    case when answer in ('second_factor', 'waiting') then 'success' else 'failure' end, json_build_object('lost', lost, 'answer', answer)::text);
end $$;
comment on function iam.choose_recovery is 'What was lost. prehash: of the new password (password, both) or of the present one (factors). Answers second_factor (a session under new_token waits for one; the password changes with it), no_factor (there is none: both are lost), waiting, refused, gone, or wait (retry_after: seconds). cancel_token: what the link of the notices will hold. Errors: VS422, VS503.';

create function iam.begin_waiting(ring text, r iam.recoveries, lost text, prehash text, cancel_token text) returns void
language plpgsql volatile set search_path = '' as $$
declare
  other iam.recoveries;
  link text := '/recover/cancel/' || cancel_token;
  ready timestamptz := clock_timestamp() + interval '24 hours';
  colleague uuid;
begin
  perform ops.wait_for_hash_turn();
  for other in select * from iam.recoveries x where x.account_id = r.account_id and x.state = 'waiting' for update loop
    perform iam.cancel_one(ring, other, iam.recovery_claims(other, null), 'asked_again');
  end loop;
  update iam.recoveries x set state = 'waiting', lost = begin_waiting.lost, cancel_hash = iam.hash_token(cancel_token),
    ready_at = case when begin_waiting.lost = 'factors' then ready else 'infinity' end, ends_at = clock_timestamp() + interval '96 hours',
    pepper_id = case when begin_waiting.lost = 'both' then split_part(prehash, ':', 1) end,
    password_hash = case when begin_waiting.lost = 'both' then extensions.crypt(prehash, extensions.gen_salt('bf', 12)) end
  where x.id = r.id;
  perform ops.post(ring, r.account_id, 'email', 'recovery_requested', jsonb_strip_nulls(jsonb_build_object('path', link,
    'ready_at', case when begin_waiting.lost = 'factors' then to_json(ready) end)));
  -- whoever holds the mailbox may not hold the telephone
  if exists (select from iam.phones p where p.account_id = r.account_id and p.confirmed_at is not null) then
    perform ops.post(ring, r.account_id, 'sms', 'recovery_requested_sms', jsonb_build_object('path', link));
  end if;
  if lost = 'factors' then perform iam.send_ready(ring, r.id, 'recovery_ready', ready); end if;
  for colleague in select m.account_id from access.memberships m where m.organisation_id = r.organisation_id and m.account_id <> r.account_id
                     and m.role = iam.confirming_role(r) and access.membership_is_live(m.id) order by m.id limit 50 loop
    perform ops.post(ring, colleague, 'email', 'recovery_asks_colleague');
  end loop;
end $$;
comment on function iam.begin_waiting is 'From now on it waits, and everybody is told. Internal.';

create function iam.send_ready(ring text, recovery uuid, template text, at timestamptz) returns void
language plpgsql volatile set search_path = '' as $$
declare
  token text := translate(encode(extensions.gen_random_bytes(32), 'base64'), '+/=' || E'\n', '-_');
  r iam.recoveries;
  message uuid;
begin
  select * into strict r from iam.recoveries x where x.id = recovery;
  perform iam.withdraw_message(r.ready_message_id);
  message := ops.post(ring, r.account_id, 'email', template, jsonb_build_object('path', '/recover/' || token));
  update ops.outbox o set next_at = greatest(at, o.next_at), expires_at = greatest(at, o.next_at) + interval '48 hours' where o.id = message;
  update iam.recoveries x set ready_hash = iam.hash_token(token), ready_message_id = message where x.id = recovery;
end $$;
comment on function iam.send_ready is 'A message that leads on, now or later, with a link of its own. Internal.';

create function iam.withdraw_message(message uuid) returns void
language plpgsql volatile set search_path = '' as $$
declare
  m ops.outbox;
begin
  select * into m from ops.outbox o where o.id = message and o.state = 'waiting' for update;
  if m.id is not null then perform ops.end_message(m, 'failed', 'withdrawn'); end if;
end $$;
comment on function iam.withdraw_message is 'Not sent any more, unless it was. Internal.';

-- ---------------------------------------------------------------- 3: cancelling

create function iam.cancel_one(ring text, r iam.recoveries, claims text[], by text) returns void
language plpgsql volatile set search_path = '' as $$
begin
  update iam.recoveries x set state = 'cancelled', password_hash = null, pepper_id = null where x.id = r.id;
  perform iam.withdraw_message(r.ready_message_id);
  -- one that was under way opens nothing either
  update iam.sessions x set revoked_at = clock_timestamp(), revoked_because = 'recovered' where x.id = r.session_id and x.factors = 1 and x.revoked_at is null;
  perform audit.append(claims, 'recovery.cancel', 'Recovery', r.id, null, 'success', json_build_object('by', by)::text);
  if by <> 'asked_again' then
    perform ops.post(ring, r.account_id, 'email', 'recovery_cancelled');
  end if;
end $$;
comment on function iam.cancel_one is 'Internal.';

create function iam.cancel_recoveries(ring text, account uuid, claims text[], by text default 'administrator') returns boolean
language plpgsql volatile set search_path = '' as $$
declare
  r iam.recoveries;
  one_waited boolean := false;
begin
  for r in select * from iam.recoveries x where x.account_id = account and x.state = 'waiting' for update loop
    perform iam.cancel_one(ring, r, claims, by);
    one_waited := true;
  end loop;
  -- links that nobody has used yet
  update iam.recoveries x set state = 'cancelled', password_hash = null, pepper_id = null where x.account_id = account and x.state = 'asked';
  return one_waited or found;
end $$;
comment on function iam.cancel_recoveries is 'Of somebody who was suspended, has left, disowns a sign-in, or changes the address (0345): who needs one later asks anew. Was there one? by: for the log. Internal.';

create function iam.cancel_recovery(ring text, cancel_token text, caller jsonb, out answer text, out retry_after int)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  r iam.recoveries;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform set_config('lock_timeout', '5s', true);
  perform iam.lock_account((select x.account_id from iam.recoveries x where x.cancel_hash = iam.hash_token(cancel_token)));
  select * into r from iam.recoveries x where x.cancel_hash = iam.hash_token(cancel_token) and x.state = 'waiting' for update;
  if r.id is null then
    retry_after := iam.refuse_recovery(ring, cancel_token, caller);
    answer := case when retry_after > 0 then 'wait' else 'gone' end;
    return;
  end if;
  perform iam.cancel_one(ring, r, iam.recovery_claims(r, iam.caller_origin(ring, r.organisation_id, null, caller)), 'link');
  answer := 'ok';
end $$;
comment on function iam.cancel_recovery is 'The link of a notice: whoever reads it didn''t ask. Answers ok, gone, or wait (retry_after: seconds). Errors: VS503.';

-- ---------------------------------------------------------------- 4: the end

create function iam.complete_recovery(ring text, token text, prehash text, new_token text, caller jsonb, out answer text, out retry_after int)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  r iam.recoveries;
  a iam.accounts;
  s iam.sessions;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform ops.require_network(caller ->> 'ip');
  perform set_config('lock_timeout', '5s', true);
  r := iam.find_recovery(token);
  if r.id is null or r.state <> 'waiting' then
    retry_after := iam.refuse_recovery(ring, token, caller);
    answer := case when retry_after > 0 then 'wait' else 'gone' end;
    return;
  end if;
  select * into strict a from iam.accounts x where x.id = r.account_id;
  perform ops.wait_for_hash_turn();
  if not iam.is_ready(r) then
    answer := 'not_yet';
  elsif (extensions.crypt(prehash, coalesce(r.password_hash, a.password_hash)) = coalesce(r.password_hash, a.password_hash)) is not true then
    update iam.recoveries x set tries = x.tries + 1 where x.id = r.id;
    answer := 'refused';
  else
    answer := 'ok';
    update iam.sessions x set revoked_at = clock_timestamp(), revoked_because = 'signed_in_again' where x.id = r.session_id and x.revoked_at is null;
    s := iam.start_session(ring, a.id, new_token, '{link,password}', caller, enrols => true);
    -- whoever stops on the way comes back by the same link
    update iam.recoveries x set session_id = s.id, tries = 0 where x.id = r.id;
  end if;
  perform audit.append(iam.recovery_claims(r, coalesce(s.origin_id, iam.caller_origin(ring, r.organisation_id, null, caller))), 'recovery.complete', 'Recovery', r.id, null,
    case when answer = 'ok' then 'partial' else 'failure' end, json_build_object('answer', answer)::text);
end $$;
comment on function iam.complete_recovery is 'The time has come, or somebody has confirmed: a session under new_token may add a factor, and the recovery is done with it. prehash: of the password, of the new one where it was lost too. Answers ok, not_yet, refused, gone, or wait (retry_after: seconds). Errors: VS503.';
grant execute on function iam.read_recovery, iam.choose_recovery, iam.cancel_recovery, iam.complete_recovery to vs_gate;

create function iam.take_password(r iam.recoveries, claims text[]) returns void
language plpgsql volatile set search_path = '' as $$
begin
  update iam.accounts a set password_hash = r.password_hash, pepper_id = r.pepper_id, password_changed_at = clock_timestamp() where a.id = r.account_id;
  perform audit.append(claims, 'password.change', 'Person', r.account_id, null, 'success', '{"by":"recovery"}');
end $$;
comment on function iam.take_password is 'The password that was chosen becomes the account''s. Internal.';

create function iam.remove_lost_factors(r iam.recoveries, s iam.sessions) returns void
language plpgsql volatile set search_path = '' as $$
declare
  n bigint;
  counts jsonb := '{}'::jsonb;
begin
  -- what is older than the session that the recovery led to; what it has added stays
  delete from iam.totp_factors f where f.account_id = r.account_id and f.confirmed_at < s.created_at;
  get diagnostics n = row_count; counts := counts || jsonb_build_object('totp', n);
  delete from iam.passkeys p where p.account_id = r.account_id and p.created_at < s.created_at;
  get diagnostics n = row_count; counts := counts || jsonb_build_object('passkey', n);
  delete from iam.phones p where p.account_id = r.account_id;
  get diagnostics n = row_count; counts := counts || jsonb_build_object('phone', n);
  delete from iam.recovery_codes x where x.account_id = r.account_id;
  get diagnostics n = row_count; counts := counts || jsonb_build_object('recovery_code', n);
  -- a browser that was known may be in the same hands as the phone
  update iam.devices d set forgotten_at = clock_timestamp() where d.account_id = r.account_id and d.forgotten_at is null
    and d.id is distinct from (select x.device_id from iam.sessions x where x.id = s.id);
  perform audit.append(iam.gate_claims(s.account_id, s.id, s.origin_id), 'factor.remove', 'Person', r.account_id, null, 'success', counts::text);
end $$;
comment on function iam.remove_lost_factors is 'What was lost counts no more. Internal.';

create function iam.recovers(session uuid) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return exists (select from iam.recoveries r where r.session_id = session and iam.is_ready(r) and r.ends_at > clock_timestamp());
end $$;
comment on function iam.recovers is 'May this session add a factor in the place of lost ones? Internal: iam.may_change_factors.';

create function iam.settle_recoveries(ring text, s iam.sessions, method text) returns void
language plpgsql volatile set search_path = '' as $$
declare
  r iam.recoveries;
  claims text[] := iam.gate_claims(s.account_id, s.id, s.origin_id);
begin
  for r in select * from iam.recoveries x where x.account_id = s.account_id and x.state in ('asked', 'waiting') and (x.session_id = s.id or x.state = 'waiting') for update loop
    if r.session_id is distinct from s.id then
      -- a factor was shown: it isn't lost, or another one is here by now
      perform iam.cancel_one(ring, r, claims, 'factor');
      continue;
    end if;
    if r.lost <> 'password' then
      perform iam.remove_lost_factors(r, s);
      perform ops.post(ring, r.account_id, 'email', 'factor_added', jsonb_build_object('factor', method));
    end if;
    if r.lost <> 'factors' then
      perform iam.take_password(r, claims);
      perform ops.post(ring, r.account_id, 'email', 'password_changed');
    end if;
    update iam.sessions x set revoked_at = clock_timestamp(), revoked_because = 'recovered' where x.account_id = s.account_id and x.id <> s.id and x.revoked_at is null;
    perform iam.cancel_address_changes(s.account_id, claims, 'recovery');
    update iam.recoveries x set state = 'done', password_hash = null, pepper_id = null where x.id = r.id;
    perform iam.withdraw_message(r.ready_message_id);
    perform audit.append(claims, 'recovery.complete', 'Recovery', r.id, null, 'success', json_build_object('lost', r.lost)::text);
  end loop;
end $$;
comment on function iam.settle_recoveries is 'A session became whole by a factor: its recovery is done, and any other that waits is cancelled. Internal: iam.accept_factor.';

create function iam.forget_ended_recoveries() returns int
language plpgsql volatile set search_path = '' as $$
declare
  n int;
begin
  update iam.recoveries r set state = 'cancelled', password_hash = null, pepper_id = null
  where r.id in (select x.id from iam.recoveries x where x.ends_at < clock_timestamp() and x.state in ('asked', 'waiting') limit 1000 for update skip locked);
  delete from iam.recoveries r where r.id in (select x.id from iam.recoveries x where x.ends_at < clock_timestamp() - interval '30 days' limit 1000);
  get diagnostics n = row_count;
  return n;
end $$;
comment on function iam.forget_ended_recoveries is 'What is over opens nothing; a month later the log alone knows of it. Internal: ops.upkeep.';

reset role;
