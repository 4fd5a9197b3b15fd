-- Codes by e-mail and by SMS: a back-up factor, which an organisation may switch off.
--
-- Guarantees
--   1. A code lives 10 minutes, works once, for one session, and takes five tries; a new one ends the one before.
--   2. It is stored as a keyed hash, under a key of the account; telephone numbers are sealed.
--   3. A code is sent only where it may count: by a method of the account that its organisation allows, and never by e-mail
--      to somebody who came by a link of that same mailbox.
--   4. Three are sent at once, then one in ten minutes; who holds the password elsewhere doesn't use up those of a browser that
--      the account knows.
--   5. A number counts once a code that went to it was typed; until then the one before goes on. It is never the only factor.
--   6. Whoever asked, the answer holds nothing of the address or the number.

set role vs_owner;

create table iam.sent_codes (
  id          uuid primary key default ops.uuid_v7(),
  session_id  uuid not null references iam.sessions,
  account_id  uuid not null references iam.accounts,
  method      text not null check (method in ('email_code', 'sms_code', 'phone_code')),
  code_hash   bytea not null check (length(code_hash) = 32),
  sent_at     timestamptz not null default clock_timestamp(),
  tries       int not null default 0,
  used_at     timestamptz
);
comment on table iam.sent_codes is 'One-time codes that were sent; a new one ends the one before. phone_code: to a number that is to be confirmed.';
create index sent_codes_session on iam.sent_codes (session_id);
create index sent_codes_account on iam.sent_codes (account_id);
-- clearing out
create index sent_codes_sent on iam.sent_codes (sent_at);
alter table iam.sent_codes enable row level security;
alter table iam.sent_codes force row level security;
create policy all_owner on iam.sent_codes to vs_owner using (true) with check (true);
comment on policy all_owner on iam.sent_codes is 'Made and used up by functions of the gate.';

create table iam.phones (
  account_id    uuid primary key references iam.accounts,
  number        bytea,
  confirmed_at  timestamptz,
  -- another number, which waits for its code
  pending       bytea,
  -- the session that confirmed it, as iam.totp_factors.added_in
  added_in      uuid,
  check ((number is null) = (confirmed_at is null)),
  check (number is not null or pending is not null)
);
comment on table iam.phones is 'A telephone number (E.164, sealed) that codes are sent to, once it is confirmed.';
alter table iam.phones enable row level security;
alter table iam.phones force row level security;
create policy all_owner on iam.phones to vs_owner using (true) with check (true);
comment on policy all_owner on iam.phones is 'Enrolment and sending, by functions of the gate.';
create trigger _900_audit after insert or delete or update of number, confirmed_at on iam.phones for each row execute function audit.tg_row('Factor', '', 'account_id');

create function iam.phone_number(key bytea, account uuid, pending boolean) returns text
language plpgsql stable set search_path = '' as $$
begin
  return (select convert_from(vault.unpack(key, convert_to(case when phone_number.pending then 'iam.phones.pending' else 'iam.phones.number' end, 'UTF8')
                   || '\x00'::bytea || uuid_send(account) || uuid_send(account) || int8send(1),
                   case when phone_number.pending then p.pending else p.number end), 'UTF8')
          from iam.phones p where p.account_id = account);
end $$;
comment on function iam.phone_number is 'The number that codes go to, or the one that waits for its confirmation. key: of the profile. Internal.';

create function iam.e164(typed text) returns text
language plpgsql immutable set search_path = '' as $$
declare
  digits text := translate(typed, ' .-()/' || chr(160) || chr(8239), '');
begin
  if digits ~ '^0[1-9][0-9]{8}$' then digits := '+33' || substr(digits, 2); end if;
  if digits ~ '^00[1-9]' then digits := '+' || substr(digits, 3); end if;
  -- +33 (0)6: people write it so
  digits := regexp_replace(digits, '^[+]330', '+33');
  return case when digits ~ '^[+][1-9][0-9]{7,14}$' and (digits !~ '^[+]33' or digits ~ '^[+]33[67][0-9]{8}$') then digits end;
end $$;
comment on function iam.e164 is 'A number as people type it, in the form of E.164; NULL for what is none, or a French one that takes no SMS. Without a country it is French. Internal.';

-- ---------------------------------------------------------------- sending and checking a code

