-- Sign-in: a password, then a second factor. For the login vs_gate alone, on connections of its own.
--
-- Guarantees
--   1. Neither factor alone opens anything: after the password there is a session of one factor, and iam.enter
--      opens nothing below two.
--   2. The same answer and the same work whether or not an account exists.
--   3. Every factor is checked by its own file, and goes through one function: iam.take_factor.
--   4. Attempts are limited before anything is hashed; refusals are answers, so that they are recorded.
--      (`busy` refuses nothing: nothing was tried, and the edge asks again.) Nobody can use up the tries of the owner in a
--      browser that the account knows; no code space is searched faster than ten tries an hour.
--   5. No role that is reachable from vs_edge may call these functions.
--   6. Nobody signs in to a database that was restarted or restored before it was cleared (0250).
--   7. A step that ended in an error is recorded as well (iam.record_failed_sign_in).
--   8. A token is worth nothing once the session has gained a right: each gain brings a new one. From before a factor was shown
--      again it serves the pages that were under way for 30 seconds, and changes no factor and no password.
--   9. A factor is added or taken away, and the address changed, on a factor and the password shown within 10 minutes, or on a
--      passkey that verified its user, which is both; the first factor, by a link of the practice alone. Whoever has a cookie
--      and reads the mailbox doesn't have the password, and tries no more of them than at sign-in.
--  10. Nobody comes in from a denied network (0088), whoever they are: functions that take a caller ask first.
--  11. What is done to one account at the same moment comes one after the other, and none of it ends in a deadlock.
--
-- `caller` is where a request comes from, as the edge saw it: {"ip", "user_agent", "device" (the token of its cookie),
-- "place" (if a proxy knows it)}.

set role vs_owner;

create function iam.sign_in_lookup(ring text, email text) returns uuid
language plpgsql stable security definer set search_path = '' set debug_print_plan = off as $$
declare
  account uuid;
begin
  perform ops.require_clearance();
  -- else a wrong key would look like a wrong password
  perform vault.require_known_ring(ring);
  select a.id into account from iam.accounts a where a.email_index = any (iam.email_indexes(ring, sign_in_lookup.email));
  -- somebody unknown gets an id too, always the same one, so that the next step has the same work
  return coalesce(account, encode((iam.email_indexes(ring, email))[1], 'hex')::uuid);
end $$;
comment on function iam.sign_in_lookup is 'The id that the password is hashed with; also for an address that has no account. Errors: VS503 for a ring that isn''t this database''s.';
grant execute on function iam.sign_in_lookup to vs_gate;

create function iam.sign_in_is_known(account uuid, device text) returns boolean
language plpgsql stable security definer set search_path = '' set debug_print_plan = off as $$
begin
  perform ops.require_clearance();
  return iam.known_device(account, device) is not null;
end $$;
comment on function iam.sign_in_is_known is 'Has this account signed in with this browser before? Its edge lets it go first when many sign in. Errors: VS503.';
grant execute on function iam.sign_in_is_known to vs_gate;

create function iam.gate_claims(account uuid, session uuid, origin uuid) returns text[]
language sql stable set search_path = '' as $$
  select array[session::text, a.id::text, m.organisation_id::text, coalesce(m.role, 'unknown'), null, null, null, origin::text]
  from (values (1)) one
  left join iam.accounts a on a.id = account
  -- a role that somebody had before is none that they act in
  left join lateral (select * from access.memberships x where x.account_id = a.id
                     order by x.valid_until > clock_timestamp() desc, x.valid_from, x.id limit 1) m on true
$$;
comment on function iam.gate_claims is 'Who an event of the gate is about, before anybody has entered. Internal.';

create function iam.caller_origin(ring text, organisation uuid, session uuid, caller jsonb) returns uuid
language sql volatile set search_path = '' as $$
  select audit.origin(ring, organisation, session, caller ->> 'ip', caller ->> 'user_agent')
$$;
comment on function iam.caller_origin is 'Internal.';

-- ---------------------------------------------------------------- sessions of the gate

