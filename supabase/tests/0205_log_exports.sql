\ir support/world.psql
select no_plan();

select policies_are('audit', 'exports', array['all_owner']);
select policy_roles_are('audit', 'exports', 'all_owner', array['vs_owner']);

\set one '00000000-0000-4000-8000-000000000205'
create function tests.age_factor(who text, minutes int) returns text language sql as $$
  select tests.owner(format('update iam.sessions set factor_at = clock_timestamp() - make_interval(mins => %s) where token_hash = iam.hash_token(%L)', minutes, tests.the(who)))
$$;
create function tests.exports() returns text language sql as $$
  select string_agg(format('%s %s', e.outcome, e.details), '; ' order by e.at) from audit.events e where e.event = 'log.export' and e.organisation_id = tests.the('a.organisation')::uuid
$$;

-- 1
select is(tests.attempt(who, format('select audit.begin_export(%L, ''{}'', ''csv'')', :'one'), 'open'), '(forbidden)', who || ' cannot export the log')
from unnest(array['a.clinician', 'a.secretary', 'a.admin', 'a.dpo', 'a.patient']) who where tests.the(who) is not null;
select is(tests.attempt('a.clinician', format('select * from audit.export_events(%L, ''{}'')', :'one')), '42501', 'nor read one');
select is(tests.attempt('a.clinician', 'select audit.count_events(''{}'')'), '42501', 'nor count');
select matches(tests.exports(), 'failure', 'and trying is recorded');

-- 2
select is(tests.age_factor('a.auditor', 11), 'done');
select is(tests.attempt('a.auditor', format('select audit.begin_export(%L, ''{}'', ''csv'')', :'one'), 'open'), '(step_up)', 'cannot export on a factor of eleven minutes ago');
select is(tests.attempt('a.auditor', 'select audit.open_export()', 'open'), '(step_up)', 'nor come to the page');
select is(tests.attempt('a.auditor', format('select * from audit.export_events(%L, ''{}'')', :'one')), 'VS428', 'and is given nothing');
select is(tests.age_factor('a.auditor', 1), 'done');

-- 3
select is(tests.attempt('a.auditor', format('select * from audit.export_events(%L, ''{}'')', :'one')), 'VS428', 'cannot export what was not announced');
select is(tests.attempt('a.auditor', format('do $d$ begin perform audit.begin_export(%1$L, ''{}'', ''csv''); perform audit.export_events(%1$L, ''{}''); end $d$', :'one'), 'open'), 'VS428', 'cannot export in the transaction that announces it, which could still be rolled back');
select is_empty($$select 1 from audit.exports$$, 'nothing of that is left');
select is(tests.attempt('a.auditor', format('select audit.begin_export(%L, ''{"event": "log.export", "lastname": "x"}'', ''csv'')', :'one'), 'open'), 'VS422', 'cannot put a word of their own into the log');
select is(tests.attempt('a.auditor', format('select audit.begin_export(%L, ''{}'', ''a name'')', :'one'), 'open'), 'VS422', 'by the format neither');
select is(tests.attempt('a.auditor', format('select audit.begin_export(%L, ''{}'', null)', :'one'), 'open'), 'VS422', 'nor export in none');
select is(tests.attempt('a.auditor', format('select audit.begin_export(%L, %L, ''jsonl'')', :'one', json_build_object('patient', tests.the('a.mine'), 'from', '2020-01-01')), 'open'), '(ok)');
select is(split_part(tests.exports(), '; ', -1) ~ '^success \{"format" : "jsonl", "criteria" : \["from","patient"\], "events" : \d+\}$', true, 'the event names kinds and a count, never whose') from (select 1) x;
select is(position(tests.the('a.mine') in tests.exports()), 0, 'no id of a patient');

-- 4
select is(tests.attempt('a.auditor', format('select * from audit.export_events(%L, ''{}'')', :'one')), 'VS428', 'cannot export by other criteria than announced');
select is(tests.attempt('b.auditor', format('select * from audit.export_events(%L, %L)', :'one', json_build_object('patient', tests.the('a.mine'), 'from', '2020-01-01'))), 'VS428', 'cannot take another session''s export');
select is(tests.attempt('b.auditor', format('select audit.begin_export(%L, ''{}'', ''csv'')', :'one'), 'open'), 'VS409', 'nor its id');
select is(tests.attempt('b.auditor', format('select audit.count_events(%L)', json_build_object('patient', tests.the('a.mine')))), '(0)', 'cannot see what another organisation''s log holds');
select is(tests.attempt('a.auditor', format('select count(*) filter (where x.patient_id is distinct from %1$L) from audit.export_events(%2$L, %3$L) x', tests.the('a.mine'), :'one', json_build_object('patient', tests.the('a.mine'), 'from', '2020-01-01'))), '(0)', 'gives what was asked for');
select is(tests.opened('a.clinician', 'a.mine'), '(ok)');
select is(tests.attempt('a.auditor', format('select count(*) from audit.export_events(%L, %L)', :'one', json_build_object('patient', tests.the('a.mine'), 'from', '2020-01-01'))),
  format('(%s)', (select e.details::json ->> 'events' from audit.events e where e.resource_id = :'one'::uuid and e.event = 'log.export')), 'and no event that came later');
select is(tests.owner('update audit.exports set until = until - interval ''6 minutes'''), 'done');
select is(tests.attempt('a.auditor', format('select * from audit.export_events(%L, %L)', :'one', json_build_object('patient', tests.the('a.mine'), 'from', '2020-01-01'))), 'VS428', 'cannot export later than five minutes after');

select * from finish();
