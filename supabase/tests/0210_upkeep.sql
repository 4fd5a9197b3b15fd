\ir support/world.psql
select no_plan();

select count(*) as events from audit.events \gset
select count(*) as leaves from audit.leaves \gset
select is(tests.owner('select ops.upkeep()::text'), '', 'clears out');
-- 1
select is((select count(*) from audit.events), :events::bigint, 'no event is removed');
select is((select count(*) from audit.leaves), :leaves::bigint, 'no leaf');
select is_empty('select * from audit.verify_all()', 'the chains are intact');
select is((select count(*) >= 4 from pg_inherits where inhparent = 'audit.events'::regclass), true, 'the coming months have their partitions');
-- 2
select is(tests.opened('a.clinician', 'a.mine'), '(ok)');
select is(tests.owner('select ops.upkeep()::text'), '');
select is(tests.attempt('a.clinician', 'select birth_name from clinic.patients'), '(Moreau)', 'what is open stays open');
select is(tests.attempt('a.clinician', 'select ops.upkeep()', 'write'), '42501', 'nobody who acts clears out');

select * from finish();
