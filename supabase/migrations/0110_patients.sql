-- Patients: identity, sealed column by column.
--
-- Guarantees
--   1. A patient's identity is ciphertext here, bound to the patient, the organisation, the identity status and the
--      version of the row.
--   2. A clinician sees the patients of the care teams, a secretary those of the organisation, a patient one record;
--      nobody else sees a row.
--   3. Plaintext leaves through the views, for patients that an earlier transaction opened.
--   4. Acting roles write nothing here; the owner writes within the organisation of the session alone.

set role vs_owner;

create table store.patients (
  id                 uuid primary key,
  organisation_id    uuid not null references access.organisations,
  version            bigint not null default 1 check (version > 0),
  identity_status    text not null default 'provisoire' check (identity_status in ('provisoire', 'recuperee', 'validee', 'qualifiee')),
  birth_name         bytea not null,
  used_name          bytea,
  first_given_name   bytea not null,
  birth_given_names  bytea,
  used_given_name    bytea,
  sex                bytea not null,
  birth_date         bytea not null,
  birth_place        bytea,
  ins_matricule      bytea,
  ins_oid            bytea,
  phone              bytea,
  email              bytea,
  address            bytea,
  deceased_date      bytea,
  created_at         timestamptz not null default clock_timestamp(),
  last_activity_at   timestamptz not null default clock_timestamp(),
  -- the keys are gone, and nobody sees the row (0240)
  erased_at          timestamptz
);
comment on table store.patients is 'FHIR Patient with the INS traits (référentiel INS, RNIV).';
-- a secretary's list: the organisation's last activity
create index patients_activity on store.patients (organisation_id, last_activity_at desc, id) where erased_at is null;

alter table store.patients enable row level security;
alter table store.patients force row level security;
create policy select_clinician on store.patients for select to vs_clinician
  using (id = any ((select access.patients('clinician'))::uuid[]));
comment on policy select_clinician on store.patients is 'Patients of one''s care teams.';
create policy select_secretary on store.patients for select to vs_secretary
  using (organisation_id = (select access.organisation_as('secretary')) and erased_at is null);
comment on policy select_secretary on store.patients is 'Patients of the organisation who weren''t erased: identity alone, the clinical tables have no such policy.';
create policy select_patient on store.patients for select to vs_patient
  using (id = any ((select access.patients('patient'))::uuid[]));
comment on policy select_patient on store.patients is 'One''s own record.';
create policy select_owner on store.patients for select to vs_owner using (true);
comment on policy select_owner on store.patients is 'access.organisation_of and the open functions read it.';
create policy insert_owner on store.patients for insert to vs_owner
  with check (organisation_id = (select access.organisation_id())
              and ((select access.role()) = 'import'
                   or ((select access.role()) = 'patient' and id = (select (access.claims())[5])::uuid and identity_status = 'provisoire')));
comment on policy insert_owner on store.patients is 'The import, into its own organisation; and a patient who registers, their own record (0320).';
create policy update_owner on store.patients for update to vs_owner
  using (organisation_id = (select access.organisation_id()) or ((select access.role()) is null and erased_at is null))
  with check (organisation_id = (select access.organisation_id()) or ((select access.role()) is null and erased_at is not null));
comment on policy update_owner on store.patients is 'The date of the last activity, by the functions that write to the record; and an erasure, outside any session.';

grant select on store.patients to vs_clinician, vs_secretary, vs_patient;
-- no insert, update or delete: clinic.import_patient and the write functions, as the owner

create function store.tg_patients__version() returns trigger
language plpgsql set search_path = '' as $$
begin
  if new.id <> old.id or new.organisation_id <> old.organisation_id or new.created_at <> old.created_at then
    raise exception using errcode = 'VS403', message = 'a patient stays who and where they are';
  end if;
  if old.erased_at is not null then
    raise exception using errcode = 'VS403', message = 'a record that was erased stays as it is';
  end if;
  -- sealed columns are bound to the version, so it grows with them, and only then
  if to_jsonb(new) - 'last_activity_at' <> to_jsonb(old) - 'last_activity_at' and new.version <> old.version + 1 then
    raise exception using errcode = 'VS409', message = 'the version of a row grows by one with each change';
  end if;
  return new;
