-- Notes: what a clinician writes (SOAP), sealed.
--
-- Guarantees
--   1. The texts are ciphertext, bound to patient, row, version, author, time, category, priority and status.
--   2. A clinician of the care team and the patient read them; a clinician of the care team writes them.
--   3. A note has its author and its patient for ever; its version only grows.
--   4. A note is written in the name of whoever began it, or not at all.
--   5. A note is written once for an intent that was committed before (ops.intents).

set role vs_owner;

create table store.notes (
  id              uuid primary key,
  patient_id      uuid not null references store.patients,
  version         bigint not null default 1 check (version > 0),
  author_id       uuid not null references iam.accounts,
  category        text not null check (category in ('consultation', 'teleconsultation', 'follow_up', 'emergency', 'procedure', 'administrative')),
  priority        text not null check (priority in ('routine', 'urgent', 'emergency')),
  status          text not null check (status in ('draft', 'final')),
  subjective      bytea,
  objective       bytea,
  assessment      bytea,
  plan            bytea,
  diagnosis       bytea,
  treatment_plan  bytea,
  created_at      timestamptz not null default clock_timestamp(),
  updated_at      timestamptz not null default clock_timestamp()
);
comment on table store.notes is 'FHIR Composition: a SOAP note. Category, priority and status stay in clear (requirement B1).';
-- the chart: one patient's, newest first
create index notes_patient on store.notes (patient_id, created_at desc);
-- whose notes: a patient may know their names
create index notes_author on store.notes (author_id);

alter table store.notes enable row level security;
alter table store.notes force row level security;
create policy select_clinician on store.notes for select to vs_clinician
  using (patient_id = any ((select access.patients('clinician'))::uuid[]));
comment on policy select_clinician on store.notes is 'Patients of one''s care teams.';
create policy select_patient on store.notes for select to vs_patient
  using (patient_id = any ((select access.patients('patient'))::uuid[]));
comment on policy select_patient on store.notes is 'One''s own record.';
create policy select_owner on store.notes for select to vs_owner
  using ((select access.role()) is not null);
comment on policy select_owner on store.notes is 'Functions of the owner, within a session.';
create policy insert_owner on store.notes for insert to vs_owner
  with check (((select access.role()) = 'clinician' and author_id = (select access.account_id())
               and patient_id = any ((select access.patients('clinician'))::uuid[]))
           or ((select access.role()) = 'import' and access.organisation_of(patient_id) = (select access.organisation_id())));
comment on policy insert_owner on store.notes is 'A clinician, in their own name, for a patient of the care team; the import, within its organisation.';

grant select on store.notes to vs_clinician, vs_patient;
-- no insert, update or delete: clinic.write_note, as the owner

create function store.tg_notes__immutable() returns trigger
language plpgsql set search_path = '' as $$
begin
  if (new.id, new.patient_id, new.author_id, new.created_at) is distinct from (old.id, old.patient_id, old.author_id, old.created_at)
     or new.version <> old.version + 1 then
    raise exception using errcode = 'VS403', message = 'a note keeps its patient, author and date, and its version grows by one';
  end if;
  return new;
end $$;
create trigger _100_immutable before update on store.notes for each row execute function store.tg_notes__immutable();
create trigger _900_audit after insert or update or delete on store.notes for each row execute function audit.tg_row('Composition', 'patient_id');

create function store.note_context(n store.notes) returns bytea
language plpgsql stable set search_path = '' as $$
begin
  return uuid_send(n.author_id) || timestamptz_send(n.created_at) || convert_to(n.category || '/' || n.priority || '/' || n.status, 'UTF8');
end $$;

create view clinic.notes with (security_invoker = true) as
  select n.id, n.patient_id, n.version, n.author_id, a.name as author_name, n.created_at, n.updated_at,
         n.category, n.priority, n.status,
         v.v[1] as subjective, v.v[2] as objective, v.v[3] as assessment, v.v[4] as plan, v.v[5] as diagnosis, v.v[6] as treatment_plan
  from store.notes n
  cross join lateral (select vault.open('clinical', n.id, n.patient_id, n.version,
    uuid_send(n.author_id) || timestamptz_send(n.created_at) || convert_to(n.category || '/' || n.priority || '/' || n.status, 'UTF8'),
    array['store.notes.subjective', 'store.notes.objective', 'store.notes.assessment', 'store.notes.plan',
          'store.notes.diagnosis', 'store.notes.treatment_plan']::bytea[],
    array[n.subjective, n.objective, n.assessment, n.plan, n.diagnosis, n.treatment_plan]) as v) v
  -- offset 0 keeps it apart, so that the planner may remember the few authors of many notes (Memoize)
  left join lateral (select iam.person_name(n.author_id) as name offset 0) a on true;
