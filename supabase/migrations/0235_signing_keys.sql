-- Signing keys: whose signatures checkpoints bear, and since when. Private halves are outside; the edge or machine that
-- seals has them (db/keys.ts).
--
-- Guarantees
--   1. A key signs only after the log says so: the signer registers it first, and the event is in what it signs.
--   2. A key that was retired never comes back, and the log is never left without one.
--   3. Recorded however it is done; nothing here is removed.

set role vs_owner;

create table audit.signing_keys (
  -- Ed25519
  public_key  bytea primary key check (length(public_key) = 32),
  since       timestamptz not null default clock_timestamp(),
  retired_at  timestamptz
);
comment on table audit.signing_keys is 'Every key that ever signed this log.';
alter table audit.signing_keys enable row level security;
alter table audit.signing_keys force row level security;
create policy select_owner on audit.signing_keys for select to vs_owner using (true);
comment on policy select_owner on audit.signing_keys is 'audit.register_signing_keys compares.';
create policy insert_owner on audit.signing_keys for insert to vs_owner with check (true);
comment on policy insert_owner on audit.signing_keys is 'audit.register_signing_keys.';
create policy update_owner on audit.signing_keys for update to vs_owner using (true) with check (true);
comment on policy update_owner on audit.signing_keys is 'audit.register_signing_keys; what may change, the trigger says.';
create policy select_dba on audit.signing_keys for select to vs_dba using (true);
comment on policy select_dba on audit.signing_keys is 'Public halves: `vitalsync keys signing` and the DBA guide.';
grant select on audit.signing_keys to vs_dba;

create function audit.tg_signing_keys__keep() returns trigger
language plpgsql set search_path = '' as $$
begin
  if tg_op = 'UPDATE' and new.public_key = old.public_key and new.since = old.since and old.retired_at is null then return new; end if;
  raise exception using errcode = 'VS403', message = 'a signing key stays on record as it is; one that is in use can be retired, once';
end $$;
comment on function audit.tg_signing_keys__keep is 'Retiring is the one change.';
create trigger _100_keep before update on audit.signing_keys for each row execute function audit.tg_signing_keys__keep();
create trigger _101_no_removal before delete or truncate on audit.signing_keys for each statement execute function audit.tg_signing_keys__keep();

create function audit.tg_signing_keys__record() returns trigger
language plpgsql set search_path = '' as $$
begin
  perform audit.append(array_fill(null::text, array[8]), case when tg_op = 'INSERT' then 'keys.add' else 'keys.retire' end,
    'SigningKey', null, null, 'success', json_build_object('public_key', encode(new.public_key, 'base64'))::text);
  return null;
end $$;
comment on function audit.tg_signing_keys__record is 'In the log of the installation: keys.add or keys.retire, and the public half.';
create trigger _900_audit after insert or update on audit.signing_keys for each row execute function audit.tg_signing_keys__record();

create function audit.register_signing_keys(signs bytea[], retired bytea[]) returns void
language plpgsql volatile set search_path = '' as $$
begin
  if cardinality(signs) > 0 is not true then
    raise exception using errcode = 'VS422', message = 'a log needs a key that signs';
  end if;
  insert into audit.signing_keys (public_key) select distinct k from unnest(signs) k on conflict do nothing;
  if exists (select from audit.signing_keys k where k.public_key = any (signs) and k.retired_at is not null) then
    raise exception using errcode = 'VS409', message = 'a signing key of VITAL_SIGNING_KEY was retired, and signs no more: vitalsync keys signing shows which';
  end if;
  update audit.signing_keys k set retired_at = clock_timestamp() where k.public_key = any (retired) and k.retired_at is null;
end $$;
comment on function audit.register_signing_keys is 'Registers the keys that are about to sign, and ends those that don''t any more; nothing for what is so. As vs_owner. Errors: VS409 for one that was retired, VS422 for none.';

reset role;