end $$;
create trigger _100_version before update on store.patients for each row execute function store.tg_patients__version();
create trigger _900_audit after insert or delete on store.patients for each row execute function audit.tg_row('Patient', 'id');
create trigger _901_audit after update on store.patients for each row when (new.version <> old.version) execute function audit.tg_row('Patient', 'id');

alter table access.memberships add foreign key (patient_id) references store.patients;
alter table access.care_team_patients add foreign key (patient_id) references store.patients;
-- "whose account is this record's?"
create index memberships_patient on access.memberships (patient_id) where patient_id is not null;

-- ---------------------------------------------------------------- what pages read

-- five columns for lists
create view clinic.patient_names with (security_invoker = true) as
  select p.id, v.v[1] as birth_name, v.v[2] as used_name, v.v[3] as first_given_name, v.v[4] as used_given_name,
         v.v[5] as sex, v.v[6] as birth_date, p.last_activity_at, p.identity_status
  from store.patients p
  cross join lateral (select vault.open('identity', p.id, p.id, p.version, convert_to(p.identity_status, 'UTF8') || uuid_send(p.organisation_id),
    array['store.patients.birth_name', 'store.patients.used_name', 'store.patients.first_given_name',
          'store.patients.used_given_name', 'store.patients.sex', 'store.patients.birth_date']::bytea[],
    array[p.birth_name, p.used_name, p.first_given_name, p.used_given_name, p.sex, p.birth_date]) as v) v;
comment on view clinic.patient_names is 'Who a patient is, in short, for lists. not null: id, birth_name, first_given_name, sex, birth_date, last_activity_at, identity_status';

create view clinic.patients with (security_invoker = true) as
  select p.id, p.organisation_id, p.version, p.identity_status, p.last_activity_at,
         v.v[1] as birth_name, v.v[2] as used_name, v.v[3] as first_given_name, v.v[4] as used_given_name,
         v.v[5] as sex, v.v[6] as birth_date, v.v[7] as birth_given_names, v.v[8] as birth_place, v.v[9] as ins_matricule,
         v.v[10] as ins_oid, v.v[11] as phone, v.v[12] as email, v.v[13] as address, v.v[14] as deceased_date
  from store.patients p
  cross join lateral (select vault.open('identity', p.id, p.id, p.version, convert_to(p.identity_status, 'UTF8') || uuid_send(p.organisation_id),
    array['store.patients.birth_name', 'store.patients.used_name', 'store.patients.first_given_name',
          'store.patients.used_given_name', 'store.patients.sex', 'store.patients.birth_date',
          'store.patients.birth_given_names', 'store.patients.birth_place', 'store.patients.ins_matricule',
          'store.patients.ins_oid', 'store.patients.phone', 'store.patients.email', 'store.patients.address',
          'store.patients.deceased_date']::bytea[],
    array[p.birth_name, p.used_name, p.first_given_name, p.used_given_name, p.sex, p.birth_date, p.birth_given_names,
          p.birth_place, p.ins_matricule, p.ins_oid, p.phone, p.email, p.address, p.deceased_date]) as v) v;
comment on view clinic.patients is 'A patient''s identity, whole. not null: id, organisation_id, version, birth_name, first_given_name, sex, birth_date, last_activity_at, identity_status';
grant select on clinic.patient_names, clinic.patients to vs_clinician, vs_secretary, vs_patient;

-- A list is fifty patients with a key each. Through the view, everything that vault.release asks would be asked fifty
-- times; here it is asked once for the session and in one query for the patients, and the key that wraps theirs is derived once.
create function clinic.selected_patients(selection uuid) returns setof clinic.patient_names
language plpgsql volatile parallel unsafe security definer rows 50 set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
  ring text;
  chosen uuid[];
  master text;
  wrap bytea;
  wrap_blocks bytea;
  key bytea;
  p record;
  v text[];
