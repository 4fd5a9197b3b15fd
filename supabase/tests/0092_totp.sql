\ir support/world.psql
select no_plan();

-- 1: tests/db/sign-in.test.ts signs in. RFC 6238 appendix B, SHA-1, the last six digits
select is(iam.totp('12345678901234567890', time / 30), code, 'at ' || time)
  from (values (59::bigint, '287082'), (1111111109, '081804'), (1111111111, '050471'), (1234567890, '005924'), (2000000000, '279037'), (20000000000, '353130')) x (time, code);

select * from finish();
