\ir support/world.psql
select no_plan();

create function tests.why(who text, patient text) returns text language sql as $$
  select e.role || ' ' || e.identity || ' ' || e.clinical || ': ' || array_to_string(e.words, '; ')
  from access.explain(tests.the(who || '.account')::uuid, tests.the(patient)::uuid) e
$$;

-- 1
select matches(tests.why('a.clinician', 'a.mine'), '^clinician true true: care team .* as lead, since ');
select is(tests.why('a.secretary', 'a.mine'), 'secretary true false: a secretary of the organisation: identity, nothing clinical');
select is(tests.why('a.patient', 'a.mine'), 'patient true true: their own record');
select is(tests.why('a.patient', 'a.theirs'), 'patient false false: a patient sees their own record alone');
select is(tests.why('a.clinician', 'b.mine'), 'clinician false false: the patient belongs to another organisation');
select matches(tests.why('a.clinician', 'a.theirs'), '^clinician false false: (no care team follows the patient|.*, ended )', 'not any more, or never');
select is(tests.why('a.auditor', 'a.mine'), 'auditor false false: the role auditor sees no patient');
select is((select count(*) from access.explain(ops.uuid_v7(), tests.the('a.mine')::uuid)), 0::bigint, 'an account that is nobody');
select set_eq(format('select account_id from access.who_can_see(%L)', tests.the('a.mine')),
  array[tests.the('a.clinician.account')::uuid, tests.the('a.secretary.account')::uuid, tests.the('a.patient.account')::uuid], 'these three, and nobody of the other practice');
select set_eq($$select unnest(tables) from access.policies_for('clinician')$$,
  $$select c.oid::regclass::text from pg_class c where c.relnamespace = 'store'::regnamespace and c.relkind = 'r'$$, 'a clinician reads every table of the record');
-- 2
select is_empty($$select * from access.who_can_see(tests.the('a.mine')::uuid) w where w.words::text ~* 'roux|anne|moreau'$$, 'no name');
-- 3
select count(*) as asked from audit.events where resource_type = 'Access' \gset
select is((select count(*) > 0 from access.who_can_see(tests.the('a.mine')::uuid)), true);
select is((select count(*) from audit.events where resource_type = 'Access'), :asked + 1::bigint, 'asking is recorded');
-- 4
select is(tests.attempt('a.org_admin', format('select * from access.who_can_see(%L)', tests.the('a.mine')), 'write'), '42501', 'an administrator of a practice may not ask');
select is(tests.attempt('a.dpo', format('select * from access.explain(%L, %L)', tests.the('a.clinician.account'), tests.the('a.mine')), 'write'), '42501');

select * from finish();
