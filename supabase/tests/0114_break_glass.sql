\ir support/world.psql
select no_plan();

select policies_are('access', 'emergency_searches', array['all_owner']);
select policies_are('access', 'broken_glass', array['select_owner', 'insert_owner', 'update_owner', 'select_dpo', 'select_org_admin', 'select_patient', 'select_clinician']);
select policy_roles_are('access', 'broken_glass', 'select_' || r, array['vs_' || r]) from unnest(array['dpo', 'org_admin', 'patient', 'clinician', 'owner']) r;
select policy_cmd_is('access', 'broken_glass', 'select_' || r, 'select', 'to read') from unnest(array['dpo', 'org_admin', 'patient', 'clinician', 'owner']) r;
select has_trigger('access', 'broken_glass', '_900_audit', 'each row is recorded');

-- each file begins with nothing broken; a.theirs is somebody whom a.clinician doesn't see
delete from access.broken_glass;
delete from access.emergency_searches;
create temp table steps as select gen_random_uuid() as search, gen_random_uuid() as glass;
create temp view look as select 'select audit.open_emergency_search(%L, %L, %L, %L, %L)'::text as call;
create temp view break as select 'select audit.break_glass(%L, %L, %L, %L)'::text as call;
select search, glass from steps \gset
select tests.the('a.theirs') as theirs \gset
-- a.mine and a.theirs are called alike in this world: theirs gets a given name of its own
select tests.attempt('a.import of colleague', format('select clinic.import_patient(%L)', jsonb_build_object('source', 'Patient/urgence', 'birth_name', 'Le Goff', 'first_given_name', 'Anaïs', 'sex', 'female', 'birth_date', '1990-07-14', 'ins_matricule', '290077512345678')), 'write') ~ '^\(' as made \gset
select p.id as urgent from store.patients p where not exists (select from tests.world w where w.value = p.id::text) order by p.created_at desc limit 1 \gset

-- 5
select is(tests.attempt('a.' || who, format(call, gen_random_uuid(), 'Le Goff', '1990-07-14', '', ''), 'open'), '(forbidden)', 'a ' || who || ' has no emergency search') from look, unnest(array['patient', 'secretary', 'org_admin', 'auditor', 'dpo', 'researcher']) who;
select is(tests.attempt('a.import of clinician', format(call, gen_random_uuid(), 'Le Goff', '1990-07-14', '', ''), 'open'), '42501', 'the import neither') from look;
select is(tests.attempt('a.clinician', format(call, gen_random_uuid(), name, day, '', ''), 'open'), '(invalid)', 'cannot search by ' || title) from look, (values
  ('Le Goff', '', 'the name alone'), ('', '1990-07-14', 'the birth date alone'), ('--', '1990-07-14', 'no letters'), ('Le Goff', '14/07/1990', 'a date of another form')) x (name, day, title);
create temp view searched as select * from (values
  ('Le Goff', '1990-07-14', '', '', 'one'), ('LE-GOFF', '1990-07-14', '', '', 'one'), ('le goff', '1990-07-14', 'anais', '', 'one'), ('', '', '', '2 90 07 75 123 456 78', 'one'),
  ('Le Gof', '1990-07-14', '', '', 'none'), ('Goff', '1990-07-14', '', '', 'none'), ('Le Goff', '1990-07-15', '', '', 'none'), ('Le Goff', '1990-07-14', 'Anne', '', 'none'),
  ('', '', '', '290077512345679', 'none'), ('Moreau', '1958-03-12', '', '', 'several')) x (name, day, given, ins, found);
