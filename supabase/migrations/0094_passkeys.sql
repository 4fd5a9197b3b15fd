-- Passkeys (WebAuthn Level 3): the edge checks signatures, the database everything that it can check without them.
--
-- Guarantees
--   1. A challenge is random, stored hashed, made for one purpose, one session and one origin, lives 5 minutes and works once,
--      whatever came of it.
--   2. Type, challenge, origin, frame, RP ID, presence, verification, backup state, algorithm and counter are read here, from
--      the bytes that were signed (§7.1, §7.2); of the edge's words only "the signature is that key's" is taken.
--   3. A passkey belongs to one account, and to the host name that it was made at: elsewhere it counts for nothing (0091).
--      Its name is sealed.
--   4. Without a password it signs in only when it verified its user, and had done so when it was made or after a password:
--      whoever finds a security key and gives it a PIN of their own gets nowhere.
--   5. A counter that doesn't grow may be a copy: it signs nobody in, and is recorded.
--   6. A passkey is added and removed on a factor shown within 10 minutes; the last passkey stays where there is no app.

set role vs_owner;

create table iam.passkeys (
  id              uuid primary key default ops.uuid_v7(),
  account_id      uuid not null references iam.accounts,
  -- the host name it was made at: a browser offers it nowhere else
  rp_id           text not null,
  credential_id   bytea not null unique check (length(credential_id) between 16 and 1023),
  public_key      bytea not null,
  sign_count      bigint not null default 0,
  transports      text[] not null default '{}',
  name            bytea not null,
  -- has verified its user (PIN, finger, face), when it was made or after a password
  user_verified   boolean not null,
  backup_eligible boolean not null,
  backed_up       boolean not null,
  created_at      timestamptz not null default clock_timestamp(),
  last_used_at    timestamptz,
  -- the session that added it, as iam.totp_factors.added_in
  added_in        uuid
);
comment on table iam.passkeys is 'WebAuthn credential records. The public key is COSE, as the authenticator gave it.';
-- the passkeys of somebody who signs in
create index passkeys_account on iam.passkeys (account_id);
alter table iam.passkeys enable row level security;
alter table iam.passkeys force row level security;
create policy all_owner on iam.passkeys to vs_owner using (true) with check (true);
comment on policy all_owner on iam.passkeys is 'Registration, authentication and removal, by functions of the gate.';

create table iam.challenges (
  hash        bytea primary key check (length(hash) = 32),
  purpose     text not null check (purpose in ('register', 'factor', 'passwordless')),
  session_id  uuid references iam.sessions,
  -- what the browser has in its address bar, as the edge knows it
  origin      text not null,
  made_at     timestamptz not null default clock_timestamp(),
  check ((purpose = 'passwordless') = (session_id is null))
);
comment on table iam.challenges is 'Challenges that wait for their answer: 5 minutes, then they are cleared out.';
-- what goes with a session
create index challenges_session on iam.challenges (session_id) where session_id is not null;
-- clearing out
create index challenges_made on iam.challenges (made_at);
alter table iam.challenges enable row level security;
alter table iam.challenges force row level security;
create policy all_owner on iam.challenges to vs_owner using (true) with check (true);
comment on policy all_owner on iam.challenges is 'Made and used up by functions of the gate.';

-- ---------------------------------------------------------------- what the bytes say

create function iam.from_base64url(value text) returns bytea
language plpgsql immutable set search_path = '' as $$
begin
  if value !~ '^[A-Za-z0-9_-]*$' or length(value) % 4 = 1 then return null; end if;
  return decode(rpad(translate(value, '-_', '+/'), (length(value) + 3) / 4 * 4, '='), 'base64');
end $$;
comment on function iam.from_base64url is 'RFC 4648 §5 without padding; NULL for anything else.';

create function iam.to_base64url(value bytea) returns text
language plpgsql immutable set search_path = '' as $$
begin
  return translate(encode(value, 'base64'), '+/=' || E'\n', '-_');
end $$;

create function iam.read_client_data(client_data bytea) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin
  return case when length(client_data) <= 4096 then convert_from(client_data, 'UTF8')::jsonb end;
exception when others then
  return null; -- no UTF-8, no JSON
end $$;
comment on function iam.read_client_data is 'What the browser signed about itself; NULL when it is no JSON.';

create function iam.use_challenge(client_data bytea, type text, purpose text, session uuid, out why text, out rp_id text)
language plpgsql volatile set search_path = '' as $$
declare
  said jsonb := iam.read_client_data(client_data);
  c iam.challenges;
