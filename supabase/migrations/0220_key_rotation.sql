-- Rotation: another master key takes over while the record serves.
--
-- Guarantees
--   1. Adding, promoting and retiring a master key are recorded, however they are done.
--   2. After a rotation every key is wrapped, and every patient and account found, under the new master; no row of the
--      record itself is rewritten, and no name, address or key leaves the vault on the way.
--   3. It goes in batches, each a transaction: stopped anywhere, everything opens, and the next run goes on. Several at
--      once don't harm each other; one towards another key ends those before it.
--   4. A key that doesn't open stops its batch, which says whose it is and changes nothing.
--   5. A master key under which something stands, or that an edge still puts first, isn't retired.
--
-- What the database can't know: an edge that nobody came through for two minutes, and what its environment holds. It
-- sees the names of a ring when a session is heard of after a minute, and at sign-in. Whoever runs several edges gives
-- them the new key before they rotate (docs/dba.md, yearly key change).

set role vs_owner;

create table vault.rings (
  -- in their order, commas between: names, never keys
  names    text primary key check (length(names) <= 400),
  seen_at  timestamptz not null default clock_timestamp()
) with (fillfactor = 50);
comment on table vault.rings is 'Which rings edges have shown, and when last: names of master keys.';
alter table vault.rings enable row level security;
alter table vault.rings force row level security;
create policy all_owner on vault.rings to vs_owner using (true) with check (true);
comment on policy all_owner on vault.rings is 'vault.saw_ring writes, rotation asks, upkeep clears.';

create function vault.saw_ring(ring text) returns void
language plpgsql volatile set search_path = '' as $$
declare
  shown text := array_to_string(vault.ring_names(ring), ',');
  latest timestamptz := (select r.seen_at from vault.rings r where r.names = shown);
begin
  if latest > clock_timestamp() - interval '10 seconds' or length(shown) > 400 then return; end if;
  if latest is null then
    insert into vault.rings (names) values (shown) on conflict (names) do nothing;
    return;
  end if;
  -- nobody waits for it
  update vault.rings r set seen_at = clock_timestamp()
  where r.ctid = (select x.ctid from vault.rings x where x.names = shown for update skip locked);
end $$;
comment on function vault.saw_ring is 'Notes which master keys an edge has. Internal: iam.admit, once a minute for a session, and sign-in.';

-- ---------------------------------------------------------------- 1: the record of it

create function vault.tg_masters__record() returns trigger
language plpgsql set search_path = '' as $$
begin
  if tg_op = 'INSERT' or new.current_since is distinct from old.current_since or new.active <> old.active then
    perform audit.append(array_fill(null::text, array[8]),
      case when tg_op = 'INSERT' then 'keys.add' when not new.active then 'keys.retire' else 'keys.rotate' end,
      'MasterKey', null, null, 'success',
      json_build_object('master', new.id, 'check', encode(sha256(new.check_value), 'hex'), 'current', new.current_since is not null)::text);
  end if;
  return null;
end $$;
comment on function vault.tg_masters__record is 'In the log of the installation: keys.add, keys.rotate or keys.retire, the name, and a digest of the check value.';
create trigger _900_audit after insert or update on vault.masters for each row execute function vault.tg_masters__record();

-- A batch is one statement and one event, which names every row and its digest as audit.tg_row would: an event for each
-- would cost five times the work itself (docs/performance.md). Rows gather in a setting until the statement ends.
create function vault.tg_keys__gather() returns trigger
language plpgsql set search_path = '' set bytea_output = 'hex' set timezone = 'UTC' set datestyle = 'ISO, YMD' as $$
declare
  gathered text := current_setting('vs.renewed', true);
begin
  if left(gathered, 36) <> new.organisation_id::text then
    perform vault.record_renewal();
    gathered := null;
  end if;
  perform set_config('vs.renewed', coalesce(nullif(gathered, '') || ', ', new.organisation_id::text) || '"' || new.subject_id || '/' || new.level || '": "'
    || encode(sha256(convert_to(to_jsonb(new)::text, 'UTF8')), 'hex') || '"', true);
  return null;
end $$;

create function vault.record_renewal() returns void
language plpgsql volatile set search_path = '' as $$
declare
  gathered text := nullif(current_setting('vs.renewed', true), '');
begin
  if gathered is null then return; end if;
  perform set_config('vs.renewed', '', true);
  perform audit.append(array[null, null, left(gathered, 36), null, null, null, null, null], 'keys.rotate', 'Key', null, null, 'success',
    '{"rows": {' || substr(gathered, 37) || '}}');
end $$;
comment on function vault.record_renewal is 'One event for the keys that a statement renewed: their subjects, levels and digests. Internal.';

create function vault.tg_keys__record() returns trigger
language plpgsql set search_path = '' as $$
begin
  perform vault.record_renewal();
  return null;