create function iam.start_session(ring text, account uuid, token text, methods text[], caller jsonb, old_token text default null,
                                  enrols boolean default false) returns iam.sessions
language plpgsql volatile set search_path = '' as $$
declare
  s iam.sessions;
  m access.memberships;
begin
  select * into strict m from access.memberships x
  where x.account_id = account and clock_timestamp() between x.valid_from and x.valid_until order by x.valid_from, x.id limit 1;
  insert into iam.sessions (token_hash, account_id, membership_id, organisation_id, role, patient_id, methods, password_at, enrols, device_id, expires_at, replaces_id)
  values (iam.hash_token(token), account, m.id, m.organisation_id, m.role, m.patient_id, start_session.methods,
          case when 'password' = any (start_session.methods) then clock_timestamp() end, start_session.enrols,
          iam.known_device(account, caller ->> 'device'),
          clock_timestamp() + case when start_session.enrols then interval '1 hour' else interval '10 minutes' end,
          -- one that waits for its second factor stands for the one before it: the password was typed twice
          (select case when x.factors = 1 then coalesce(x.replaces_id, x.id) else x.id end
           from iam.sessions x where x.token_hash = iam.hash_token(old_token) and x.account_id = account
             and x.revoked_at is null and x.expires_at > clock_timestamp()))
  returning * into s;
  update iam.sessions x set origin_id = iam.caller_origin(ring, m.organisation_id, s.id, caller) where x.id = s.id returning x.* into s;
  return s;
end $$;
comment on function iam.start_session is 'A session of one factor: 10 minutes to show the second, an hour to add one (enrols: made by a link). old_token: what the browser''s cookie holds, of which the session ends when this one is whole. Internal.';

-- Sessions, factors, devices and recoveries of an account refer to each other, and whoever changes one locks others: this comes
-- before any of them. It is no row, since iam.sign_in_password looks at the account with a turn for hashing in its hands, for
-- which others wait here. Whoever signs a whole organisation out doesn't lock thousands of accounts, but what each of them shares.
create function iam.lock_account(account uuid) returns void
language plpgsql volatile set search_path = '' as $$
begin
  if account is null then return; end if;
  perform pg_advisory_xact_lock_shared(hashtextextended('iam.organisations/' || o.id, 0))
  from (select distinct m.organisation_id as id from access.memberships m where m.account_id = account order by 1) o;
  perform pg_advisory_xact_lock(hashtextextended('iam.accounts/' || account, 0));
end $$;
comment on function iam.lock_account is 'To the end of the transaction. First of all locks, but for those of who is not anybody yet (an invitation, a registration). Internal.';

create function iam.lock_accounts_of(organisation uuid) returns void
language plpgsql volatile set search_path = '' as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('iam.organisations/' || organisation, 0));
end $$;
comment on function iam.lock_accounts_of is 'The same for all accounts of an organisation: waits for those that are locked, and locks the others out. First of all locks. Internal.';

create function iam.find_session(ring text, token text, caller jsonb) returns iam.sessions
language plpgsql volatile set search_path = '' as $$
declare
  s iam.sessions;
  old_session uuid;
  late boolean;
  m access.memberships;
begin
  perform ops.require_network(caller ->> 'ip');
  perform iam.lock_account(x.account_id) from iam.sessions x where x.token_hash = iam.hash_token(token)
    or x.id = (select o.session_id from iam.old_tokens o where o.token_hash = iam.hash_token(token));
  select * into s from iam.sessions x where x.token_hash = iam.hash_token(token) for update;
  if s.id is null then
    select o.session, o.late into old_session, late from iam.find_by_old_token(iam.hash_token(token)) o;
    select * into s from iam.sessions x where x.id = old_session for update;
    if late then
      perform iam.end_family(s, iam.caller_origin(ring, s.organisation_id, s.id, caller));
      return null;
    end if;
  end if;
  if s.id is null or s.revoked_at is not null or s.expires_at <= clock_timestamp() or s.account_id is null
     or (s.factors = 2 and s.last_seen_at <= clock_timestamp() - interval '30 minutes') then
    return null;
  end if;
  select x.* into m from access.memberships x join iam.accounts a on a.id = x.account_id
  where x.id = s.membership_id and clock_timestamp() between x.valid_from and x.valid_until
    -- who was invited becomes active with the first factor
    and (a.status = 'active' or (a.status = 'invited' and s.enrols));
  return case when m.id is not null then s end;
