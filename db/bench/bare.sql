-- The same record without any guarantee: what the pages cost if nobody asked for row-level security, encryption or
-- audit. Tables and functions have the names and columns that the pages ask for in the guaranteed database; indexes
-- are those of the store. Only `npm run bench` makes this, in a database of its own.

create schema clinic;
create schema audit;

create table clinic.people (
  account_id         uuid primary key,
  organisation_id    uuid not null,
  organisation_name  text not null,
  role               text not null,
  display_name       text not null
);
create table clinic.sessions (token text primary key, account_id uuid not null references clinic.people);

create table clinic.patients (
  id                 uuid primary key,
  organisation_id    uuid not null,
  version            bigint not null default 1,
  identity_status    text not null,
  last_activity_at   timestamptz not null,
  birth_name         text not null,
  used_name          text,
  first_given_name   text not null,
  used_given_name    text,
  sex                text not null,
  birth_date         text not null,
  birth_given_names  text,
  birth_place        text,
  ins_matricule      text,
  ins_oid            text,
  phone              text,
  email              text,
  address            text,
  deceased_date      text
);
create index on clinic.patients (organisation_id, last_activity_at desc, id);

create table clinic.care (
  account_id  uuid not null references clinic.people,
  patient_id  uuid not null references clinic.patients,
  primary key (account_id, patient_id)
);

-- the words of the names, for a search by their beginnings
create table clinic.words (word text collate "C" not null, patient_id uuid not null references clinic.patients);
create index on clinic.words (word);

create view clinic.patient_names as
  select id, birth_name, used_name, first_given_name, used_given_name, sex, birth_date, last_activity_at, identity_status
  from clinic.patients;

create table clinic.encounters (
  id           uuid primary key default uuidv7(),
  patient_id   uuid not null references clinic.patients,
  started_at   timestamptz not null,
  ended_at     timestamptz,
  status       text not null,
  class        text,
  type         text,
  reason       text,
  participant  text
);
create index on clinic.encounters (patient_id, started_at desc);

create table clinic.conditions (
  id                   uuid primary key default uuidv7(),
  patient_id           uuid not null references clinic.patients,
  clinical_status      text not null,
  verification_status  text,
  onset_at             timestamptz,
  abatement_at         timestamptz,
  recorded_at          timestamptz,
  code                 text not null
);
create index on clinic.conditions (patient_id, onset_at desc);

create table clinic.observations (
  id            uuid primary key default uuidv7(),
  patient_id    uuid not null references clinic.patients,
  category      text not null,
  effective_at  timestamptz not null,
  status        text not null,
  code          text not null,
  value         text not null
);
create index on clinic.observations (patient_id, category, effective_at desc);

create table clinic.medication_requests (
  id           uuid primary key default uuidv7(),
  patient_id   uuid not null references clinic.patients,
  status       text not null,
  intent       text not null,
  authored_at  timestamptz not null,
  medication   text not null,
  dosage       text
);
create index on clinic.medication_requests (patient_id, authored_at desc);

create table clinic.allergy_intolerances (
  id                   uuid primary key default uuidv7(),
  patient_id           uuid not null references clinic.patients,
  clinical_status      text not null,
  verification_status  text,
  recorded_at          timestamptz,
  code                 text not null,
  criticality          text,
  category             text,
  reaction             text
);
create index on clinic.allergy_intolerances (patient_id, recorded_at desc);

create table clinic.compositions (
  id              uuid primary key default uuidv7(),
  patient_id      uuid not null references clinic.patients,
  version         bigint not null default 1,
  author_id       uuid not null references clinic.people,
  created_at      timestamptz not null default clock_timestamp(),
  updated_at      timestamptz not null default clock_timestamp(),
  category        text not null,
  priority        text not null,
  status          text not null,
  subjective      text,
  objective       text,
  assessment      text,
  plan            text,
  diagnosis       text,
  treatment_plan  text
);
create index on clinic.compositions (patient_id, created_at desc);
create index on clinic.compositions (author_id);

create view clinic.notes as
  select n.*, a.display_name as author_name
  from clinic.compositions n left join clinic.people a on a.account_id = n.author_id;

create view clinic.allergy_status as
  select p.id as patient_id,
         case when exists (select from clinic.allergy_intolerances a where a.patient_id = p.id and a.clinical_status <> 'resolved')
              then 'known' else 'not_recorded' end as state,
         (select max(a.recorded_at) from clinic.allergy_intolerances a where a.patient_id = p.id) as recorded_at
  from clinic.patients p;

-- who is asking: the cookie's token looked up, as any application does
create view clinic.me as
  select p.account_id, p.organisation_id, p.organisation_name, p.role, p.display_name, null::uuid as patient_id,
         now() as session_expires_at, now() as idle_expires_at, null::uuid as glass_id, null::text as glass_kind,
         null::text as glass_reason, null::timestamptz as glass_ends_at
  from clinic.sessions s join clinic.people p using (account_id)
  where s.token = current_setting('bare.token');

create table clinic.decisions (patient_id uuid not null, type text not null, given boolean not null, at timestamptz not null);
create index on clinic.decisions (patient_id, type, at desc);
create function clinic.read_patient_consents(patient uuid) returns table (type text, agreed boolean, decided_at timestamptz)
language sql stable as $$
  select t, coalesce(c.given, false), c.at
  from unnest(array['data_processing', 'medical_record_storage', 'telemedicine_usage', 'mes_sharing']) t
  left join lateral (select x.given, x.at from clinic.decisions x where x.patient_id = patient and x.type = t order by x.at desc limit 1) c on true
