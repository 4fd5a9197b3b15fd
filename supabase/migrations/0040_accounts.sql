-- Accounts: the people who sign in, their memberships and their factors.
--
-- Guarantees
--   1. What is personal in a profile is sealed with a key of that account; an e-mail address is found by a
--      keyed hash, under a key of the installation.
--   2. A password is bcrypt cost 12 over a peppered hash made at the edge: the database never sees a password, and
--      keeps the id of the pepper.
--   3. No role that people act in reads or writes these tables; accounts are made by functions of the owner.
--   4. A patient's account leads to one record, a member's to one organisation.

set role vs_owner;

create table iam.accounts (
  id             uuid primary key default ops.uuid_v7(),
  email_index    bytea not null unique check (length(email_index) = 16),
  email          bytea not null,
  family_name    bytea,
  given_name     bytea,
  quality        bytea,
  rpps           bytea,
  password_hash  text check (password_hash ~ '^\$2[aby]\$12\$'),
  pepper_id      text check (length(pepper_id) between 1 and 27),
  status         text not null default 'active' check (status in ('invited', 'active', 'suspended')),
  lang           text not null default 'fr' check (lang in ('fr', 'en')),
  email_confirmed_at  timestamptz,
  password_changed_at timestamptz,
  last_sign_in_at timestamptz,
  created_at     timestamptz not null default clock_timestamp()
);
comment on table iam.accounts is 'FHIR Person: somebody who signs in.';
alter table iam.accounts enable row level security;
alter table iam.accounts force row level security;
create policy all_owner on iam.accounts to vs_owner using (true) with check (true);
comment on policy all_owner on iam.accounts is 'Functions of the owner: creation, sign-in, names of colleagues.';

create table iam.totp_factors (
  account_id    uuid primary key references iam.accounts,
  secret        bytea not null,
  confirmed_at  timestamptz,
  last_step     bigint not null default 0,
  -- the session that added it: a disowned one has added nothing that counts (0335). No foreign key: sessions are cleared out
  added_in      uuid
);
comment on table iam.totp_factors is 'RFC 6238: the sealed secret, and the last time step that was used up.';
alter table iam.totp_factors enable row level security;
alter table iam.totp_factors force row level security;
create policy all_owner on iam.totp_factors to vs_owner using (true) with check (true);
comment on policy all_owner on iam.totp_factors is 'Enrolment and sign-in.';

create table access.memberships (
  id               uuid primary key default ops.uuid_v7(),
  account_id       uuid not null references iam.accounts,
  organisation_id  uuid not null references access.organisations,
  role             text not null check (role in ('patient', 'clinician', 'secretary', 'org_admin', 'auditor', 'dpo', 'researcher')),
  patient_id       uuid,
  valid_from       timestamptz not null default '-infinity',
  valid_until      timestamptz not null default 'infinity',
  unique (account_id, organisation_id, role),
  check ((role = 'patient') = (patient_id is not null))
);
comment on table access.memberships is 'FHIR PractitionerRole, and the link from a patient''s account to their record.';
-- everybody in an organisation: pages of the administrator, names of colleagues
create index memberships_organisation on access.memberships (organisation_id, account_id);
alter table access.memberships enable row level security;
alter table access.memberships force row level security;
create policy all_owner on access.memberships to vs_owner using (true) with check (true);
comment on policy all_owner on access.memberships is 'Predicates read it; functions of the owner write it.';

-- ---------------------------------------------------------------- finding an account

-- Mail programs read `jo@exemple。fr`, `<jo@exemple.fr>` and a hyphen that isn't shown as the same mailbox, which would then
-- have several accounts, and no limit.
create function iam.is_address(email text) returns boolean
language sql immutable set search_path = '' as $$
  select coalesce(btrim(email) ~ '^[^][@[:space:][:cntrl:]<>(),;:"\\]+@([A-Za-z0-9-]+[.])*[A-Za-z0-9-]+$' and length(btrim(email)) <= 254, false)
$$;
comment on function iam.is_address is 'Is this an e-mail address as it is typed: no name, brackets or comment, and a domain of letters, digits and hyphens (IDN as xn--)? Internal.';

create function iam.email_indexes(ring text, email text) returns bytea[]
language sql immutable set search_path = '' as $$
  select array(
    select substr(extensions.hmac(convert_to(lower(normalize(btrim(email), nfc)), 'UTF8'),
                                  vault.derive(vault.master(ring, name), 'email'), 'sha256'), 1, 16)
    from unnest(vault.ring_names(ring)) with ordinality as n (name, place) order by place)
$$;
comment on function iam.email_indexes is 'The keyed hash of an address under each key of the ring; the first is for what is new.';

