-- Conditions: problems and diagnoses.
--
-- Guarantees
--   1. What comes from a person is ciphertext, bound to the patient, the row, its version and its clear columns.
--   2. A clinician of the care team and the patient see these rows; no other role sees one.
--   3. Acting roles write nothing here; rows are taken in by the import, into its own organisation.

set role vs_owner;

create table store.conditions (
  id                   uuid primary key,
  patient_id           uuid not null references store.patients,
  version              bigint not null default 1 check (version > 0),
  clinical_status      text not null check (clinical_status in ('active', 'recurrence', 'relapse', 'inactive', 'remission', 'resolved', 'unknown')),
  verification_status  text check (verification_status in ('unconfirmed', 'provisional', 'differential', 'confirmed', 'refuted')),
  onset_at             timestamptz,
  abatement_at         timestamptz,
  recorded_at          timestamptz,
  code                 bytea not null,
  created_at           timestamptz not null default clock_timestamp()
);
comment on table store.conditions is 'FHIR Condition.';
-- the chart: one patient's, newest first, in the very order of the page, so that nothing opened is sorted (and spills)
create index conditions_patient on store.conditions (patient_id, onset_at desc nulls last);

alter table store.conditions enable row level security;
alter table store.conditions force row level security;
create policy select_clinician on store.conditions for select to vs_clinician
  using (patient_id = any ((select access.patients('clinician'))::uuid[]));
comment on policy select_clinician on store.conditions is 'Patients of one''s care teams.';
create policy select_patient on store.conditions for select to vs_patient
  using (patient_id = any ((select access.patients('patient'))::uuid[]));
comment on policy select_patient on store.conditions is 'One''s own record.';
create policy insert_owner on store.conditions for insert to vs_owner
  with check ((select access.role()) = 'import' and access.organisation_of(patient_id) = (select access.organisation_id()));
comment on policy insert_owner on store.conditions is 'The import, into its own organisation.';
-- the import's "is it there already?" (on conflict needs to see the row)
create policy select_owner on store.conditions for select to vs_owner
  using ((select access.role()) is not null);
comment on policy select_owner on store.conditions is 'Functions of the owner, within a session.';

grant select on store.conditions to vs_clinician, vs_patient;
-- no insert, update or delete: clinic.import_rows, as the owner

create trigger _900_audit after insert or update or delete on store.conditions for each row execute function audit.tg_row('Condition', 'patient_id');

create view clinic.conditions with (security_invoker = true) as
  select r.id, r.patient_id, r.clinical_status, r.verification_status, r.onset_at, r.abatement_at, r.recorded_at,
         v.v[1] as code
  from store.conditions r
  cross join lateral (select vault.open('clinical', r.id, r.patient_id, r.version,
    convert_to(r.clinical_status || '/' || coalesce(r.verification_status, ''), 'UTF8') ||
    timestamptz_send(coalesce(r.onset_at, 'infinity')) || timestamptz_send(coalesce(r.abatement_at, 'infinity')) ||
    timestamptz_send(coalesce(r.recorded_at, 'infinity')),
    array['store.conditions.code']::bytea[],
    array[r.code]) as v) v;
comment on view clinic.conditions is 'Opened conditions; JSON columns hold JSON as text. not null: id, patient_id, clinical_status, code';
grant select on clinic.conditions to vs_clinician, vs_patient;

create function clinic.import_conditions(patient uuid, rows jsonb) returns int
language plpgsql volatile set search_path = '' as $$
declare
  key bytea := clinic.import_key(patient);
  taken int;
begin
  insert into store.conditions (id, patient_id, clinical_status, verification_status, onset_at, abatement_at, recorded_at,
    code)
  select r.id, patient, r.clinical_status, r.verification_status, r.onset_at, r.abatement_at, r.recorded_at,
           vault.seal(key, r.id, patient, 1, convert_to(r.clinical_status || '/' || coalesce(r.verification_status, ''), 'UTF8') || timestamptz_send(coalesce(r.onset_at, 'infinity')) ||
             timestamptz_send(coalesce(r.abatement_at, 'infinity')) || timestamptz_send(coalesce(r.recorded_at, 'infinity')), 'store.conditions.code', r.code)
  from (select clinic.source_id(x ->> 'source') as id, x ->> 'clinical_status' as clinical_status, x ->> 'verification_status' as verification_status, (x ->>
        'onset_at')::timestamptz as onset_at, (x ->> 'abatement_at')::timestamptz as abatement_at, (x ->>
        'recorded_at')::timestamptz as recorded_at, x ->> 'code' as code
        from jsonb_array_elements(rows) x offset 0) r
  on conflict (id) do nothing;
  get diagnostics taken = row_count;
  return taken;
end $$;
comment on function clinic.import_conditions is 'Internal: clinic.import_rows calls it.';

reset role;
