-- The vault: cipher, keys, and the one door through which plaintext leaves.
--
-- Guarantees
--   1. Values are AES-256-CBC with HMAC-SHA-512 (A256CBC-HS512, RFC 7518 §5.2.5), checked before they are
--      decrypted; there is one error for every failure.
--   2. A stored value is bound to its table, column, row, patient, row version and the row's clear columns:
--      it can be neither moved nor put back, and those columns can't be changed under it.
--   3. Master keys arrive as a bind parameter of iam.enter and are never stored; while they are in a
--      session they are sealed with a secret that only vs_owner can read, for this transaction alone.
--   4. A patient's key is let go only to a session that may see the patient now, at this level, and that has
--      recorded the opening in an earlier, committed transaction of the last 15 minutes (vault.release).
--   5. No function that an acting role can execute returns a key.
--   6. A master key that wraps or indexes something stays in the list: the foreign keys refuse its retirement. Its
--      check value is never changed and never forgotten, so that a wrong key, or an old one put back, is known.
--
-- ASVS 5.0 calls CBC legacy and encrypt-then-MAC approved: pgcrypto has no GCM, and the version byte keeps
-- the way open for a later cipher.

set role vs_owner;

-- ---------------------------------------------------------------- the bare algorithm

create function vault.aead_encrypt(key bytea, iv bytea, aad bytea, plaintext bytea, out ciphertext bytea, out tag bytea)
language plpgsql immutable parallel safe set search_path = '' as $$
begin
  if (length(key) = 64 and length(iv) = 16 and aad is not null and plaintext is not null) is not true then
    raise exception using errcode = 'VS500', message = 'aead_encrypt takes a key of 64 bytes, an IV of 16, and no NULL';
  end if;
  ciphertext := extensions.encrypt_iv(plaintext, substr(key, 33, 32), iv, 'aes-cbc/pad:pkcs');
  tag := substr(extensions.hmac(aad || iv || ciphertext || int8send(length(aad)::bigint * 8), substr(key, 1, 32), 'sha512'), 1, 32);
end $$;
comment on function vault.aead_encrypt is 'A256CBC-HS512, RFC 7518 §5.2.5: key of 64 bytes (MAC half first), IV of 16, tag of 32. Errors: VS500.';

create function vault.aead_decrypt(key bytea, iv bytea, aad bytea, ciphertext bytea, tag bytea) returns bytea
language plpgsql immutable parallel safe set search_path = '' as $$
declare
  mac_key bytea;
  expected bytea;
  padded bytea;
  pad int;
begin
  if length(key) = 64 and length(iv) = 16 and length(tag) = 32 and aad is not null
      and length(ciphertext) > 0 and length(ciphertext) % 16 = 0 then
    mac_key := substr(key, 1, 32);
    expected := substr(extensions.hmac(aad || iv || ciphertext || int8send(length(aad)::bigint * 8), mac_key, 'sha512'), 1, 32);
    -- both sides are hashed under the key, so that the time of the comparison says nothing about the tag
    if sha256(mac_key || tag) = sha256(mac_key || expected) then
      -- PKCS#7 is taken off here: pgcrypto's own error would be another one. It can only be wrong under another cipher
      -- key, since the tag is right.
      padded := extensions.decrypt_iv(ciphertext, substr(key, 33, 32), iv, 'aes-cbc/pad:none');
      pad := get_byte(padded, length(padded) - 1);
      if pad between 1 and 16 and substr(padded, length(padded) - pad + 1) = decode(repeat(lpad(to_hex(pad), 2, '0'), pad), 'hex') then
        return substr(padded, 1, length(padded) - pad);
      end if;
    end if;
  end if;
  -- one place for every failure: the line of an error, which its context tells, is the same too
  raise exception using errcode = 'VS500', message = 'the value can''t be opened';
end $$;
comment on function vault.aead_decrypt is 'Opens what aead_encrypt made. One error for every failure: VS500.';

-- for the vectors of RFC 7518 appendix B.3, with keys of one's own
grant execute on function vault.aead_encrypt, vault.aead_decrypt to vs_dba;

create function vault.pack(key bytea, aad bytea, plaintext bytea) returns bytea
language plpgsql volatile parallel safe set search_path = '' as $$
declare
  iv bytea := extensions.gen_random_bytes(16);
  ct bytea;
