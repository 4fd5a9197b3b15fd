-- Sign-in: password, then a TOTP code. For the login vs_gate alone, on connections of its own.
--
-- Guarantees
--   1. Neither factor alone opens anything: after the password there is a session of one factor, and iam.enter
--      opens nothing below two.
--   2. The same answer and the same work whether or not an account exists.
--   3. A TOTP code (RFC 6238) is checked here and works once; one step of drift.
--   4. Attempts are limited before anything is hashed; refusals are answers, so that they are recorded.
--      (`busy` refuses nothing: nothing was tried, and the edge asks again.)
--   5. No role that is reachable from vs_edge may call these functions.
--   6. Nobody signs in to a database that was restarted or restored before it was cleared (0250).
--   7. A step that ended in an error is recorded as well (iam.record_failed_sign_in).

set role vs_owner;

create table ops.limits (
  key     text primary key,
  tokens  double precision not null,
  at      timestamptz not null
) with (fillfactor = 70);
comment on table ops.limits is 'Token buckets, shared by all edges. Keys hold ids and keyed hashes, no addresses.';
-- clearing out
create index limits_at on ops.limits (at);
alter table ops.limits enable row level security;
alter table ops.limits force row level security;
create policy all_owner on ops.limits to vs_owner using (true) with check (true);
comment on policy all_owner on ops.limits is 'ops.take.';

create function ops.take(key text, capacity double precision, per_second double precision) returns int
language plpgsql volatile set search_path = '' as $$
declare
  left_over double precision;
begin
  insert into ops.limits as l (key, tokens, at) values (take.key, capacity - 1, clock_timestamp())
  on conflict on constraint limits_pkey do update set
    tokens = greatest(-1, least(capacity, l.tokens + per_second * greatest(0, extract(epoch from clock_timestamp() - l.at)::float8)) - 1),
    at = clock_timestamp()
  returning tokens into left_over;
  if left_over >= 0 then return 0; end if;
  return ceil(-left_over / per_second)::int;
end $$;
comment on function ops.take is 'Takes a token from a bucket: 0, or the seconds to wait.';

create function ops.give_back(key text) returns void
language sql volatile set search_path = '' as $$
  update ops.limits l set tokens = l.tokens + 1 where l.key = give_back.key
$$;

-- ---------------------------------------------------------------- RFC 6238

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

-- ---------------------------------------------------------------- the two steps

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

create function iam.gate_claims(account uuid, session uuid, origin uuid) returns text[]
language sql stable set search_path = '' as $$
  select array[session::text, a.id::text, m.organisation_id::text, coalesce(m.role, 'unknown'), null, null, null, origin::text]
  from (values (1)) one
  left join iam.accounts a on a.id = account
  left join lateral (select * from access.memberships x where x.account_id = a.id order by x.valid_from, x.id limit 1) m on true
$$;

create function iam.sign_in_password(ring text, account uuid, prehash text, token text, ip text, user_agent text, old_token text default null,
                                     out answer text, out retry_after int)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  a iam.accounts;
  m access.memberships;
  session uuid := ops.uuid_v7();
  network text;
  address_key text;
  account_key text := 'password/account/' || account;
  pair_key text;
  origin uuid;
  ok boolean;