begin
  delete from iam.challenges x
  where x.hash = iam.hash_token(said ->> 'challenge') and x.purpose = use_challenge.purpose and x.session_id is not distinct from session
    and x.made_at between clock_timestamp() - interval '5 minutes' and clock_timestamp() + interval '5 seconds'
  returning x.* into c;
  rp_id := iam.rp_id(c.origin);
  why := case when said is null then 'client_data'
              when c.hash is null then 'challenge'
              when said ->> 'type' is distinct from type then 'type'
              when said ->> 'origin' is distinct from c.origin then 'origin'
              -- we stand in nobody's frame
              when said -> 'crossOrigin' <> 'false' or said ? 'topOrigin' then 'frame' end;
end $$;
comment on function iam.use_challenge is 'Uses a challenge up, and says what is wrong with the client data: client_data, challenge, type, origin, frame. Internal.';

-- Authenticator data (§6.1): 32 bytes of RP ID hash, one of flags, four of counter.
create function iam.check_authenticator(data bytea, rp_id text, verified boolean) returns text
language plpgsql immutable set search_path = '' as $$
declare
  flags int := case when length(data) between 37 and 4096 then get_byte(data, 32) end;
begin
  return case when flags is null then 'authenticator_data'
              when substr(data, 1, 32) is distinct from sha256(convert_to(rp_id, 'UTF8')) then 'rp_id'
              when flags & 1 = 0 then 'presence'
              when verified and flags & 4 = 0 then 'verification'
              when flags & 16 <> 0 and flags & 8 = 0 then 'backup' end;
end $$;
comment on function iam.check_authenticator is 'What is wrong with authenticator data: authenticator_data, rp_id, presence, verification, backup. verified: must its user have been verified? Internal.';

create function iam.sign_count(data bytea) returns bigint
language plpgsql immutable set search_path = '' as $$
begin
  return (get_byte(data, 33)::bigint << 24) | (get_byte(data, 34) << 16) | (get_byte(data, 35) << 8) | get_byte(data, 36);
end $$;

-- ---------------------------------------------------------------- asking

create function iam.clear_challenges(most int) returns void
language plpgsql volatile set search_path = '' as $$
begin
  delete from iam.challenges c where c.hash in (
    select x.hash from iam.challenges x where x.made_at < clock_timestamp() - interval '5 minutes' order by x.made_at limit most for update skip locked);
end $$;
comment on function iam.clear_challenges is 'Those that nobody answered in time. Internal: iam.passkey_options, and ops.upkeep.';

create function iam.passkey_options(ring text, token text, purpose text, origin text, caller jsonb,
                                    out answer text, out challenge text, out rp_id text, out account uuid, out email text,
                                    out credentials jsonb, out retry_after int)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  allowed record;
  session uuid;
  s iam.sessions;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform ops.require_network(caller ->> 'ip');
  if purpose = 'register' then
    select * into allowed from iam.may_change_factors(ring, token, caller);
    answer := allowed.answer;
    session := allowed.session;
    account := allowed.account;
  elsif purpose = 'factor' then
    s := iam.find_session(ring, token, caller);
    session := s.id;
    account := s.account_id;
    answer := case when session is null then 'expired' else 'ok' end;
  else
    answer := 'ok';
  end if;
  if answer <> 'ok' then return; end if;
  passkey_options.rp_id := iam.rp_id(origin);
  if passkey_options.rp_id is null or not iam.is_here(passkey_options.rp_id) then
    answer := 'place';
    return;
  end if;
  retry_after := case when session is null then ops.limit_route(ring, 'challenge', caller) else ops.take('challenge/' || session, 60, 1) end;
  if retry_after > 0 then
    answer := 'wait';
    if session is not null then
      perform ops.record_limited(ring, iam.gate_claims(account, session, null), 'challenge', 'challenge/' || session, caller);
    end if;
    return;
  end if;
  -- each new one takes two away that are over
  perform iam.clear_challenges(2);
  challenge := iam.to_base64url(extensions.gen_random_bytes(32));
  insert into iam.challenges (hash, purpose, session_id, origin)
  values (iam.hash_token(challenge), passkey_options.purpose, session, passkey_options.origin);
  if session is null then return; end if;
  credentials := (select coalesce(jsonb_agg(jsonb_build_object('id', iam.to_base64url(p.credential_id), 'transports', p.transports)), '[]')
                  from iam.passkeys p where p.account_id = passkey_options.account and p.rp_id = passkey_options.rp_id);
  if purpose = 'register' then
    -- what the telephone calls the passkey: the address that the link of an enrolment was sent to, or of who is signed in
    email := (select convert_from(vault.unpack(vault.unwrap(ring, a.id, 'profile'), iam.profile_aad(a.id, 'email'), a.email), 'UTF8')
              from iam.accounts a where a.id = passkey_options.account);
  end if;
