\ir support/world.psql
select no_plan();

-- 1: tests/db/sign-in.test.ts signs in. RFC 6238 appendix B, SHA-1, the last six digits
select is(iam.totp('12345678901234567890', time / 30), code, 'at ' || time)
  from (values (59::bigint, '287082'), (1111111109, '081804'), (1111111111, '050471'), (1234567890, '005924'), (2000000000, '279037'), (20000000000, '353130')) x (time, code);

select is(iam.totp_step('12345678901234567890', '000000', 9223372036854775806), null, 'nothing comes after the last step');

-- 1, 3, 4, 5: tests/db/factors/totp.test.ts
select policies_are('iam', 'totp_enrolments', array['all_owner']);
select policy_roles_are('iam', 'totp_enrolments', 'all_owner', array['vs_owner']);
-- 2: a secret that is shown to be scanned is sealed as well, in its place
select is(tests.owner(format($$select answer from iam.begin_totp(%L, %L, '{}')$$, tests.the('ring'), tests.the('a.dpo'))), 'ok');
select is(tests.owner(format($$select count(distinct secret) || ' ' || count(*) from (select secret from iam.begin_totp(%1$L, %2$L, '{}') union all select secret from iam.begin_totp(%1$L, %2$L, '{}')) x$$, tests.the('ring'), tests.the('a.dpo'))), '1 2', 'it stays the same while it is scanned');
select is(tests.owner(format($$select label from iam.begin_totp(%L, %L, '{}')$$, tests.the('ring'), tests.the('a.dpo'))), 'Cabinet a', 'and is called by the practice');
select is(tests.owner(format($$update iam.totp_enrolments e set session_id = (select id from iam.sessions where token_hash = iam.hash_token(%L)) where e.session_id = (select id from iam.sessions where token_hash = iam.hash_token(%L))$$, tests.the('a.auditor'), tests.the('a.dpo'))), 'done');
select is(tests.owner(format($$select answer from iam.begin_totp(%L, %L, '{}')$$, tests.the('ring'), tests.the('a.auditor'))), 'VS500', 'one that was moved to another session does not open');
select is(tests.owner('delete from iam.totp_enrolments'), 'done');

select * from finish();