create function iam.code_hash(key bytea, id uuid, code text) returns bytea
language plpgsql stable set search_path = '' as $$
begin
  return extensions.hmac(uuid_send(id) || convert_to(code, 'UTF8'), vault.derive(key, 'code'), 'sha256');
end $$;
comment on function iam.code_hash is 'Internal. key: of the profile.';

-- Six digits: eight random bytes modulo a million, of which no code is likelier than another by more than 10^-13.
create function iam.post_code(ring text, s iam.sessions, method text) returns void
language plpgsql volatile set search_path = '' as $$
declare
  code_id uuid := ops.uuid_v7();
  code text := lpad((abs(('x' || encode(extensions.gen_random_bytes(8), 'hex'))::bit(64)::bigint % 1000000))::text, 6, '0');
begin
  update iam.sent_codes c set used_at = clock_timestamp() where c.method = post_code.method and c.used_at is null
    -- an account has one number that waits: a code that went to another one must not confirm it, in whichever session
    and (c.session_id = s.id or (c.method = 'phone_code' and c.account_id = s.account_id));
  insert into iam.sent_codes (id, session_id, account_id, method, code_hash)
  values (code_id, s.id, s.account_id, post_code.method, iam.code_hash(vault.unwrap(ring, s.account_id, 'profile'), code_id, code));
  perform ops.post(ring, s.account_id, case post_code.method when 'email_code' then 'email' else 'sms' end, post_code.method, jsonb_build_object('code', code));
end $$;
comment on function iam.post_code is 'Makes a code and posts it. Internal: after every check.';

create function iam.try_code(ring text, s iam.sessions, method text, code text) returns boolean
language plpgsql volatile set search_path = '' as $$
declare
  c iam.sent_codes;
begin
  -- locked, so that the same code sent twice at once works once
  select * into c from iam.sent_codes x
  where x.session_id = s.id and x.account_id = s.account_id and x.method = try_code.method and x.used_at is null
    and x.sent_at between clock_timestamp() - interval '10 minutes' and clock_timestamp() + interval '5 seconds' and x.tries < 5
  order by x.sent_at desc limit 1 for update;
  if not found then return false; end if;
  if (code ~ '^[0-9]{6}$' and sha256(c.code_hash) = sha256(iam.code_hash(vault.unwrap(ring, s.account_id, 'profile'), c.id, code))) is not true then
    update iam.sent_codes x set tries = x.tries + 1 where x.id = c.id;
    return false;
  end if;
  update iam.sent_codes x set used_at = clock_timestamp() where x.id = c.id;
  return true;
end $$;
comment on function iam.try_code is 'Is this the code that was sent to this session last? Uses it up, or one of its tries. Internal.';

create function iam.verify_sent_code(ring text, s iam.sessions, method text, code text) returns boolean
language plpgsql volatile set search_path = '' as $$
begin
  -- that the method is one of this session's, iam.take_factor has asked
  return method in ('email_code', 'sms_code') and iam.try_code(ring, s, method, code);
end $$;
comment on function iam.verify_sent_code is 'Internal: iam.take_factor.';

create function iam.may_send(s iam.sessions, method text) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  -- methods_for: beside a link, what comes to the same mailbox would be one factor, twice
  return method in ('email_code', 'sms_code') and method = any (iam.methods_for(s));
end $$;
comment on function iam.may_send is 'May a code by this method count for this session? Internal.';

create function iam.send_code(ring text, token text, method text, caller jsonb, out answer text, out retry_after int)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  s iam.sessions;
begin
  retry_after := 0;
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform set_config('lock_timeout', '5s', true);
  s := iam.find_session(ring, token, caller);
  if s.id is null or (s.enrols and s.factors = 1) then
    answer := 'expired';
    perform iam.record_refused_change(ring, token, 'code.send', answer, caller);
    return;
  end if;
  if iam.may_send(s, method) is not true then
    answer := 'refused';
  elsif not ops.delivers(case method when 'email_code' then 'email' else 'sms' end) then
    answer := 'unavailable';
  else
    retry_after := iam.sending_wait(s, method);
    answer := case when retry_after = 0 then 'ok' else 'wait' end;
  end if;
  if answer = 'ok' then perform iam.post_code(ring, s, method); end if;
  perform audit.append(iam.gate_claims(s.account_id, s.id, iam.caller_origin(ring, s.organisation_id, s.id, caller)), 'code.send', 'session', s.id, null,
    case when answer = 'ok' then 'success' else 'failure' end,
    json_build_object('factor', case when method in ('email_code', 'sms_code') then method end, 'answer', answer)::text);
