\ir support/world.psql
select no_plan();

-- 1: tests/db/factors/own.test.ts
select is(tests.attempt(who, 'select count(*) from clinic.own_factors'), '(1)', who || ' sees one row')
  from unnest(array['a.clinician', 'a.secretary', 'a.org_admin', 'a.auditor', 'a.dpo', 'a.patient']) who;
select is(tests.attempt('a.org_admin', 'select email from clinic.own_factors'), '(aorg_admin@exemple.fr)', 'an administrator sees their own');
select is(tests.attempt('a.import of clinician', 'select email from clinic.own_factors'), '42501', 'an import has none');
select columns_are('clinic', 'own_factors', array['email', 'totp_since', 'passkeys', 'passkeys_elsewhere', 'recovery_codes', 'recovery_codes_made_at', 'email_codes', 'sms_codes', 'password_changed_at', 'password_is_old'], 'no secret, no code, no number');

select * from finish();
