-- Medication requests: treatments.
--
-- Guarantees
--   1. What comes from a person is ciphertext, bound to the patient, the row, its version and its clear columns.
--   2. A clinician of the care team and the patient see these rows; no other role sees one.
--   3. Acting roles write nothing here; rows are taken in by the import, into its own organisation.

set role vs_owner;

create table store.medication_requests (
  id           uuid primary key,
  patient_id   uuid not null references store.patients,
  version      bigint not null default 1 check (version > 0),
  status       text not null check (status in ('active', 'on-hold', 'cancelled', 'completed', 'stopped', 'draft', 'unknown')),
  intent       text not null check (intent in ('proposal', 'plan', 'order', 'original-order', 'reflex-order', 'filler-order', 'instance-order', 'option')),
  authored_at  timestamptz not null,
  medication   bytea not null,
  dosage       bytea,
  created_at   timestamptz not null default clock_timestamp()
);
comment on table store.medication_requests is 'FHIR MedicationRequest.';
-- the chart: one patient's, newest first
create index medication_requests_patient on store.medication_requests (patient_id, authored_at desc);

alter table store.medication_requests enable row level security;
alter table store.medication_requests force row level security;
create policy select_clinician on store.medication_requests for select to vs_clinician
  using (patient_id = any ((select access.patients('clinician'))::uuid[]));
comment on policy select_clinician on store.medication_requests is 'Patients of one''s care teams.';
create policy select_patient on store.medication_requests for select to vs_patient
  using (patient_id = any ((select access.patients('patient'))::uuid[]));
comment on policy select_patient on store.medication_requests is 'One''s own record.';
create policy insert_owner on store.medication_requests for insert to vs_owner
  with check ((select access.role()) = 'import' and access.organisation_of(patient_id) = (select access.organisation_id()));
comment on policy insert_owner on store.medication_requests is 'The import, into its own organisation.';
-- the import's "is it there already?" (on conflict needs to see the row)
create policy select_owner on store.medication_requests for select to vs_owner
  using ((select access.role()) is not null);
comment on policy select_owner on store.medication_requests is 'Functions of the owner, within a session.';

grant select on store.medication_requests to vs_clinician, vs_patient;
-- no insert, update or delete: clinic.import_rows, as the owner

create trigger _900_audit after insert or update or delete on store.medication_requests for each row execute function audit.tg_row('MedicationRequest', 'patient_id');

create view clinic.medication_requests with (security_invoker = true) as
  select r.id, r.patient_id, r.status, r.intent, r.authored_at,
         v.v[1] as medication, v.v[2] as dosage
  from store.medication_requests r
  cross join lateral (select vault.open('clinical', r.id, r.patient_id, r.version,
    timestamptz_send(r.authored_at) || convert_to(r.status || '/' || r.intent, 'UTF8'),
    array['store.medication_requests.medication', 'store.medication_requests.dosage']::bytea[],
    array[r.medication, r.dosage]) as v) v;
comment on view clinic.medication_requests is 'Opened medication requests; JSON columns hold JSON as text. not null: id, patient_id, status, intent, authored_at, medication';
grant select on clinic.medication_requests to vs_clinician, vs_patient;

create function clinic.import_medication_requests(patient uuid, rows jsonb) returns int
language plpgsql volatile set search_path = '' as $$
declare
  key bytea := clinic.import_key(patient);
  taken int;
begin
  insert into store.medication_requests (id, patient_id, status, intent, authored_at,
    medication, dosage)
  select r.id, patient, r.status, r.intent, r.authored_at,
           vault.seal(key, r.id, patient, 1, timestamptz_send(r.authored_at) || convert_to(r.status || '/' || r.intent, 'UTF8'), 'store.medication_requests.medication', r.medication),
           vault.seal(key, r.id, patient, 1, timestamptz_send(r.authored_at) || convert_to(r.status || '/' || r.intent, 'UTF8'), 'store.medication_requests.dosage', r.dosage)
  from (select clinic.source_id(x ->> 'source') as id, x ->> 'status' as status, x ->> 'intent' as intent, (x ->> 'authored_at')::timestamptz as authored_at, x ->>
        'medication' as medication, x ->> 'dosage' as dosage
        from jsonb_array_elements(rows) x offset 0) r
  on conflict (id) do nothing;
  get diagnostics taken = row_count;
  return taken;
end $$;
comment on function clinic.import_medication_requests is 'Internal: clinic.import_rows calls it.';

reset role;
