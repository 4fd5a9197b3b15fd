\ir support/world.psql
select no_plan();

-- 2: tests/db/recoveries.test.ts types codes
-- 1: the page of whoever confirms
delete from iam.recoveries;
insert into iam.recoveries (account_id, organisation_id, token_hash, state, lost, ready_at, ends_at)
select tests.the(who || '.account')::uuid, tests.the('a.organisation')::uuid, sha256(convert_to(who, 'UTF8')), 'waiting', 'both', 'infinity', now() + interval '1 day'
from unnest(array['a.clinician', 'a.org_admin', 'a.patient']) who;
select is(tests.attempt('a.' || who, 'select audit.open_recoveries()', 'open'), case when who in ('org_admin', 'secretary') then '(ok)' else '(forbidden)' end, who)
from unnest(array['patient', 'clinician', 'secretary', 'org_admin', 'auditor', 'dpo', 'researcher']) who;
select is(tests.attempt('a.org_admin', 'select role from clinic.recoveries'), '(clinician)', 'an administrator sees colleagues, not patients, and not oneself');
select is(tests.attempt('a.secretary', 'select role from clinic.recoveries'), '(patient)', 'a secretary sees patients');
select is(tests.attempt('b.' || who, 'select role from clinic.recoveries'), 'nothing', 'nobody of another practice') from unnest(array['org_admin', 'secretary']) who;
select is(tests.attempt('a.' || who, 'select * from clinic.recoveries'), '42501', 'nor a ' || who) from unnest(array['patient', 'clinician', 'auditor', 'dpo', 'researcher']) who;
create temp view ids as select r.id, tests.the('a.clinician.account') = r.account_id::text as colleague, tests.the('a.org_admin.account') = r.account_id::text as own from iam.recoveries r;
select is(tests.attempt(who, format('select audit.confirm_recovery(%L, ''000000'')', id), 'open'), answer, who) from ids, (values
  ('a.clinician', '(forbidden)'), ('a.auditor', '(forbidden)'), ('a.secretary', '(hidden)'), ('b.org_admin', '(hidden)')) x (who, answer) where colleague;
select is(tests.attempt('a.org_admin', format('select audit.confirm_recovery(%L, ''000000'')', id), 'open'), '(hidden)', 'never one''s own') from ids where own;
select is(tests.attempt('a.org_admin', format('select audit.reject_recovery(%L)', id), 'open'), '(hidden)', 'nor to reject') from ids where own;
select is(tests.attempt('a.org_admin', 'select audit.confirm_recovery(null, null)', 'open'), '(hidden)', 'nor nobody''s');
select is((select count(*) >= 6 from audit.events where event = 'recovery.confirm' and outcome = 'failure'), true, 'refusals are in the log');

select * from finish();