create temp table asked as select gen_random_uuid() as id, s.* from searched s;
select is(tests.attempt('a.clinician', format(call, id, name, day, given, ins), 'open'), '(ok)', 'the answer of a search is a word') from look, asked;
select is(tests.attempt('a.clinician', format('select state, patient_id from clinic.read_emergency_search(%L)', id)), format('(%s,)', found), format('%s %s %s%s: %s', name, day, given, ins, found)) from asked;
select is(tests.attempt('a.colleague', format('select state from clinic.read_emergency_search(%L)', id)), 'nothing', 'cannot read somebody else''s search') from asked limit 1;
select is(tests.attempt('b.clinician', format(call, :'search', 'Le Goff', '1990-07-14', '', ''), 'open'), '(ok)') from look;
select is(tests.attempt('b.clinician', format('select state from clinic.read_emergency_search(%L)', :'search')), '(none)', 'cannot find another practice''s patient');
select is(tests.attempt('a.clinician', format(call, :'search', 'Le Goff', '1990-07-14', '', ''), 'open'), 'VS409', 'cannot take somebody else''s search') from look;
select is((select count(distinct e.resource_id) from audit.events e join asked a on a.id = e.resource_id where e.event = 'patients.search' and e.details like '%"emergency"%'), (select count(*) from asked), 'every search is in the log');
update steps set search = (select id from asked where found = 'one' limit 1);
select search from steps \gset
select is(tests.attempt('a.clinician', format('with s as materialized (select audit.open_emergency_search(%L, ''Le Goff'', ''1990-07-14'', '''', '''')) select state from s, clinic.read_emergency_search(%1$L)', gen_random_uuid()), 'open'), 'nothing', 'cannot read an answer before its record is committed');

-- 1
select is(tests.attempt('a.' || who, format(call, gen_random_uuid(), :'search', 'emergency', 'Patiente inconsciente aux urgences'), 'open'), '(forbidden)', 'a ' || who || ' cannot break the glass') from break, unnest(array['patient', 'secretary', 'org_admin', 'auditor', 'dpo', 'researcher']) who;
select is(tests.attempt(who, format(call, gen_random_uuid(), s, 'emergency', 'Patiente inconsciente aux urgences'), 'open'), '(hidden)', 'cannot break it ' || title) from break, (values
  ('a.colleague', :'search', 'with somebody else''s search'), ('b.clinician', :'search', 'in another practice'), ('a.clinician', gen_random_uuid()::text, 'without a search'),
  ('a.clinician', (select id::text from asked where found = 'none' limit 1), 'where nobody was found'), ('a.clinician', (select id::text from asked where found = 'several'), 'where it isn''t known who')) x (who, s, title);
select is(tests.attempt('a.clinician', format(call, gen_random_uuid(), :'search', kind, reason), 'open'), '(invalid)', 'cannot break it for ' || title) from break, (values
  ('emergency', '', 'no reason'), ('emergency', '          ', 'blanks'), ('emergency', '..........!!!!', 'signs'), ('emergency', 'urgence', 'one word'), ('emergency', 'aaaaaaaaaaaaaaaa', 'one letter'),
  ('curiosity', 'Patiente inconsciente aux urgences', 'a kind of one''s own')) x (kind, reason, title);
select is(tests.attempt('a.clinician', format('select audit.break_glass(gen_random_uuid(), %L, null, ''Patiente inconsciente'')', :'search'), 'open'), '(invalid)', 'nor without a kind');
select is((select count(*) from audit.events where event = 'glass.break' and outcome = 'success'), 0::bigint, 'nothing was broken');
select is((select count(*) from audit.events where event = 'glass.break' and outcome = 'failure') >= 17, true, 'and every attempt is in the log');
select is(tests.opened('a.clinician', x.id), '(hidden)') from (values ('a.theirs')) x (id);