end $$;
comment on function iam.send_code is 'Sends a code for the second step of a sign-in, or for a step-up: iam.take_factor takes it. method: email_code or sms_code. Answers ok, wait (retry_after: seconds), refused (not a method of this account), unavailable (nobody delivers such messages) or expired. Errors: VS503.';
grant execute on function iam.send_code to vs_gate;

-- Three at once, then one in ten minutes. A browser that this account has signed in with, and knows, has a bucket of its own.
create function iam.sending_wait(s iam.sessions, method text) returns int
language plpgsql volatile set search_path = '' as $$
begin
  return ops.take('send/' || method || '/' || s.account_id || case when iam.is_from_known_device(s) then '/known' else '' end, 3, 1.0 / 600);
end $$;
comment on function iam.sending_wait is 'Seconds until another code may be sent. Internal.';

-- ---------------------------------------------------------------- the telephone

create function iam.begin_phone(ring text, token text, number text, caller jsonb, out answer text, out retry_after int)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  may record;
  s iam.sessions;
  plain text := iam.e164(number);
  sealed bytea;
begin
  retry_after := 0;
  select * into may from iam.may_change_factors(ring, token, caller);
  answer := may.answer;
  select * into s from iam.sessions x where x.id = may.session;
  -- never the first factor: a number can be taken over
  if answer = 'ok' and s.factors < 2 then answer := 'second_factor'; end if;
  if answer = 'ok' and plain is null then answer := 'number'; end if;
  if answer = 'ok' and not (select o.sms_codes from access.organisations o where o.id = s.organisation_id) then answer := 'refused'; end if;
  if answer = 'ok' and not ops.delivers('sms') then answer := 'unavailable'; end if;
  if answer = 'ok' then
    retry_after := iam.sending_wait(s, 'phone_code');
    if retry_after > 0 then answer := 'wait'; end if;
  end if;
  if s.id is null then
    perform iam.record_refused_change(ring, token, 'code.send', answer, caller);
    return;
  end if;
  if answer = 'ok' then
    -- two sessions at once: the second one ends the code of the first
    perform iam.lock_factors(s.account_id);
    perform iam.post_code(ring, s, 'phone_code');
    sealed := vault.seal(vault.unwrap(ring, s.account_id, 'profile'), s.account_id, s.account_id, 1, '', 'iam.phones.pending', plain);
    insert into iam.phones as p (account_id, pending) values (s.account_id, sealed)
    on conflict on constraint phones_pkey do update set pending = sealed;
  end if;
  perform audit.append(iam.gate_claims(s.account_id, s.id, may.origin), 'code.send', 'session', s.id, null,
    case when answer = 'ok' then 'success' else 'failure' end, json_build_object('factor', 'phone_code', 'answer', answer)::text);
end $$;
comment on function iam.begin_phone is 'Sends a code to a telephone number that is to become a factor. Answers those of iam.may_change_factors, number (none that takes SMS), refused (the organisation doesn''t allow it), unavailable (nobody delivers SMS) or wait (retry_after: seconds). Errors: VS503.';
grant execute on function iam.begin_phone to vs_gate;

create function iam.confirm_phone(ring text, token text, code text, caller jsonb, out answer text, out retry_after int)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  may record;
  s iam.sessions;
  key bytea;
begin
  retry_after := 0;
  select * into may from iam.may_change_factors(ring, token, caller);
  answer := may.answer;
  select * into s from iam.sessions x where x.id = may.session;
  if answer = 'ok' and s.factors < 2 then answer := 'second_factor'; end if;
  if answer = 'ok' then
    retry_after := iam.code_wait(s, 'phone_code');
    answer := case when retry_after > 0 then 'wait' when iam.try_code(ring, s, 'phone_code', code) then 'ok' else 'refused' end;
  end if;
  if answer = 'ok' then
    perform iam.code_taken(s, 'phone_code');
    key := vault.unwrap(ring, s.account_id, 'profile');
    update iam.phones p set pending = null, confirmed_at = clock_timestamp(), added_in = s.id,
      number = vault.seal(key, s.account_id, s.account_id, 1, '', 'iam.phones.number', iam.phone_number(key, s.account_id, true))
    where p.account_id = s.account_id and p.pending is not null;
    -- another tab has taken the number away meanwhile
    if not found then answer := 'refused'; end if;
  end if;
  if s.id is null then
    perform iam.record_refused_change(ring, token, 'factor.add', answer, caller);
    return;
  end if;
  if answer = 'ok' then perform ops.post(ring, s.account_id, 'email', 'factor_added', '{"factor": "sms_code"}'); end if;
  perform audit.append(iam.gate_claims(s.account_id, s.id, may.origin), 'factor.add', 'session', s.id, null,
    case when answer = 'ok' then 'success' else 'failure' end, json_build_object('factor', 'sms_code', 'answer', answer)::text);