begin
  if plaintext is null then return null; end if;
  -- NULL in, NULL out: without this, a missing key would lose the value, and a short one seal it with AES-128
  if (length(key) = 64 and aad is not null) is not true then
    raise exception using errcode = 'VS500', message = 'the value can''t be sealed: key or place are missing';
  end if;
  ct := extensions.encrypt_iv(plaintext, substr(key, 33, 32), iv, 'aes-cbc/pad:pkcs');
  return '\x01'::bytea || iv || ct
    || substr(extensions.hmac(aad || iv || ct || int8send(length(aad)::bigint * 8), substr(key, 1, 32), 'sha512'), 1, 32);
end $$;
comment on function vault.pack is 'Stored value: 0x01 ‖ IV(16) ‖ ciphertext ‖ tag(32), see docs/formats.md. NULL stays NULL. Errors: VS500.';

create function vault.unpack(key bytea, aad bytea, value bytea) returns bytea
language plpgsql immutable parallel safe set search_path = '' as $$
begin
  if value is null then return null; end if;
  -- an unknown version or a stump has no tag, which is refused where every other failure is
  return vault.aead_decrypt(key, substr(value, 2, 16), aad, substr(value, 18, greatest(length(value) - 49, 0)),
    case when length(value) >= 65 and get_byte(value, 0) = 1 then substr(value, length(value) - 31) end);
end $$;
comment on function vault.unpack is 'Opens a stored value. NULL stays NULL. Errors: VS500.';

-- ---------------------------------------------------------------- the secret of this database

create table vault.secrets (
  name   text primary key check (name = 'session'),
  value  bytea not null check (length(value) = 64)
);
comment on table vault.secrets is 'Seals what is put into transaction-local settings (identity, keys). Nothing stored depends on it: a superuser may replace it at any time, and everybody reconnects.';
alter table vault.secrets enable row level security;
alter table vault.secrets force row level security;
create policy select_owner on vault.secrets for select to vs_owner using (true);
comment on policy select_owner on vault.secrets is 'The sealing functions alone.';
create policy insert_owner on vault.secrets for insert to vs_owner with check (true);
comment on policy insert_owner on vault.secrets is 'Made once, by this migration.';
insert into vault.secrets values ('session', extensions.gen_random_bytes(64));

-- ---------------------------------------------------------------- the ring of master keys

create table vault.masters (
  id             text primary key check (id ~ '^[A-Za-z0-9_-]{1,32}$'),
  check_value    bytea not null check (length(check_value) = 16),
  added_at       timestamptz not null default clock_timestamp(),
  -- the one with the latest of these is what everything shall stand under (0220_key_rotation)
  current_since  timestamptz,
  retired_at     timestamptz,
  -- what foreign keys refer to: a retired key wraps nothing and indexes nothing, whoever writes
  active         boolean not null default true check (active = (retired_at is null)),
  unique (id, active)
);
comment on table vault.masters is 'Which master keys this database has seen: a check value of each, never the key.';
alter table vault.masters enable row level security;
alter table vault.masters force row level security;
create policy select_owner on vault.masters for select to vs_owner using (true);
comment on policy select_owner on vault.masters is 'vault.check_ring compares.';
create policy insert_owner on vault.masters for insert to vs_owner with check (true);
comment on policy insert_owner on vault.masters is 'vault.check_ring at the first start, vault.add_master afterwards.';
create policy update_owner on vault.masters for update to vs_owner using (true) with check (true);
comment on policy update_owner on vault.masters is 'vault.promote and vault.retire; what may change, the trigger says.';
-- no delete: a key that is over is retired, and known for ever

create function vault.tg_masters__keep() returns trigger
language plpgsql set search_path = '' as $$
begin
  if tg_op <> 'UPDATE' then
    raise exception using errcode = 'VS403', message = 'a master key is retired, not removed: vault.retire';
  end if;
  if (new.id, new.check_value, new.added_at) is distinct from (old.id, old.check_value, old.added_at) then
    raise exception using errcode = 'VS403', message = 'a master key stays what it is: add another one';
  end if;
  if old.retired_at is not null then
    raise exception using errcode = 'VS403', message = 'a master key that was retired stays retired: add another one';
  end if;
  return new;
