\ir support/world.psql
select no_plan();

-- 1 to 6: tests/db/own-address
select policies_are('iam', 'address_changes', array['all_owner']);
select policy_roles_are('iam', 'address_changes', 'all_owner', array['vs_owner']);
select function_privs_are('iam', f, args, r, '{}', format('%s cannot call %s', r, f))
  from (values ('begin_address_change', array['text', 'text', 'text', 'jsonb']), ('cancel_own_address_change', array['text', 'text', 'jsonb']),
               ('read_address_change', array['text', 'text', 'jsonb']), ('look_at_address_change', array['text', 'text', 'text', 'jsonb']),
               ('confirm_address_change', array['text', 'text', 'text', 'jsonb'])) x (f, args),
       unnest(array['vs_edge', 'vs_anon', 'vs_patient', 'vs_clinician', 'vs_org_admin', 'vs_dba']) r;
select is(tests.owner(format($$select answer from iam.begin_address_change(%L, 'nobody''s', 'x@exemple.fr', '{}')$$, tests.the('ring'))), 'expired', 'cannot ask for one without a session');
select is(tests.owner(format($$select answer from iam.%s(%L, 'nobody''s', 'nobody''s', '{}')$$, f, tests.the('ring'))), 'gone', f || ': a link that nobody sent leads nowhere')
  from unnest(array['look_at_address_change', 'confirm_address_change']) f;

-- 6: what is over holds no address
select throws_ok(format($$insert into iam.address_changes (account_id, session_id, token_hash, asked_hash, state, email, former, former_index)
  values (%L, (select id from iam.sessions limit 1), sha256('a'), sha256('b'), %L, %s, %s, %s)$$, tests.the('a.clinician.account'), state, email, former, index), '23514', null, format('cannot be: %s with %s, %s', state, email, former))
  from (values ('done', '''x''', 'null', 'null'), ('waiting', 'null', 'null', 'null'), ('cancelled', '''x''', 'null', 'null'),
               ('taken_back', 'null', '''x''', '''0123456789abcdef'''), ('done', 'null', '''x''', 'null'), ('done', 'null', 'null', '''0123456789abcdef''')) x (state, email, former, index);
select is(tests.owner(format($$insert into iam.address_changes (account_id, session_id, token_hash, asked_hash, email) values (%L, (select id from iam.sessions limit 1), sha256('a'), sha256('b'), 'x')$$, tests.the('a.clinician.account'))), 'done');
select throws_ok(format($$insert into iam.address_changes (account_id, session_id, token_hash, asked_hash, email) values (%L, (select id from iam.sessions limit 1), sha256('c'), sha256('d'), 'x')$$, tests.the('a.clinician.account')), '23505', null, 'two changes of one account cannot wait');
select is(tests.owner('update iam.address_changes set ends_at = clock_timestamp()'), 'done');
select is(tests.owner('select iam.forget_address_changes() is null'), 'true', 'what nobody confirmed');
select is((select count(*) from iam.address_changes where email is not null), 0::bigint, 'is forgotten');
select is(tests.owner('delete from iam.address_changes'), 'done');

select * from finish();
