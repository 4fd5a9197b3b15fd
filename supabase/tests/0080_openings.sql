\ir support/world.psql
select no_plan();

select policies_are('audit', 'openings', array['all_owner']);
select policies_are('audit', 'selections', array['all_owner']);
select policy_roles_are('audit', t, 'all_owner', array['vs_owner']) from unnest(array['openings', 'selections']) t;

-- 1: tests/db/openings.test.ts
select is(tests.attempt('a.colleague', 'select birth_name from clinic.patients'), 'VS428', 'cannot read what nobody opened');
select is(tests.attempt('a.colleague', format('with o as materialized (select audit.open_patient(%L)) select birth_name from o, clinic.patients', tests.the('a.theirs')), 'open'), 'VS428', 'cannot open and read at once');
select is(tests.opened('a.colleague', 'a.theirs'), '(ok)');
select is(tests.attempt('a.colleague', 'select birth_name from clinic.patients'), '(Moreau)', 'reads after an earlier transaction');
select is(tests.owner('update audit.openings set opened_at = opened_at - interval ''16 minutes'''), 'done');
select is(tests.attempt('a.colleague', 'select birth_name from clinic.patients'), 'VS428', 'cannot read a quarter of an hour later');

-- 2
select is(tests.opened('a.colleague', 'a.mine'), '(hidden)');
select is(tests.attempt('a.colleague', format('select audit.open_patient(%L)', gen_random_uuid()), 'open'), '(hidden)', 'hidden and missing answer alike');

-- 3
select is((select count(*) from audit.events where event = 'patient.read') + 1, (select (select tests.opened('a.colleague', 'a.theirs') is not null)::int * (select count(*) from audit.events where event = 'patient.read') + 1), 'a page is counted after it was opened');

-- 4
select is(tests.attempt('a.colleague', 'select audit.open_patient_list(gen_random_uuid())', 'open'), '(ok)');
select is(tests.attempt('a.colleague', 'select audit.selected(s) from (select gen_random_uuid() s) x, lateral (select audit.open_patient_list(s) offset 0) y', 'open'), '({})', 'cannot see a list before its record is committed');
select is(tests.attempt('a.auditor', 'select audit.open_patient_list(gen_random_uuid())', 'open'), '(forbidden)', 'an auditor has no list of patients');

select * from finish();
