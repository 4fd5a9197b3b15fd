\ir support/world.psql
select no_plan();

select policies_are('ops', 'networks', array['all_owner', 'select_dba']);
select policy_roles_are('ops', 'networks', 'all_owner', array['vs_owner']);
select policy_roles_are('ops', 'networks', 'select_dba', array['vs_dba']);

-- 4: nobody but the owner
select is(tests.attempt(who, $$select ops.deny_network('192.0.2.0/24', 'flood', '1 hour')$$, 'write'), '42501', who || ' cannot deny a network')
from unnest(array['a.clinician', 'a.org_admin', 'a.auditor']) who;
select is(tests.attempt('a.org_admin', $$select ops.lift_network('192.0.2.0/24')$$, 'write'), '42501', 'an administrator cannot lift one');
select is(tests.attempt('a.org_admin', 'select * from ops.networks'), '42501', 'nor read the list');
select ok(not has_function_privilege(login, f, 'execute'), login || ' cannot call ' || f)
from unnest(array['vs_edge', 'vs_gate', 'vs_dba']) login,
     unnest(array['ops.deny_network(inet,text,interval)', 'ops.allow_network(inet,text,interval)', 'ops.lift_network(inet)',
                  'ops.record_denied(uuid,text[])']) f;
select ok(not has_table_privilege(login, 'ops.networks', 'insert, update, delete'), login || ' cannot write the list')
from unnest(array['vs_edge', 'vs_gate', 'vs_dba']) login;
select ok(has_table_privilege('vs_dba', 'ops.networks_in_force', 'select'), 'a DBA reads it');