begin
  perform vault.require_session(c);
  -- an opening isn't a permission: access is asked again, here and now
  chosen := access.seen_among(c, audit.selected(selection));
  if not audit.are_open(c[1]::uuid, chosen, 'identity') then
    raise exception using errcode = 'VS428',
      message = 'no committed record of this access: call audit.open_… in an earlier transaction';
  end if;
  ring := vault.ring();
  for p in
    select s.*, k.master as wrapped_by, k.wrapped
    from store.patients s join vault.keys k on k.subject_id = s.id and k.level = 'identity'
    where s.id = any (chosen)
  loop
    if p.wrapped_by is distinct from master then
      master := p.wrapped_by;
      wrap := vault.derive(vault.master(ring, master), 'wrap');
      wrap_blocks := vault.mac_blocks(substr(wrap, 1, 32));
    end if;
    key := vault.open_value(wrap_blocks, substr(wrap, 33, 32), vault.wrap_aad(p.id, 'identity', master), p.wrapped);
    v := vault.open_values(vault.mac_blocks(substr(key, 1, 32)), substr(key, 33, 32),
      '\x00'::bytea || uuid_send(p.id) || uuid_send(p.id) || int8send(p.version) || convert_to(p.identity_status, 'UTF8') || uuid_send(p.organisation_id),
      array['store.patients.birth_name', 'store.patients.used_name', 'store.patients.first_given_name',
            'store.patients.used_given_name', 'store.patients.sex', 'store.patients.birth_date']::bytea[],
      array[p.birth_name, p.used_name, p.first_given_name, p.used_given_name, p.sex, p.birth_date]);
    return next row(p.id, v[1], v[2], v[3], v[4], v[5], v[6], p.last_activity_at, p.identity_status)::clinic.patient_names;
  end loop;
end $$;
comment on function clinic.selected_patients is 'The patients of a list or a search that an earlier transaction has committed, in no order. Errors: VS401, VS428, VS500.';
grant execute on function clinic.selected_patients to vs_clinician, vs_secretary;

-- ---------------------------------------------------------------- import

-- Keyed, so that the id of a row says nothing about the id it had elsewhere; the same source gives the same row (RFC 9562,
-- version 8). With the organisation's key, which stays the same when its master key is replaced.
create function vault.source_id(ring text, organisation uuid, resource text) returns uuid
language plpgsql stable set search_path = '' as $$
declare
  h bytea := substr(extensions.hmac(convert_to(organisation || '/' || resource, 'UTF8'),
    vault.derive(vault.unwrap(ring, organisation, 'organisation'), 'source'), 'sha256'), 1, 16);
begin
  return encode(set_byte(set_byte(h, 6, (get_byte(h, 6) & 15) | 128), 8, (get_byte(h, 8) & 63) | 128), 'hex')::uuid;
end $$;
comment on function vault.source_id is 'The row id of a resource that came from elsewhere, e.g. "Patient/123". Internal. Errors: VS404, VS503.';

create function clinic.source_id(resource text) returns uuid
language plpgsql volatile set search_path = '' as $$
begin
  return vault.source_id(vault.ring(), access.organisation_id(), resource);
end $$;
comment on function clinic.source_id is 'The same for the organisation of the session. Internal.';

-- The keys of a new patient, the row and its search tokens; the policy asks who brings it.
create function clinic.add_patient(id uuid, organisation uuid, p jsonb) returns void
language plpgsql volatile set search_path = '' as $$
declare
  status text := coalesce(p ->> 'identity_status', 'provisoire');
  key bytea;
  ctx bytea := convert_to(status, 'UTF8') || uuid_send(organisation);
