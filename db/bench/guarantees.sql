-- Each guarantee by itself, beside what others do instead. In a database of the bench's own that is thrown away; run as
-- superuser after the filling. The same rows are read and written in each variant:
--
--   reading   fifty patients of one clinician, fifty notes of one patient, four values each
--   writing   one note of 2 kB
create schema bench;
grant usage on schema bench to vs_clinician;

-- ---------------------------------------------------------------- reading

-- the plaintext of what store.patients holds, made up: nothing can read the real one here
create table bench.patients as
  select p.id, p.organisation_id, p.last_activity_at,
         'MOREAU-' || left(p.id::text, 8) as birth_name, 'Élise' as first_given_name, '1958-03-12' as birth_date, 'female' as sex
  from store.patients p;
alter table bench.patients add primary key (id);

-- row-level security alone: the policy that a clinician's patients have
create table bench.patients_rls (like bench.patients including all);
insert into bench.patients_rls select * from bench.patients;
alter table bench.patients_rls enable row level security;
create policy select_clinician on bench.patients_rls for select to vs_clinician
  using (id = any ((select access.patients('clinician'))::uuid[]));

-- the vault alone: the stored ciphertext without a policy
create view bench.patients_sealed as
  select p.id, v.v[1] as birth_name, v.v[2] as first_given_name, v.v[3] as sex, v.v[4] as birth_date
  from store.patients p
  cross join lateral (select vault.open('identity', p.id, p.id, p.version, convert_to(p.identity_status, 'UTF8') || uuid_send(p.organisation_id),
    array['store.patients.birth_name', 'store.patients.first_given_name', 'store.patients.sex', 'store.patients.birth_date']::bytea[],
    array[p.birth_name, p.first_given_name, p.sex, p.birth_date]) as v) v;

-- the usual alternative: pgp_sym_encrypt, one passphrase for every row
create table bench.patients_pgp as
  select id, extensions.pgp_sym_encrypt(birth_name, 'une phrase de passe') as birth_name,
         extensions.pgp_sym_encrypt(first_given_name, 'une phrase de passe') as first_given_name,
         extensions.pgp_sym_encrypt(birth_date, 'une phrase de passe') as birth_date,
         extensions.pgp_sym_encrypt(sex, 'une phrase de passe') as sex
  from bench.patients;
alter table bench.patients_pgp add primary key (id);

-- fifty notes of one patient, as many sealed ones are in store.notes; $patient is put in by the bench
create table bench.one_record as
  select n.id, n.patient_id, n.created_at, repeat('Toux sèche depuis trois jours. ', 5) as subjective, 'Auscultation claire' as objective,
         'Bronchite aiguë' as assessment, 'Repos, revoir si fièvre' as plan
  from store.notes n where n.patient_id = '$patient';
create index on bench.one_record (patient_id, created_at desc);
create table bench.one_record_pgp as
  select id, patient_id, created_at, extensions.pgp_sym_encrypt(subjective, 'une phrase de passe') as subjective,
         extensions.pgp_sym_encrypt(objective, 'une phrase de passe') as objective,
         extensions.pgp_sym_encrypt(assessment, 'une phrase de passe') as assessment,
         extensions.pgp_sym_encrypt(plan, 'une phrase de passe') as plan
  from bench.one_record;
create index on bench.one_record_pgp (patient_id, created_at desc);

grant select on all tables in schema bench to vs_clinician;

-- ---------------------------------------------------------------- writing

-- One table for each way of recording. The rows are alike: three ids, a date, six values, 2 kB.
create table bench.notes (
  id uuid primary key default ops.uuid_v7(), organisation_id uuid not null, patient_id uuid not null, author_id uuid not null,
  created_at timestamptz not null default clock_timestamp(),
  subjective bytea, objective bytea, assessment bytea, plan bytea, diagnosis bytea, treatment_plan bytea);
create index on bench.notes (patient_id, created_at desc);
create table bench.notes_json (like bench.notes including all);
create table bench.notes_event (like bench.notes including all);
create table bench.notes_one_chain (like bench.notes including all);
create table bench.notes_lanes (like bench.notes including all);

