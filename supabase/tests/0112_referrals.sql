\ir support/world.psql
select no_plan();

select policies_are('store', 'referrals', array['select_clinician', 'select_patient', 'select_org_admin', 'select_owner', 'insert_owner', 'update_owner']);
select policy_roles_are('store', 'referrals', 'select_' || r, array['vs_' || r]) from unnest(array['clinician', 'patient', 'org_admin', 'owner']) r;
select policy_cmd_is('store', 'referrals', 'select_' || r, 'select', 'to read') from unnest(array['clinician', 'patient', 'org_admin', 'owner']) r;
select has_trigger('store', 'referrals', '_900_audit', 'each row is recorded');

create temp view make as select 'select clinic.make_referral(%L, %L, %L, %L, %L, %s)'::text as call;
select gen_random_uuid() as key, gen_random_uuid() as spare, gen_random_uuid() as end_key, gen_random_uuid() as admin_key, gen_random_uuid() as second_key \gset
select tests.the('a.mine') as mine, tests.the('a.colleague.account') as colleague, tests.the('a.clinician.account') as clinician \gset

-- 1, 2
select is(tests.opened('a.clinician', 'a.mine'), '(ok)');
select is(tests.attempt('a.clinician', format('select ops.intend(%L, %L)', k, o), 'open'), '(ok)') from (values (:'key', 'referrals.make'), (:'spare', 'referrals.make'), (:'second_key', 'referrals.make')) x (k, o);
select is(tests.opened('a.colleague', 'a.mine'), '(hidden)', 'a colleague cannot see the patient before');
select is(tests.attempt('a.' || who, format(call, :'spare', :'mine', :'colleague', 'routine', 'avis', 'now() + interval ''1 day'''), 'write'), '42501', 'a ' || who || ' cannot refer') from make, unnest(array['patient', 'secretary', 'org_admin', 'auditor', 'dpo', 'researcher', 'import of clinician']) who;
select is(tests.attempt('a.colleague', format(call, :'spare', :'mine', :'clinician', 'routine', 'avis', 'now() + interval ''1 day'''), 'write'), 'VS404', 'cannot refer a patient whom one doesn''t see') from make;
select is(tests.attempt('a.clinician', format(call, :'spare', p, :'colleague', 'routine', 'avis', 'now() + interval ''1 day'''), 'write'), 'VS404', 'nor another team''s, another practice''s, or nobody') from make, unnest(array[tests.the('a.theirs'), tests.the('b.mine'), gen_random_uuid()::text]) p;
select is(tests.attempt('a.clinician', format(call, gen_random_uuid(), :'mine', :'colleague', 'routine', 'avis', 'now() + interval ''1 day'''), 'write'), 'VS428', 'cannot refer without an intent') from make;
select is(tests.attempt('a.clinician', format(call, :'spare', :'mine', coalesce(tests.the(performer), :'clinician'), priority, reason, until), 'write'), 'VS422', title) from make, (values
  ('b.colleague.account', 'routine', 'avis', 'now() + interval ''1 day''', 'cannot refer to another practice'),
  ('a.secretary.account', 'routine', 'avis', 'now() + interval ''1 day''', 'cannot refer to a secretary'),
  ('a.patient.account', 'routine', 'avis', 'now() + interval ''1 day''', 'cannot refer to a patient'),
  ('a.clinician.account', 'routine', 'avis', 'now() + interval ''1 day''', 'cannot refer to oneself'),
  ('a.colleague.account', 'soon', 'avis', 'now() + interval ''1 day''', 'cannot invent an urgency'),
  ('a.colleague.account', 'routine', '  ', 'now() + interval ''1 day''', 'cannot refer without a reason'),
  ('a.colleague.account', 'routine', 'avis', 'null', 'cannot refer without an end'),
  ('a.colleague.account', 'routine', 'avis', 'now() + interval ''181 days''', 'cannot refer for more than 180 days'),
  ('a.colleague.account', 'routine', 'avis', '''infinity''', 'cannot refer for ever'),
  ('a.colleague.account', 'routine', 'avis', 'now() - interval ''1 day''', 'cannot refer until yesterday')) x (performer, priority, reason, until, title);