end $$;
create trigger _100_keep before update or delete on vault.masters for each row execute function vault.tg_masters__keep();
create trigger _101_no_truncate before truncate on vault.masters for each statement execute function vault.tg_masters__keep();

-- the names alone: '' stands for an entry that has none, so that no error quotes what may be a piece of a key
create function vault.ring_names(ring text) returns text[]
language sql immutable parallel safe set search_path = '' as $$
  select array(select coalesce(substring(entry from '^([A-Za-z0-9_-]{1,32})='), '')
               from unnest(string_to_array(ring, ',')) with ordinality e (entry, place) order by place)
$$;
comment on function vault.ring_names is 'The names of the master keys in the ring `id=base64(64 bytes),…`, in its order.';

create function vault.master(ring text, id text) returns bytea
language plpgsql immutable parallel unsafe set search_path = '' as $$
declare
  encoded text := split_part(split_part(',' || ring, ',' || id || '=', 2), ',', 1);
  key bytea;
begin
  begin
    key := decode(encoded, 'base64');
  exception when others then
    key := null;  -- the text of that error would hold the key
  end;
  if (length(key) = 64) is not true then
    raise exception using errcode = 'VS503', message = case
      when id <> '' and position(',' || id || '=' in ',' || ring) = 0 then format('master key %s is not in VITAL_KEYS', id)
      -- nothing of it is quoted: it may be a key
      else 'VITAL_KEYS isn''t of the form name=base64 of 64 bytes, with commas between' end;
  end if;
  return key;
end $$;
comment on function vault.master is 'One key of the ring `id=base64(64 bytes),…`. Errors: VS503.';

create function vault.current_master(ring text) returns text
language sql immutable parallel safe set search_path = '' as $$
  select coalesce(substring(ring from '^([A-Za-z0-9_-]{1,32})='), '')
$$;
comment on function vault.current_master is 'The name of the first key of the ring, which wraps what is new.';

-- RFC 5869 §2.3 with one block; the extract step may be left out for a key that is uniformly random (§3.3)
create function vault.derive(master bytea, label text) returns bytea
language plpgsql immutable parallel safe set search_path = '' as $$
begin
  return extensions.hmac(convert_to('vitalsync/' || label, 'UTF8') || '\x01'::bytea, master, 'sha512');
end $$;
comment on function vault.derive is 'HKDF-Expand (RFC 5869) with SHA-512, one block: 64 bytes for each label.';

create function vault.check_value(master bytea) returns bytea
language sql immutable parallel safe set search_path = '' as $$ select substr(vault.derive(master, 'check'), 1, 16) $$;
comment on function vault.check_value is 'What is kept of a master key, to know it again: 16 bytes that nothing else follows from.';

create function vault.ring_problem(ring text) returns text
language plpgsql stable set search_path = '' as $$
declare
  names text[] := vault.ring_names(ring);
  name text;
  known vault.masters;
begin
  if coalesce(ring, '') = '' then return 'VITAL_KEYS is missing'; end if;
  foreach name in array names loop
    select * into known from vault.masters m where m.id = name;
    if vault.check_value(vault.master(ring, name)) is distinct from known.check_value then
      return case when known.id is null
        then format('VITAL_KEYS has a master key %s that this database doesn''t know (vitalsync keys add registers one)', name)
        else format('master key %s is not the one that this database was sealed with', name) end;
    end if;
    if not known.active and name = names[1] then
      return format('master key %s was retired: it can''t stand first in VITAL_KEYS', name);
    end if;
  end loop;
  for known in select * from vault.masters m where m.active and m.id <> all (names) order by m.added_at loop
    if exists (select from vault.keys k where k.master = known.id) or exists (select from vault.keys k where k.indexed = known.id) then
      return format('VITAL_KEYS lacks master key %s, under which something still stands', known.id);
    end if;
  end loop;
  return null;
exception when sqlstate 'VS503' then
  return sqlerrm;  -- of vault.master, which quotes no key
end $$;
comment on function vault.ring_problem is 'What is wrong with the ring, as a sentence; NULL when it opens all that is here. Changes nothing.';