comment on view clinic.notes is 'Opened notes. not null: id, patient_id, version, author_id, created_at, updated_at, category, priority, status';
grant select on clinic.notes to vs_clinician, vs_patient;

-- Seals and stores one note. Internal: its callers have asked for permission and hold the key.
create function store.insert_note(key bytea, note_id uuid, patient uuid, author uuid, at timestamptz, note jsonb) returns int
language plpgsql volatile set search_path = '' as $$
declare
  n store.notes;
  ctx bytea;
  stored int;
begin
  n.id := note_id;
  n.patient_id := patient;
  n.version := 1;
  n.author_id := author;
  n.created_at := at;
  n.updated_at := at;
  n.category := coalesce(note ->> 'category', 'consultation');
  n.priority := coalesce(note ->> 'priority', 'routine');
  n.status := coalesce(note ->> 'status', 'final');
  ctx := store.note_context(n);
  n.subjective := vault.seal(key, n.id, patient, 1, ctx, 'store.notes.subjective', nullif(note ->> 'subjective', ''));
  n.objective := vault.seal(key, n.id, patient, 1, ctx, 'store.notes.objective', nullif(note ->> 'objective', ''));
  n.assessment := vault.seal(key, n.id, patient, 1, ctx, 'store.notes.assessment', nullif(note ->> 'assessment', ''));
  n.plan := vault.seal(key, n.id, patient, 1, ctx, 'store.notes.plan', nullif(note ->> 'plan', ''));
  n.diagnosis := vault.seal(key, n.id, patient, 1, ctx, 'store.notes.diagnosis', nullif(note ->> 'diagnosis', ''));
  n.treatment_plan := vault.seal(key, n.id, patient, 1, ctx, 'store.notes.treatment_plan', nullif(note ->> 'treatment_plan', ''));
  insert into store.notes values (n.*) on conflict (id) do nothing;
  get diagnostics stored = row_count;
  update store.patients p set last_activity_at = at where p.id = patient and p.last_activity_at < at;
  return stored;
end $$;

create function clinic.write_note(key uuid, patient uuid, note jsonb) returns uuid
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  id uuid := ops.uuid_v7();
begin
  if (c[4] = 'clinician') is not true then
    raise exception using errcode = 'VS403', message = 'clinicians write notes';
  end if;
  -- the form was begun under another account: somebody else signed in meanwhile, in another tab
  if note ->> 'author_id' <> c[2] then
    raise exception using errcode = 'VS409', message = 'this note was begun by somebody else';
  end if;
  if coalesce(note ->> 'subjective', '') || coalesce(note ->> 'objective', '') || coalesce(note ->> 'assessment', '')
     || coalesce(note ->> 'plan', '') || coalesce(note ->> 'diagnosis', '') || coalesce(note ->> 'treatment_plan', '') !~ '[^[:space:]]' then
    raise exception using errcode = 'VS422', message = 'a note says something in at least one field';
  end if;
  -- a draft is written, anything else is signed
  perform ops.fulfil(key, case when note ->> 'status' = 'draft' then 'notes.write' else 'notes.sign' end, id);
  perform store.insert_note(vault.writing_key(patient, 'clinical'), id, patient, c[2]::uuid, clock_timestamp(), note);
  return id;
exception when check_violation then
  raise exception using errcode = 'VS422', message = 'category, priority or status is not one of the list';
end $$;
comment on function clinic.write_note is 'Writes a note in one''s own name; author_id in the note, if it is there, must be oneself. key: the intent announced with ops.intend(key, ''notes.sign''), or ''notes.write'' for a draft. Errors: VS208, VS403, VS404, VS409, VS422, VS428, VS470.';
grant execute on function clinic.write_note to vs_clinician;

create function clinic.import_notes(patient uuid, rows jsonb) returns int
language plpgsql volatile set search_path = '' as $$
declare
  key bytea := clinic.import_key(patient);
  x jsonb;
  taken int := 0;
begin
  for x in select * from jsonb_array_elements(rows) loop
    if not exists (select from access.memberships m where m.account_id = (x ->> 'author_id')::uuid
                   and m.organisation_id = access.organisation_id() and m.role = 'clinician') then
      raise exception using errcode = 'VS422', message = 'the author of a note is a clinician of the organisation';
    end if;
    taken := taken + store.insert_note(key, clinic.source_id(x ->> 'source'), patient, (x ->> 'author_id')::uuid,
                                       (x ->> 'created_at')::timestamptz, x);
  end loop;
  return taken;
end $$;
comment on function clinic.import_notes is 'Internal: clinic.import_rows calls it.';

reset role;