-- supa_audit's way: the row as JSON, in clear, in a table of versions with its four indexes
create table bench.record_version (
  id bigint generated always as identity primary key, record_id uuid, old_record_id uuid, op text not null,
  ts timestamptz not null default now(), table_oid oid not null, table_schema name not null, table_name name not null,
  record jsonb, old_record jsonb);
create index on bench.record_version using brin (ts);
create index on bench.record_version (table_oid);
create index on bench.record_version (record_id) where record_id is not null;
create index on bench.record_version (old_record_id) where old_record_id is not null;
-- the least that such a trigger can do
create function bench.tg_json() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  insert into bench.record_version (record_id, op, table_oid, table_schema, table_name, record)
  values (new.id, tg_op, tg_relid, tg_table_schema, tg_table_name, to_jsonb(new));
  return null;
end $$;
create trigger _900_audit after insert on bench.notes_json for each row execute function bench.tg_json();
-- and for any table: the columns of its primary key looked up, the id of the record made from them
create function bench.tg_json_of_any() returns trigger language plpgsql security definer set search_path = '' as $$
declare
  keys text[] := (select coalesce(array_agg(a.attname::text order by a.attnum), '{}') from pg_catalog.pg_index i
                  join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
                  where i.indrelid = tg_relid and i.indisprimary);
  record jsonb := to_jsonb(new);
  record_id uuid := (select encode(substr(extensions.digest(convert_to((jsonb_build_array(tg_relid) || jsonb_agg(record ->> k))::text, 'UTF8'), 'sha1'), 1, 16), 'hex')::uuid
                     from unnest(keys) k);
begin
  insert into bench.record_version (record_id, op, table_oid, table_schema, table_name, record)
  values (record_id, tg_op, tg_relid, tg_table_schema, tg_table_name, record);
  return null;
end $$;
create table bench.notes_json_any (like bench.notes including all);
create trigger _900_audit after insert on bench.notes_json_any for each row execute function bench.tg_json_of_any();

-- our event without a chain, and with one chain for everybody; the lanes are the product's own trigger
create table bench.one_lane (organisation_id uuid, lane int, seq bigint, head bytea) with (fillfactor = 50);
insert into bench.one_lane values ('00000000-0000-0000-0000-000000000001', 0, 0, decode(repeat('00', 32), 'hex'));
create sequence bench.numbers;
create table bench.leaves (like audit.leaves including all);
create table bench.events (like audit.events including all);
create function bench.tg_event() returns trigger
language plpgsql security definer set search_path = '' set timezone = 'UTC' set datestyle = 'ISO, YMD' set bytea_output = 'hex'
  set intervalstyle = 'iso_8601' set extra_float_digits = '1' as $$
declare
  chained boolean := tg_argv[0] = 'chain';
  e audit.events;
  before bytea := decode(repeat('00', 32), 'hex');
  digest bytea;
begin
  e.organisation_id := '00000000-0000-0000-0000-000000000001';
  e.lane := 0;
  if chained then
    select l.seq + 1, l.head into e.seq, before from bench.one_lane l for update;
  else
    e.seq := nextval('bench.numbers');
  end if;
  e.id := ops.uuid_v7();
  e.at := clock_timestamp();
  e.event := 'row.insert'; e.resource_type := 'Composition'; e.resource_id := new.id; e.patient_id := new.patient_id;
  e.actor_role := 'clinician'; e.outcome := 'success';
  e.details := json_build_object('digest', encode(sha256(convert_to(to_jsonb(new)::text, 'UTF8')), 'hex'))::text;
  e.leaf := audit.leaf(e, before);
  digest := sha256(convert_to(e.leaf, 'UTF8'));
  insert into bench.events values (e.*);
  insert into bench.leaves values (e.organisation_id, e.lane, case when chained then e.seq else -e.seq end, digest);
  if chained then update bench.one_lane l set seq = e.seq, head = digest; end if;
  return null;
end $$;
create trigger _900_audit after insert on bench.notes_event for each row execute function bench.tg_event('none');
create trigger _900_audit after insert on bench.notes_one_chain for each row execute function bench.tg_event('chain');
create trigger _900_audit after insert on bench.notes_lanes for each row execute function audit.tg_row('Composition', 'patient_id');
