-- Existing tables: plaintext columns of what a practice had before, sealed where they stand (`vitalsync encrypt-existing`).
--
-- Guarantees
--   1. A value is cleared in the statement that seals it, after the sealed one was opened and is the same to the letter.
--   2. A sealed value is bound to its table, column, row and patient (or account), as everything in store is.
--   3. Nobody writes to the table any more: no change can come between its reading and its sealing, and none gets lost.
--   4. What was sealed is read through a view in clinic alone, by who may open the patient, after it was recorded.
--   5. The number of values sealed is kept with each batch, so that a run that was killed goes on and nothing is missing.
--
-- Names of tables and columns come from the practice, so the statements are made by the command (db/existing), with every
-- name quoted; what handles keys is here.

set role vs_owner;

create table vault.existing_tables (
  name             text primary key,
  organisation_id  uuid not null references access.organisations,
  subject          text not null check (subject in ('patient', 'account')),
  view_name        text not null,
  map_digest       bytea not null check (length(map_digest) = 32),
  rows_sealed      bigint not null default 0,
  began_at         timestamptz not null default clock_timestamp(),
  proven_at        timestamptz,
  dropped_at       timestamptz
);
comment on table vault.existing_tables is 'Tables whose plaintext columns are being sealed, or were; name as quote_ident writes it, and as it stands in every AAD.';
-- what an organisation holds, for its erasure
create index existing_tables_organisation on vault.existing_tables (organisation_id);

create table vault.existing_columns (
  table_name     text not null references vault.existing_tables,
  position       int not null,
  name           text not null,
  type           text not null,
  level          text not null check (level in ('identity', 'clinical', 'profile')),
  sealed_name    text not null,
  values_sealed  bigint not null default 0,
  primary key (table_name, position)
);
comment on table vault.existing_columns is 'Their columns: what type the plaintext had, whose key seals it, and how many values were sealed.';

alter table vault.existing_tables enable row level security;
alter table vault.existing_tables force row level security;
alter table vault.existing_columns enable row level security;
alter table vault.existing_columns force row level security;
create policy all_owner on vault.existing_tables to vs_owner using (true) with check (true);
comment on policy all_owner on vault.existing_tables is 'The administrator''s command, as vs_owner.';
create policy all_owner on vault.existing_columns to vs_owner using (true) with check (true);
comment on policy all_owner on vault.existing_columns is 'The administrator''s command, as vs_owner.';
-- no grant: only the command, and the DBA who reads

-- ---------------------------------------------------------------- sealing

create function vault.existing_account(ring text, organisation uuid, email text) returns uuid
language plpgsql stable set search_path = '' as $$
begin
  return (select a.id from iam.accounts a join access.memberships m on m.account_id = a.id and m.organisation_id = organisation
          where a.email_index = any (iam.email_indexes(ring, existing_account.email)) limit 1);
end $$;
comment on function vault.existing_account is 'The account that signs in with this address in this organisation, or NULL. Internal.';

create function vault.open_existing(ring text, level text, row_id uuid, subject uuid, labels text[], sealed bytea[]) returns text[]
language plpgsql stable set search_path = '' as $$
declare
  key bytea := vault.unwrap(ring, subject, level);
  opened text[];
begin
  for i in 1 .. cardinality(labels) loop
    opened[i] := convert_from(vault.unpack(key, convert_to(labels[i], 'UTF8') || '\x00'::bytea || uuid_send(row_id)
                                                || uuid_send(subject) || int8send(1), sealed[i]), 'UTF8');
  end loop;
  return opened;
end $$;
comment on function vault.open_existing is 'Opens one row''s values, to compare. For the administrator''s command, with the ring. Errors: VS404, VS500, VS503.';
-- no grant: views open by vault.open, which asks who is looking

create function vault.seal_existing(ring text, level text, row_id uuid, subject uuid, labels text[], plain text[]) returns bytea[]
language plpgsql volatile set search_path = '' as $$
declare
  key bytea := vault.unwrap(ring, subject, level);
  place bytea;
  sealed bytea[];
begin
  for i in 1 .. cardinality(labels) loop
    sealed[i] := vault.seal(key, row_id, subject, 1, '', labels[i], plain[i]);
    place := convert_to(labels[i], 'UTF8') || '\x00'::bytea || uuid_send(row_id) || uuid_send(subject) || int8send(1);
    if vault.unpack(key, place, sealed[i]) is distinct from convert_to(plain[i], 'UTF8') then
      raise exception using errcode = 'VS500', message = 'a sealed value doesn''t open to what it was';
    end if;
  end loop;
  return sealed;
end $$;
comment on function vault.seal_existing is 'Seals one row''s values, and opens them again before anybody clears what they were. Errors: VS404 (no key: unknown or erased), VS500, VS503.';

-- Also for superusers, owners and replication: whoever writes here doesn't know that the columns are sealed.
create function vault.tg_existing__sealed() returns trigger
language plpgsql set search_path = '' as $$
begin
  if current_user <> 'vs_owner' then
    raise exception using errcode = 'VS403',
      message = format('%I.%I is sealed by vitalsync encrypt-existing: nothing is written to it any more', tg_table_schema, tg_table_name);
  end if;
  return null;
end $$;
comment on function vault.tg_existing__sealed is 'Before each statement that would write to a table that is being sealed.';

-- ---------------------------------------------------------------- reading profiles

create function clinic.open_profile(account uuid, row_id uuid, labels bytea[], sealed bytea[]) returns text[]
language plpgsql volatile parallel unsafe security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  key bytea;
  opened text[];
begin
  if (c[2]::uuid = account and iam.session_is_live(c[1]::uuid)) is not true then return null; end if;
  key := vault.unwrap(vault.ring(), account, 'profile');
  for i in 1 .. cardinality(labels) loop
    opened[i] := convert_from(vault.unpack(key, labels[i] || '\x00'::bytea || uuid_send(row_id) || uuid_send(account) || int8send(1), sealed[i]), 'UTF8');
  end loop;
  return opened;
end $$;
comment on function clinic.open_profile is 'One''s own values from a sealed table of users; NULL for anybody else''s. Errors: VS401, VS500.';
grant execute on function clinic.open_profile to vs_patient, vs_clinician, vs_secretary, vs_org_admin, vs_auditor, vs_dpo, vs_researcher;

reset role;
