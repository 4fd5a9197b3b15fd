\ir support/world.psql
select no_plan();

select policies_are('audit', 'signing_keys', array['select_owner', 'insert_owner', 'update_owner', 'select_dba']);
select is(tests.attempt(who, 'select * from audit.signing_keys'), '42501', who || ' doesn''t read the table') from unnest(array['a.clinician', 'a.auditor', 'a.org_admin']) who;
select is(tests.attempt('a.org_admin', 'select audit.register_signing_keys(array[sha256(''x'')], ''{}'')'), '42501', 'an administrator of a practice registers none');

-- 1
select is(tests.owner('select audit.register_signing_keys(array[sha256(''one'')], ''{}'')::text'), '', 'a key is registered');
select is(tests.owner('select audit.register_signing_keys(array[sha256(''one'')], array[sha256(''never here'')])::text'), '', 'once');
select results_eq($$select event, outcome, details::json ->> 'public_key' from audit.events where resource_type = 'SigningKey'$$,
  $$values ('keys.add', 'success', encode(sha256('one'), 'base64'))$$, 'which is one event, with its public half');
select is(tests.owner('select audit.register_signing_keys(null, ''{}'')'), 'VS422', 'a log has a key that signs');
select is(tests.owner('select audit.register_signing_keys(''{}'', array[sha256(''one'')])'), 'VS422', 'and keeps one');
select is(tests.owner('select audit.register_signing_keys(array[''\x00''::bytea], ''{}'')'), '23514', 'of 32 bytes');

-- 2
select is(tests.owner('select audit.register_signing_keys(array[sha256(''two''), sha256(''one'')], ''{}'')::text'), '', 'two may sign for a while');
select is(tests.owner('select audit.register_signing_keys(array[sha256(''two'')], array[sha256(''one'')])::text'), '', 'then the older one ends');
select is((select count(*) from audit.events where resource_type = 'SigningKey' and event = 'keys.retire' and details::json ->> 'public_key' = encode(sha256('one'), 'base64')), 1::bigint, 'which is an event');
select is(tests.owner('select audit.register_signing_keys(array[sha256(''two''), sha256(''one'')], ''{}'')'), 'VS409', 'and never signs again');

-- 3
select is(tests.owner(s), 'VS403', 'the owner cannot ' || s) from unnest(array[
  'update audit.signing_keys set retired_at = null', 'update audit.signing_keys set since = now()', 'update audit.signing_keys set public_key = sha256(public_key)',
  'delete from audit.signing_keys', 'truncate audit.signing_keys']) s;

select * from finish();
