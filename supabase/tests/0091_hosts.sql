\ir support/world.psql
select no_plan();

select policies_are('iam', 'hosts', array['all_owner']);
select policy_roles_are('iam', 'hosts', 'all_owner', array['vs_owner']);

-- 1 to 4: tests/db/passkeys/host.test.ts
select is(tests.owner('select iam.is_here(''ancien.test'')'), 'true', 'as long as no name was said, every passkey counts');
select is(tests.owner('select changed from iam.serve_at(''https://vital.test'')'), 'true', 'a name is said');
select is(tests.owner(format('select iam.is_here(%L)', host)), said, format('then %s: %s', coalesce(host, 'none'), said))
from (values ('vital.test', 'true'), ('ancien.test', 'false'), ('test', 'false'), ('a.vital.test', 'false'), (null, 'false')) x (host, said);
select is(tests.owner('select changed from iam.serve_at(''https://vital.test'')'), 'false', 'the same again is no change');
select is(tests.owner('select changed from iam.serve_at(''https://192.0.2.1'')'), 'true', 'an address made of numbers');
select is(tests.owner('select iam.is_here(''192.0.2.1'')'), 'false', 'has no passkeys');
select is(tests.owner('select iam.serve_at(''vital.test/x'')'), '23514', 'what is no origin is refused');

select * from finish();
