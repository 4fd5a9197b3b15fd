-- Allergies and intolerances.
--
-- Guarantees
--   1. What comes from a person is ciphertext, bound to the patient, the row, its version and its clear columns.
--   2. A clinician of the care team and the patient see these rows; no other role sees one.
--   3. Acting roles write nothing here; rows are taken in by the import, into its own organisation.

set role vs_owner;

create table store.allergy_intolerances (
  id                   uuid primary key,
  patient_id           uuid not null references store.patients,
  version              bigint not null default 1 check (version > 0),
  clinical_status      text not null check (clinical_status in ('active', 'inactive', 'resolved', 'unknown')),
  verification_status  text check (verification_status in ('unconfirmed', 'confirmed', 'refuted', 'presumed')),
  recorded_at          timestamptz,
  code                 bytea not null,
  criticality          bytea,
  category             bytea,
  reaction             bytea,
  created_at           timestamptz not null default clock_timestamp()
);
comment on table store.allergy_intolerances is 'FHIR AllergyIntolerance.';
-- the chart: one patient's, newest first
create index allergy_intolerances_patient on store.allergy_intolerances (patient_id, recorded_at desc);

alter table store.allergy_intolerances enable row level security;
alter table store.allergy_intolerances force row level security;
create policy select_clinician on store.allergy_intolerances for select to vs_clinician
  using (patient_id = any ((select access.patients('clinician'))::uuid[]));
comment on policy select_clinician on store.allergy_intolerances is 'Patients of one''s care teams.';
create policy select_patient on store.allergy_intolerances for select to vs_patient
  using (patient_id = any ((select access.patients('patient'))::uuid[]));
comment on policy select_patient on store.allergy_intolerances is 'One''s own record.';
create policy insert_owner on store.allergy_intolerances for insert to vs_owner
  with check ((select access.role()) = 'import' and access.organisation_of(patient_id) = (select access.organisation_id()));
comment on policy insert_owner on store.allergy_intolerances is 'The import, into its own organisation.';
-- the import's "is it there already?" (on conflict needs to see the row)
create policy select_owner on store.allergy_intolerances for select to vs_owner
  using ((select access.role()) is not null);
comment on policy select_owner on store.allergy_intolerances is 'Functions of the owner, within a session.';

grant select on store.allergy_intolerances to vs_clinician, vs_patient;
-- no insert, update or delete: clinic.import_rows, as the owner

create trigger _900_audit after insert or update or delete on store.allergy_intolerances for each row execute function audit.tg_row('AllergyIntolerance', 'patient_id');

create view clinic.allergy_intolerances with (security_invoker = true) as
  select r.id, r.patient_id, r.clinical_status, r.verification_status, r.recorded_at,
         v.v[1] as code, v.v[2] as criticality, v.v[3] as category, v.v[4] as reaction
  from store.allergy_intolerances r
  cross join lateral (select vault.open('clinical', r.id, r.patient_id, r.version,
    convert_to(r.clinical_status || '/' || coalesce(r.verification_status, ''), 'UTF8') ||
    coalesce(timestamptz_send(r.recorded_at), ''),
    array['store.allergy_intolerances.code', 'store.allergy_intolerances.criticality',
          'store.allergy_intolerances.category', 'store.allergy_intolerances.reaction']::bytea[],
    array[r.code, r.criticality, r.category, r.reaction]) as v) v;
comment on view clinic.allergy_intolerances is 'Opened allergy intolerances; JSON columns hold JSON as text. not null: id, patient_id, clinical_status, code';
grant select on clinic.allergy_intolerances to vs_clinician, vs_patient;

create function clinic.import_allergy_intolerances(patient uuid, rows jsonb) returns int
language plpgsql volatile set search_path = '' as $$
declare
  key bytea := clinic.import_key(patient);
  taken int;
begin
  insert into store.allergy_intolerances (id, patient_id, clinical_status, verification_status, recorded_at,
    code, criticality, category, reaction)
  select r.id, patient, r.clinical_status, r.verification_status, r.recorded_at,
           vault.seal(key, r.id, patient, 1, convert_to(r.clinical_status || '/' || coalesce(r.verification_status, ''), 'UTF8') || coalesce(timestamptz_send(r.recorded_at), ''), 'store.allergy_intolerances.code', r.code),
           vault.seal(key, r.id, patient, 1, convert_to(r.clinical_status || '/' || coalesce(r.verification_status, ''), 'UTF8') || coalesce(timestamptz_send(r.recorded_at), ''), 'store.allergy_intolerances.criticality', r.criticality),
           vault.seal(key, r.id, patient, 1, convert_to(r.clinical_status || '/' || coalesce(r.verification_status, ''), 'UTF8') || coalesce(timestamptz_send(r.recorded_at), ''), 'store.allergy_intolerances.category', r.category),
           vault.seal(key, r.id, patient, 1, convert_to(r.clinical_status || '/' || coalesce(r.verification_status, ''), 'UTF8') || coalesce(timestamptz_send(r.recorded_at), ''), 'store.allergy_intolerances.reaction', r.reaction)
  from (select clinic.source_id(x ->> 'source') as id, x ->> 'clinical_status' as clinical_status, x ->> 'verification_status' as verification_status, (x ->>
        'recorded_at')::timestamptz as recorded_at, x ->> 'code' as code, x ->> 'criticality' as criticality, x ->>
        'category' as category, x ->> 'reaction' as reaction
        from jsonb_array_elements(rows) x offset 0) r
  on conflict (id) do nothing;
  get diagnostics taken = row_count;
  return taken;
end $$;
comment on function clinic.import_allergy_intolerances is 'Internal: clinic.import_rows calls it.';

reset role;
