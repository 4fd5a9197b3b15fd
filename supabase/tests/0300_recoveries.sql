\ir support/world.psql
select no_plan();

-- who goes through it, and what stays two factors: tests/db/recoveries.test.ts
select policies_are('iam', 'recoveries', array['all_owner']);
select is((select string_agg(p.proname, ' ' order by p.proname) from pg_proc p where p.pronamespace = 'iam'::regnamespace and p.proname ~ 'recovery$' and has_function_privilege('vs_gate', p.oid, 'execute')),
  'cancel_recovery choose_recovery complete_recovery read_recovery request_recovery', 'what the gate may call');

-- 2: what a row can't say
select throws_ok(format($$insert into iam.recoveries (account_id, organisation_id, token_hash, state, lost, ready_at)
  values (%L, %L, sha256('x'), 'waiting', %L, %L)$$, tests.the('a.clinician.account'), tests.the('a.organisation'), lost, ready), '23514', null, 'cannot wait without ' || title)
from (values (null, now(), 'having lost something'), ('password', now(), 'having lost the factors'), ('factors', null, 'an end')) x (lost, ready, title);

select * from finish();