end $$;
create trigger _901_audit after update on vault.keys for each row execute function vault.tg_keys__gather();
create trigger _902_audit after update on vault.keys for each statement execute function vault.tg_keys__record();

-- ---------------------------------------------------------------- add, promote

create function vault.promoted() returns text
language sql stable set search_path = '' as $$
  select m.id from vault.masters m where m.active and m.current_since is not null order by m.current_since desc limit 1
$$;
comment on function vault.promoted is 'The master key under which everything shall stand.';

create function vault.add_master(name text, key bytea) returns void
language plpgsql volatile set search_path = '' as $$
declare
  known vault.masters;
begin
  if (name ~ '^[A-Za-z0-9_-]{1,32}$' and length(key) = 64) is not true then
    raise exception using errcode = 'VS422', message = 'a master key has a name of 1 to 32 letters, digits, - or _, and 64 bytes';
  end if;
  select * into known from vault.masters m where m.id = name;
  if known.check_value = vault.check_value(key) and known.active then return; end if;
  if known.id is not null then
    raise exception using errcode = 'VS409', message = format('there was a master key %s already: give another name', name);
  end if;
  insert into vault.masters (id, check_value) values (name, vault.check_value(key));
end $$;
comment on function vault.add_master is 'Registers the check value of a new master key; the key itself isn''t kept. Nothing for one that is here. As vs_owner. Errors: VS409 for a name that was used, VS422.';

create function vault.promote(ring text, target text) returns void
language plpgsql volatile set search_path = '' as $$
begin
  perform vault.require_known_ring(ring);
  if target <> all (vault.ring_names(ring)) or not exists (select from vault.masters m where m.id = target and m.active) then
    raise exception using errcode = 'VS422', message = format('master key %s isn''t one of VITAL_KEYS that is in use', target);
  end if;
  if vault.promoted() is distinct from target then
    update vault.masters set current_since = clock_timestamp() where id = target;
  end if;
end $$;
comment on function vault.promote is 'Begins a rotation: from now on everything shall stand under this key. Nothing if that is so. As vs_owner. Errors: VS422, VS503.';

-- Whom a rotation would lock out, in words; NULL: nobody that the database knows of.
create function vault.not_ready(target text, quiet interval default interval '2 minutes') returns text
language plpgsql stable set search_path = '' as $$
declare
  m vault.masters;
  r vault.rings;
begin
  select * into m from vault.masters x where x.id = target;
  -- an edge that watches its key file has read it by then
  if m.added_at > clock_timestamp() - least(quiet, interval '5 seconds') then return format('master key %s was added a moment ago', target); end if;
  select * into r from vault.rings x
  where x.seen_at > clock_timestamp() - quiet and target <> all (string_to_array(x.names, ',')) order by x.seen_at desc limit 1;
  if found then
    return format('an edge had no master key %s %s seconds ago (it had %s)', target, extract(epoch from clock_timestamp() - r.seen_at)::int, r.names);
  end if;
  if exists (select from iam.sessions s where s.role = 'import' and s.created_at < m.added_at and iam.session_is_live(s.id)) then
    return format('an import that began before master key %s was added has not ended (one that was killed counts for 12 hours)', target);
  end if;
  return null;
end $$;
comment on function vault.not_ready is 'Why a rotation to this key would make requests fail: an edge, seen within `quiet`, or an import without the key. As vs_owner.';

-- ---------------------------------------------------------------- 2, 3, 4: renewal, a batch at a time

create function vault.require_target(ring text, target text) returns void
language plpgsql stable set search_path = '' as $$
begin
  perform vault.require_known_ring(ring);
  if vault.promoted() is distinct from target then
    raise exception using errcode = 'VS409', message = format('a rotation to master key %s has begun: this one ends', vault.promoted());
  end if;
end $$;
comment on function vault.require_target is 'Before each batch. Internal. Errors: VS409, VS503.';

create function vault.point_at_unopened(wrap_key bytea, master text, organisation uuid) returns void
language plpgsql stable set search_path = '' as $$
declare
  k vault.keys;
begin
  for k in select * from vault.keys x where x.master = point_at_unopened.master and x.active and x.organisation_id = organisation loop
    begin
      perform vault.unpack(wrap_key, vault.wrap_aad(k.subject_id, k.level, k.master), k.wrapped);
    exception when sqlstate 'VS500' then
      raise exception using errcode = 'VS500', message = format(
        'the %s key of %s can''t be opened with master key %s: somebody changed it. Its batch is as it was', k.level, k.subject_id, k.master);
    end;
  end loop;
end $$;
comment on function vault.point_at_unopened is 'After a batch failed: whose key it was. Internal. Errors: VS500 with the place.';

