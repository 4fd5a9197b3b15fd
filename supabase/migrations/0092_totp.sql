-- TOTP (RFC 6238): codes of an authenticator app.
--
-- Guarantees
--   1. A code is checked here and works once; one step of drift either way.
--   2. The secret is sealed with a key of its account; nobody reads it back once it counts.
--   3. A secret counts after a code of it was shown, in the session that it was made for and within an hour; until then the
--      one before goes on.
--   4. An app or a passkey stays: the last of them isn't taken away, not even by two requests at once.
--   5. Adding and removing are in the log, done or refused, and the person is told.

set role vs_owner;

create function iam.totp(secret bytea, step bigint) returns text
language plpgsql immutable set search_path = '' as $$
declare
  h bytea := extensions.hmac(int8send(step), secret, 'sha1');
  o int := get_byte(h, 19) & 15;
begin
  -- << and | have the same precedence here and associate left: each shift stands in its parentheses
  return lpad(((((get_byte(h, o) & 127) << 24) | (get_byte(h, o + 1) << 16) | (get_byte(h, o + 2) << 8) | get_byte(h, o + 3)) % 1000000)::text, 6, '0');
end $$;
comment on function iam.totp is 'RFC 6238 with SHA-1 and 6 digits; step = Unix time / 30 s.';
grant execute on function iam.totp to vs_dba;

create table iam.totp_enrolments (
  session_id  uuid primary key references iam.sessions,
  secret      bytea not null,
  made_at     timestamptz not null default clock_timestamp()
);
comment on table iam.totp_enrolments is 'Secrets that are shown to be scanned and don''t count yet: an hour, then ops.upkeep clears them out.';
-- clearing out
create index totp_enrolments_made on iam.totp_enrolments (made_at);
alter table iam.totp_enrolments enable row level security;
alter table iam.totp_enrolments force row level security;
create policy all_owner on iam.totp_enrolments to vs_owner using (true) with check (true);
comment on policy all_owner on iam.totp_enrolments is 'Enrolment, by functions of the gate.';

-- ---------------------------------------------------------------- checking a code

create function iam.open_totp_secret(key bytea, row_id uuid, account uuid, label text, sealed bytea) returns bytea
language plpgsql immutable set search_path = '' as $$
begin
  return decode(convert_from(vault.unpack(key,
    convert_to(label, 'UTF8') || '\x00'::bytea || uuid_send(row_id) || uuid_send(account) || int8send(1), sealed), 'UTF8'), 'base64');
end $$;
comment on function iam.open_totp_secret is 'key: of the account''s profile. Internal. Errors: VS500.';

create function iam.totp_step(secret bytea, code text, last_step bigint) returns bigint
language plpgsql volatile set search_path = '' as $$
declare
  now_step bigint := floor(extract(epoch from clock_timestamp()) / 30);
begin
  return (select step from generate_series(greatest(now_step - 1, last_step + 1), now_step + 1) as step
          where sha256(convert_to(iam.totp(secret, step), 'UTF8')) = sha256(convert_to(code, 'UTF8')) order by step limit 1);
end $$;
comment on function iam.totp_step is 'Which step of now, after the last used one, this code is of; NULL for none. Internal.';

create function iam.verify_totp(ring text, account uuid, code text) returns boolean
language plpgsql volatile set search_path = '' as $$
declare
  f iam.totp_factors;
  used bigint;
begin
  -- the row is locked, so that the same code sent twice at once works once
  select * into f from iam.totp_factors x where x.account_id = account and x.confirmed_at is not null for update;
  if not found then return false; end if;
  used := iam.totp_step(iam.open_totp_secret(vault.unwrap(ring, account, 'profile'), account, account, 'iam.totp_factors.secret', f.secret),
                        code, f.last_step);
  if used is null then return false; end if;
  update iam.totp_factors x set last_step = used where x.account_id = account;
  return true;
end $$;
comment on function iam.verify_totp is 'Is this a code of now, not used before? Uses it up. Internal: iam.take_factor.';

-- ---------------------------------------------------------------- what every change of a factor shares

create function iam.record_refused_change(ring text, token text, event text, answer text, caller jsonb) returns void
language plpgsql volatile set search_path = '' as $$
declare
  s iam.sessions;
begin
  select * into s from iam.sessions x where x.token_hash = iam.hash_token(token);
  -- a token that nobody has is nobody's; one that somebody tries for ever doesn't fill the log
  if s.id is null or ops.take('refused/' || s.id, 30, 1.0 / 60) > 0 then return; end if;
  perform audit.append(iam.gate_claims(s.account_id, s.id, iam.caller_origin(ring, s.organisation_id, s.id, caller)), event,
    'session', s.id, null, 'failure', json_build_object('answer', answer)::text);