begin
  key := vault.create_key(vault.ring(), id, 'identity', organisation);
  perform vault.create_key(vault.ring(), id, 'clinical', organisation);
  insert into store.patients (id, organisation_id, identity_status, birth_name, used_name, first_given_name, birth_given_names,
    used_given_name, sex, birth_date, birth_place, ins_matricule, ins_oid, phone, email, address, deceased_date, last_activity_at)
  values (id, organisation, status,
    vault.seal(key, id, id, 1, ctx, 'store.patients.birth_name', p ->> 'birth_name'),
    vault.seal(key, id, id, 1, ctx, 'store.patients.used_name', p ->> 'used_name'),
    vault.seal(key, id, id, 1, ctx, 'store.patients.first_given_name', coalesce(p ->> 'first_given_name', '')),
    vault.seal(key, id, id, 1, ctx, 'store.patients.birth_given_names', p ->> 'birth_given_names'),
    vault.seal(key, id, id, 1, ctx, 'store.patients.used_given_name', p ->> 'used_given_name'),
    vault.seal(key, id, id, 1, ctx, 'store.patients.sex', coalesce(p ->> 'sex', 'unknown')),
    vault.seal(key, id, id, 1, ctx, 'store.patients.birth_date', coalesce(p ->> 'birth_date', '')),
    vault.seal(key, id, id, 1, ctx, 'store.patients.birth_place', p ->> 'birth_place'),
    vault.seal(key, id, id, 1, ctx, 'store.patients.ins_matricule', p ->> 'ins_matricule'),
    vault.seal(key, id, id, 1, ctx, 'store.patients.ins_oid', p ->> 'ins_oid'),
    vault.seal(key, id, id, 1, ctx, 'store.patients.phone', p ->> 'phone'),
    vault.seal(key, id, id, 1, ctx, 'store.patients.email', p ->> 'email'),
    vault.seal(key, id, id, 1, ctx, 'store.patients.address', p ->> 'address'),
    vault.seal(key, id, id, 1, ctx, 'store.patients.deceased_date', p ->> 'deceased_date'),
    coalesce((p ->> 'last_activity_at')::timestamptz, clock_timestamp()));
  perform vault.index_patient(id, p);
end $$;
comment on function clinic.add_patient is 'Seals and stores a patient who isn''t there yet. Internal. Errors: VS409 for one who was erased, VS503.';

create function clinic.import_patient(p jsonb, out id uuid, out taken boolean)
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
declare
  c text[] := access.claims();
begin
  if (c[4] = 'import') is not true or not iam.session_is_live(c[1]::uuid) then
    raise exception using errcode = 'VS403', message = 'patients are imported in a session of the import';
  end if;
  if coalesce(p ->> 'birth_name', '') = '' or coalesce(p ->> 'source', '') = '' then
    raise exception using errcode = 'VS422', message = 'a patient has a source and a birth name';
  end if;
  id := clinic.source_id(p ->> 'source');
  if exists (select from privacy.erasures e where e.patient_id = import_patient.id) then
    id := null;
    taken := false;
    return;
  end if;
  -- from elsewhere nothing is taken in against the patient's word (0310)
  if access.has_withdrawn(import_patient.id, array['data_processing', 'medical_record_storage']) then
    id := null;
    taken := null;
    return;
  end if;
  taken := not exists (select from store.patients x where x.id = import_patient.id);
  if taken then
    perform clinic.add_patient(id, c[3]::uuid, p);
  end if;
  -- a period that an administrator has ended stays ended
  if not exists (select from access.care_team_patients x where x.care_team_id = c[7]::uuid and x.patient_id = import_patient.id) then
    insert into access.care_team_patients (care_team_id, patient_id) values (c[7]::uuid, import_patient.id) on conflict do nothing;
  end if;
end $$;
comment on function clinic.import_patient is 'Takes a patient into the organisation and the care team of the import''s session; a source that is there already is left as it is, and one that was erased isn''t taken in again (id is NULL), nor one who has withdrawn what it needs (both are NULL). Errors: VS403, VS422.';
grant execute on function clinic.import_patient to vs_import;

-- What every import of rows asks first: the import's session, and a patient of its organisation. Gives the clinical key.
create function clinic.import_key(patient uuid) returns bytea
language plpgsql volatile set search_path = '' as $$
declare
  c text[] := access.claims();
begin
  if (c[4] = 'import' and iam.session_is_live(c[1]::uuid) and access.organisation_of(patient) = c[3]::uuid) is not true then
    raise exception using errcode = 'VS404', message = 'there is no such record here';
  end if;
  if access.has_withdrawn(patient, array['data_processing', 'medical_record_storage']) then
    raise exception using errcode = 'VS409', message = 'the patient has withdrawn the agreement that taking in needs';
  end if;
  return vault.unwrap(vault.ring(), patient, 'clinical');
end $$;
comment on function clinic.import_key is 'Internal. Errors: VS404, VS409 against the patient''s word (0310).';

reset role;