end $$;
comment on function iam.passkey_options is 'A challenge. purpose: register, factor (second factor or step-up) or passwordless; origin: what the browser has in its address bar. Answers ok, wait (retry_after), place (no passkeys at this address), and those of iam.may_change_factors. credentials: which exist already (register), or may answer (factor). Errors: VS503.';
grant execute on function iam.passkey_options to vs_gate;

create function iam.passkey_key(credential text) returns bytea
language plpgsql stable security definer set search_path = '' set debug_print_plan = off as $$
begin
  return (select p.public_key from iam.passkeys p where p.credential_id = iam.from_base64url(credential));
end $$;
comment on function iam.passkey_key is 'The public key (COSE) to check a signature with; NULL for none.';
grant execute on function iam.passkey_key to vs_gate;

-- ---------------------------------------------------------------- a passkey that answers

-- proof: {"id", "client_data", "authenticator_data", "user_handle" (all base64url), "signed": what the edge found}
create function iam.check_assertion(proof jsonb, purpose text, session uuid, account uuid, out why text, out passkey uuid, out owner uuid, out counted bigint)
language plpgsql volatile set search_path = '' as $$
declare
  data bytea := iam.from_base64url(proof ->> 'authenticator_data');
  handle bytea := iam.from_base64url(proof ->> 'user_handle');
  p iam.passkeys;
  passwordless boolean := purpose = 'passwordless';
  rp text;
  flags int;
  count bigint;
begin
  select u.why, u.rp_id into why, rp from iam.use_challenge(iam.from_base64url(proof ->> 'client_data'), 'webauthn.get', purpose, session) u;
  if why is not null then return; end if;
  -- locked, so that two answers of one authenticator are counted in turn
  select * into p from iam.passkeys x where x.credential_id = iam.from_base64url(proof ->> 'id') for update;
  passkey := p.id;
  owner := p.account_id;
  counted := p.sign_count;
  why := case when p.id is null or p.rp_id <> rp or not iam.is_here(p.rp_id) or p.account_id <> account then 'credential'
              -- who is meant says the authenticator, or the session says it and the authenticator may
              when passwordless and handle is distinct from uuid_send(p.account_id) then 'user_handle'
              when handle <> uuid_send(p.account_id) then 'user_handle'
              else iam.check_authenticator(data, rp, passwordless) end;
  if why is not null then return; end if;
  flags := get_byte(data, 32);
  count := iam.sign_count(data);
  why := case when passwordless and not p.user_verified then 'verification'
              -- without extensions (flag 128) it ends there
              when length(data) > 37 and flags & 128 = 0 then 'authenticator_data'
              when (flags & 8 <> 0) <> p.backup_eligible then 'backup'
              when (proof -> 'signed') is distinct from 'true' then 'signature'
              when (count > 0 or p.sign_count > 0) and count <= p.sign_count then 'counter' end;
  if why is not null then return; end if;
  update iam.passkeys x set sign_count = count, backed_up = flags & 16 <> 0, last_used_at = clock_timestamp(),
    user_verified = x.user_verified or flags & 4 <> 0 where x.id = p.id;
end $$;
comment on function iam.check_assertion is 'What is wrong with a passkey''s answer (§7.2): those of iam.use_challenge and iam.check_authenticator, credential, user_handle, signature, counter; NULL when nothing is. account: whose it must be, NULL for anybody. owner: whose it is; counted: its counter as it was stored. Internal.';

create function iam.record_counter(passkey uuid, claims text[], counted bigint, proof jsonb) returns void
language plpgsql volatile set search_path = '' as $$
begin
  perform audit.append(claims, 'factor.counter', 'passkey', passkey, null, 'failure',
    json_build_object('stored', counted, 'came', iam.sign_count(iam.from_base64url(proof ->> 'authenticator_data')))::text);
end $$;
comment on function iam.record_counter is 'Internal.';