create function vault.check_ring(ring text) returns text
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
begin
  -- a new database takes the keys that it is started with; later ones come by vault.add_master
  if not exists (select from vault.masters) and '' <> all (vault.ring_names(ring)) then
    insert into vault.masters (id, check_value, current_since)
    select n.name, vault.check_value(vault.master(ring, n.name)), case n.place when 1 then clock_timestamp() end
    from unnest(vault.ring_names(ring)) with ordinality n (name, place)
    on conflict (id) do nothing;
  end if;
  return coalesce(vault.ring_problem(ring), 'ok');
exception when sqlstate 'VS503' then
  return sqlerrm;
end $$;
comment on function vault.check_ring is 'Compares the ring with the keys that this database knows: ok, or a sentence that says what is wrong. For the administrator at start.';
-- no grant: the administrator calls it as vs_owner

create function vault.require_ring(ring text) returns void
language plpgsql volatile set search_path = '' as $$
declare
  answer text := vault.check_ring(ring);
begin
  if answer <> 'ok' then raise exception using errcode = 'VS503', message = answer; end if;
end $$;
comment on function vault.require_ring is 'check_ring as an error, before something new is sealed. Internal. Errors: VS503.';

create function vault.require_known_ring(ring text) returns void
language plpgsql stable set search_path = '' as $$
declare
  problem text := vault.ring_problem(ring);
begin
  if problem is not null then raise exception using errcode = 'VS503', message = problem; end if;
end $$;
comment on function vault.require_known_ring is 'The same where nothing may be registered: signing in, rotation. Internal. Errors: VS503.';

-- ---------------------------------------------------------------- keys of patients, people and organisations

create table vault.keys (
  subject_id       uuid not null,
  level            text not null check (level in ('identity', 'clinical', 'profile', 'organisation', 'glass')),
  organisation_id  uuid not null,
  master           text not null,
  wrapped          bytea not null,
  -- under which master key the subject is found: a patient's search tokens, an account's e-mail index
  indexed          text check ((indexed is not null) = (level in ('identity', 'profile'))),
  -- with it, the foreign keys say that nothing stands under a master key that was retired
  active           boolean not null default true check (active),
  created_at       timestamptz not null default clock_timestamp(),
  primary key (subject_id, level),
  foreign key (master, active) references vault.masters (id, active),
  foreign key (indexed, active) references vault.masters (id, active)
);
comment on table vault.keys is 'A patient has an identity and a clinical key, an account a profile key, an organisation one for its log, a broken glass one for its reason; each wrapped with a master key.';
-- "what does this master key still wrap, of which organisation?"
create index keys_master on vault.keys (master, active, organisation_id);
-- "what is still found by this master key?"
create index keys_indexed on vault.keys (indexed, active, organisation_id) where indexed is not null;
-- what an organisation holds, for its erasure
create index keys_organisation on vault.keys (organisation_id);
alter table vault.keys enable row level security;
alter table vault.keys force row level security;
create policy select_owner on vault.keys for select to vs_owner using (true);
comment on policy select_owner on vault.keys is 'Release and sealing, after their own checks.';
create policy insert_owner on vault.keys for insert to vs_owner with check (true);
comment on policy insert_owner on vault.keys is 'vault.create_key, when a patient, an account or an organisation is created.';
create policy delete_owner on vault.keys for delete to vs_owner using (true);
comment on policy delete_owner on vault.keys is 'Erasure destroys keys.';
create policy update_owner on vault.keys for update to vs_owner using (true) with check (true);
comment on policy update_owner on vault.keys is 'Rotation wraps anew; what may change, the trigger says.';

create function vault.tg_keys__keep() returns trigger
language plpgsql set search_path = '' as $$
begin
  if (new.subject_id, new.level, new.organisation_id, new.created_at) is distinct from (old.subject_id, old.level, old.organisation_id, old.created_at)
     or (new.master = old.master and new.wrapped <> old.wrapped) then
    raise exception using errcode = 'VS403', message = 'a key is wrapped anew under another master key, and never replaced';
  end if;
  return new;
end $$;
create trigger _100_keep before update on vault.keys for each row execute function vault.tg_keys__keep();

create function vault.wrap_aad(subject uuid, level text, master text) returns bytea
language plpgsql immutable parallel safe set search_path = '' as $$
begin
  return convert_to('vault.keys/' || level || '/' || master, 'UTF8') || '\x00'::bytea || uuid_send(subject);
end $$;