end $$;
comment on function iam.record_refused_change is 'What iam.may_change_factors didn''t allow, in the log. Internal.';

create function iam.is_half(session uuid) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return (select s.factors from iam.sessions s where s.id = session) = 1;
end $$;
comment on function iam.is_half is 'Has this session one factor? A link lets it add the first one, and nothing else. Internal.';

create function iam.lock_factors(account uuid) returns int
language plpgsql volatile set search_path = '' as $$
begin
  -- two removals at once come one after the other
  perform from iam.accounts a where a.id = account for no key update;
  return (select count(*) from iam.passkeys p where p.account_id = account)
       + (select count(*) from iam.totp_factors f where f.account_id = account and f.confirmed_at is not null);
end $$;
comment on function iam.lock_factors is 'How many apps and passkeys an account has, of whichever host name, and keeps others from changing them. Internal.';

create function iam.is_last_factor(account uuid, passkey uuid default null) returns boolean
language plpgsql volatile set search_path = '' as $$
begin
  perform iam.lock_factors(account);
  return not exists (select from iam.passkeys p where p.account_id = account and p.id is distinct from passkey and iam.is_here(p.rp_id))
     and not (passkey is not null and exists (select from iam.totp_factors f where f.account_id = account and f.confirmed_at is not null));
end $$;
comment on function iam.is_last_factor is 'Would neither an app nor a passkey that works here be left without this passkey (NULL: without the app)? Keeps others from changing them. Internal.';

create function iam.may_begin_change(ring text, token text, caller jsonb, with_password boolean default true) returns text
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  allowed record;
  s iam.sessions;
begin
  select * into allowed from iam.may_change_factors(ring, token, caller, with_password);
  select * into s from iam.sessions x where x.id = allowed.session;
  return case
    when allowed.answer <> 'ok' then allowed.answer
    when iam.is_half(allowed.session) then 'second_factor'
    -- whoever begins now has five minutes to finish: what they type into a password field isn't kept for them
    when not iam.is_within(s.factor_at, '5 minutes') or with_password and not iam.password_is_within(s, '5 minutes') then 'step_up'
    else 'ok' end;
end $$;
comment on function iam.may_begin_change is 'For a page with such a form, before somebody fills it in: ok, or what iam.may_change_factors says. The form asks again. Errors: VS503.';
grant execute on function iam.may_begin_change to vs_gate;

-- ---------------------------------------------------------------- enrolment

create function iam.begin_totp(ring text, token text, caller jsonb, out answer text, out secret bytea, out label text, out replaces boolean)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  allowed record;
  s iam.sessions;
  key bytea;
  e iam.totp_enrolments;
begin
  select * into allowed from iam.may_change_factors(ring, token, caller);
  answer := allowed.answer;
  if answer <> 'ok' then
    perform iam.record_refused_change(ring, token, 'factor.add', answer, caller);
    return;
  end if;
  select * into strict s from iam.sessions x where x.id = allowed.session;
  key := vault.unwrap(ring, s.account_id, 'profile');
  select * into e from iam.totp_enrolments x where x.session_id = s.id and x.made_at > clock_timestamp() - interval '1 hour';
  if found then
    -- a page that is loaded again shows the same one: it may have been scanned
    secret := iam.open_totp_secret(key, s.id, s.account_id, 'iam.totp_enrolments.secret', e.secret);
  else
    secret := extensions.gen_random_bytes(20);
    insert into iam.totp_enrolments (session_id, secret)
    values (s.id, vault.seal(key, s.id, s.account_id, 1, '', 'iam.totp_enrolments.secret', encode(secret, 'base64')))
    on conflict on constraint totp_enrolments_pkey do update set secret = excluded.secret, made_at = clock_timestamp();
  end if;
  replaces := exists (select from iam.totp_factors f where f.account_id = s.account_id);
  -- nothing of the person: a session that enrols has one factor
  select o.name into label from access.organisations o where o.id = s.organisation_id;
end $$;
comment on function iam.begin_totp is 'A secret to scan (20 bytes), the same for this session until it is confirmed; label: the practice; replaces: there is an app already. Answers ok, or what iam.may_change_factors says. Errors: VS503.';
grant execute on function iam.begin_totp to vs_gate;

create function iam.confirm_totp(ring text, token text, code text, new_token text, caller jsonb, out answer text, out role text, out retry_after int)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  allowed record;
  s iam.sessions;
  key bytea;
  secret bytea;
  used bigint;
  replaced boolean;