create function iam.verify_passkey(ring text, s iam.sessions, proof jsonb, caller jsonb) returns boolean
language plpgsql volatile set search_path = '' as $$
declare
  checked record;
begin
  select * into checked from iam.check_assertion(proof, 'factor', s.id, s.account_id);
  if checked.why = 'counter' then
    perform iam.record_counter(checked.passkey,
      iam.gate_claims(s.account_id, s.id, iam.caller_origin(ring, s.organisation_id, s.id, caller)), checked.counted, proof);
  end if;
  return checked.why is null;
end $$;
comment on function iam.verify_passkey is 'Is this the answer of a passkey of this session''s account, to a challenge of this session? Internal: iam.take_factor.';

create function iam.verified_user(proof jsonb) returns boolean
language plpgsql immutable set search_path = '' as $$
declare
  data bytea := iam.from_base64url(proof ->> 'authenticator_data');
begin
  return coalesce(length(data) >= 37 and get_byte(data, 32) & 4 <> 0, false);
end $$;
comment on function iam.verified_user is 'Did the authenticator ask for a PIN, a finger or a face? It may leave it out for a second factor, which then stands for no password. Internal: after iam.check_assertion, which has seen that this was signed.';

create function iam.sign_in_passkey(ring text, token text, proof jsonb, caller jsonb, old_token text default null,
                                    out answer text, out role text, out retry_after int)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  checked record;
  why text;
  account uuid;
  s iam.sessions;
  origin uuid;
  place text;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform set_config('lock_timeout', '5s', true);
  retry_after := ops.limit_route(ring, 'passkey', caller);
  if retry_after > 0 then
    answer := 'wait';
    return;
  end if;
  perform iam.lock_account((select p.account_id from iam.passkeys p where p.credential_id = iam.from_base64url(proof ->> 'id')));
  select * into checked from iam.check_assertion(proof, 'passwordless', null, null);
  why := checked.why;
  account := checked.owner;
  if why is null then
    -- nobody is suspended while they come in
    perform from iam.accounts a where a.id = account for no key update;
    if not exists (select from access.memberships m where m.account_id = account and access.membership_is_live(m.id)) then why := 'account'; end if;
  end if;
  if why is null then
    -- a practice comes by one address, all at once in the morning
    place := '/address/' || ops.network_key(ring, caller ->> 'ip');
    perform ops.give_back('route/passkey' || place), ops.give_back('route/challenge' || place);
    perform vault.saw_ring(ring);
    s := iam.start_session(ring, account, token, '{}', caller, old_token);
    answer := iam.accept_factor(ring, s, 'passkey', token, caller, true);
    role := case when answer = 'ok' then s.role end;
  else
    answer := 'refused';
  end if;
  origin := coalesce(s.origin_id, iam.caller_origin(ring, (select m.organisation_id from access.memberships m
    where m.account_id = account order by m.valid_from, m.id limit 1), null, caller));
  if why = 'counter' then
    perform iam.record_counter(checked.passkey, iam.gate_claims(account, null, origin), checked.counted, proof);
  end if;
  perform audit.append(iam.gate_claims(account, s.id, origin), 'session.factor', 'session', s.id, null,
    case when answer = 'ok' then 'success' else 'failure' end,
    json_strip_nulls(json_build_object('factor', 'passkey', 'passwordless', true, 'answer', answer, 'reason', why))::text);
  perform ops.note_try(ring, account, answer = 'ok', caller);
end $$;
comment on function iam.sign_in_passkey is 'Signs in with a passkey alone, which has verified its user: two factors in one. token: what the cookie will hold. Answers ok (with the role), refused, wait (retry_after: seconds), or stopped (0099). Errors: VS503.';
grant execute on function iam.sign_in_passkey to vs_gate;

-- ---------------------------------------------------------------- adding and removing

-- RFC 9053 in the one encoding that authenticators use (canonical CBOR): kty, alg, then curve and x and y, or n and e.
create function iam.is_cose_key(key bytea) returns boolean
language plpgsql immutable set search_path = '' as $$
begin
  return encode(key, 'hex') ~ '^(a5010203262001215820[0-9a-f]{64}225820[0-9a-f]{64}|a4010103272006215820[0-9a-f]{64}|a40103033901002059[0-9a-f]+2143010001)$'
    and (length(key) in (77, 42) or length(key) - 16 in (256, 384, 512));
