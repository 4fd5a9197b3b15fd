-- TOTP (RFC 6238): codes of an authenticator app.
--
-- Guarantees
--   1. A code is checked here and works once; one step of drift either way.
--   2. The secret is sealed with a key of its account; nobody reads it back.

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

create function iam.verify_totp(ring text, account uuid, code text) returns boolean
language plpgsql volatile set search_path = '' as $$
declare
  f iam.totp_factors;
  secret bytea;
  now_step bigint := floor(extract(epoch from clock_timestamp()) / 30);
  used bigint;
begin
  -- the row is locked, so that the same code sent twice at once works once
  select * into f from iam.totp_factors x where x.account_id = account and x.confirmed_at is not null for update;
  if not found then return false; end if;
  secret := decode(convert_from(vault.unpack(vault.unwrap(ring, account, 'profile'),
    convert_to('iam.totp_factors.secret', 'UTF8') || '\x00'::bytea || uuid_send(account) || uuid_send(account) || int8send(1),
    f.secret), 'UTF8'), 'base64');
  select step into used from generate_series(greatest(now_step - 1, f.last_step + 1), now_step + 1) as step
  where sha256(convert_to(iam.totp(secret, step), 'UTF8')) = sha256(convert_to(code, 'UTF8')) order by step limit 1;
  if used is null then return false; end if;
  update iam.totp_factors x set last_step = used where x.account_id = account;
  return true;
end $$;
comment on function iam.verify_totp is 'Is this a code of now, not used before? Uses it up. Internal: iam.take_factor.';

reset role;