create function vault.rewrap(ring text, target text, most int default 250) returns int
language plpgsql volatile set search_path = '' as $$
declare
  old_master text;
  old_key bytea;
  new_key bytea := vault.derive(vault.master(ring, target), 'wrap');
  organisation uuid;
  done int;
begin
  perform vault.require_target(ring, target);
  -- one organisation in a transaction, so that it holds one lane of the log
  select v.master, v.organisation_id into old_master, organisation
  from vault.masters m cross join lateral (
    select x.master, x.organisation_id from vault.keys x where x.master = m.id and x.active limit 1 for update skip locked) v
  where m.id <> target and m.active limit 1;
  if not found then return 0; end if;
  old_key := vault.derive(vault.master(ring, old_master), 'wrap');
  begin
    update vault.keys k set master = target, wrapped = vault.pack(new_key, vault.wrap_aad(k.subject_id, k.level, target),
      vault.unpack(old_key, vault.wrap_aad(k.subject_id, k.level, old_master), k.wrapped))
    where k.ctid = any (array(select x.ctid from vault.keys x
      where x.master = old_master and x.active and x.organisation_id = organisation limit most for update skip locked));
    get diagnostics done = row_count;
  exception when sqlstate 'VS500' then
    perform vault.point_at_unopened(old_key, old_master, organisation);
    raise;
  end;
  return done;
end $$;
comment on function vault.rewrap is 'Wraps up to `most` keys of one organisation anew; gives how many, 0 when none is left that nobody else is at. As vs_owner, a transaction each. Errors: VS409, VS500 with the place, VS503.';

create function vault.reindex_patient(ring text, target text, patient uuid) returns void
language plpgsql volatile set search_path = '' as $$
declare
  key bytea := vault.unwrap(ring, patient, 'identity');
  p store.patients;
  bound bytea;
begin
  select * into p from store.patients x where x.id = patient;
  delete from vault.search_tokens t where t.patient_id = patient;
  if p.id is null then return; end if;
  bound := '\x00'::bytea || uuid_send(p.id) || uuid_send(p.id) || int8send(p.version)
    || convert_to(p.identity_status, 'UTF8') || uuid_send(p.organisation_id);
  perform vault.index_under(vault.search_key(ring, target, p.organisation_id), p.organisation_id, p.id, jsonb_build_object(
    'birth_name', convert_from(vault.unpack(key, 'store.patients.birth_name'::bytea || bound, p.birth_name), 'UTF8'),
    'used_name', convert_from(vault.unpack(key, 'store.patients.used_name'::bytea || bound, p.used_name), 'UTF8'),
    'first_given_name', convert_from(vault.unpack(key, 'store.patients.first_given_name'::bytea || bound, p.first_given_name), 'UTF8'),
    'birth_given_names', convert_from(vault.unpack(key, 'store.patients.birth_given_names'::bytea || bound, p.birth_given_names), 'UTF8'),
    'used_given_name', convert_from(vault.unpack(key, 'store.patients.used_given_name'::bytea || bound, p.used_given_name), 'UTF8'),
    'birth_date', convert_from(vault.unpack(key, 'store.patients.birth_date'::bytea || bound, p.birth_date), 'UTF8'),
    'ins_matricule', convert_from(vault.unpack(key, 'store.patients.ins_matricule'::bytea || bound, p.ins_matricule), 'UTF8')));
end $$;
comment on function vault.reindex_patient is 'Search tokens under another master key; what is opened for it doesn''t leave this function. Internal.';

create function vault.reindex_account(ring text, target text, account uuid) returns void
language plpgsql volatile set search_path = '' as $$
declare
  key bytea := vault.unwrap(ring, account, 'profile');
begin
  update iam.accounts a set email_index = (iam.email_indexes(target || '=' || encode(vault.master(ring, target), 'base64'),
    convert_from(vault.unpack(key, iam.profile_aad(account, 'email'), a.email), 'UTF8')))[1]
  where a.id = account;
  -- one that may come back (0345)
  update iam.address_changes c set former_index = (iam.email_indexes(target || '=' || encode(vault.master(ring, target), 'base64'),
    iam.address_of(key, c.id, account, 'former', c.former)))[1]
  where c.account_id = account and c.former is not null;
end $$;
comment on function vault.reindex_account is 'The e-mail index under another master key. Internal.';

create function vault.reindex(ring text, target text, most int default 100) returns int
language plpgsql volatile set search_path = '' as $$
declare
  old_master text;
  organisation uuid;
  k record;
  places tid[] := array[]::tid[];