end $$;
comment on function iam.is_cose_key is 'A public key of ES256 (P-256), EdDSA (Ed25519), or RS256 of 2048, 3072 or 4096 bits.';

-- proof: {"client_data", "authenticator_data", "public_key" (base64url), "transports", "attested": what the edge found}
create function iam.check_registration(proof jsonb, session uuid, out why text, out rp_id text, out credential_id bytea,
                                       out public_key bytea, out sign_count bigint, out transports text[], out user_verified boolean,
                                       out backup_eligible boolean, out backed_up boolean)
language plpgsql volatile set search_path = '' as $$
declare
  data bytea := iam.from_base64url(proof ->> 'authenticator_data');
  flags int;
  id_length int;
begin
  select u.why, u.rp_id into why, rp_id
  from iam.use_challenge(iam.from_base64url(proof ->> 'client_data'), 'webauthn.create', 'register', session) u;
  why := coalesce(why, iam.check_authenticator(data, rp_id, false));
  if why is not null then return; end if;
  flags := get_byte(data, 32);
  -- then 16 bytes that name the model, two of length, the credential's id, its key (flag 64), extensions (flag 128)
  if flags & 64 = 0 or length(data) < 55 then
    why := 'authenticator_data';
    return;
  end if;
  id_length := (get_byte(data, 53) << 8) | get_byte(data, 54);
  credential_id := substr(data, 56, id_length);
  public_key := iam.from_base64url(proof ->> 'public_key');
  why := case when id_length not between 16 and 1023 then 'credential'
              when public_key is null then 'authenticator_data'
              when substr(data, 56 + id_length, length(public_key)) is distinct from public_key
                or flags & 128 = 0 and length(data) <> 55 + id_length + length(public_key) then 'authenticator_data'
              when not iam.is_cose_key(public_key) then 'algorithm'
              when (proof -> 'attested') is distinct from 'true' then 'attestation'
              when exists (select from iam.passkeys p where p.credential_id = check_registration.credential_id) then 'known' end;
  sign_count := iam.sign_count(data);
  user_verified := flags & 4 <> 0;
  backup_eligible := flags & 8 <> 0;
  backed_up := flags & 16 <> 0;
  transports := array(select t from jsonb_array_elements_text(case when jsonb_typeof(proof -> 'transports') = 'array'
    then proof -> 'transports' else '[]' end) t where t in ('usb', 'nfc', 'ble', 'smart-card', 'hybrid', 'internal') limit 6);
end $$;
comment on function iam.check_registration is 'What is wrong with a new passkey (§7.1): those of iam.use_challenge and iam.check_authenticator, credential, algorithm, attestation, known; NULL when nothing is. Internal.';

create function iam.seal_passkey_name(ring text, account uuid, passkey uuid, name text) returns bytea
language plpgsql volatile set search_path = '' as $$
begin
  if name is null or btrim(name) = '' or length(name) > 60 then
    raise exception using errcode = 'VS422', message = 'a passkey has a name of 1 to 60 characters';
  end if;
  return vault.seal(vault.unwrap(ring, account, 'profile'), passkey, account, 1, '', 'iam.passkeys.name', btrim(name));
end $$;
comment on function iam.seal_passkey_name is 'Internal. Errors: VS422.';

create function iam.add_passkey(ring text, token text, proof jsonb, name text, new_token text, caller jsonb,
                                out answer text, out role text)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  allowed record;
  checked record;
  why text;
  passkey uuid;
  half boolean;
begin
  select * into allowed from iam.may_change_factors(ring, token, caller);
  answer := allowed.answer;
  if answer <> 'ok' then
    perform iam.record_refused_change(ring, token, 'factor.add', answer, caller);
    return;
  end if;
  select * into checked from iam.check_registration(proof, allowed.session);
  why := checked.why;
  if why is null and iam.lock_factors(allowed.account) >= 20 then why := 'many'; end if;
  if why is not null then answer := 'refused'; end if;
  if answer = 'ok' then
    passkey := ops.uuid_v7();
    insert into iam.passkeys (id, account_id, rp_id, credential_id, public_key, sign_count, transports, name, user_verified, backup_eligible, backed_up, added_in)
    values (passkey, allowed.account, checked.rp_id, checked.credential_id, checked.public_key, checked.sign_count, checked.transports,
            iam.seal_passkey_name(ring, allowed.account, passkey, name), checked.user_verified, checked.backup_eligible, checked.backed_up, allowed.session);
    half := iam.is_half(allowed.session);
    answer := iam.first_factor(ring, allowed.session, 'passkey', new_token, caller);
    if not half then
      perform ops.post(ring, allowed.account, 'email', 'factor_added', '{"factor":"passkey"}');
    elsif answer = 'ok' then
      role := (select s.role from iam.sessions s where s.id = allowed.session);
    end if;
  end if;
  perform audit.append(iam.gate_claims(allowed.account, allowed.session, allowed.origin), 'factor.add', 'passkey', passkey, null,
    case when passkey is null then 'failure' else 'success' end,
    json_strip_nulls(json_build_object('factor', 'passkey', 'answer', answer, 'reason', why))::text);
