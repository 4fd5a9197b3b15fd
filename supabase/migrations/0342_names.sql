-- Names: as colleagues and patients see them, put right by their person or, for people who work here, by an administrator.
--
-- Guarantees
--   1. Everybody changes their own name, and nobody else's; an administrator that of somebody who works in the organisation:
--      no patient's and nobody's of another practice. Each on a factor shown within 10 minutes.
--   2. A title (Dr) is the practice's word for somebody: an administrator sets it, its person doesn't.
--   3. The name that was shown before is kept, sealed, with who changed it: whoever takes another's name on is found out.
--      Its person and the administrators of the practice read it.
--   4. Each change is an event, and its person is told. A name holds nothing that hides or turns letters around.

set role vs_owner;

create table iam.former_names (
  id          uuid primary key default ops.uuid_v7(),
  account_id  uuid not null references iam.accounts,
  -- as it was shown
  name        bytea not null,
  ended_at    timestamptz not null default clock_timestamp(),
  changed_by  uuid not null references iam.accounts
);
comment on table iam.former_names is 'Names that people of this installation had before.';
create index former_names_account on iam.former_names (account_id);
create index former_names_changed_by on iam.former_names (changed_by);
alter table iam.former_names enable row level security;
alter table iam.former_names force row level security;
create policy all_owner on iam.former_names to vs_owner using (true) with check (true);
comment on policy all_owner on iam.former_names is 'The functions of this file.';

-- Control characters, and what turns the reading direction or shows as nothing (Unicode TR 36, Default_Ignorable_Code_Point, the
-- empty Braille pattern): a name that looks like another. Nor is one made of spaces alone, of whichever width.
create function iam.is_name(name text, most int) returns boolean
language sql immutable set search_path = '' as $$
  select coalesce(length(btrim(name)) <= most
    and name !~ '[[:cntrl:]<>\u0080-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]'
    and (btrim(name) = '' or name ~ '[^ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]'), false)
$$;
comment on function iam.is_name is 'May this be a name, or a part of one, of `most` letters? Internal.';

-- ---------------------------------------------------------------- changing

create function iam.change_name(c text[], account uuid, profile jsonb) returns void
language plpgsql volatile set search_path = '' as $$
declare
  key bytea := vault.unwrap(vault.ring(), account, 'profile');
  former text := iam.person_name(account);
  entry uuid := ops.uuid_v7();
begin
  if (iam.is_name(profile ->> 'family_name', 100) and btrim(profile ->> 'family_name') <> ''
      and iam.is_name(profile ->> 'given_name', 100) and btrim(profile ->> 'given_name') <> ''
      and iam.is_name(coalesce(profile ->> 'quality', ''), 40)) is not true then
    raise exception using errcode = 'VS422', message = 'a name has a family name and a given name, of letters that can be seen';
  end if;
  update iam.accounts a set
    family_name = vault.seal(key, account, account, 1, '', 'iam.accounts.family_name', normalize(btrim(profile ->> 'family_name'), nfc)),
    given_name = vault.seal(key, account, account, 1, '', 'iam.accounts.given_name', normalize(btrim(profile ->> 'given_name'), nfc)),
    quality = case when profile ? 'quality' then vault.seal(key, account, account, 1, '', 'iam.accounts.quality', nullif(btrim(profile ->> 'quality'), ''))
                   else a.quality end
  where a.id = account;
  if former <> iam.person_name(account) then
    insert into iam.former_names (id, account_id, name, changed_by)
    values (entry, account, vault.seal(key, entry, account, 1, '', 'iam.former_names.name', former), c[2]::uuid);
  end if;
end $$;
comment on function iam.change_name is 'profile: family_name, given_name and, where the caller may set it, quality. Internal. Errors: VS422.';

create function clinic.change_own_name(key uuid, family_name text, given_name text) returns uuid
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  account uuid := c[2]::uuid;
begin
  if account is null or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS404', message = 'there is no such account';
  end if;
  perform iam.lock_account(account);
  perform ops.fulfil(key, 'accounts.change', account);
  if ops.take('name/' || account, 5, 1.0 / 86400) > 0 then
    raise exception using errcode = 'VS429', message = 'too many changes of a name in a short time';
  end if;
  perform iam.change_name(c, account, jsonb_build_object('family_name', family_name, 'given_name', given_name));
  perform audit.append(c, 'account.change', 'Person', account, null, 'success', '{"change":"own_name"}');
  perform ops.post(vault.ring(), account, 'email', 'account_changed', '{"change":"own_name"}');
  return account;
