\ir support/world.psql
select no_plan();

select policies_are('vault', 'search_tokens', array['all_owner']);
select policy_roles_are('vault', 'search_tokens', 'all_owner', array['vs_owner']);

select is(vault.words(typed), words, typed) from (values ('Œuvrard-d''Été', array['oeuvrard', 'd', 'ete']), ('  LE  Marchand ', array['le', 'marchand']), ('Ångström', array['angstrom']), ('', '{}'), ('···', '{}')) x (typed, words);

-- 1
select is((select count(*) from (select patient_id from vault.search_tokens group by patient_id having count(*) % 12 not in (0, 11)) odd), 0::bigint, 'the number of tokens says nothing about a name');
select is((select count(distinct organisation_id) from vault.search_tokens a where token in (select token from vault.search_tokens b where b.organisation_id <> a.organisation_id)) <= 1, true, 'the same name has other tokens in another practice');

-- 2
select gen_random_uuid() as s \gset
select is(tests.attempt('a.clinician', format('select audit.open_patient_search(%L, %L, null)', :'s', 'more'), 'open'), '(ok)');
select is(tests.attempt('a.clinician', format('select audit.selected(%L)', :'s')), format('({%s})', tests.the('a.mine')), 'finds by the beginning of a name, in the care team');
select is((select shown from audit.events where event = 'patients.search' order by at desc limit 1), array[tests.the('a.mine')::uuid], 'and is recorded');
select is(tests.attempt('a.clinician', format('select audit.open_patient_search(gen_random_uuid(), %L, %L)', name, day), 'open'), e, format('%s / %s: %s', name, day, e))
  from (values ('mo', '', '(too_short)'), ('', '', '(too_short)'), ('', '12/03/1958', '(invalid)'), ('', '1958-03-12', '(ok)'), ('élis MOR', '', '(ok)'), ('%', '', '(too_short)')) x (name, day, e);
select is(tests.attempt('a.' || who, 'select audit.open_patient_search(gen_random_uuid(), ''moreau'', null)', 'open'), '(forbidden)', 'cannot search as ' || who) from unnest(array['patient', 'org_admin', 'auditor', 'dpo', 'researcher']) who;

-- 3
select is(tests.attempt('a.clinician', 'select audit.selected(s) from (select gen_random_uuid() s) x, lateral (select audit.open_patient_search(s, ''moreau'', null) offset 0) y', 'open'), '({})', 'cannot see what a search found before it is committed');

select * from finish();