end $$;
comment on function iam.find_session is 'The live session of a token, of one factor or two, locked; NULL for none. Ends it if the token is an old one that comes too late. Internal.';

-- ---------------------------------------------------------------- the password

-- One way to show a password, at sign-in and in a session: a stolen cookie buys no further tries.
create function iam.try_password(ring text, account uuid, prehash text, session uuid, caller jsonb, out answer text, out retry_after int)
language plpgsql volatile set search_path = '' as $$
declare
  a iam.accounts;
  m access.memberships;
  device uuid := iam.known_device(account, caller ->> 'device');
  address_key text;
  account_key text := 'password/account/' || account;
  -- whose failures make the next try wait: this browser's, or this account's at this address
  own_key text := 'password/device/' || device;
  reached text;
  -- one that a whole practice shares isn't (0088)
  counts_address boolean := device is null and not ops.is_allowed_network(caller ->> 'ip');
  ok boolean;
begin
  address_key := 'password/address/' || ops.network_key(ring, caller ->> 'ip');
  own_key := coalesce(own_key, address_key || '/' || account);
  -- First without taking anything: whoever is told to wait holds nobody up. A browser that the account knows isn't held up
  -- by what happens elsewhere, so that a stranger who goes on failing doesn't keep the owner out.
  select x.reached, x.seconds into reached, retry_after
  from (values (own_key, ops.delayed(own_key, '15 minutes')),
               (address_key, case when counts_address then ops.peek(address_key, 60, 0.5) end),
               (account_key, case when device is null then ops.peek(account_key, 60, 1.0 / 60) end)) x (reached, seconds)
  where x.seconds > 0 order by x.seconds desc limit 1;
  if retry_after > 0 then
    answer := 'wait';
    perform ops.record_limited(ring, iam.gate_claims(account, session, null), 'password', reached, caller);
    return;
  end if;
  -- one hash at a time for an account and for an address: what is counted below is locked until it is done
  if not (ops.hash_turn(device is not null) and pg_try_advisory_xact_lock(hashtextextended(own_key, 0))
          and (not counts_address or pg_try_advisory_xact_lock(hashtextextended(address_key, 0)))
          and (device is not null or pg_try_advisory_xact_lock(hashtextextended(account_key, 0)))) then
    answer := 'busy';
    return;
  end if;
  -- counted before it is tried, and given back if it was right
  retry_after := ops.delay(own_key, 5, '5 seconds', '15 minutes', '1 day');
  if retry_after = 0 and counts_address then retry_after := ops.take(address_key, 60, 0.5); end if;
  if retry_after = 0 and device is null then retry_after := ops.take(account_key, 60, 1.0 / 60); end if;
  if retry_after > 0 then
    answer := 'wait';
    perform ops.record_limited(ring, iam.gate_claims(account, session, null), 'password', own_key, caller);
    return;
  end if;
  select * into a from iam.accounts x where x.id = account;
  select * into m from access.memberships x where x.account_id = account and access.membership_is_live(x.id) order by x.valid_from, x.id limit 1;
  -- the dummy costs what a real one costs
  ok := extensions.crypt(prehash, coalesce(a.password_hash, '$2a$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW'))
        = a.password_hash and a.status = 'active' and m.id is not null;
  if ok then
    -- a change of the password that came while this one was hashed has ended all sessions: none begins after it
    perform from iam.accounts x where x.id = account and x.password_hash = a.password_hash and x.status = 'active' for share;
    ok := found;
  end if;
  if ok is not true then
    answer := 'refused';
    perform audit.append(iam.gate_claims(account, session, iam.caller_origin(ring, m.organisation_id, session, caller)),
      'session.password', 'session', session, null, 'failure', '{"reason":"refused"}');
    perform ops.note_try(ring, account, false, caller);
    return;
  end if;
  perform ops.forget(own_key);
  if counts_address then perform ops.give_back(address_key); end if;
  if device is null then perform ops.give_back(account_key); end if;
  perform vault.saw_ring(ring);
  answer := 'ok';
