\ir support/world.psql
select no_plan();

select is(tests.owner('update iam.sessions set factor_at = clock_timestamp()'), 'done');
select tests.the('a.org_admin.account') as admin, tests.the('a.secretary.account') as secretary, tests.the('a.clinician.account') as clinician, tests.the('a.patient.account') as patient \gset
create temp table intents as select who, gen_random_uuid() as key from unnest(array['a.org_admin', 'b.org_admin', 'a.secretary', 'a.patient']) who, generate_series(1, 50);
select is((select string_agg(distinct tests.attempt(who, format('select ops.intend(%L, ''accounts.change'')', key), 'open'), '') from intents), '(ok)');
create function pg_temp.intend(of_whom text) returns uuid
language sql as $$ delete from intents where key = (select i.key from intents i where i.who = of_whom limit 1) returning key $$;
create function pg_temp.correct(who text, account text, family text, given text default 'Lou', quality text default '') returns text
language sql as $$ select regexp_replace(tests.attempt(who, format('select clinic.correct_name(%L, %L, %L)', pg_temp.intend(who), account,
  jsonb_build_object('family_name', family, 'given_name', given, 'quality', quality)), 'write'), '^\(.*\)$', 'ok') $$;
create function pg_temp.rename(who text, family text, given text default 'Lou') returns text
language sql as $$ select regexp_replace(tests.attempt(who, format('select clinic.change_own_name(%L, %L, %L)', pg_temp.intend(who), family, given), 'write'), '^\(.*\)$', 'ok') $$;
create function pg_temp.name_for(who text, account text) returns text
language sql as $$ select tests.attempt(who, format('select iam.person_name(%L)', account)) $$;

-- 1
select is(tests.attempt('a.' || who, format('select clinic.correct_name(gen_random_uuid(), %L, ''{}'')', :'secretary'), 'write'), '42501', 'a ' || who || ' cannot correct a name')
  from unnest(array['patient', 'clinician', 'secretary', 'auditor', 'dpo', 'researcher', 'import of clinician']) who;
select is(tests.attempt('a.import of clinician', 'select clinic.change_own_name(gen_random_uuid(), ''X'', ''Y'')', 'write'), '42501', 'an import has no name');
select is(pg_temp.correct('a.org_admin', whom, 'Autre'), 'VS404', 'an administrator cannot correct the name of a patient, of somebody of another practice, or of nobody')
  from unnest(array[:'patient', tests.the('b.clinician.account'), gen_random_uuid()::text]) whom;
select is(tests.attempt('a.' || who, format('select * from clinic.read_name(%L)', :'admin')), '42501', 'a ' || who || ' cannot read the parts of a colleague''s name')
  from unnest(array['patient', 'clinician', 'secretary', 'auditor', 'dpo', 'researcher']) who;
select is(tests.attempt('a.org_admin', format('select * from clinic.read_name(%L)', whom)), 'nothing', 'nor an administrator those of a patient or of another practice')
  from unnest(array[:'patient', tests.the('b.clinician.account')]) whom;
select is(tests.attempt('a.org_admin', format('select clinic.correct_name(gen_random_uuid(), %L, ''{"family_name": "A", "given_name": "B"}'')', :'secretary'), 'write'), 'VS428', 'cannot correct one without an intent');
select is(tests.owner('update iam.sessions set factor_at = clock_timestamp() - interval ''11 minutes'''), 'done');
select is(pg_temp.correct('a.org_admin', :'secretary', 'Autre'), 'VS470', 'cannot correct one on a factor shown long ago');
select is(pg_temp.rename('a.secretary', 'Autre'), 'VS470', 'nor one''s own');
select is(tests.owner('update iam.sessions set factor_at = clock_timestamp()'), 'done');

-- 4
select is(pg_temp.correct('a.org_admin', :'secretary', bad), 'VS422', 'cannot be a name: ' || quote_literal(bad))
  from unnest(array['', '  ', repeat('x', 101), 'Pe' || chr(8238) || 'tit', 'Pe' || chr(8203) || 'tit', E'Pe\ntit', '<b>Petit']) bad;
-- 4: letters that are nothing to look at, and spaces that btrim leaves
select is(pg_temp.correct('a.org_admin', :'secretary', bad || chr(hidden)), 'VS422', format('nor with U+%s in it', to_hex(hidden)))
  from unnest(array[1564, 847, 4447, 6068, 6158, 10240, 12644, 65039, 65440, 917569]) hidden, unnest(array['', 'Petit']) bad;
select is(pg_temp.correct('a.org_admin', :'secretary', chr(space)), 'VS422', format('nor U+%s alone', to_hex(space))) from unnest(array[160, 8195, 8239, 12288]) space;
select is(pg_temp.rename('a.secretary', bad), 'VS422', 'nor one''s own: ' || quote_literal(bad)) from unnest(array['', 'Pe' || chr(8206) || 'tit']) bad;
select is(tests.owner(format('select iam.invite(%L, %L, ''clinician'', ''hidden@exemple.fr'', ''{"family_name": "Pe%stit", "given_name": "Lou"}'')', tests.the('ring'), tests.the('a.organisation'), chr(8238))), 'VS422', 'nor of somebody who is invited');

-- 1, 2
select is(pg_temp.correct('a.org_admin', :'secretary', '  Petit ', 'Léa', 'Mme'), 'ok', 'an administrator corrects a name');
select is(pg_temp.name_for('a.clinician', :'secretary'), '("Mme Léa PETIT")', 'and colleagues see it');
select is(pg_temp.rename('a.secretary', 'Grand', 'Léa'), 'ok', 'somebody changes their own');
select is(pg_temp.name_for('a.clinician', :'secretary'), '("Mme Léa GRAND")', 'and keeps the title, which isn''t theirs to set');
select is(pg_temp.rename('a.patient', 'Grand', 'Léa'), 'ok', 'a patient too');
select is(tests.attempt('a.patient', 'select display_name from clinic.me'), '("Léa GRAND")');

-- 3
select is(tests.attempt(who, format('select x ->> ''name'', x ->> ''own'' from %s, json_array_elements(former::json) x', fn)) ~ '^\("Mme Léa PETIT",true\)\n\(.+,false\)$', true, who || ' reads what the name was before, and who changed it')
  from (values ('a.org_admin', format('clinic.read_name(%L)', :'secretary')), ('a.secretary', 'clinic.read_own_name()')) x (who, fn);
select is((select count(*) from iam.former_names n where position(convert_to('PETIT', 'UTF8') in n.name) > 0), 0::bigint, 'it is sealed');
select is((select string_agg(details::jsonb ->> 'change', ' ' order by at) from audit.events where event = 'account.change' and resource_id = :'secretary' and outcome = 'success'
  and details ~ 'name'), 'name own_name', 'each change is in the log');
select is((select count(*) from ops.outbox where template = 'account_changed' and account_id = :'secretary' and created_at > now() - interval '1 minute') >= 2, true, 'and its person is told');
select is((with tried as (select pg_temp.rename('a.secretary', 'Nom' || i) as answer from generate_series(1, 6) i) select string_agg(answer, ' ') from tried), 'ok ok ok ok VS429 VS429', 'cannot change one''s name all the time');

select is(tests.owner(format('select count(ops.take(''names/%s'', 50, 1.0 / 600)) from generate_series(1, 51)', :'admin')), '51');
select is(pg_temp.correct('a.org_admin', :'secretary', 'Encore'), 'VS429', 'nor an administrator colleagues'' all day');
select is(tests.owner('delete from ops.limits where key like ''name%'''), 'done');

select * from finish();
