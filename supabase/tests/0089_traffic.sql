\ir support/world.psql
select no_plan();

select policies_are('ops', t, p) from (values ('tries', array['all_owner']), ('traffic', array['all_owner']), ('unusual', array['all_owner', 'select_dba'])) x (t, p);
select policy_roles_are('ops', t, 'all_owner', array['vs_owner']) from unnest(array['tries', 'traffic', 'unusual']) t;
select policy_roles_are('ops', 'unusual', 'select_dba', array['vs_dba']);
select is(tests.attempt('a.org_admin', 'select * from ops.' || t), '42501', 'an administrator cannot read ' || t) from unnest(array['tries', 'traffic', 'unusual']) t;
select is(tests.attempt('a.clinician', $$select ops.note_try('', null, false, '{}')$$, 'write'), '42501', 'cannot make others look like attackers');

create function pg_temp.try(account uuid, ok boolean, ip text) returns text language sql as $$
  select tests.owner(format('select ops.note_try(%L, %L, %L, %L)', tests.the('ring'), account, ok, jsonb_build_object('ip', ip)))
$$;
create function pg_temp.told(signal text) returns text language sql as $$
  select tests.owner(format('select count(*) || '' '' || coalesce(max(figure), 0) from ops.unusual where signal = %L', signal))
$$;
-- 3: one password over many accounts
select count(pg_temp.try(gen_random_uuid(), false, '203.0.113.9')) from generate_series(1, 8);
select count(pg_temp.try(tests.the('a.clinician.account')::uuid, ok, '203.0.113.9')) from unnest(array[false, true]) ok;
select count(pg_temp.try(gen_random_uuid(), false, '203.0.113.9'));
select is(pg_temp.told('many_accounts'), '0 0', 'nine accounts from one network are nothing, nor is somebody there who has mistyped and come in');
select pg_temp.try(gen_random_uuid(), false, '::ffff:203.0.113.9');
select is(pg_temp.told('many_accounts'), '1 10', 'ten are told of');
-- 4
select count(pg_temp.try(gen_random_uuid(), false, '203.0.113.9')) from generate_series(1, 5);
select is(pg_temp.told('many_accounts'), '1 10', 'once an hour');
-- many networks for one account
select count(pg_temp.try(tests.the('a.clinician.account')::uuid, false, '198.51.100.' || i)) from generate_series(1, 6) i;
select is(pg_temp.told('many_networks'), '1 6', 'six networks that fail to open one account');
select is(tests.owner(format($$select organisation_id::text from audit.events where event = 'traffic.unusual' and details like '%%many_networks%%' and actor_id = %L$$, tests.the('a.clinician.account'))),
  tests.the('a.organisation'), 'stand in the log of its practice');
select is(tests.owner($$select organisation_id::text from audit.events where event = 'traffic.unusual' and details like '%many_accounts%'$$), '00000000-0000-0000-0000-000000000000', 'what one network does, in that of the installation');
select tests.owner(format('select ops.tell_of_traffic(%L)', tests.the('ring'))), tests.owner(format('select ops.tell_of_traffic(%L)', tests.the('ring')));
select is(tests.owner(format($$select count(*)::text from ops.outbox where template = 'unusual_traffic' and account_id = %L$$, tests.the('a.org_admin.account'))), '1', 'its administrator is told');
-- 6
select count(pg_temp.try('11111111-1111-7111-8111-111111111111', false, '198.51.100.' || i)) from generate_series(1, 6) i;
select is(pg_temp.told('many_networks'), '2 6', 'an address that has no account is told of in the same way');
select is(tests.owner($$select count(*)::text from ops.unusual where signal = 'many_networks' and organisation_id is null$$), '1', 'and nobody is written to');
-- 5: a botnet, each of whose networks tries ten accounts
select count(pg_temp.try(gen_random_uuid(), false, format('192.0.2.%s', i))) from generate_series(1, 25) i, generate_series(1, 10);
select is(tests.owner($$select count(*)::text from ops.unusual where signal = 'many_accounts'$$), '20', 'of a flood of networks twenty an hour are told of');
select is(tests.owner($$select count(*)::text from ops.unusual where subject = ''$$), '0', 'the whole is looked at once in ten seconds');
select tests.owner($$delete from ops.limits where key = 'unusual'$$), pg_temp.try(gen_random_uuid(), false, '192.0.2.1');
select is(tests.owner($$select string_agg(signal, ' ' order by signal) from ops.unusual where subject = ''$$), 'many_failures many_tries unknown_addresses', 'and then told of');
-- 2
select is(tests.owner($$select count(*)::text from ops.tries t, audit.events e where e.event = 'traffic.unusual' and (t::text ~ '203[.]0|198[.]51|1111-' or e.leaf ~ '203[.]0|198[.]51')$$), '0', 'no address and no account stands there');
-- upkeep
select tests.owner($$update ops.tries set at = at - interval '61 minutes'; insert into ops.tries (at, known, ok) values (now() + interval '1 year', false, false); insert into ops.traffic values (now() - interval '16 days', 1, 1, 1), (now() + interval '1 year', 1, 1, 1); update ops.unusual set at = now() - interval '31 days' where signal = 'many_accounts'$$);
select is(tests.owner('select ops.forget_traffic()'), '', 'what is over');
select is(tests.owner('select count(*)::text from ops.tries'), '0', 'goes, and what a clock that was ahead has left');
select is(tests.owner('select sum(tries) || '' '' || sum(failures) || '' '' || sum(unknown) from ops.traffic'), '280 279 272', 'and its sums stay');
select is(pg_temp.told('many_accounts') || pg_temp.told('many_networks'), '0 02 6', 'for a month what was unusual');
select is(tests.owner($$select count(*)::text from ops.figures() where name like 'sign_in%' or name = 'networks_denied'$$), '5', 'monitoring has its figures');

select tests.owner($$delete from ops.outbox where template = 'unusual_traffic'; delete from ops.limits$$);
select * from finish();