end $$;
comment on function iam.try_password is 'Limits, a turn, the hash, and what is recorded of a failure. session: NULL before there is one. Answers ok, refused, wait or busy as iam.sign_in_password says. Internal.';

create function iam.sign_in_password(ring text, account uuid, prehash text, token text, caller jsonb, old_token text default null,
                                     out answer text, out retry_after int)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  tried record;
  s iam.sessions;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform ops.require_network(caller ->> 'ip');
  perform set_config('lock_timeout', '5s', true);
  select * into tried from iam.try_password(ring, account, prehash, null, caller);
  answer := tried.answer;
  retry_after := tried.retry_after;
  if answer <> 'ok' then return; end if;
  s := iam.start_session(ring, account, token, '{password}', caller, old_token);
  perform audit.append(iam.gate_claims(account, s.id, s.origin_id), 'session.password', 'session', s.id, null, 'success');
  answer := 'second_factor';
end $$;
comment on function iam.sign_in_password is 'First step. prehash: `pepper id:base64(HMAC-SHA-256(pepper, account id ‖ password))`. token: what the cookie will hold; old_token: what it holds now. Answers second_factor, refused, wait (retry_after: seconds), or busy: there is no turn for hashing (0086), nothing was tried, ask again in a moment. Errors: VS471, VS503.';
grant execute on function iam.sign_in_password to vs_gate;

-- ---------------------------------------------------------------- the second factor, and a factor shown again

create function iam.methods_of(account uuid) returns text[]
language plpgsql stable set search_path = '' as $$
declare
  o access.organisations;
begin
  select x.* into o from access.memberships m join access.organisations x on x.id = m.organisation_id
  where m.account_id = account order by m.valid_from, m.id limit 1;
  return array_remove(array[
    case when exists (select from iam.passkeys p where p.account_id = account and iam.is_here(p.rp_id)) then 'passkey' end,
    case when exists (select from iam.totp_factors f where f.account_id = account and f.confirmed_at is not null) then 'totp' end,
    case when exists (select from iam.phones p where p.account_id = account and p.confirmed_at is not null) and o.sms_codes then 'sms_code' end,
    case when exists (select from iam.accounts a where a.id = account and a.email_confirmed_at is not null) and o.email_codes then 'email_code' end,
    case when exists (select from iam.recovery_codes r where r.account_id = account and r.used_at is null) then 'recovery_code' end], null);
end $$;
comment on function iam.methods_of is 'By which second factors this account may sign in, the strongest first. Internal.';

create function iam.methods_for(s iam.sessions) returns text[]
language plpgsql stable set search_path = '' as $$
begin
  return case when s.enrols and iam.recovers(s.id) then '{}'
              when 'link' = any (s.methods) then iam.methods_beside_link(s.account_id)
              else iam.methods_of(s.account_id) end;
end $$;
comment on function iam.methods_for is 'The same for one session: what goes to a mailbox doesn''t count beside a link that went there, and what was lost not at all (0300). Internal.';

create function iam.sign_in_methods(ring text, token text, caller jsonb)
returns table (methods text[], factors int, enrols boolean, elsewhere text, account uuid, known boolean, wants_factor boolean, wants_password boolean)
language plpgsql volatile security definer rows 1 set search_path = '' set debug_print_plan = off as $$
declare
  s iam.sessions;
  before boolean;
begin
  perform ops.require_clearance();
  s := iam.find_session(ring, token, caller);
  if s.id is null then return; end if;
  before := iam.is_from_before(s, token);
  return query select iam.methods_for(s), s.factors, s.enrols and s.factors = 1,
    (select p.rp_id from iam.passkeys p where p.account_id = s.account_id and not iam.is_here(p.rp_id) order by p.created_at desc limit 1),
    s.account_id, iam.known_device(s.account_id, caller ->> 'device') is not null,
    -- five minutes and not ten: whoever shows one of both has time left to do what they came for
    before or not iam.is_within(s.factor_at, '5 minutes'), before or not iam.password_is_within(s, '5 minutes');
