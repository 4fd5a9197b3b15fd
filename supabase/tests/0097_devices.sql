\ir support/world.psql
select no_plan();

select policies_are('iam', 'devices', array['all_owner']);
select policy_roles_are('iam', 'devices', 'all_owner', array['vs_owner']);


-- 1
select is(tests.owner(format($$select iam.known_device(%L, repeat('z', 43)) is null$$, tests.the('a.clinician.account'))), 'true', 'nobody is known who was never here');
select is(tests.owner(format($$select iam.remember_device(%L, 'short', true) is null$$, tests.the('a.clinician.account'))), 'true', 'a cookie that could be guessed is no device');
-- 3
select is(tests.owner(format($$select iam.remember_device(%L, repeat('z', 43), false) is null$$, tests.the('a.clinician.account'))), 'false', 'a device that was held back is noted');
select is(tests.owner(format($$select iam.known_device(%L, repeat('z', 43)) is null$$, tests.the('a.clinician.account'))), 'true', 'and not known');
-- 2
select is(tests.owner(format($$select iam.remember_device(%L, repeat('z', 43), true) is null$$, tests.the('a.clinician.account'))), 'false', 'once it was let in');
select is(tests.owner(format($$select iam.known_device(%L, repeat('z', 43)) is null$$, tests.the('a.clinician.account'))), 'false', 'it is known');
select is(tests.owner(format($$select iam.known_device(%L, repeat('z', 43)) is null$$, tests.the('a.colleague.account'))), 'true', 'to that account alone');
select is(tests.owner(format($$select iam.remember_device(%L, repeat('z', 43), false) is null$$, tests.the('a.clinician.account'))), 'false', 'held back from a known device');
select is(tests.owner(format($$select iam.known_device(%L, repeat('z', 43)) is null$$, tests.the('a.clinician.account'))), 'false', 'it stays known');
select is(tests.owner(format($$update iam.devices set last_seen_at = clock_timestamp() - interval '91 days' where account_id = %L$$, tests.the('a.clinician.account'))), 'done', '90 days later');
select is(tests.owner(format($$select iam.known_device(%L, repeat('z', 43)) is null$$, tests.the('a.clinician.account'))), 'true', 'it isn''t known any more');
select is(tests.owner(format($$select iam.remember_device(%L, repeat('z', 43), false) is null$$, tests.the('a.clinician.account'))), 'false', 'held back then');
select is(tests.owner(format($$select iam.known_device(%L, repeat('z', 43)) is null$$, tests.the('a.clinician.account'))), 'true', 'it doesn''t become known by that');

select * from finish();
