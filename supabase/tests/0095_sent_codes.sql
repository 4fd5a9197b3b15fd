\ir support/world.psql
select no_plan();

select policies_are('iam', 'sent_codes', array['all_owner']);
select policy_roles_are('iam', 'sent_codes', 'all_owner', array['vs_owner']);
select policies_are('iam', 'phones', array['all_owner']);
select policy_roles_are('iam', 'phones', 'all_owner', array['vs_owner']);

-- 1 to 6: tests/db/sent-codes.test.ts sends and types codes
-- 5: a number as people type it
select is(tests.owner(format('select iam.e164(%L)', typed)), number, 'a number typed as ' || typed)
from (values ('06 12 34 56 78', '+33612345678'), ('06.12.34.56.78', '+33612345678'), ('0033 6 12 34 56 78', '+33612345678'), ('+33 (0)6 12 34 56 78', '+33612345678'),
             (E'07\u00a012\u202f34-56-78', '+33712345678'), ('+262 692 12 34 56', '+262692123456'), ('+32 470 12 34 56', '+32470123456')) n (typed, number);
select is(tests.owner(format('select coalesce(iam.e164(%L), ''none'')', typed)), 'none', 'cannot be a number for SMS: ' || typed)
from unnest(array['', '112', '01 23 45 67 89', '3615', '+33', '+33 8 99 12 34 56', '06 12 34 56 7', '+0612345678', '06 12 34 56 78; drop', '+1234567890123456', 'six']) typed;

select * from finish();
