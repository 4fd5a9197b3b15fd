\ir support/world.psql
select no_plan();

-- 1 to 3: tests/db/own-address/taking-back.test.ts, tests/db/disownings.test.ts
select function_privs_are('iam', f, array['text', 'text', 'jsonb'], r, '{}', format('%s cannot call %s', r, f))
  from unnest(array['look_at_address_notice', 'disown_address_change']) f, unnest(array['vs_edge', 'vs_anon', 'vs_patient', 'vs_clinician', 'vs_org_admin', 'vs_dba']) r;
-- 4
select is(tests.owner(format($$select answer from iam.%s(%L, 'nobody''s', '{}')$$, f, tests.the('ring'))), 'gone', f || ': a link that nobody sent leads nowhere')
  from unnest(array['look_at_address_notice', 'disown_address_change']) f;
select is((select count(*) > 0 from audit.events where event = 'account.change' and outcome = 'failure' and details ~ 'gone'), true, 'and is in the log');

select * from finish();