begin
  retry_after := 0;
  select * into allowed from iam.may_change_factors(ring, token, caller);
  answer := allowed.answer;
  if answer <> 'ok' then
    perform iam.record_refused_change(ring, token, 'factor.add', answer, caller);
    return;
  end if;
  select * into strict s from iam.sessions x where x.id = allowed.session;
  key := vault.unwrap(ring, s.account_id, 'profile');
  select iam.open_totp_secret(key, s.id, s.account_id, 'iam.totp_enrolments.secret', x.secret) into secret
  from iam.totp_enrolments x where x.session_id = s.id and x.made_at > clock_timestamp() - interval '1 hour';
  if secret is null then
    answer := 'restart';
  else
    -- guessing gains nothing, since whoever guesses sees the secret; but each try is an event
    retry_after := ops.take('enrol/' || s.account_id, 10, 1.0 / 30);
    used := case when retry_after = 0 then iam.totp_step(secret, code, 0) end;
    answer := case when retry_after > 0 then 'wait' when used is null then 'refused' else 'ok' end;
  end if;
  if answer = 'wait' then
    perform ops.record_limited(ring, iam.gate_claims(s.account_id, s.id, allowed.origin), 'enrol', 'enrol/' || s.account_id, caller);
    return;
  elsif answer <> 'ok' then
    perform audit.append(iam.gate_claims(s.account_id, s.id, allowed.origin), 'factor.add', 'session', s.id, null, 'failure',
      json_build_object('factor', 'totp', 'answer', answer)::text);
    return;
  end if;
  perform iam.lock_factors(s.account_id);
  replaced := exists (select from iam.totp_factors f where f.account_id = s.account_id);
  insert into iam.totp_factors (account_id, secret, confirmed_at, last_step, added_in)
  values (s.account_id, vault.seal(key, s.account_id, s.account_id, 1, '', 'iam.totp_factors.secret', encode(secret, 'base64')), clock_timestamp(), used, s.id)
  on conflict on constraint totp_factors_pkey do update set secret = excluded.secret, confirmed_at = excluded.confirmed_at, last_step = excluded.last_step,
    added_in = excluded.added_in;
  delete from iam.totp_enrolments x where x.session_id = s.id;
  perform audit.append(iam.gate_claims(s.account_id, s.id, allowed.origin), 'factor.add', 'session', s.id, null, 'success',
    json_build_object('factor', 'totp', 'replaced', replaced)::text);
  if s.factors = 2 then perform ops.post(ring, s.account_id, 'email', 'factor_added', '{"factor": "totp"}'); end if;
  answer := iam.first_factor(ring, s.id, 'totp', new_token, caller);
  role := case when answer = 'ok' and s.factors = 1 then s.role end;
end $$;
comment on function iam.confirm_totp is 'Makes the secret that was scanned the account''s, by a code of it, which is used up. role: the session was made by a link, and goes on whole under new_token. Answers ok, refused, wait (retry_after: seconds), restart (nothing was begun within the hour), or what iam.may_change_factors says. Errors: VS503.';
grant execute on function iam.confirm_totp to vs_gate;

create function iam.remove_totp(ring text, token text, caller jsonb) returns text
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  allowed record;
  answer text;
begin
  select * into allowed from iam.may_change_factors(ring, token, caller);
  -- by a link there is nothing to take away
  answer := case when allowed.answer = 'ok' and iam.is_half(allowed.session) then 'second_factor' else allowed.answer end;
  if answer <> 'ok' then
    perform iam.record_refused_change(ring, token, 'factor.remove', answer, caller);
    return answer;
  end if;
  if iam.is_last_factor(allowed.account) then
    answer := 'last';
  else
    delete from iam.totp_factors f where f.account_id = allowed.account;
    answer := case when found then 'ok' else 'none' end;
  end if;
  perform audit.append(iam.gate_claims(allowed.account, allowed.session, allowed.origin), 'factor.remove',
    'session', allowed.session, null, case when answer = 'ok' then 'success' else 'failure' end, json_build_object('factor', 'totp', 'answer', answer)::text);
  if answer = 'ok' then perform ops.post(ring, allowed.account, 'email', 'factor_removed', '{"factor": "totp"}'); end if;
  return answer;
end $$;
comment on function iam.remove_totp is 'Takes the authenticator app away. Answers ok, last (no passkey would be left), none (there is no app), or what iam.may_change_factors says. Errors: VS503.';
grant execute on function iam.remove_totp to vs_gate;

reset role;