end $$;
comment on function iam.sign_in_methods is 'What the second step may ask for; no row when the first one is over. enrols: a first factor is to be added. elsewhere: the host name of a passkey that doesn''t work here. account, known (this browser): whose password may be asked for. wants_factor, wants_password: what is missing for a change of factors. Errors: VS503.';
grant execute on function iam.sign_in_methods to vs_gate;

create function iam.take_factor(ring text, token text, method text, proof jsonb, new_token text, caller jsonb,
                                out answer text, out role text, out retry_after int)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  s iam.sessions;
  origin uuid;
  ok boolean := false;
begin
  retry_after := 0;
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform set_config('lock_timeout', '5s', true);
  s := iam.find_session(ring, token, caller);
  if s.id is null or s.enrols and s.factors = 1 then
    answer := 'expired';
    select * into s from iam.sessions x where x.token_hash = iam.hash_token(token);
    if s.id is null then
      perform ops.record_unknown(ring, 'factor', caller ->> 'ip', caller ->> 'user_agent');
    elsif ops.take('refused/' || s.id, 30, 1.0 / 60) = 0 then
      perform audit.append(iam.gate_claims(s.account_id, s.id, iam.caller_origin(ring, s.organisation_id, s.id, caller)), 'session.factor',
        'session', s.id, null, 'failure', '{"answer":"expired"}');
    end if;
    return;
  end if;
  origin := iam.caller_origin(ring, s.organisation_id, s.id, caller);
  if s.factors = 1 and s.attempts >= 5 then
    update iam.sessions x set revoked_at = clock_timestamp(), revoked_because = 'tries' where x.id = s.id;
    answer := 'expired';
  else
    retry_after := iam.code_wait(s, method);
  end if;
  if retry_after > 0 then
    answer := 'wait';
    perform ops.record_limited(ring, iam.gate_claims(s.account_id, s.id, null), 'factor', iam.code_key(s, method), caller);
    return;
  elsif answer is null then
    if method = any (iam.methods_for(s)) then
      if method = 'totp' then ok := iam.verify_totp(ring, s.account_id, proof ->> 'code');
      elsif method = 'passkey' then ok := iam.verify_passkey(ring, s, proof, caller);
      elsif method = 'recovery_code' then ok := iam.verify_recovery_code(ring, s.account_id, proof ->> 'code');
      else ok := iam.verify_sent_code(ring, s, method, proof ->> 'code');
      end if;
    end if;
    if ok is true then
      perform iam.code_taken(s, method);
      -- whoever brings a token from before hasn't shown what was shown since
      if iam.is_from_before(s, token) then update iam.sessions x set password_at = null, verified_at = null where x.id = s.id; end if;
      answer := iam.accept_factor(ring, s, method, new_token, caller, method = 'passkey' and iam.verified_user(proof));
      role := case when answer = 'ok' then s.role end;
    else
      update iam.sessions x set attempts = x.attempts + 1 where x.id = s.id;
      perform iam.tell_of_codes(ring, s);
      answer := 'refused';
    end if;
  end if;
  perform audit.append(iam.gate_claims(s.account_id, s.id, origin), case when s.factors = 2 then 'session.step_up' else 'session.factor' end,
    'session', s.id, null, case when answer = 'ok' then 'success' else 'failure' end,
    json_build_object('factor', case when method in ('totp', 'passkey', 'recovery_code', 'email_code', 'sms_code') then method end, 'answer', answer)::text);
  -- a try to sign in ends here, or with a password that was refused
  if s.factors = 1 then perform ops.note_try(ring, s.account_id, answer = 'ok', caller); end if;
end $$;
comment on function iam.take_factor is 'The second step of a sign-in, or a factor shown again (step-up). method: totp, recovery_code, email_code, sms_code (proof: {"code"}) or passkey (proof: 0094). Answers ok (with the role; the session goes on under new_token), refused, wait (retry_after: seconds), expired, or stopped (0097). Errors: VS503.';
grant execute on function iam.take_factor to vs_gate;

