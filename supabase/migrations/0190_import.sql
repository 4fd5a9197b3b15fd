-- Import: what the service account of the import may do, and nothing else.
--
-- Guarantees
--   1. The import seals and does not open: no view and no release is granted to it.
--   2. It writes into the organisation and the care team of its session alone.
--   3. The same source twice changes nothing.

set role vs_owner;

create function clinic.import_rows(patient uuid, type text, rows jsonb) returns int
language plpgsql volatile security definer set search_path = '' set debug_print_plan = off as $$
begin
  return case type
    when 'encounters' then clinic.import_encounters(patient, rows)
    when 'conditions' then clinic.import_conditions(patient, rows)
    when 'observations' then clinic.import_observations(patient, rows)
    when 'medication_requests' then clinic.import_medication_requests(patient, rows)
    when 'allergy_intolerances' then clinic.import_allergy_intolerances(patient, rows)
    when 'notes' then clinic.import_notes(patient, rows)
  end;
exception
  -- no message of Postgres here: it could quote what was imported
  when check_violation or not_null_violation or data_exception then
    raise exception using errcode = 'VS422', message = format('a row of %s has a value that this type doesn''t take', type);
end $$;
comment on function clinic.import_rows is 'Takes an array of rows of one type into one patient''s record; gives how many were new. Errors: VS404, VS422.';
grant execute on function clinic.import_rows to vs_import;

reset role;