create function pg_temp.list(query text) returns text language sql as $$ select tests.owner('select ops.' || query) $$;
-- 4
select is(pg_temp.list($$deny_network('192.0.2.0/24', 'flood', $$ || span || ')'), 'VS422', 'cannot deny for ' || span)
from unnest(array['null', $$'0 hours'$$, $$'-1 hour'$$, $$'366 days 1 hour'$$, $$'infinity'::text::interval$$]) span
where span <> $$'infinity'::text::interval$$ or current_setting('server_version_num')::int >= 170000;
select is(tests.owner($$insert into ops.networks (network, list, reason, until) values ('192.0.2.0/24', 'deny', 'flood', now() + interval '2 years')$$), '23514', 'nor by hand for longer than a year');
-- 5
select is(pg_temp.list(format('deny_network(%L, ''flood'', ''1 hour'')', net)), 'VS422', 'cannot deny ' || net)
from unnest(array['0.0.0.0/0', '128.0.0.0/1', '10.0.0.0/7', '::/0', '2000::/3', '2001::/18', '::ffff:0.0.0.0/96', '127.0.0.1', '127.0.0.0/8', '::1', '::ffff:127.0.0.1', '0.0.0.0', '::']) net;
select is(pg_temp.list(format('allow_network(%L, ''practice'', ''1 hour'')', net)), 'VS422', 'nor allow ' || net) from unnest(array['0.0.0.0/0', '::/0', '::ffff:0.0.0.0/100']) net;
select is(tests.owner(format($$insert into ops.networks (network, list, reason, until) values (%L, 'deny', 'flood', now() + interval '1 hour')$$, net)), '23514', 'nor by hand ' || net)
from unnest(array['0.0.0.0/0', '100.0.0.0/7', '2000::/3', '::/0', '127.0.0.0/8', '::1/128', '::ffff:192.0.2.0/120']) net;
-- no free text
select is(pg_temp.list($$deny_network('192.0.2.0/24', 'Mme Durand, 06 12 34 56 78', '1 hour')$$), 'VS422', 'cannot write a name for a reason');
select is(pg_temp.list($$allow_network('192.0.2.0/24', 'guessing', '1 hour')$$), 'VS422', 'nor allow for guessing');
select is(pg_temp.list($$deny_network(null, 'flood', '1 hour')$$), 'VS422', 'cannot deny nothing');
select is(pg_temp.list($$lift_network('192.0.2.0/24')$$), 'VS404', 'cannot lift what isn''t listed');

-- 3
create function pg_temp.says(ip text) returns text language sql as $$ select tests.owner(format('select (ops.network_of(%L)).list', ip)) $$;
select matches(pg_temp.list($$deny_network('198.51.100.0/24', 'scanning', '1 hour')$$), '^[0-9a-f-]{36}$', 'a network is denied');
select matches(pg_temp.list($$allow_network('198.51.100.64/26', 'practice', '1 hour')$$), '^[0-9a-f-]{36}$', 'but for a part of it');
select matches(pg_temp.list($$deny_network('198.51.100.65', 'guessing', '1 hour')$$), '^[0-9a-f-]{36}$', 'but for one address there');
select is(pg_temp.says('198.51.100.1'), 'deny', 'the network');
select is(pg_temp.says('198.51.100.64'), 'allow', 'the part');
select is(pg_temp.says('198.51.100.65'), 'deny', 'the address');
select is(coalesce(pg_temp.says('198.51.101.1'), 'nothing'), 'nothing', 'and nobody beside it');
select is(coalesce(pg_temp.says(null), 'nothing'), 'nothing', 'nor who has no address');
select matches(pg_temp.list($$allow_network('198.51.100.0/24', 'partner', '1 hour')$$), '^[0-9a-f-]{36}$', 'the same network is allowed too');
select is(pg_temp.says('198.51.100.1'), 'deny', 'deny comes first');
select is(pg_temp.says('::ffff:198.51.100.1'), 'deny', 'written as IPv6');
select is(pg_temp.says('::ffff:c633:6401'), 'deny', 'in hexadecimal too');
select matches(pg_temp.list($$deny_network('::ffff:203.0.113.0/120', 'guessing', '1 hour')$$), '^[0-9a-f-]{36}$', 'a network written as IPv6');
select is(pg_temp.says('203.0.113.9'), 'deny', 'is that of IPv4');
select is(tests.owner($$select string_agg(network::text, ' ') from ops.networks where network <<= '203.0.113.0/24'$$), '203.0.113.0/24', 'and stands there as such');
select is(ops.network_key(tests.the('ring'), '::ffff:203.0.113.9'), ops.network_key(tests.the('ring'), '203.0.113.9'), 'limits count it as IPv4');
select isnt(ops.network_key(tests.the('ring'), '::ffff:203.0.113.9'), ops.network_key(tests.the('ring'), '::ffff:203.0.113.10'), 'not all of IPv4 as one household');
select is(iam.network_of('\x01', '::ffff:203.0.113.9'), iam.network_of('\x01', '203.0.113.77'), 'sign-ins too');
select matches(pg_temp.list($$deny_network('2001:db8:1::/48', 'flood', '1 hour')$$), '^[0-9a-f-]{36}$', 'IPv6');
select is(pg_temp.says('2001:db8:1:2::3'), 'deny', 'as well');
select throws_ok($$select ops.plain_address('1; drop')$$, 'VS422', null, 'cannot ask about what is no address');

-- 6
select is(tests.owner($$select count(*)::text from ops.networks n where not exists (select from audit.events e where e.resource_id = n.id and e.event = 'network.' || n.list)$$), '0', 'each entry has its event');
select is(tests.owner($$select count(*)::text from audit.events e where e.event like 'network.%' and (e.leaf like '%198.51.100%' or e.leaf like '%203.0.113%' or e.leaf like '%2001:db8%')$$), '0', 'without the network');
select is(tests.owner($$update ops.networks set until = until + interval '1 minute' where network = '2001:db8:1::/48'$$), 'VS422', 'cannot prolong one by hand');
select is(tests.owner($$update ops.networks set network = '2001:db8:2::/48' where network = '2001:db8:1::/48'$$), 'VS422', 'nor make it another');
select is(pg_temp.list($$lift_network('2001:db8:1::/48')$$), '1', 'one is lifted');
select is(coalesce(pg_temp.says('2001:db8:1:2::3'), 'nothing'), 'nothing', 'and doesn''t act any more');
select is(tests.owner($$update ops.networks set lifted_at = null, lifted_by = null where network = '2001:db8:1::/48'$$), 'VS422', 'cannot be brought back');
select is(tests.owner($$delete from ops.networks where network = '203.0.113.0/24'$$), 'done', 'one that is deleted');
select is(tests.owner($$select string_agg(event, ' ' order by at) from audit.events e where event in ('network.lift') and details like '%"guessing"%'$$), 'network.lift', 'is recorded as lifted');
select is(pg_temp.list($$deny_network('192.0.2.0/24', 'flood', '1 hour')$$) <> pg_temp.list($$deny_network('192.0.2.0/24', 'incident', '2 hours')$$), true, 'again');
select is(tests.owner($$select string_agg(reason, ' ') from ops.networks_in_force where network = '192.0.2.0/24'$$), 'incident', 'takes the place of the one before');
select is(pg_temp.list('forget_networks()') || tests.owner($$select count(*)::text from ops.networks where lifted_at is not null$$), '2', 'what was lifted is known for a month');
select tests.owner($$alter table ops.networks disable trigger user; update ops.networks set made_at = made_at - interval '31 days', until = until - interval '31 days', lifted_at = lifted_at - interval '31 days'; alter table ops.networks enable trigger user$$);
select is(coalesce(pg_temp.says('198.51.100.1'), 'nothing'), 'nothing', 'one that is over doesn''t act');
select is(tests.owner('select count(*)::text from ops.networks_in_force'), '0', 'nor is it listed');
select is(pg_temp.list('forget_networks()') || tests.owner('select count(*)::text from ops.networks'), '0', 'and then it is gone');

-- 6
select is(tests.owner('truncate ops.networks'), 'VS403', 'nobody empties the list without an event for each entry');

select * from finish();
