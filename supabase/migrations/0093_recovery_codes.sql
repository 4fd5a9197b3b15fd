-- Recovery codes: for the day on which the phone is lost.
--
-- Guarantees
--   1. Stored with bcrypt (ASVS 5.0 §6.5.2), after a hash under a key of the account; shown once, when they are made.
--   2. Each works once; new ones end those before.
--   3. They are made on a fresh second factor (iam.may_change_factors), never by a link.
--   4. Making and using them is in the log, and the person is told.
--
-- A code has 50 random bits, in the letters that Crockford's base32 leaves (no i, l, o, u): 5 tries an hour search nothing, and
-- whoever has the database and the ring computes for years. The ten have one salt, so that a try costs one hash: of 50 bits
-- no two are alike.

set role vs_owner;

create table iam.recovery_codes (
  id          uuid primary key default ops.uuid_v7(),
  account_id  uuid not null references iam.accounts,
  code_hash   text not null check (code_hash ~ '^\$2[ab]\$1[0-9]\$.{53}$'),
  made_at     timestamptz not null default clock_timestamp(),
  used_at     timestamptz,
  -- the session that made it, as iam.totp_factors.added_in
  added_in    uuid,
  unique (account_id, code_hash)
);
comment on table iam.recovery_codes is 'Codes to sign in with when no other factor is at hand; ten at a time.';
alter table iam.recovery_codes enable row level security;
alter table iam.recovery_codes force row level security;
create policy all_owner on iam.recovery_codes to vs_owner using (true) with check (true);
comment on policy all_owner on iam.recovery_codes is 'Made and used up by functions of the gate.';

create function iam.hash_recovery_code(ring text, account uuid, code text, salt text) returns text
language plpgsql volatile set search_path = '' as $$
begin
  perform ops.wait_for_hash_turn();
  -- as people copy it: any case, any spaces and hyphens, o for 0, i and l for 1
  return extensions.crypt(encode(extensions.hmac(
    convert_to(translate(lower(regexp_replace(code, '[^0-9A-Za-z]', '', 'g')), 'oil', '011'), 'UTF8'),
    vault.derive(vault.unwrap(ring, account, 'profile'), 'code'), 'sha256'), 'base64'), salt);
end $$;
comment on function iam.hash_recovery_code is 'salt: of extensions.gen_salt(''bf'', 10), or of a hash that is there. Internal. Errors: VS404, VS503, 55P03 (no turn for hashing within 5 s).';

create function iam.new_recovery_code() returns text
language plpgsql volatile set search_path = '' as $$
declare
  random bytea := extensions.gen_random_bytes(10);
begin
  -- 32 letters: the low five bits of each byte choose one, none more often than another
  return (select string_agg(case when i = 5 then '-' else '' end || substr('0123456789abcdefghjkmnpqrstvwxyz', (get_byte(random, i) & 31) + 1, 1), '' order by i)
          from generate_series(0, 9) i);
end $$;
comment on function iam.new_recovery_code is 'Ten letters, as `abcde-fghjk`. Internal.';

create function iam.make_recovery_codes(ring text, token text, caller jsonb, out answer text, out codes text[], out retry_after int)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  allowed record;
  salt text := extensions.gen_salt('bf', 10);
  hashes text[];
begin
  retry_after := 0;
  select * into allowed from iam.may_change_factors(ring, token, caller);
  -- a link alone would make codes that sign in: the first factor comes before
  answer := case when allowed.answer = 'ok' and iam.is_half(allowed.session) then 'second_factor' else allowed.answer end;
  if answer <> 'ok' then
    perform iam.record_refused_change(ring, token, 'factor.add', answer, caller);
    return;
  end if;
  -- each time the person gets a message
  retry_after := ops.take('codes/' || allowed.account, 10, 10.0 / 3600);
  if retry_after > 0 then
    answer := 'wait';
    perform ops.record_limited(ring, iam.gate_claims(allowed.account, allowed.session, allowed.origin), 'recovery_codes', 'codes/' || allowed.account, caller);
    return;
  end if;
  codes := array(select iam.new_recovery_code() from generate_series(1, 10));
  -- hashed before the account is locked: whoever has a turn for hashing waits for nobody who waits for one
  hashes := array(select iam.hash_recovery_code(ring, allowed.account, c, salt) from unnest(codes) c);
  -- two requests at once: the second one's codes are the ten that there are
  perform iam.lock_factors(allowed.account);
  delete from iam.recovery_codes r where r.account_id = allowed.account;
  insert into iam.recovery_codes (account_id, code_hash, added_in) select allowed.account, h, allowed.session from unnest(hashes) h;
  perform audit.append(iam.gate_claims(allowed.account, allowed.session, allowed.origin), 'factor.add',
    'session', allowed.session, null, 'success', '{"factor":"recovery_code","count":10}');
  perform ops.post(ring, allowed.account, 'email', 'recovery_codes_made');
end $$;
comment on function iam.make_recovery_codes is 'Ten new codes, which nobody sees again; those before end. Answers ok, wait (retry_after: seconds), or what iam.may_change_factors says. Errors: VS503.';
grant execute on function iam.make_recovery_codes to vs_gate;

create function iam.verify_recovery_code(ring text, account uuid, code text) returns boolean
language plpgsql volatile set search_path = '' as $$
declare
  salt text := (select left(r.code_hash, 29) from iam.recovery_codes r where r.account_id = account and r.used_at is null limit 1);
  hash text;
begin
  if salt is null then return false; end if;
  hash := iam.hash_recovery_code(ring, account, code, salt);
  -- one statement: a code that is sent twice at once works once
  update iam.recovery_codes r set used_at = clock_timestamp()
  where r.account_id = account and r.code_hash = hash and r.used_at is null;
  if not found then return false; end if;
  perform ops.post(ring, account, 'email', 'recovery_code_used',
    json_build_object('left', (select count(*) from iam.recovery_codes r where r.account_id = account and r.used_at is null))::jsonb);
  return true;
end $$;
comment on function iam.verify_recovery_code is 'Is this a code that is left? Uses it up, and tells the person. Internal: iam.take_factor.';

reset role;