create function vault.create_key(ring text, subject uuid, level text, organisation uuid) returns bytea
language plpgsql volatile set search_path = '' as $$
declare
  first text := vault.current_master(ring);
  master_key bytea := vault.master(ring, first);
  key bytea := extensions.gen_random_bytes(64);
begin
  -- what a wrong key wraps, nobody could open
  if not exists (select from vault.masters m where m.id = first and m.active and m.check_value = vault.check_value(master_key)) then
    raise exception using errcode = 'VS503', message = 'VITAL_KEYS doesn''t begin with a master key of this database';
  end if;
  insert into vault.keys (subject_id, level, organisation_id, master, wrapped, indexed)
  values (subject, create_key.level, organisation, first,
          vault.pack(vault.derive(master_key, 'wrap'), vault.wrap_aad(subject, create_key.level, first), key),
          case when create_key.level in ('identity', 'profile') then first end);
  return key;
end $$;
comment on function vault.create_key is 'Makes, wraps and stores a key; gives it to the caller, a function of the owner that seals with it. Internal. Errors: VS503.';

create function vault.unwrap(ring text, subject uuid, level text) returns bytea
language plpgsql stable set search_path = '' as $$
declare
  k vault.keys;
begin
  select * into k from vault.keys v where v.subject_id = subject and v.level = unwrap.level;
  if not found then
    raise exception using errcode = 'VS404', message = 'there is no such record here';
  end if;
  return vault.unpack(vault.derive(vault.master(ring, k.master), 'wrap'), vault.wrap_aad(subject, k.level, k.master), k.wrapped);
end $$;
comment on function vault.unwrap is 'The key itself. Internal: it checks nothing. Errors: VS404 (unknown or erased), VS500, VS503.';

-- ---------------------------------------------------------------- what a session carries

-- Declared immutable on purpose: it is folded into the plans of the functions that use it, so that a backend reads the
-- secret once and not at every row. After the secret was replaced, reconnect.
create function vault.session_secret() returns bytea
language sql immutable set search_path = '' as $$ select value from vault.secrets where name = 'session' $$;

-- Bound to the backend, the transaction and the identity, so that it can't be replayed in another.
create function vault.session_aad(purpose text) returns bytea
language plpgsql stable parallel restricted set search_path = '' as $$
begin
  return convert_to(purpose || current_setting('vs.claims', true), 'UTF8') || int4send(pg_backend_pid()) || timestamptz_send(now());
end $$;

create function vault.ring() returns text
language plpgsql stable set search_path = '' as $$
begin
  return convert_from(vault.unpack(vault.session_secret(), vault.session_aad('ring'),
                                   decode(current_setting('vs.keys', true), 'base64')), 'UTF8');
exception when others then
  -- no cause is told, and none of these errors may quote the setting
  raise exception using errcode = 'VS401', message = 'no keys in this transaction: call iam.enter';
end $$;
comment on function vault.ring is 'The ring that iam.enter sealed into this transaction. Internal. Errors: VS401.';

create function vault.set_ring(ring text) returns void
language plpgsql volatile set search_path = '' as $$
begin
  perform set_config('vs.keys', translate(encode(vault.pack(vault.session_secret(), vault.session_aad('ring'),
    convert_to(ring, 'UTF8')), 'base64'), E'\n', ''), true);
end $$;

-- ---------------------------------------------------------------- release: promise 4

create function vault.require_session(claims text[]) returns void
language plpgsql volatile set search_path = '' as $$
begin
  if claims is null then
    raise exception using errcode = 'VS401', message = 'no identity in this transaction: call iam.enter';
  end if;
  -- time stands still inside a transaction: an old one could outlive its session or its opening
  if clock_timestamp() - now() > interval '30 seconds' or current_setting('transaction_isolation') <> 'read committed' then
    raise exception using errcode = 'VS428', message = 'records open in a read committed transaction younger than 30 seconds';
  end if;
  if not iam.session_is_live(claims[1]::uuid) then
    raise exception using errcode = 'VS401', message = 'the session has ended: sign in again';
  end if;
end $$;
comment on function vault.require_session is 'What holds for every key that is let go: a live session, in a young transaction. Internal. Errors: VS401, VS428.';