begin
  perform vault.require_target(ring, target);
  select v.indexed, v.organisation_id into old_master, organisation
  from vault.masters m cross join lateral (
    select x.indexed, x.organisation_id from vault.keys x where x.indexed = m.id and x.active limit 1 for update skip locked) v
  where m.id <> target and m.active limit 1;
  if not found then return 0; end if;
  for k in select v.ctid as place, v.subject_id, v.level from vault.keys v
           where v.indexed = old_master and v.active and v.organisation_id = organisation limit most for update skip locked
  loop
    if k.level = 'identity' then perform vault.reindex_patient(ring, target, k.subject_id);
    else perform vault.reindex_account(ring, target, k.subject_id); end if;
    places := places || k.place;
  end loop;
  update vault.keys v set indexed = target where v.ctid = any (places);
  return cardinality(places);
exception when sqlstate 'VS500' then
  if sqlerrm <> 'the value can''t be opened' then raise; end if;
  raise exception using errcode = 'VS500', message = format(
    'the %s of %s can''t be opened: somebody changed it. Its batch is as it was', k.level, k.subject_id);
end $$;
comment on function vault.reindex is 'Renews what up to `most` patients and accounts of one organisation are found by; gives how many. As vs_owner, a transaction each. Errors: VS409, VS500 with the place, VS503.';

create function vault.left_to_renew(target text, out keys bigint, out indexes bigint)
language sql stable set search_path = '' as $$
  select (select count(*) from vault.keys k where k.master <> target), (select count(*) from vault.keys k where k.indexed <> target)
$$;
comment on function vault.left_to_renew is 'How much doesn''t stand under this master key. As vs_owner.';

-- ---------------------------------------------------------------- 5: retire

create function vault.put_first(name text, quiet interval default interval '2 minutes') returns text
language plpgsql stable set search_path = '' as $$
declare
  r vault.rings;
begin
  if exists (select from vault.masters m where m.id = vault.promoted() and m.current_since > clock_timestamp() - least(quiet, interval '5 seconds')) then
    return 'the last rotation began a moment ago';
  end if;
  select * into r from vault.rings x
  where x.seen_at > clock_timestamp() - quiet and split_part(x.names, ',', 1) = name order by x.seen_at desc limit 1;
  if not found then return null; end if;
  return format('an edge had master key %s first %s seconds ago (it had %s)', name, extract(epoch from clock_timestamp() - r.seen_at)::int, r.names);
end $$;
comment on function vault.put_first is 'Why a retirement would make writes fail: an edge, seen within `quiet`, that wraps what is new with this key. As vs_owner.';

create function vault.retire(name text, quiet interval default interval '2 minutes') returns void
language plpgsql volatile set search_path = '' as $$
declare
  m vault.masters;
  wrapped_by bigint;
  indexed_by bigint;
  why text;
begin
  -- waits for whoever is just wrapping something with it: their foreign key holds the row
  select * into m from vault.masters x where x.id = name for update;
  if not found then
    raise exception using errcode = 'VS422', message = format('there is no master key %s', name);
  end if;
  if not m.active then return; end if;
  if name = vault.promoted() then
    raise exception using errcode = 'VS409', message = format('master key %s is the current one: rotate to another first', name);
  end if;
  wrapped_by := (select count(*) from vault.keys k where k.master = name);
  indexed_by := (select count(*) from vault.keys k where k.indexed = name);
  if wrapped_by + indexed_by > 0 then
    raise exception using errcode = 'VS409', message = format(
      'master key %s still wraps %s keys, and %s patients and accounts are found by it: rotate first', name, wrapped_by, indexed_by);
  end if;
  why := vault.put_first(name, quiet);
  if why is not null then raise exception using errcode = 'VS409', message = why || ': give it the ring of the rotation'; end if;
  update vault.masters x set retired_at = clock_timestamp(), active = false where x.id = name;
end $$;
comment on function vault.retire is 'Ends a master key under which nothing stands; its check value stays. As vs_owner. Errors: VS409 while it is needed, VS422.';

-- ---------------------------------------------------------------- what an administrator looks at

create function vault.masters_status() returns table (id text, current boolean, added_at timestamptz, current_since timestamptz,
  due_at timestamptz, retired_at timestamptz, wraps bigint, indexes bigint)
language sql stable set search_path = '' as $$
  select m.id, m.id is not distinct from vault.promoted(), m.added_at, m.current_since,
         case when m.id = vault.promoted() then m.current_since + interval '1 year' end, m.retired_at,
         (select count(*) from vault.keys k where k.master = m.id), (select count(*) from vault.keys k where k.indexed = m.id)
  from vault.masters m order by m.added_at, m.id
$$;
comment on function vault.masters_status is 'Every master key there was, what stands under it, and when the current one is due. As vs_owner.';

create function vault.days_until_due() returns double precision
language sql stable set search_path = '' as $$
  select extract(epoch from m.current_since + interval '1 year' - clock_timestamp()) / 86400
  from vault.masters m where m.id = vault.promoted()
$$;
comment on function vault.days_until_due is 'A master key serves for a year; negative when it has served longer, NULL before there is one. As vs_owner.';

reset role;