create function iam.accept_factor(ring text, s iam.sessions, method text, new_token text, caller jsonb, verified boolean default false) returns text
language plpgsql volatile set search_path = '' as $$
begin
  if s.factors = 2 then
    -- shown again: the session goes on, under a new token like at each gain
    perform iam.replace_token(s.id, s.token_hash, new_token);
    update iam.sessions x set factor_at = clock_timestamp(), last_seen_at = clock_timestamp(), attempts = 0,
      verified_at = case when verified then clock_timestamp() else x.verified_at end,
      methods = case when method = any (x.methods) then x.methods else x.methods || method end where x.id = s.id;
    perform iam.settle_recoveries(ring, s, method);
    return 'ok';
  end if;
  if iam.weigh_sign_in(ring, s, caller) = 'stopped' then return 'stopped'; end if;
  -- the token from before the second factor is worth nothing: not even an old one
  update iam.sessions x set factors = 2, token_hash = iam.hash_token(new_token), methods = x.methods || method, enrols = false, attempts = 0,
    factor_at = clock_timestamp(), rotated_at = clock_timestamp(), last_seen_at = clock_timestamp(),
    verified_at = case when verified then clock_timestamp() end,
    expires_at = clock_timestamp() + interval '12 hours' where x.id = s.id;
  -- signing in again ends the session that this browser had (ASVS 5.0 §7.2.4)
  update iam.sessions x set revoked_at = clock_timestamp(), revoked_because = 'signed_in_again'
  where (x.id = s.replaces_id or (x.replaces_id = s.replaces_id and x.factors = 1)) and x.id <> s.id and x.revoked_at is null;
  update iam.accounts a set last_sign_in_at = clock_timestamp() where a.id = s.account_id;
  perform iam.settle_recoveries(ring, s, method);
  return 'ok';
end $$;
comment on function iam.accept_factor is 'Makes a session whole, or its factor fresh. verified: a passkey that verified its user. Internal: after the factor was verified.';

-- The password comes before the factor, as at sign-in, and on its own: a wrong one says so there as here, tells nothing about a
-- code, and uses none up, since none is tried. Nobody learns more of a password than they would by signing in, or more often.
create function iam.show_password(ring text, token text, prehash text, new_token text, caller jsonb,
                                  out answer text, out role text, out retry_after int)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  s iam.sessions;
  tried record;
  before boolean;
  claims text[];
begin
  retry_after := 0;
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform set_config('lock_timeout', '5s', true);
  s := iam.find_session(ring, token, caller);
  answer := case when s.id is null then 'expired' when s.factors < 2 then 'second_factor' end;
  if answer is not null then
    perform iam.record_refused_change(ring, token, 'session.step_up', answer, caller);
    return;
  end if;
  select * into tried from iam.try_password(ring, s.account_id, prehash, s.id, caller);
  answer := tried.answer;
  retry_after := tried.retry_after;
  if answer <> 'ok' then return; end if;
  before := iam.is_from_before(s, token);
  -- first, so that the token of now is one from before as well
  perform iam.replace_token(s.id, s.token_hash, new_token);
  -- whoever brings a token from before hasn't shown the factor that was shown since
  update iam.sessions x set password_at = clock_timestamp(), last_seen_at = clock_timestamp(),
    factor_at = case when before then least(x.factor_at, clock_timestamp() - interval '11 minutes') else x.factor_at end
  where x.id = s.id;
  role := s.role;
  claims := iam.gate_claims(s.account_id, s.id, iam.caller_origin(ring, s.organisation_id, s.id, caller));
  perform audit.append(claims, 'session.password', 'session', s.id, null, 'success');
  perform audit.append(claims, 'session.step_up', 'session', s.id, null, 'success', '{"factor":"password","answer":"ok"}');