create function vault.release(patient uuid, level text) returns bytea
language plpgsql volatile parallel unsafe security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
begin
  perform vault.require_session(c);
  -- an opening isn't a permission: access is asked again, here and now
  if not access.may_open(c, patient, level) then
    raise exception using errcode = 'VS404', message = 'there is no such record here';
  end if;
  if not audit.is_open(c[1]::uuid, patient, level) then
    raise exception using errcode = 'VS428',
      message = 'no committed record of this access: call audit.open_… in an earlier transaction';
  end if;
  -- through a broken glass each row asks again: no slot keeps the key for the rest of the transaction
  if c[9] is not null
     or (c[6] is null and level = 'clinical' and access.way_in(c[4], c[2]::uuid, c[3]::uuid, c[5]::uuid, patient) = 'glass') then
    perform set_config('vs.slot', 'glass', true);
  end if;
  return vault.unwrap(vault.ring(), patient, level);
end $$;
comment on function vault.release is 'A patient''s key, for functions of the owner, after every check. Errors: VS401, VS404, VS428.';
-- no grant: only vault.open and the write functions call it

create function vault.set_slot(place text, content bytea) returns void
language plpgsql volatile set search_path = '' as $$
declare
  iv bytea := extensions.gen_random_bytes(16);
  sealed bytea := iv || extensions.encrypt_iv(content, substr(vault.session_secret(), 33, 32), iv, 'aes-cbc/pad:pkcs');
begin
  perform set_config('vs.slot', place || translate(encode(sealed || extensions.hmac(
    sealed || int4send(pg_backend_pid()) || timestamptz_send(now()) || convert_to(place || current_setting('vs.claims', true), 'UTF8'),
    substr(vault.session_secret(), 1, 32), 'sha256'), 'base64'), E'\n', ''), true);
end $$;
comment on function vault.set_slot is 'Keeps a key, sealed, for this transaction, identity, patient and level. Internal.';

-- HMAC (RFC 2104) is H(K ⊕ opad ‖ H(K ⊕ ipad ‖ m)). With both blocks made once for a key, each of its values costs two
-- calls of the built-in sha512, a tenth less than pgcrypto's hmac takes.
create function vault.mac_blocks(mac_key bytea) returns bytea
language plpgsql immutable parallel safe set search_path = '' as $$
declare
  bits bit(256) := ('x' || encode(mac_key, 'hex'))::bit(256);