end $$;
comment on function iam.confirm_phone is 'Makes the number a factor by the code that went to it. Answers those of iam.may_change_factors, refused (not this code) or wait (retry_after: seconds). Errors: VS503.';
grant execute on function iam.confirm_phone to vs_gate;

create function iam.remove_phone(ring text, token text, caller jsonb) returns text
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  answer text;
  may record;
  s iam.sessions;
  had boolean;
begin
  select * into may from iam.may_change_factors(ring, token, caller);
  answer := may.answer;
  select * into s from iam.sessions x where x.id = may.session;
  if answer = 'ok' and s.factors < 2 then answer := 'second_factor'; end if;
  if answer = 'ok' and not iam.methods_of(s.account_id) && '{passkey,totp}' then answer := 'last'; end if;
  if s.id is null then
    perform iam.record_refused_change(ring, token, 'factor.remove', answer, caller);
    return answer;
  end if;
  if answer = 'ok' then
    delete from iam.phones p where p.account_id = s.account_id returning p.number is not null into had;
    if had is null then return 'ok'; end if;
    -- what was sent there opens nothing any more
    update iam.sent_codes c set used_at = clock_timestamp() where c.account_id = s.account_id and c.method in ('sms_code', 'phone_code') and c.used_at is null;
    if had then perform ops.post(ring, s.account_id, 'email', 'factor_removed', '{"factor": "sms_code"}'); end if;
  end if;
  perform audit.append(iam.gate_claims(s.account_id, s.id, may.origin), 'factor.remove', 'session', s.id, null,
    case when answer = 'ok' then 'success' else 'failure' end, json_build_object('factor', 'sms_code', 'answer', answer)::text);
  return answer;
end $$;
comment on function iam.remove_phone is 'Takes the telephone number away. Answers those of iam.may_change_factors, or last: nothing but this number and what comes by mail would be left. Errors: VS503.';
grant execute on function iam.remove_phone to vs_gate;

create function iam.read_phone(ring text, token text, caller jsonb) returns table (answer text, ending text, waiting text, allowed boolean, delivered boolean)
language plpgsql volatile security definer rows 1 set search_path = '' set debug_print_plan = off as $$
declare
  s iam.sessions;
  key bytea;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  s := iam.find_session(ring, token, caller);
  if s.id is null or s.factors < 2 then
    return query select case when s.id is null then 'expired' else 'second_factor' end, null::text, null::text, null::boolean, null::boolean;
    return;
  end if;
  key := vault.unwrap(ring, s.account_id, 'profile');
  return query select 'ok'::text, right(iam.phone_number(key, s.account_id, false), 2),
    -- it waits for as long as its code lives
    case when exists (select from iam.sent_codes c where c.session_id = s.id and c.method = 'phone_code' and c.used_at is null
                      and c.sent_at > clock_timestamp() - interval '10 minutes')
      then right(iam.phone_number(key, s.account_id, true), 2) end,
    (select o.sms_codes from access.organisations o where o.id = s.organisation_id), ops.delivers('sms');
end $$;
comment on function iam.read_phone is 'For one''s own account page: the last two digits of the number, and of the one that waits for its code; whether the organisation allows SMS, and somebody delivers them. answer: ok, second_factor or expired. Errors: VS503.';
grant execute on function iam.read_phone to vs_gate;

-- ---------------------------------------------------------------- upkeep

create function iam.clear_sent_codes() returns void
language sql volatile set search_path = '' as $$
  delete from iam.sent_codes c where c.id in (select x.id from iam.sent_codes x where x.sent_at < now() - interval '1 day' limit 10000)
$$;
comment on function iam.clear_sent_codes is 'Internal: ops.upkeep.';

reset role;
