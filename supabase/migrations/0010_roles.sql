-- Roles, schemas and what PUBLIC loses.
--
-- Guarantees
--   1. The roles that people act in own nothing, create nothing, and have no temporary tables.
--   2. A function is executable by nobody until a grant says so.
--   3. pgcrypto lives where no acting role can name it.
--   4. Everything belongs to vs_owner, which nobody logs in as; nothing here needs a superuser.
--
-- Roles belong to the cluster, not to the database, so they may be here already: this is the one
-- place where "when absent" is right.

do $$
declare
  acting constant text[] := array['vs_anon', 'vs_patient', 'vs_clinician', 'vs_secretary', 'vs_org_admin',
                                  'vs_auditor', 'vs_dpo', 'vs_researcher', 'vs_import'];
  r text;
begin
  foreach r in array array['vs_owner'] || acting loop
    if not exists (select from pg_catalog.pg_roles where rolname = r) then
      execute format('create role %I nologin noinherit', r);
    end if;
  end loop;
  -- edge: may become an acting role and is none of them by itself; gate: sign-in functions only
  foreach r in array array['vs_edge', 'vs_gate', 'vs_dba'] loop
    if not exists (select from pg_catalog.pg_roles where rolname = r) then
      execute format('create role %I login noinherit', r);
    end if;
  end loop;
  foreach r in array acting loop
    if not pg_has_role('vs_edge', r, 'member') then execute format('grant %I to vs_edge', r); end if;
  end loop;
  if not pg_has_role(current_user, 'vs_owner', 'usage') then execute format('grant vs_owner to %I', current_user); end if;
  -- so that a dump by the DBA is whole; below Postgres 16 only a superuser may give this, and `vitalsync doctor` tells
  if not (select rolbypassrls from pg_catalog.pg_roles where rolname = 'vs_dba') then
    begin
      alter role vs_dba bypassrls;
    exception when insufficient_privilege then
      raise notice 'vs_dba reads nothing until a superuser runs: alter role vs_dba bypassrls';
    end;
  end if;
  execute format('revoke all on database %I from public', current_database());
  execute format('grant connect on database %I to vs_edge, vs_gate, vs_dba', current_database());
  execute format('grant create on database %I to vs_owner', current_database());
end $$;

revoke all on schema public from public;

do $$
begin
  -- Supabase brings both
  if to_regnamespace('extensions') is null then create schema extensions; end if;
  if not exists (select from pg_catalog.pg_extension where extname = 'pgcrypto') then
    create extension pgcrypto with schema extensions;
  end if;
end $$;
revoke all on schema extensions from public;
-- vs_dba checks the cipher against its vectors; acting roles may not name this schema
grant usage on schema extensions to vs_owner, vs_dba;

set role vs_owner;
alter default privileges revoke execute on functions from public;

create schema ops;      comment on schema ops     is 'Limits, intents, jobs: what keeps the service going.';
create schema access;   comment on schema access  is 'Organisations, memberships, care teams, and the predicates that policies read.';
create schema iam;      comment on schema iam     is 'Accounts, factors, sessions, and the door: iam.enter.';
create schema vault;    comment on schema vault   is 'Keys, sealing, opening. Acting roles may not name it.';
create schema audit;    comment on schema audit   is 'Openings, events, lanes, leaves.';
create schema store;    comment on schema store   is 'The record as it is stored: ciphertext. Acting roles may not name it.';
create schema clinic;   comment on schema clinic  is 'The views and functions that pages use.';
create schema privacy;  comment on schema privacy is 'Consents, requests, classification, retention.';

-- A view or a policy reaches store, vault and access by identity, not by name, so acting roles need no USAGE there.
grant usage on schema iam to vs_edge, vs_gate;
grant usage on schema iam, clinic, audit to vs_anon, vs_patient, vs_clinician, vs_secretary, vs_org_admin, vs_auditor,
  vs_dpo, vs_researcher, vs_import;
grant usage on schema ops, access, iam, vault, audit, store, clinic, privacy to vs_dba;
alter default privileges grant select on tables to vs_dba;

-- Since uuidv7() is in Postgres 18 alone. RFC 9562 §5.7: 48 bits of milliseconds, then random.
create function ops.uuid_v7() returns uuid
language plpgsql volatile parallel safe set search_path = '' as $$
begin
  return encode(
    set_byte(
      overlay(uuid_send(gen_random_uuid()) placing
        substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6),
      6, (get_byte(uuid_send(gen_random_uuid()), 6) & 15) | 112),
    'hex')::uuid;
end $$;
comment on function ops.uuid_v7() is 'A UUID that sorts by time (RFC 9562 §5.7).';

create function ops.uuid_v7_time(id uuid) returns timestamptz
language sql immutable set search_path = '' as $$
  select case when substr(id::text, 15, 1) = '7'
    then to_timestamp(('x' || substr(encode(uuid_send(id), 'hex'), 1, 12))::bit(48)::bigint / 1000.0) end
$$;
comment on function ops.uuid_v7_time is 'When a UUID of this kind was made, to the millisecond; NULL for another kind. Internal.';

reset role;
