\ir support/world.psql
select no_plan();

select policies_are('audit', 'lanes', array['all_owner', 'select_dba']);
select policies_are('audit', 'leaves', array['select_owner', 'insert_owner', 'select_dba']);
select policies_are('audit', 'events', array['select_owner', 'insert_owner', 'select_auditor', 'select_patient']);
select policies_are('audit', 'origins', array['select_owner', 'insert_owner', 'delete_owner', 'select_auditor']);
select policy_roles_are('audit', 'events', 'select_auditor', array['vs_auditor']);
select policy_roles_are('audit', 'events', 'select_patient', array['vs_patient']);
select is_empty($$select c.oid::regclass, p.polname from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_policy p on p.polrelid = c.oid where i.inhparent = 'audit.events'::regclass$$, 'a partition has no policy of its own: nobody reads it but through the log');

-- 1
select is((select max(count) from (select count(*) from audit.events where event = 'row.insert' and resource_type = 'Patient' group by resource_id) t), 1::bigint, 'a row is recorded once');
select is(tests.attempt('a.clinician', 'select audit.open_patient(' || quote_literal(tests.the('a.theirs')) || ')', 'open'), '(hidden)');
select is((select outcome from audit.events where event = 'patient.read' and resource_id = tests.the('a.theirs')::uuid order by at desc limit 1), 'failure', 'an attempt is recorded too');

-- 2: tests/db/audit-log.test.ts changes, removes, reorders and inserts as a superuser
select is(tests.owner(s), 'VS403', 'the owner cannot ' || s) from unnest(array['truncate audit.events', 'truncate audit.leaves']) s;
select is(tests.owner('delete from audit.leaves'), 'VS403', 'nor delete leaves');
select is(tests.owner('delete from audit.events') in ('done', 'VS403') and (select count(*) > 50 from audit.events), true, 'nor events');
select is(tests.attempt('a.auditor', s, 'write'), '42501', 'an auditor cannot ' || s) from unnest(array['delete from audit.events', 'update audit.events set actor_role = ''x''', 'insert into audit.events default values', 'truncate audit.events', 'delete from audit.lanes', 'select * from audit.leaves']) s;

-- 3
select is_empty('select * from audit.verify_all()', 'the chains are intact');
select is((select count(*) from audit.events e where array_length(array(select json_array_elements_text(e.leaf::json)), 1) <> 18), 0::bigint, 'a leaf has eighteen fields');

-- 4
select is((select string_agg(leaf, ' ') from audit.events) ~* 'moreau|élise|toux|asthme|arachide|salbutamol|1958-03-12', false, 'no value stands in the log');
select is(tests.owner($$insert into audit.events (id, organisation_id, lane, seq, at, event, resource_type, actor_role, outcome, leaf) values (gen_random_uuid(), gen_random_uuid(), 0, 1, now(), 'x', 'x', 'x', 'success', '')$$), '23514', 'cannot record an event of another vocabulary');

-- 5
select is((select count(*) from audit.lanes where organisation_id = tests.the('a.organisation')::uuid), 16::bigint, 'a practice has sixteen lanes');

select * from finish();
