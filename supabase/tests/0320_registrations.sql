\ir support/world.psql
select no_plan();

-- who registers: tests/db/registrations.test.ts
select policies_are('iam', 'registering', array['all_owner']);
select policy_roles_are('iam', 'registering', 'all_owner', array['vs_owner']);
select policies_are('iam', t, array['all_owner']) from unnest(array['registrations', 'registration_links']) t;
select is((select string_agg(p.proname, ' ' order by p.proname) from pg_proc p where p.pronamespace = 'iam'::regnamespace and p.proname ~ 'registration$|^open_practices$' and has_function_privilege('vs_gate', p.oid, 'execute')),
  'complete_registration open_practices read_registration request_registration resume_registration', 'what the gate may call');

-- 5: a record is one's own and provisional, whoever says so
create function pg_temp.add(role text, own boolean, status text, house text default 'a') returns text language plpgsql as $$
declare
  patient uuid := gen_random_uuid();
  c text[] := array[null, tests.the('a.clinician.account'), tests.the('a.organisation'), role, case when own then patient::text end, null, null, null, null];
  ring text := tests.the('ring');
  place uuid := tests.the(house || '.organisation');
begin
  perform set_config('role', 'vs_owner', true);
  perform access.set_claims(c), vault.set_ring(ring);
  perform clinic.add_patient(patient, place, jsonb_build_object('birth_name', 'Le Goff', 'identity_status', status));
  perform set_config('role', 'none', true);
  return 'done';
exception when others then
  return sqlstate;
end $$;
select is(pg_temp.add('patient', true, 'provisoire'), 'done', 'somebody who registers has a record');
select is(pg_temp.add('patient', false, 'provisoire'), '42501', 'cannot make one that isn''t one''s own');
select is(pg_temp.add('patient', true, s), '42501', 'nor one of status ' || s) from unnest(array['recuperee', 'validee', 'qualifiee']) s;
select is(pg_temp.add('patient', true, 'provisoire', 'b'), '42501', 'nor in another practice');
select is(pg_temp.add(r, true, 'provisoire'), '42501', 'nor as ' || r) from unnest(array['clinician', 'secretary', 'org_admin', 'unknown']) r;

-- 6: the practice decides
create temp table keys as select k.who, k.key, tests.attempt(k.who, format('select ops.intend(%L, ''registration.change'')', k.key), 'open') as answer
from (select who, gen_random_uuid() as key from unnest(array['a.org_admin', 'a.secretary', 'a.patient', 'b.org_admin']) who, generate_series(1, 3)) k;
create function pg_temp.change(by text, registration text) returns text language plpgsql as $$
declare
  k uuid;
  answer text;
begin
  delete from keys x where x.key = (select y.key from keys y where y.who = by limit 1) returning x.key into k;
  answer := tests.attempt(by, format('select clinic.change_registration(%L, %L)', k, registration), 'write');
  return case when length(answer) = 38 then 'done' else answer end;
end $$;
select is(pg_temp.change('a.' || who, 'closed'), '42501', 'not a ' || who) from unnest(array['secretary', 'patient']) who;
select is(pg_temp.change('a.org_admin', 'ajar'), 'VS422');
select is(pg_temp.change('a.org_admin', 'closed'), 'done', 'an administrator closes it');
select is(tests.attempt('a.org_admin', 'select clinic.read_registration()'), '(closed)');
select is(tests.attempt('b.org_admin', 'select clinic.read_registration()'), '(open)', 'of one''s own practice alone');
select is((select string_agg(name, ' ') from iam.open_practices()), 'Cabinet b', 'and patients no longer see it');
select is(pg_temp.change('a.org_admin', 'open'), 'done');
select is((select count(*) from audit.events where event = 'row.update' and resource_type = 'Organization' and resource_id = tests.the('a.organisation')::uuid and details ~ 'registration'), 2::bigint, 'both are in the log');

select * from finish();