insert into tests.world values ('a.urgent', :'urgent') on conflict (name) do update set value = excluded.value;
select is(tests.opened('a.clinician', 'a.urgent'), '(hidden)', 'the record is closed');
-- 3
select is(tests.attempt('a.clinician', format('with b as materialized (select audit.break_glass(gen_random_uuid(), %L, ''emergency'', ''Patiente inconsciente aux urgences'')) select birth_name from b, clinic.patients', :'search'), 'open') in ('VS428', 'nothing'), true, 'cannot break it and read at once');
select is(tests.attempt('a.clinician', format(call, :'glass', :'search', 'emergency', 'Patiente inconsciente aux urgences'), 'open'), '(ok)', 'a clinician breaks the glass') from break;
select is(tests.attempt('a.clinician', format(call, :'glass', :'search', 'emergency', 'Patiente inconsciente aux urgences'), 'open'), '(ok)', 'a request sent twice breaks it once') from break;
select is((select count(*) from access.broken_glass where id = :'glass'), 1::bigint);
select is(tests.attempt('a.clinician', 'select birth_name from clinic.patients', 'read', :'urgent'), 'VS428', 'and still nothing opens without a record of the access');
select is(tests.opened('a.clinician', 'a.urgent'), '(ok)');
select is(tests.attempt('a.clinician', 'select birth_name from clinic.patients', 'read', :'urgent'), '("Le Goff")', 'now it is open');
select is(tests.opened('a.colleague', 'a.mine'), '(hidden)', 'for nobody else');
select is(tests.attempt('b.clinician', format('select audit.open_patient(%L)', :'urgent'), 'open'), '(hidden)', 'nor elsewhere');
select is((select coalesce(e.details ~ '"glass"', false) from audit.events e where e.event = 'patient.read' and e.patient_id = :'urgent' order by e.at desc limit 1), false, 'a look names the glass when the page says which patient it shows');
select is(tests.attempt('a.clinician', format('select audit.open_patient(%L)', :'urgent'), 'open', :'urgent'), '(ok)');
select is((select (e.details::json ->> 'glass') = :'glass' from audit.events e where e.event = 'patient.read' and e.patient_id = :'urgent' order by e.at desc, e.seq desc limit 1), true);

-- 4
select is(tests.attempt('a.' || who, 'select kind, reason, open from clinic.broken_glass where id = ' || quote_literal(:'glass')), '(emergency,"Patiente inconsciente aux urgences",t)', 'told at once to the ' || who) from unnest(array['dpo', 'org_admin', 'clinician']) who;
select is(tests.attempt('b.' || who, 'select count(*) from clinic.broken_glass'), '(0)', 'and not to another practice''s ' || who) from unnest(array['dpo', 'org_admin', 'clinician']) who;
select is(tests.attempt(who, format('select clinic.glass_reason(%L)', :'glass')), '()', 'cannot ask for the reason by its id: ' || who) from unnest(array['b.dpo', 'b.org_admin', 'b.clinician', 'a.colleague', 'a.patient', 'b.patient']) who;
select is(tests.attempt('a.colleague', 'select count(*) from clinic.broken_glass'), '(0)', 'nor to a colleague');
select is(tests.attempt('a.patient', 'select count(*) from clinic.broken_glass where id = ' || quote_literal(:'glass')), '(0)', 'nor to another patient');
select is(tests.attempt('a.' || who, 'select * from clinic.broken_glass'), '42501', 'nor to a ' || who) from unnest(array['secretary', 'auditor', 'researcher']) who;
select is(tests.attempt('a.org_admin', 'select clinic.glass_reason(id) from access.broken_glass'), '42501', 'who sees the view cannot name what is behind it');
select is(tests.attempt(who, 'select audit.open_broken_glass()', 'open'), expected) from (values ('a.dpo', '(ok)'), ('a.org_admin', '(ok)'), ('a.clinician', '(forbidden)'), ('a.secretary', '(forbidden)')) x (who, expected);

-- 2
select throws_ok(format('update access.broken_glass set %s where id = %L', change, :'glass'), 'VS403', null, 'nobody can ' || change) from unnest(array['ends_at = ends_at + interval ''1 minute''', 'kind = ''other''', 'account_id = (select id from iam.accounts where id <> account_id limit 1)']) change;
select is((select ends_at - broken_at from access.broken_glass where id = :'glass'), interval '30 minutes', 'for 30 minutes');
update access.broken_glass set ends_at = clock_timestamp() where id = :'glass';
select is(tests.opened('a.clinician', 'a.urgent'), '(hidden)', 'and then it is closed');
select is(tests.attempt('a.clinician', 'select birth_name from clinic.patients', 'read', :'urgent'), 'nothing', 'although the opening is fresh');
-- the clock is put back: what was broken "later" doesn't count
alter table access.broken_glass disable trigger _100_only_ends;
update access.broken_glass set broken_at = now() + interval '50 minutes', ends_at = now() + interval '80 minutes' where id = :'glass';
select is(tests.opened('a.clinician', 'a.urgent'), '(hidden)', 'a step of the clock prolongs nothing');
update access.broken_glass set broken_at = now() - interval '10 minutes', ends_at = now() + interval '20 minutes' where id = :'glass';
alter table access.broken_glass enable trigger _100_only_ends;
select is(tests.opened('a.clinician', 'a.urgent'), '(ok)');

