\ir support/world.psql
select no_plan();

select policies_are('ops', 'intents', array['all_owner']);
select policy_roles_are('ops', 'intents', 'all_owner', array['vs_owner']);
select gen_random_uuid() as key \gset

-- 1
select is(tests.attempt('a.clinician', format('select ops.intend(%L, ''notes.sign'')', :'key'), 'open'), '(ok)', 'announces');
select is(tests.attempt('a.clinician', format('select ops.intend(%L, ''notes.sign'')', :'key'), 'open'), '(ok)', 'announces again');
select is(tests.attempt('a.colleague', format('select ops.intend(%L, ''notes.sign'')', :'key'), 'open'), '(conflict)', 'cannot take somebody else''s key');
select is(tests.attempt('a.clinician', format('select ops.intend(%L, ''notes.write'')', :'key'), 'open'), '(conflict)', 'nor use it for something else');
select is(tests.opened('a.clinician', 'a.mine'), '(ok)');
-- 2
select isnt(tests.attempt('a.clinician', format('select clinic.write_note(%L, %L, ''{"subjective": "une fois"}'')', :'key', tests.the('a.mine')), 'write'), 'VS208', 'writes');
select is(tests.attempt('a.clinician', format('select clinic.write_note(%L, %L, ''{"subjective": "deux fois"}'')', :'key', tests.the('a.mine')), 'write'), 'VS208', 'cannot write twice');
select is(tests.attempt('a.clinician', format('select ops.intend(%L, ''notes.sign'')', :'key'), 'open'), '(done)', 'it is done');
-- 3
select is(tests.attempt('a.clinician', 'delete from ops.intents', 'write'), '42501', 'a failed attempt stays');
select is(tests.attempt('a.clinician', 'select ops.fulfil(gen_random_uuid(), ''x'', null)', 'write'), '42501', 'cannot use one up by hand');

select * from finish();