end $$;
comment on function iam.show_password is 'The password shown again in a session of two factors, beside the factor (iam.may_change_factors). prehash: as in iam.sign_in_password. Answers ok (with the role; the session goes on under new_token), refused, wait (retry_after: seconds), busy (ask again in a moment), second_factor or expired. Errors: VS471, VS503.';
grant execute on function iam.show_password to vs_gate;

create function iam.leave_sign_in(ring text, token text, caller jsonb) returns text
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  half iam.sessions;
  s iam.sessions;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform set_config('lock_timeout', '5s', true);
  half := iam.find_session(ring, token, caller);
  if half.id is null or half.factors = 2 then return 'none'; end if;
  -- and the one that this browser had before: its cookie holds it no more, and whoever leaves means all of it
  for s in update iam.sessions x set revoked_at = clock_timestamp(), revoked_because = 'signed_out'
           where x.id in (half.id, half.replaces_id) and x.revoked_at is null returning x.* loop
    perform audit.append(iam.gate_claims(s.account_id, s.id, iam.caller_origin(ring, s.organisation_id, s.id, caller)),
      'session.end', 'session', s.id, null, 'success');
  end loop;
  return 'ok';
end $$;
comment on function iam.leave_sign_in is 'Sign-out between the two factors: ends this session, and the one that it stood for. Answers ok, or none: there is no such session, or it is whole (iam.end_session). Errors: VS503.';
grant execute on function iam.leave_sign_in to vs_gate;

-- Codes can be guessed, so in any hour ten are tried at most, of each kind, for an account: five in browsers that it knows and
-- five in all others. A stranger who has the password uses up the others' alone. A passkey's signature can't be guessed.
create function iam.code_key(s iam.sessions, method text) returns text
language plpgsql stable set search_path = '' as $$
begin
  return 'code/' || method || '/' || s.account_id || case when iam.is_from_known_device(s) then '/known' else '' end;
end $$;
comment on function iam.code_key is 'Internal.';
create function iam.code_wait(s iam.sessions, method text) returns int
language plpgsql volatile set search_path = '' as $$
begin
  if method = 'passkey' then return 0; end if;
  return ops.delay(iam.code_key(s, method), 5, '1 hour', '1 hour', '1 hour');
end $$;
comment on function iam.code_wait is 'Counts a try: 0, or the seconds until this session may try a code of this kind. Internal.';
create function iam.code_taken(s iam.sessions, method text) returns void
language sql volatile set search_path = '' as $$ select ops.forgive(iam.code_key(s, method)) $$;
comment on function iam.code_taken is 'The code was right: the try that was just counted was none. Internal.';

-- ---------------------------------------------------------------- who may add or remove a factor

create function iam.is_from_before(s iam.sessions, token text) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return exists (select from iam.old_tokens o
                 where o.token_hash = iam.hash_token(token) and o.session_id = s.id
                   and o.retired_at <= greatest(s.factor_at, s.password_at));
end $$;
comment on function iam.is_from_before is 'Was this token replaced when the session''s last factor or its password was shown? Whoever brings it hasn''t shown one. Internal.';

create function iam.is_within(shown_at timestamptz, period interval) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  -- one from the future (the clock was stepped) doesn't count for ever
  return coalesce(shown_at between clock_timestamp() - period and clock_timestamp() + interval '5 seconds', false);
end $$;
comment on function iam.is_within is 'Internal.';

create function iam.password_is_within(s iam.sessions, period interval) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return iam.is_within(s.password_at, period) or iam.is_within(s.verified_at, period)
    -- nobody can be asked for what they don't have
    or exists (select from iam.accounts a where a.id = s.account_id and a.password_hash is null);
end $$;
comment on function iam.password_is_within is 'Was the password shown within this time, or a passkey that verified its user and so stands for both? Internal.';

create function iam.may_change_factors(ring text, token text, caller jsonb, with_password boolean default true,
                                       out answer text, out session uuid, out account uuid, out organisation uuid, out origin uuid)