begin
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform set_config('lock_timeout', '5s', true);
  network := case when ip is null then '' when family(ip::inet) = 6 then text(network(set_masklen(ip::inet, 64))) else host(ip::inet) end;
  address_key := 'password/address/' || encode(substr(extensions.hmac(convert_to(network, 'UTF8'),
                 vault.derive(vault.master(ring, vault.current_master(ring)), 'origin'), 'sha256'), 1, 12), 'hex');
  pair_key := address_key || '/' || account;
  select * into a from iam.accounts x where x.id = account;
  select * into m from access.memberships x where x.account_id = account and access.membership_is_live(x.id) order by x.valid_from, x.id limit 1;
  -- bcrypt takes its time: one address holds two connections at most, so that others sign in meanwhile
  if not (pg_try_advisory_xact_lock(hashtextextended(address_key || '/0', 0))
          or pg_try_advisory_xact_lock(hashtextextended(address_key || '/1', 0))) then
    answer := 'busy';
    return;
  end if;
  origin := audit.origin(ring, m.organisation_id, null, ip, user_agent);
  -- one person at one address first, and the account's own bucket only by who got that far, so that an attacker
  -- elsewhere can't use up the owner's tries
  retry_after := ops.take(pair_key, 8, 1.0 / 30);
  if retry_after = 0 then retry_after := ops.take(address_key, 100, 1); end if;
  if retry_after = 0 then retry_after := ops.take(account_key, 60, 1.0 / 10); end if;
  if retry_after > 0 then
    answer := 'wait';
    perform audit.append(iam.gate_claims(account, null, origin), 'session.password', 'session', null, null, 'failure', '{"reason":"limited"}');
    return;
  end if;
  -- the dummy costs what a real one costs
  ok := extensions.crypt(prehash, coalesce(a.password_hash, '$2a$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW'))
        = a.password_hash and a.status = 'active' and m.id is not null;
  if ok is not true then
    answer := 'refused';
    perform audit.append(iam.gate_claims(account, null, origin), 'session.password', 'session', null, null, 'failure', '{"reason":"refused"}');
    return;
  end if;
  perform ops.give_back(pair_key), ops.give_back(address_key), ops.give_back(account_key);
  perform vault.saw_ring(ring);
  insert into iam.sessions (id, token_hash, account_id, membership_id, organisation_id, role, patient_id, expires_at, replaces_id)
  values (session, iam.hash_token(token), account, m.id, m.organisation_id, m.role, m.patient_id, clock_timestamp() + interval '10 minutes',
          (select s.id from iam.sessions s where s.token_hash = iam.hash_token(old_token) and s.account_id = account));
  perform audit.append(iam.gate_claims(account, session, origin), 'session.password', 'session', session, null, 'success');
  answer := 'second_factor';
end $$;
comment on function iam.sign_in_password is 'First step. prehash: `pepper id:base64(HMAC-SHA-256(pepper, account id ‖ password))`. token: what the cookie will hold; old_token: what it holds now. Answers second_factor, refused, wait (retry_after: seconds), or busy: two attempts of this address are under way, ask again in a moment. Errors: VS503.';
grant execute on function iam.sign_in_password to vs_gate;

create function iam.sign_in_totp(ring text, token text, code text, new_token text, ip text, user_agent text,
                                 out answer text, out role text, out retry_after int)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  s iam.sessions;
  f iam.totp_factors;
  secret bytea;
  now_step bigint := floor(extract(epoch from clock_timestamp()) / 30);
  used bigint;
  origin uuid;
