-- Observations: vital signs and laboratory values.
--
-- Guarantees
--   1. What comes from a person is ciphertext, bound to the patient, the row, its version and its clear columns.
--   2. A clinician of the care team and the patient see these rows; no other role sees one.
--   3. Acting roles write nothing here; rows are taken in by the import, into its own organisation.

set role vs_owner;

create table store.observations (
  id            uuid primary key,
  patient_id    uuid not null references store.patients,
  version       bigint not null default 1 check (version > 0),
  category      text not null check (category ~ '^[a-z-]{1,40}$'),
  effective_at  timestamptz not null,
  status        text not null check (status in ('registered', 'preliminary', 'final', 'amended', 'corrected', 'cancelled', 'unknown')),
  code          bytea not null,
  value         bytea not null,
  created_at    timestamptz not null default clock_timestamp()
);
comment on table store.observations is 'FHIR Observation.';
-- the chart: one patient's, newest first
create index observations_patient on store.observations (patient_id, category, effective_at desc);

alter table store.observations enable row level security;
alter table store.observations force row level security;
create policy select_clinician on store.observations for select to vs_clinician
  using (patient_id = any ((select access.patients('clinician'))::uuid[]));
comment on policy select_clinician on store.observations is 'Patients of one''s care teams.';
create policy select_patient on store.observations for select to vs_patient
  using (patient_id = any ((select access.patients('patient'))::uuid[]));
comment on policy select_patient on store.observations is 'One''s own record.';
create policy insert_owner on store.observations for insert to vs_owner
  with check ((select access.role()) = 'import' and access.organisation_of(patient_id) = (select access.organisation_id()));
comment on policy insert_owner on store.observations is 'The import, into its own organisation.';
-- the import's "is it there already?" (on conflict needs to see the row)
create policy select_owner on store.observations for select to vs_owner
  using ((select access.role()) is not null);
comment on policy select_owner on store.observations is 'Functions of the owner, within a session.';

grant select on store.observations to vs_clinician, vs_patient;
-- no insert, update or delete: clinic.import_rows, as the owner

create trigger _900_audit after insert or update or delete on store.observations for each row execute function audit.tg_row('Observation', 'patient_id');

create view clinic.observations with (security_invoker = true) as
  select r.id, r.patient_id, r.category, r.effective_at, r.status,
         v.v[1] as code, v.v[2] as value
  from store.observations r
  cross join lateral (select vault.open('clinical', r.id, r.patient_id, r.version,
    timestamptz_send(r.effective_at) || convert_to(r.category || '/' || r.status, 'UTF8'),
    array['store.observations.code', 'store.observations.value']::bytea[],
    array[r.code, r.value]) as v) v;
comment on view clinic.observations is 'Opened observations; JSON columns hold JSON as text. not null: id, patient_id, category, effective_at, status, code, value';
grant select on clinic.observations to vs_clinician, vs_patient;

create function clinic.import_observations(patient uuid, rows jsonb) returns int
language plpgsql volatile set search_path = '' as $$
declare
  key bytea := clinic.import_key(patient);
  taken int;
begin
  insert into store.observations (id, patient_id, category, effective_at, status,
    code, value)
  select r.id, patient, r.category, r.effective_at, r.status,
           vault.seal(key, r.id, patient, 1, timestamptz_send(r.effective_at) || convert_to(r.category || '/' || r.status, 'UTF8'), 'store.observations.code', r.code),
           vault.seal(key, r.id, patient, 1, timestamptz_send(r.effective_at) || convert_to(r.category || '/' || r.status, 'UTF8'), 'store.observations.value', r.value)
  from (select clinic.source_id(x ->> 'source') as id, x ->> 'category' as category, (x ->> 'effective_at')::timestamptz as effective_at, x ->> 'status' as status,
        x ->> 'code' as code, x ->> 'value' as value
        from jsonb_array_elements(rows) x offset 0) r
  on conflict (id) do nothing;
  get diagnostics taken = row_count;
  return taken;
end $$;
comment on function clinic.import_observations is 'Internal: clinic.import_rows calls it.';

reset role;
