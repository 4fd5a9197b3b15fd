\ir support/world.psql
select no_plan();

select policies_are('ops', t, array['all_owner']) from unnest(array['limits', 'delays', 'hashing']) t;
select policy_roles_are('ops', t, 'all_owner', array['vs_owner']) from unnest(array['limits', 'delays', 'hashing']) t;

-- 1: tests/db/limits.test.ts; the tries of several at once
select is(tests.owner($$select string_agg(ops.take('pgtap/' || txid_current(), 3, 1)::text, '') from generate_series(1, 4)$$), '0001', 'a bucket of three gives three');

-- 2
select is(ops.network_key(tests.the('ring'), '2001:db8::1'), ops.network_key(tests.the('ring'), '2001:db8::2:3:4:5'), 'a household of IPv6 is one');
select isnt(ops.network_key(tests.the('ring'), '2001:db8::1'), ops.network_key(tests.the('ring'), '2001:db8:0:1::1'), 'and the next one another');
select throws_ok(format('select ops.network_key(%L, ''1; drop'')', tests.the('ring')), 'VS422', null, 'cannot count what is no address');

-- 3
select is(tests.owner($$select string_agg(ops.delay('pgtap/' || txid_current(), 3, '5 seconds', '1 minute', '1 hour')::text, '') from generate_series(1, 4)$$), '0005', 'three at once, and then a wait');
select is(tests.owner($$select ops.seconds_until('infinity', '1 hour')::text$$), '0', 'a clock that was ahead keeps nobody out');

-- 5
select is(tests.owner($$update ops.hashing set at_once = 0$$), '23514', 'cannot hash nothing at a time');
select is(tests.owner($$insert into ops.hashing values (false, 3)$$), '23514', 'cannot have two opinions of it');

-- 6
select is(tests.attempt('a.clinician', $$select ops.limit_route('', 'register', '{}')$$, 'write'), '42501', 'cannot use up the tries of others');

select * from finish();