end $$;
comment on function clinic.change_own_name is 'One''s own name, as it is shown; what a patient''s record says of their identity stays. key: ops.intend(key, ''accounts.change''). Errors: VS208, VS404, VS422, VS428, VS429, VS470.';
grant execute on function clinic.change_own_name to vs_patient, vs_clinician, vs_secretary, vs_org_admin, vs_auditor, vs_dpo, vs_researcher;

create function clinic.correct_name(key uuid, account uuid, profile jsonb) returns uuid
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
begin
  perform access.require_member(account);
  perform ops.fulfil(key, 'accounts.change', account);
  -- each one is a message to its person, and a row that stays
  if ops.take('names/' || c[2], 50, 1.0 / 600) > 0 then
    raise exception using errcode = 'VS429', message = 'too many changes of names in a short time';
  end if;
  perform iam.change_name(c, account, jsonb_build_object('quality', '') || profile);
  perform iam.record_account_change(c, account, 'name');
  return account;
end $$;
comment on function clinic.correct_name is 'For an administrator: the name of somebody who works here. profile: family_name, given_name, quality. key: ops.intend(key, ''accounts.change''). Errors: VS208, VS403, VS404, VS422, VS428, VS429, VS470.';
grant execute on function clinic.correct_name to vs_org_admin;

-- ---------------------------------------------------------------- reading

create function iam.read_former_names(account uuid) returns text
language plpgsql volatile set search_path = '' as $$
declare
  key bytea := vault.unwrap(vault.ring(), account, 'profile');
begin
  return (select coalesce(json_agg(json_build_object('until', n.ended_at, 'own', n.changed_by = account,
      'name', convert_from(vault.unpack(key, convert_to('iam.former_names.name', 'UTF8') || '\x00'::bytea || uuid_send(n.id) || uuid_send(account) || int8send(1), n.name), 'UTF8'))
      order by n.ended_at desc), '[]')::text
    from (select * from iam.former_names x where x.account_id = account order by x.ended_at desc limit 20) n);
end $$;
comment on function iam.read_former_names is 'Internal.';

create function iam.read_name_of(account uuid) returns table (family_name text, given_name text, quality text, former text)
language plpgsql volatile rows 1 set search_path = '' as $$
#variable_conflict use_column
declare
  key bytea := vault.unwrap(vault.ring(), account, 'profile');
begin
  return query
  select convert_from(vault.unpack(key, iam.profile_aad(a.id, 'family_name'), a.family_name), 'UTF8'),
         convert_from(vault.unpack(key, iam.profile_aad(a.id, 'given_name'), a.given_name), 'UTF8'),
         convert_from(vault.unpack(key, iam.profile_aad(a.id, 'quality'), a.quality), 'UTF8'),
         iam.read_former_names(a.id)
  from iam.accounts a where a.id = read_name_of.account;
end $$;
comment on function iam.read_name_of is 'Internal.';

create function clinic.read_own_name() returns table (family_name text, given_name text, quality text, former text)
language plpgsql volatile security definer rows 1 set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
begin
  if c[2] is null then return; end if;
  return query select * from iam.read_name_of(c[2]::uuid);
end $$;
comment on function clinic.read_own_name is 'One''s own name in its parts. former: names before, JSON (until, own: changed by the person, name).';
grant execute on function clinic.read_own_name to vs_patient, vs_clinician, vs_secretary, vs_org_admin, vs_auditor, vs_dpo, vs_researcher;

create function clinic.read_name(account uuid) returns table (family_name text, given_name text, quality text, former text)
language plpgsql volatile security definer rows 1 set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
begin
  -- a patient's isn't the administrator's to see; who was invited and never came has none any more
  if (c[4] = 'org_admin' and access.knows(c, account)
      and not exists (select from iam.invitations i where i.account_id = account and i.withdrawn_at is not null)) is not true then return; end if;
  return query select * from iam.read_name_of(account);
end $$;
comment on function clinic.read_name is 'For an administrator: the same of somebody who works here; no row for anybody else.';
grant execute on function clinic.read_name to vs_org_admin;

reset role;