begin
  -- bit_send: four bytes of length, then the bits
  return substr(bit_send(bits # repeat('00110110', 32)::bit(256)), 5) || decode(repeat('36', 96), 'hex')
      || substr(bit_send(bits # repeat('01011100', 32)::bit(256)), 5) || decode(repeat('5c', 96), 'hex');
end $$;
comment on function vault.mac_blocks is 'K ⊕ ipad ‖ K ⊕ opad for a MAC key of 32 bytes and SHA-512''s blocks of 128. Internal.';

-- The ciphers are written out rather than called: these are the product's hottest lines (docs/performance.md), and the
-- tests hold them against aead_decrypt.
create function vault.open_values(blocks bytea, key bytea, bound bytea, labels bytea[], sealed bytea[]) returns text[]
language plpgsql volatile set search_path = '' as $$
declare
  inner_block bytea := substr(blocks, 1, 128);
  outer_block bytea := substr(blocks, 129, 128);
  body bytea;
  v bytea;
  n int;
  opened text[];
begin
  for i in 1 .. cardinality(sealed) loop
    v := sealed[i];
    if v is null then
      opened[i] := null;
      continue;
    end if;
    n := length(v);
    body := labels[i] || bound;
    if (n >= 65 and get_byte(v, 0) = 1
        and sha256(key || substr(v, n - 31)) = sha256(key || substr(sha512(outer_block || sha512(
              inner_block || body || substr(v, 2, n - 33) || int8send(length(body)::bigint * 8))), 1, 32))) is not true then
      raise exception using errcode = 'VS500', message = 'the value can''t be opened';
    end if;
    opened[i] := convert_from(extensions.decrypt_iv(substr(v, 18, n - 49), key, substr(v, 2, 16), 'aes-cbc/pad:pkcs'), 'UTF8');
  end loop;
  return opened;
end $$;
comment on function vault.open_values is 'The values of one row. blocks: vault.mac_blocks of the key''s MAC half; key: its other half; bound: what follows the label in the AAD. Internal. Errors: VS500.';

create function vault.open_value(blocks bytea, key bytea, aad bytea, sealed bytea) returns bytea
language plpgsql volatile set search_path = '' as $$
declare
  n int := length(sealed);
begin
  if (n >= 65 and get_byte(sealed, 0) = 1
      and sha256(key || substr(sealed, n - 31)) = sha256(key || substr(sha512(substr(blocks, 129, 128) || sha512(
            substr(blocks, 1, 128) || aad || substr(sealed, 2, n - 33) || int8send(length(aad)::bigint * 8))), 1, 32))) is not true then
    raise exception using errcode = 'VS500', message = 'the value can''t be opened';
  end if;
  return extensions.decrypt_iv(substr(sealed, 18, n - 49), key, substr(sealed, 2, 16), 'aes-cbc/pad:pkcs');
end $$;
comment on function vault.open_value is 'vault.unpack for many values under one key: blocks of vault.mac_blocks, key the other half. Internal. Errors: VS500.';

-- The key of the patient on the page is asked for row after row: it waits, sealed (encrypted, then MAC), in one
-- transaction-local slot. Parallel unsafe: beside workers nobody may set a slot.
create function vault.open(level text, row_id uuid, patient uuid, version bigint, context bytea, labels bytea[], sealed bytea[])
returns text[]
language plpgsql volatile parallel unsafe security definer set search_path = '' set debug_print_plan = off as $$
declare
  slot text := current_setting('vs.slot', true);
  place text := level || patient::text;
  key bytea;
  v bytea;
begin
  if level is null or patient is null then return null; end if;
  if starts_with(slot, place) and clock_timestamp() - now() < interval '30 seconds' then
    v := decode(substr(slot, length(place) + 1), 'base64');
    if (length(v) = 352 and sha256(vault.session_secret() || substr(v, 321)) = sha256(vault.session_secret() || extensions.hmac(
          substr(v, 1, 320) || int4send(pg_backend_pid()) || timestamptz_send(now())
            || convert_to(place || current_setting('vs.claims', true), 'UTF8'),
          substr(vault.session_secret(), 1, 32), 'sha256'))) is not true then
      raise exception using errcode = 'VS500', message = 'the value can''t be opened';
    end if;
    v := extensions.decrypt_iv(substr(v, 17, 304), substr(vault.session_secret(), 33, 32), substr(v, 1, 16), 'aes-cbc/pad:pkcs');
    key := substr(v, 257);
  else
    key := vault.release(patient, level);
    v := vault.mac_blocks(substr(key, 1, 32));
    key := substr(key, 33, 32);
    if level = 'clinical' and current_setting('vs.slot', true) is distinct from 'glass' then perform vault.set_slot(place, v || key); end if;
  end if;
  return vault.open_values(v, key, '\x00'::bytea || uuid_send(row_id) || uuid_send(patient) || int8send(version) || context, labels, sealed);
end $$;
comment on function vault.open is 'Opens the sealed columns of one row: `labels` are schema.table.column in UTF-8, `context` the clear columns that the values are bound to. Errors: VS401, VS404, VS428, VS500.';
grant execute on function vault.open to vs_patient, vs_clinician, vs_secretary;

-- ---------------------------------------------------------------- sealing

create function vault.seal(key bytea, row_id uuid, patient uuid, version bigint, context bytea, label text, plaintext text)
returns bytea
language plpgsql volatile set search_path = '' as $$
begin
  return case when plaintext is null then null else
    vault.pack(key, convert_to(label, 'UTF8') || '\x00'::bytea || uuid_send(row_id) || uuid_send(patient)
                    || int8send(version) || context, convert_to(plaintext, 'UTF8')) end;
end $$;
comment on function vault.seal is 'A stored value for this place. Internal: the write functions call it with a key they were given.';

create function vault.writing_key(patient uuid, level text) returns bytea
language plpgsql volatile set search_path = '' as $$
declare
  c text[] := access.claims();
begin
  -- the import can seal and not open, so it needs no opening: nothing is shown to it
  if c[4] = 'import' and access.organisation_of(patient) = c[3]::uuid and iam.session_is_live(c[1]::uuid) then
    return vault.unwrap(vault.ring(), patient, level);
  end if;
  return vault.release(patient, level);
end $$;
comment on function vault.writing_key is 'The key that a write function seals with. Internal. Errors: those of release.';

reset role;