begin
  retry_after := 0;
  perform ops.require_clearance();
  perform vault.require_known_ring(ring);
  perform set_config('lock_timeout', '5s', true);
  select * into s from iam.sessions x where x.token_hash = iam.hash_token(token) for update;
  if not found or s.factors <> 1 or s.revoked_at is not null or s.expires_at <= clock_timestamp()
     or not access.membership_is_live(s.membership_id) then
    answer := 'expired';
    if s.id is not null then
      perform audit.append(iam.gate_claims(s.account_id, s.id, null), 'session.factor', 'session', s.id, null, 'failure', '{"factor":"totp","answer":"expired"}');
    end if;
    return;
  end if;
  origin := audit.origin(ring, s.organisation_id, s.id, ip, user_agent);
  retry_after := ops.take('totp/account/' || s.account_id, 10, 1.0 / 30);
  if retry_after > 0 then
    answer := 'wait';
  elsif s.attempts >= 5 then
    update iam.sessions set revoked_at = clock_timestamp() where id = s.id;
    answer := 'expired';
  else
    -- the row is locked, so that the same code sent twice at once works once
    select * into f from iam.totp_factors x where x.account_id = s.account_id and x.confirmed_at is not null for update;
    if found then
      secret := decode(convert_from(vault.unpack(vault.unwrap(ring, s.account_id, 'profile'),
        convert_to('iam.totp_factors.secret', 'UTF8') || '\x00'::bytea || uuid_send(s.account_id) || uuid_send(s.account_id) || int8send(1),
        f.secret), 'UTF8'), 'base64');
      select step into used from generate_series(greatest(now_step - 1, f.last_step + 1), now_step + 1) as step
      where sha256(convert_to(iam.totp(secret, step), 'UTF8')) = sha256(convert_to(code, 'UTF8')) order by step limit 1;
    end if;
    if used is null then
      update iam.sessions set attempts = attempts + 1 where id = s.id;
      answer := 'refused';
    else
      update iam.totp_factors x set last_step = used where x.account_id = s.account_id;
      perform ops.give_back('totp/account/' || s.account_id);
      -- a new token: the one from before the second factor is worth nothing
      update iam.sessions set factors = 2, token_hash = iam.hash_token(new_token), last_seen_at = clock_timestamp(),
        expires_at = clock_timestamp() + interval '12 hours' where id = s.id;
      -- signing in again ends the session that this browser had (ASVS 5.0 §7.2.4)
      update iam.sessions set revoked_at = clock_timestamp() where id = s.replaces_id and revoked_at is null;
      update iam.accounts set last_sign_in_at = clock_timestamp() where id = s.account_id;
      answer := 'ok';
      role := s.role;
    end if;
  end if;
  perform audit.append(iam.gate_claims(s.account_id, s.id, origin), 'session.factor', 'session', s.id, null,
    case when answer = 'ok' then 'success' else 'failure' end, json_build_object('factor', 'totp', 'answer', answer)::text);
end $$;
comment on function iam.sign_in_totp is 'Second step: answers ok (with the role), refused, wait or expired; the session goes on under new_token. Errors: VS503.';
grant execute on function iam.sign_in_totp to vs_gate;

-- A step that failed has left nothing behind, so the gate records it in a transaction of its own (db/batch.ts).
create function iam.record_failed_sign_in(ring text, account uuid, token text, sqlstate text, ip text, user_agent text) returns text
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  s iam.sessions;
  origin uuid;
begin
  perform ops.require_clearance();
  select * into s from iam.sessions x where x.token_hash = iam.hash_token(record_failed_sign_in.token) and x.factors = 1;
  begin
    origin := audit.origin(ring, s.organisation_id, s.id, ip, user_agent);
  exception when others then
    origin := null; -- perhaps this is what failed
  end;
  perform audit.append(iam.gate_claims(coalesce(s.account_id, account), s.id, origin),
    case when s.id is null then 'session.password' else 'session.factor' end, 'session', s.id, null, 'failure',
    json_build_object('reason', 'error', 'sqlstate', case when ops.is_sqlstate(sqlstate) then sqlstate end)::text);
  return 'ok';
end $$;
comment on function iam.record_failed_sign_in is 'Records that a step of a sign-in ended in an error, and which (SQLSTATE). account: of the first step; token: of the second. Errors: VS503.';
grant execute on function iam.record_failed_sign_in to vs_gate;

-- ---------------------------------------------------------------- a session for scripts of the administrator

create function iam.open_session(account uuid) returns text
language plpgsql volatile set search_path = '' as $$
declare
  token text := translate(encode(extensions.gen_random_bytes(32), 'base64'), '+/=' || E'\n', '-_');
  m access.memberships;
begin
  select * into strict m from access.memberships x where x.account_id = account and access.membership_is_live(x.id) limit 1;
  insert into iam.sessions (token_hash, account_id, membership_id, organisation_id, role, patient_id, factors)
  values (iam.hash_token(token), account, m.id, m.organisation_id, m.role, m.patient_id, 2);
  perform audit.append(array[null, null, m.organisation_id::text, null, null, null, null, null], 'session.factor', 'session', null, null,
    'success', '{"factor":"owner"}');
  return token;
end $$;
comment on function iam.open_session is 'A session without sign-in, for tests and load: as vs_owner, recorded in the log. Gives the token.';
-- no grant: whoever may act as the owner

reset role;