select is(tests.attempt('a.clinician', format(call, :'key', :'mine', :'colleague', 'urgent', 'Souffle systolique', 'now() + interval ''30 days'''), 'write') ~ '^\(', true, 'a clinician of the care team refers') from make;
select is(tests.attempt('a.colleague', 'select count(*) from clinic.patients where id = ' || quote_literal(:'mine')), 'VS428', 'the colleague sees the patient, once it is opened');
select is(tests.opened('a.colleague', 'a.mine'), '(ok)');
select is(tests.attempt('a.colleague', 'select reason, status from clinic.referrals', 'read', :'mine'), '("Souffle systolique",active)', 'and reads why');
select is(tests.attempt('a.colleague', 'select count(*) > 0 from clinic.notes', 'read', :'mine'), '(t)', 'and the record');
select is(tests.attempt('a.colleague', format('select ops.intend(%L, ''referrals.make'')', :'admin_key'), 'open'), '(ok)');
select is(tests.attempt('a.colleague', format(call, :'admin_key', :'mine', :'clinician', 'routine', 'avis', 'now() + interval ''1 day'''), 'write'), 'VS403', 'who was referred to cannot refer on') from make;
select id as referral from store.referrals where patient_id = :'mine' \gset

-- 3
select throws_ok(format('update store.referrals set %s where id = %L', change, :'referral'), 'VS403', null, 'a superuser neither can ' || change || ' in passing') from unnest(array['valid_until = valid_until + interval ''1 day''', 'performer_id = requester_id', 'priority = ''routine''']) change;
select is(tests.attempt('a.' || who, format('select clinic.end_referral(gen_random_uuid(), %L)', :'referral'), 'write'), '42501', 'a ' || who || ' cannot end it') from unnest(array['patient', 'secretary', 'auditor', 'dpo', 'researcher']) who;
select is(tests.attempt('b.' || who, format('select clinic.end_referral(gen_random_uuid(), %L)', :'referral'), 'write'), 'VS404', 'another practice''s ' || who || ' cannot end it') from unnest(array['clinician', 'org_admin']) who;

-- 4
select is(tests.attempt('a.org_admin', 'select count(*) from clinic.referral_periods'), '(1)', 'an administrator sees that there is one');
select is(tests.attempt('b.org_admin', 'select count(*) from clinic.referral_periods'), '(0)', 'and not another practice''s');
select is(tests.attempt('a.org_admin', q), '42501', 'and not why') from unnest(array['select reason from store.referrals', 'select * from clinic.referrals']) q;
select is(tests.opened('a.patient', 'a.mine'), '(ok)');
select is(tests.attempt('a.patient', 'select reason from clinic.referrals'), '("Souffle systolique")', 'the patient reads it');
select is(tests.attempt('a.patient', 'select count(*) from clinic.record_accesses where event = ''referral.make'''), '(1)', 'and sees it among the accesses');

-- 3: the end
select is(tests.attempt('a.colleague', format('select ops.intend(%L, ''referrals.end'')', :'end_key'), 'open'), '(ok)');
select is(tests.attempt('a.colleague', format('select clinic.end_referral(%L, %L)', :'end_key', :'referral'), 'write') ~ '^\(', true, 'who was referred to ends it');
select is(tests.opened('a.colleague', 'a.mine'), '(hidden)', 'and sees nothing any more');
select is(tests.attempt('a.colleague', format('select audit.selected(%L)', :'key'), 'read', :'mine'), '({})');
select is((select count(*) from audit.events where event in ('referral.make', 'referral.end') and resource_id = :'referral'), 2::bigint, 'both are in the log');
-- by its date, without anybody
select is(tests.opened('a.clinician', 'a.mine'), '(ok)');
select is(tests.attempt('a.clinician', format(call, :'second_key', :'mine', :'colleague', 'routine', 'avis', 'now() + interval ''30 days'''), 'write') ~ '^\(', true) from make;
select is(tests.opened('a.colleague', 'a.mine'), '(ok)');
select is(tests.owner('update store.referrals set valid_until = valid_until + interval ''1 day'' where valid_until > now()'), 'VS403', 'the owner without a session, for an erasure, prolongs none');
update store.referrals set valid_until = clock_timestamp() where valid_until > now();
select is(tests.opened('a.colleague', 'a.mine'), '(hidden)', 'it ends by its date, without anybody');

select * from finish();