-- ---------------------------------------------------------------- creation, by the administrator of the installation

create function iam.create_organisation(ring text, name text) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
  new_id uuid := ops.uuid_v7();
begin
  perform vault.require_ring(ring);
  insert into access.organisations (id, name) values (new_id, create_organisation.name);
  perform audit.create_lanes(new_id);
  perform vault.create_key(ring, new_id, 'organisation', new_id);
  return new_id;
end $$;
comment on function iam.create_organisation is 'A practice, its audit lanes and its key. As vs_owner. Errors: VS503 for a ring that isn''t this database''s.';

create function iam.create_account(ring text, organisation uuid, role text, email text, profile jsonb, prehash text,
                                   totp_secret bytea, patient uuid default null, password_hash text default null) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
  account uuid := ops.uuid_v7();
  key bytea;
begin
  if not iam.is_address(email) then
    raise exception using errcode = 'VS422', message = 'an e-mail address has one @, no spaces, and a domain of letters, digits and hyphens';
  end if;
  if iam.holder_of(ring, create_account.email) is not null then
    raise exception using errcode = 'VS409', message = 'there is an account with this e-mail address already';
  end if;
  key := vault.create_key(ring, account, 'profile', organisation);
  insert into iam.accounts (id, email_index, email, family_name, given_name, quality, rpps, password_hash)
  values (account, (iam.email_indexes(ring, create_account.email))[1],
          vault.seal(key, account, account, 1, '', 'iam.accounts.email', email),
          vault.seal(key, account, account, 1, '', 'iam.accounts.family_name', profile ->> 'family_name'),
          vault.seal(key, account, account, 1, '', 'iam.accounts.given_name', profile ->> 'given_name'),
          vault.seal(key, account, account, 1, '', 'iam.accounts.quality', profile ->> 'quality'),
          vault.seal(key, account, account, 1, '', 'iam.accounts.rpps', profile ->> 'rpps'),
          coalesce(password_hash, extensions.crypt(prehash, extensions.gen_salt('bf', 12))));
  insert into access.memberships (account_id, organisation_id, role, patient_id)
  values (account, organisation, create_account.role, patient);
  if totp_secret is not null then
    insert into iam.totp_factors (account_id, secret, confirmed_at)
    values (account, vault.seal(key, account, account, 1, '', 'iam.totp_factors.secret', encode(totp_secret, 'base64')), clock_timestamp());
  end if;
  return account;
end $$;
comment on function iam.create_account is 'An account with its profile key, membership, password hash and TOTP secret. As vs_owner. Errors: VS409, VS422.';

create function iam.set_password(account uuid, prehash text) returns void
language plpgsql volatile set search_path = '' as $$
begin
  perform ops.wait_for_hash_turn();
  update iam.accounts set password_hash = extensions.crypt(prehash, extensions.gen_salt('bf', 12)),
                          pepper_id = split_part(prehash, ':', 1), password_changed_at = clock_timestamp() where id = account;
end $$;
comment on function iam.set_password is 'The peppered hash depends on the account''s id, so a password is set after creation. prehash: `pepper id:base64` (edge/password.ts). As vs_owner.';

-- ---------------------------------------------------------------- names

create function iam.person_name(account uuid) returns text
language plpgsql stable parallel unsafe security definer cost 5000 set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  a iam.accounts;
  key bytea;
begin
  if c is null or account is null or not access.knows(c, account) then return null; end if;
  select * into a from iam.accounts where id = account;
  if a.family_name is null then return null; end if;
  key := vault.unwrap(vault.ring(), account, 'profile');
  return concat_ws(' ',
    convert_from(vault.unpack(key, iam.profile_aad(account, 'quality'), a.quality), 'UTF8'),
    convert_from(vault.unpack(key, iam.profile_aad(account, 'given_name'), a.given_name), 'UTF8'),
    -- collate: what comes out of convert_from is in "C", which has no capital É
    upper(convert_from(vault.unpack(key, iam.profile_aad(account, 'family_name'), a.family_name), 'UTF8') collate "default"));
end $$;
comment on function iam.person_name is 'The name of a colleague, or of somebody who touched one''s record; NULL for anyone else.';
grant execute on function iam.person_name to vs_patient, vs_clinician, vs_secretary, vs_org_admin, vs_auditor, vs_dpo;

create function iam.profile_aad(account uuid, field text) returns bytea
language plpgsql immutable set search_path = '' as $$
begin
  return convert_to('iam.accounts.' || field, 'UTF8') || '\x00'::bytea || uuid_send(account) || uuid_send(account) || int8send(1);
end $$;

reset role;
