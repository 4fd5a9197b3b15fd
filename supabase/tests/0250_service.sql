\ir support/world.psql
select no_plan();

select is(ops.is_cleared(), true, 'this database was cleared when the world was made');
select is(tests.owner('select ops.clear_to_serve(''nothing'')::text'), 'false', 'clearing twice does nothing');
select is(tests.opened('a.clinician', 'a.mine'), '(ok)');

-- 1
set role vs_owner;
update ops.service set started_at = started_at - interval '1 microsecond';
reset role;
select count(*) as events from audit.events \gset
select is(ops.is_cleared(), false, 'a restart is seen');
select is(tests.owner($$select value::text from ops.figures() where name = 'cleared_to_serve'$$), '0', 'which monitoring sees');
select is(tests.opened('a.clinician', 'a.mine'), 'VS503', 'cannot enter');
select is(tests.attempt('a.patient', 'select 1', 'read'), 'VS503', 'cannot read');
select is(tests.attempt('a.import of clinician', 'select 1', 'write'), 'VS503', 'cannot write');
select throws_ok($$select iam.sign_in_lookup('', '')$$, 'VS503', null, 'cannot sign in');
select throws_ok($$select iam.sign_in_password('', null, '', '', null)$$, 'VS503', null, 'by password');
select throws_ok($$select iam.take_factor('', '', '', null, '', null)$$, 'VS503', null, 'or code');
select is((select count(*) from audit.events), :events::bigint, 'nothing is recorded in a log that has not been compared');

-- 2
select is(tests.owner('select ops.clear_to_serve(''outside'')::text'), 'true', 'the owner clears');
select is(ops.is_cleared(), true);
select is((select details from audit.events where event = 'service.clear' order by at desc limit 1), '{"compared" : "outside"}', 'which is an event, with what it was compared with');
select is(tests.opened('a.clinician', 'a.mine'), '(ok)', 'people are let in again');
select is(tests.attempt('a.org_admin', 'select ops.clear_to_serve()', 'write'), '42501', 'nobody who acts clears');
-- each of the three is looked at
set role vs_owner;
update ops.service set file = 'base/1/1';
reset role;
select is(ops.is_cleared(), false, 'a copied database is seen');
select is(tests.owner('select ops.clear_to_serve()::text'), 'true');
set role vs_owner;
update ops.service set compared = compared;
reset role;
select is(ops.is_cleared(), false, 'a row that another transaction wrote is seen');
select is(tests.owner('select ops.clear_to_serve()::text'), 'true');

select policies_are('ops', 'service', array['all_owner', 'select_dba']);
select * from finish();