end $$;
comment on function iam.add_passkey is 'Adds a passkey. Answers ok (with the role when this was the first factor: the session is whole then, under new_token), refused, or those of iam.may_change_factors. Errors: VS422 for a name of more than 60 characters, VS503.';
grant execute on function iam.add_passkey to vs_gate;

create function iam.name_passkey(ring text, token text, passkey uuid, name text, caller jsonb) returns text
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  s iam.sessions;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform set_config('lock_timeout', '5s', true);
  s := iam.find_session(ring, token, caller);
  if s.id is null then return 'expired'; end if;
  if s.factors < 2 then return 'second_factor'; end if;
  update iam.passkeys p set name = iam.seal_passkey_name(ring, s.account_id, p.id, name_passkey.name)
  where p.id = passkey and p.account_id = s.account_id;
  if not found then return 'hidden'; end if;
  perform audit.append(iam.gate_claims(s.account_id, s.id, iam.caller_origin(ring, s.organisation_id, s.id, caller)), 'row.update', 'passkey',
    passkey, null, 'success', '{"columns":["name"]}');
  return 'ok';
end $$;
comment on function iam.name_passkey is 'Renames a passkey of one''s own. Answers ok, hidden, second_factor or expired. Errors: VS422, VS503.';
grant execute on function iam.name_passkey to vs_gate;

create function iam.remove_passkey(ring text, token text, passkey uuid, caller jsonb) returns text
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
  answer := case when iam.is_last_factor(allowed.account, passkey) then 'last' else 'ok' end;
  if not exists (select from iam.passkeys p where p.id = passkey and p.account_id = allowed.account) then answer := 'hidden'; end if;
  if answer = 'ok' then
    delete from iam.passkeys p where p.id = passkey;
    perform ops.post(ring, allowed.account, 'email', 'factor_removed', '{"factor":"passkey"}');
  end if;
  perform audit.append(iam.gate_claims(allowed.account, allowed.session, allowed.origin), 'factor.remove', 'passkey',
    case when answer in ('ok', 'last') then passkey end, null, case when answer = 'ok' then 'success' else 'failure' end,
    json_build_object('factor', 'passkey', 'answer', answer)::text);
  return answer;
end $$;
comment on function iam.remove_passkey is 'Removes a passkey of one''s own. Answers ok, hidden, last (there would be neither a passkey that works here nor an app), or those of iam.may_change_factors. Errors: VS503.';
grant execute on function iam.remove_passkey to vs_gate;

-- ---------------------------------------------------------------- one's own

create function iam.own_passkeys()
returns table (id uuid, name text, created_at timestamptz, last_used_at timestamptz, backed_up boolean, user_verified boolean, rp_id text,
  works_here boolean)
language plpgsql stable security definer rows 3 set search_path = '' set debug_print_plan = off as $$
declare
  account uuid := (access.claims())[2]::uuid;
  key bytea;
begin
  if account is null then return; end if;
  key := vault.unwrap(vault.ring(), account, 'profile');
  return query
    select p.id, convert_from(vault.unpack(key, convert_to('iam.passkeys.name', 'UTF8') || '\x00'::bytea || uuid_send(p.id)
             || uuid_send(account) || int8send(1), p.name), 'UTF8'),
           p.created_at, p.last_used_at, p.backed_up, p.user_verified, p.rp_id, iam.is_here(p.rp_id)
    from iam.passkeys p where p.account_id = account order by p.created_at;
end $$;
comment on function iam.own_passkeys is 'The passkeys of whoever asks. works_here: made at the host name of today.';
grant execute on function iam.own_passkeys to vs_patient, vs_clinician, vs_secretary, vs_org_admin, vs_auditor, vs_dpo, vs_researcher;

reset role;
