-- Encounters: dated entries of the timeline.
--
-- Guarantees
--   1. What comes from a person is ciphertext, bound to the patient, the row, its version and its clear columns.
--   2. A clinician of the care team and the patient see these rows; no other role sees one.
--   3. Acting roles write nothing here; rows are taken in by the import, into its own organisation.

set role vs_owner;

create table store.encounters (
  id           uuid primary key,
  patient_id   uuid not null references store.patients,
  version      bigint not null default 1 check (version > 0),
  started_at   timestamptz not null,
  ended_at     timestamptz,
  status       text not null check (status in ('planned', 'arrived', 'triaged', 'in-progress', 'onleave', 'finished', 'cancelled', 'unknown')),
  class        bytea,
  type         bytea,
  reason       bytea,
  participant  bytea,
  created_at   timestamptz not null default clock_timestamp()
);
comment on table store.encounters is 'FHIR Encounter.';
-- the chart: one patient's, newest first
create index encounters_patient on store.encounters (patient_id, started_at desc);

alter table store.encounters enable row level security;
alter table store.encounters force row level security;
create policy select_clinician on store.encounters for select to vs_clinician
  using (patient_id = any ((select access.patients('clinician'))::uuid[]));
comment on policy select_clinician on store.encounters is 'Patients of one''s care teams.';
create policy select_patient on store.encounters for select to vs_patient
  using (patient_id = any ((select access.patients('patient'))::uuid[]));
comment on policy select_patient on store.encounters is 'One''s own record.';
create policy insert_owner on store.encounters for insert to vs_owner
  with check ((select access.role()) = 'import' and access.organisation_of(patient_id) = (select access.organisation_id()));
comment on policy insert_owner on store.encounters is 'The import, into its own organisation.';
-- the import's "is it there already?" (on conflict needs to see the row)
create policy select_owner on store.encounters for select to vs_owner
  using ((select access.role()) is not null);
comment on policy select_owner on store.encounters is 'Functions of the owner, within a session.';

grant select on store.encounters to vs_clinician, vs_patient;
-- no insert, update or delete: clinic.import_rows, as the owner

create trigger _900_audit after insert or update or delete on store.encounters for each row execute function audit.tg_row('Encounter', 'patient_id');

create view clinic.encounters with (security_invoker = true) as
  select r.id, r.patient_id, r.started_at, r.ended_at, r.status,
         v.v[1] as class, v.v[2] as type, v.v[3] as reason, v.v[4] as participant
  from store.encounters r
  cross join lateral (select vault.open('clinical', r.id, r.patient_id, r.version,
    timestamptz_send(r.started_at) || timestamptz_send(coalesce(r.ended_at, 'infinity')) || convert_to(r.status, 'UTF8'),
    array['store.encounters.class', 'store.encounters.type', 'store.encounters.reason', 'store.encounters.participant']::bytea[],
    array[r.class, r.type, r.reason, r.participant]) as v) v;
comment on view clinic.encounters is 'Opened encounters; JSON columns hold JSON as text. not null: id, patient_id, started_at, status';
grant select on clinic.encounters to vs_clinician, vs_patient;

create function clinic.import_encounters(patient uuid, rows jsonb) returns int
language plpgsql volatile set search_path = '' as $$
declare
  key bytea := clinic.import_key(patient);
  taken int;
begin
  insert into store.encounters (id, patient_id, started_at, ended_at, status,
    class, type, reason, participant)
  select r.id, patient, r.started_at, r.ended_at, r.status,
           vault.seal(key, r.id, patient, 1, timestamptz_send(r.started_at) || timestamptz_send(coalesce(r.ended_at, 'infinity')) || convert_to(r.status, 'UTF8'), 'store.encounters.class', r.class),
           vault.seal(key, r.id, patient, 1, timestamptz_send(r.started_at) || timestamptz_send(coalesce(r.ended_at, 'infinity')) || convert_to(r.status, 'UTF8'), 'store.encounters.type', r.type),
           vault.seal(key, r.id, patient, 1, timestamptz_send(r.started_at) || timestamptz_send(coalesce(r.ended_at, 'infinity')) || convert_to(r.status, 'UTF8'), 'store.encounters.reason', r.reason),
           vault.seal(key, r.id, patient, 1, timestamptz_send(r.started_at) || timestamptz_send(coalesce(r.ended_at, 'infinity')) || convert_to(r.status, 'UTF8'), 'store.encounters.participant', r.participant)
  from (select clinic.source_id(x ->> 'source') as id, (x ->> 'started_at')::timestamptz as started_at, (x ->> 'ended_at')::timestamptz as ended_at, x ->> 'status'
        as status, x ->> 'class' as class, x ->> 'type' as type, x ->> 'reason' as reason, x ->> 'participant' as
        participant
        from jsonb_array_elements(rows) x offset 0) r
  on conflict (id) do nothing;
  get diagnostics taken = row_count;
  update store.patients p set last_activity_at = greatest(p.last_activity_at, m.at)
  from (select max((x ->> 'started_at')::timestamptz) as at from jsonb_array_elements(rows) x) m
  where p.id = patient and m.at > p.last_activity_at;
  return taken;
end $$;
comment on function clinic.import_encounters is 'Internal: clinic.import_rows calls it.';

reset role;