language plpgsql volatile set search_path = '' as $$
declare
  s iam.sessions;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform set_config('lock_timeout', '5s', true);
  s := iam.find_session(ring, token, caller);
  answer := case when s.id is null then 'expired'
                 when s.factors = 2 and iam.factor_is_recent(s.id) and not iam.is_from_before(s, token)
                   and (not with_password or iam.password_is_within(s, '10 minutes')) then 'ok'
                 when s.factors = 2 then 'step_up'
                 -- the link of an invitation, a registration or a recovery: the first factor and nothing else
                 when s.enrols and (iam.recovers(s.id) or (iam.methods_of(s.account_id) <@ '{email_code,recovery_code}'
                   -- one of another host name is somebody's factor all the same
                   and not exists (select from iam.passkeys p where p.account_id = s.account_id))) then 'ok'
                 else 'second_factor' end;
  session := s.id;
  account := s.account_id;
  organisation := s.organisation_id;
  if s.id is not null then origin := iam.caller_origin(ring, s.organisation_id, s.id, caller); end if;
end $$;
comment on function iam.may_change_factors is 'ok, step_up (show again what is missing of a factor and the password: iam.sign_in_methods), second_factor (show one first) or expired; and whose session it is, which is locked. with_password: false for whoever is asked for the present password by the change itself. Internal: every function that adds or removes a factor, or changes the password, begins with it. Errors: VS503.';

create function iam.first_factor(ring text, session uuid, method text, new_token text, caller jsonb) returns text
language plpgsql volatile set search_path = '' as $$
declare
  s iam.sessions;
begin
  select * into strict s from iam.sessions x where x.id = session;
  if s.factors = 2 then return 'ok'; end if;
  update iam.accounts a set status = 'active' where a.id = s.account_id and a.status = 'invited';
  return iam.accept_factor(ring, s, method, new_token, caller);
end $$;
comment on function iam.first_factor is 'After a factor was added: makes a session that enrols whole, and an invited account active; nothing for any other. Gives what the cookie is to be told: ok. Internal.';

-- ---------------------------------------------------------------- what failed

-- A step that failed has left nothing behind, so the gate records it in a transaction of its own (db/batch.ts).
create function iam.record_failed_sign_in(ring text, account uuid, token text, sqlstate text, caller jsonb) returns text
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  s iam.sessions;
  origin uuid;
begin
  perform ops.require_clearance();
  select * into s from iam.sessions x where x.token_hash = iam.hash_token(record_failed_sign_in.token);
  begin
    origin := iam.caller_origin(ring, s.organisation_id, s.id, caller);
  exception when others then
    origin := null; -- perhaps this is what failed
  end;
  perform audit.append(iam.gate_claims(coalesce(s.account_id, account), s.id, origin),
    case when s.id is null then 'session.password' else 'session.factor' end, 'session', s.id, null, 'failure',
    json_build_object('reason', 'error', 'sqlstate', case when ops.is_sqlstate(sqlstate) then sqlstate end)::text);
  return 'ok';
end $$;
comment on function iam.record_failed_sign_in is 'Records that a step at the gate ended in an error, and which (SQLSTATE). account: of the first step; token: of the later ones. Errors: VS503.';
grant execute on function iam.record_failed_sign_in to vs_gate;

-- ---------------------------------------------------------------- a session for scripts of the administrator

create function iam.open_session(account uuid) returns text
language plpgsql volatile set search_path = '' as $$
declare
  token text := translate(encode(extensions.gen_random_bytes(32), 'base64'), '+/=' || E'\n', '-_');
  m access.memberships;
begin
  select * into strict m from access.memberships x where x.account_id = account and access.membership_is_live(x.id) limit 1;
  insert into iam.sessions (token_hash, account_id, membership_id, organisation_id, role, patient_id, factors, methods, password_at)
  values (iam.hash_token(token), account, m.id, m.organisation_id, m.role, m.patient_id, 2, '{owner}', clock_timestamp());
  perform audit.append(array[null, null, m.organisation_id::text, null, null, null, null, null], 'session.factor', 'session', null, null,
    'success', '{"factor":"owner"}');
  return token;
end $$;
comment on function iam.open_session is 'A session without sign-in, for tests and load: as vs_owner, recorded in the log. Gives the token.';
-- no grant: whoever may act as the owner

reset role;
