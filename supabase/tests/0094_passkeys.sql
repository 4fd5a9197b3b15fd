\ir support/world.psql
select no_plan();

select policies_are('iam', 'passkeys', array['all_owner']);
select policy_roles_are('iam', 'passkeys', 'all_owner', array['vs_owner']);
select policies_are('iam', 'challenges', array['all_owner']);
select policy_roles_are('iam', 'challenges', 'all_owner', array['vs_owner']);

-- 1, 2, 4, 5, 6: tests/db/passkeys, with an authenticator

-- 2
select is(iam.rp_id(origin), host, 'the RP ID of ' || origin)
  from (values ('https://vital.test', 'vital.test'), ('https://vital.test:8443', 'vital.test'), ('http://localhost:3000', 'localhost'),
               ('http://vital.test', null), ('https://192.0.2.1', null), ('https://0x7f.1', null), ('https://[::1]', null),
               ('https://Vital.test', null), ('https://vital.test/', null), (E'https://vital.test\nx', null), ('https://a@vital.test', null)) x (origin, host);
select is(iam.from_base64url(value), bytes, 'base64url: ' || coalesce(value, 'null'))
  from (values ('', ''::bytea), ('AA', '\x00'), ('-_8', '\xfbff'), ('AAA', '\x0000'), ('A', null), ('AAAAA', null), ('AA==', null), ('+/8', null), (E'AA\n', null), (null, null)) x (value, bytes);
select is(iam.to_base64url('\xfbff'), '-_8', 'and back');
select is(iam.check_authenticator(sha256('vital.test') || set_byte('\x00'::bytea, 0, flags) || '\x00000001'::bytea, 'vital.test', verified), wrong,
          'flags ' || flags || ', verified ' || verified)
  from (values (1, false, null), (5, true, null), (13, true, null), (29, true, null), (0, false, 'presence'), (4, true, 'presence'),
               (1, true, 'verification'), (17, false, 'backup'), (21, true, 'backup')) x (flags, verified, wrong);
select is(iam.sign_count(decode(repeat('00', 33) || 'fffffffe', 'hex')), 4294967294, 'a counter has 32 bits, without a sign');

-- 3
select is(tests.attempt('a.clinician', 'select count(*) from iam.own_passkeys()'), '(0)', 'one sees one''s own, which are none yet');
select is(tests.attempt('a.clinician', 'select iam.passkey_key(''AA'')'), '42501', 'the gate''s functions are the gate''s');

select * from finish();