-- ending and looking into it
create temp table ends as select who, gen_random_uuid() as key from unnest(array['a.dpo', 'a.clinician', 'b.dpo', 'a.org_admin']) who;
select is(tests.attempt(who, format('select ops.intend(%L, ''glass.end'')', key), 'open'), '(ok)') from ends;
select is(tests.attempt('b.dpo', format('select clinic.end_glass(%L, %L)', key, :'glass'), 'write'), 'VS404', 'another practice''s DPO cannot end it') from ends where who = 'b.dpo';
select is(tests.attempt('a.colleague', format('select clinic.end_glass(gen_random_uuid(), %L)', :'glass'), 'write'), 'VS404', 'a colleague cannot end it');
select is(tests.attempt('a.dpo', format('select clinic.end_glass(%L, %L)', key, :'glass'), 'write') ~ '^\(', true, 'the DPO ends it') from ends where who = 'a.dpo';
select is(tests.opened('a.clinician', 'a.urgent'), '(hidden)');
select gen_random_uuid() as key \gset
select is(tests.attempt('a.dpo', format('select ops.intend(%L, ''glass.acknowledge'')', :'key'), 'open'), '(ok)');
select is(tests.attempt('a.clinician', format('select clinic.acknowledge_glass(%L, %L)', :'key', :'glass'), 'write'), '42501', 'who broke it cannot say that it was looked into');
select is(tests.attempt('a.dpo', format('select clinic.acknowledge_glass(%L, %L)', :'key', :'glass'), 'write') ~ '^\(', true, 'the DPO says so');
select is((select seen_by::text from access.broken_glass where id = :'glass'), tests.the('a.dpo.account'));
select throws_ok(format('update access.broken_glass set seen_by = account_id where id = %L', :'glass'), 'VS403', null, 'and that stays');

-- 2: five an hour
create temp table more as select gen_random_uuid() as glass, n from generate_series(2, 6) n;
select is(tests.attempt('a.clinician', format(call, m.glass, :'search', 'on_call', 'Garde de nuit, appel du SAMU'), 'open'), case when n = 6 then '(limited)' else '(ok)' end, 'number ' || n || ' in an hour') from break, more m order by n;

-- 5: twenty an hour
create temp table much as select gen_random_uuid() as id, n from generate_series((select count(*)::int + 1 from access.emergency_searches where account_id = tests.the('a.clinician.account')::uuid), 21) n;
select is(tests.attempt('a.clinician', format(call, id, 'Le Goff', '1990-07-14', '', ''), 'open'), case when n > 20 then '(limited)' else '(ok)' end) from look, much order by n;

-- 6
select is((select count(*) from vault.keys where level = 'glass') >= 5, true, 'each reason has a key');
select is(tests.owner(format('delete from vault.keys where subject_id = %L', :'urgent')), 'done');
select is(tests.attempt('a.dpo', format('select kind, reason from clinic.broken_glass where id = %L', :'glass')), '(emergency,)', 'an erased patient''s reasons open for nobody');
select is((select count(*) from vault.keys k join access.broken_glass b on b.id = k.subject_id where b.patient_id = :'urgent'), 0::bigint);
-- the other files find the world as it was
delete from tests.world where name = 'a.urgent';
update access.care_team_patients set valid_until = clock_timestamp() where patient_id = :'urgent';
update access.broken_glass set ends_at = broken_at;

select * from finish();
