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

-- 4: a word that nothing fulfils would guard nothing
select is_empty($$select w from regexp_matches((select p.prosrc from pg_proc p where p.oid = 'iam.asks_again'::regproc), '''([a-z_]+[.][a-z_]+)''', 'g') m (w)
  where not exists (select from pg_proc p where p.prosrc ~ ('(ops[.]fulfil[(].*|iam[.]asks_again[(])''' || w[1] || ''''))$$, 'what steps up is what is done');
select is((select count(*) > 4 from regexp_matches((select p.prosrc from pg_proc p where p.oid = 'iam.asks_again'::regproc), '''([a-z_]+[.][a-z_]+)''', 'g')), true, 'there are such words');
select is(tests.owner(format('update iam.sessions set factor_at = clock_timestamp() - interval ''11 minutes'' where token_hash = iam.hash_token(%L)', tests.the('a.dpo'))), 'done');
select is(tests.attempt('a.dpo', format('select ops.intend(%L, ''erasures.request'')', gen_random_uuid()), 'open'), '(step_up)', 'a DPO asks for an erasure on a fresh factor');
select is(tests.owner(format('update iam.sessions set factor_at = clock_timestamp() where token_hash = iam.hash_token(%L)', tests.the('a.dpo'))), 'done');
select is(tests.attempt('a.dpo', format('select ops.intend(%L, ''erasures.request'')', gen_random_uuid()), 'open'), '(ok)', 'and then may');

select * from finish();