$$;

-- the 50 latest patients of the one who asks, or what the search in the same transaction has found
create function audit.selected(selection uuid) returns uuid[]
language sql stable as $$
  select coalesce(nullif(current_setting('bare.found', true), '')::uuid[], array(
    select p.id from clinic.sessions s join clinic.care c using (account_id) join clinic.patients p on p.id = c.patient_id
    where s.token = current_setting('bare.token') order by p.last_activity_at desc, p.id limit 50))
$$;

create function clinic.selected_patients(selection uuid) returns setof clinic.patient_names
language plpgsql rows 50 as $$
begin
  return query select n.* from clinic.patient_names n where n.id = any ((select audit.selected(selection))::uuid[]);
end $$;

create function clinic.plain(name text) returns text
language sql immutable as $$ select lower(regexp_replace(normalize(name, nfd), '[\u0300-\u036f]', '', 'g')) $$;

create function audit.open_patient_search(selection uuid, name text, birth_date text) returns text
-- planned once, as any application's own prepared query is
language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
  term text := clinic.plain(name);
begin
  perform set_config('bare.found', (array(
    select p.id
    from clinic.sessions s join clinic.care c using (account_id) join clinic.patients p on p.id = c.patient_id
    where s.token = current_setting('bare.token')
      and p.id in (select w.patient_id from clinic.words w where w.word >= term and w.word < term || U&'\FFFF')
      and (open_patient_search.birth_date is null or p.birth_date = open_patient_search.birth_date)
    order by p.last_activity_at desc limit 50))::text, true);
  return 'ok';
end $$;

create function clinic.write_note(key uuid, patient uuid, note jsonb) returns uuid
language sql as $$
  with written as (
    insert into clinic.compositions (patient_id, author_id, category, priority, status, subjective, objective, assessment, plan,
                                     diagnosis, treatment_plan)
    select patient, s.account_id, note ->> 'category', note ->> 'priority', note ->> 'status', note ->> 'subjective',
           note ->> 'objective', note ->> 'assessment', note ->> 'plan', note ->> 'diagnosis', note ->> 'treatment_plan'
    from clinic.sessions s where s.token = current_setting('bare.token')
    returning id, patient_id, created_at),
  active as (update clinic.patients p set last_activity_at = w.created_at from written w where p.id = w.patient_id)
  select id from written
$$;

-- ---------------------------------------------------------------- filling: rows as the import takes them

create function clinic.fill(owner uuid, organisation uuid, patient uuid, identity jsonb, rows jsonb) returns void
language sql as $$
  insert into clinic.patients (id, organisation_id, identity_status, last_activity_at, birth_name, used_name, first_given_name,
    used_given_name, sex, birth_date, birth_given_names, birth_place, ins_matricule, ins_oid, phone, email, address)
  select patient, organisation, identity ->> 'identity_status',
    (select max((x ->> 'created_at')::timestamptz) from jsonb_array_elements(rows -> 'notes') x),
    identity ->> 'birth_name', identity ->> 'used_name', identity ->> 'first_given_name', identity ->> 'used_given_name',
    identity ->> 'sex', identity ->> 'birth_date', identity ->> 'birth_given_names', identity ->> 'birth_place',
    identity ->> 'ins_matricule', identity ->> 'ins_oid', identity ->> 'phone', identity ->> 'email', identity ->> 'address';
  insert into clinic.care values (owner, patient);
  insert into clinic.words
  select distinct w, patient
  from unnest(array['birth_name', 'used_name', 'first_given_name', 'birth_given_names']) f,
       regexp_split_to_table(clinic.plain(identity ->> f), '[^[:alnum:]]+') w
  where w <> '';
  insert into clinic.encounters (patient_id, started_at, ended_at, status, class, type, reason, participant)
  select patient, r.* from jsonb_to_recordset(rows -> 'encounters')
    r (started_at timestamptz, ended_at timestamptz, status text, class text, type text, reason text, participant text);
  insert into clinic.conditions (patient_id, clinical_status, verification_status, onset_at, recorded_at, code)
  select patient, r.* from jsonb_to_recordset(rows -> 'conditions')
    r (clinical_status text, verification_status text, onset_at timestamptz, recorded_at timestamptz, code text);
  insert into clinic.observations (patient_id, category, effective_at, status, code, value)
  select patient, r.* from jsonb_to_recordset(rows -> 'observations')
    r (category text, effective_at timestamptz, status text, code text, value text);
  insert into clinic.medication_requests (patient_id, status, intent, authored_at, medication, dosage)
  select patient, r.* from jsonb_to_recordset(rows -> 'medication_requests')
    r (status text, intent text, authored_at timestamptz, medication text, dosage text);
  insert into clinic.allergy_intolerances (patient_id, clinical_status, verification_status, recorded_at, code, criticality, category, reaction)
  select patient, r.* from jsonb_to_recordset(rows -> 'allergy_intolerances')
    r (clinical_status text, verification_status text, recorded_at timestamptz, code text, criticality text, category text, reaction text);
  insert into clinic.compositions (patient_id, author_id, created_at, updated_at, category, priority, status, subjective, objective,
    assessment, plan, diagnosis, treatment_plan)
  select patient, r.* from jsonb_to_recordset(rows -> 'notes')
    r (author_id uuid, created_at timestamptz, updated_at timestamptz, category text, priority text, status text, subjective text,
       objective text, assessment text, plan text, diagnosis text, treatment_plan text);
$$;
