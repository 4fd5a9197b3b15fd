\ir support/world.psql
select no_plan();

select policies_are('audit', 'pruned', array['all_owner', 'select_dba']);
select policy_roles_are('audit', 'pruned', 'all_owner', array['vs_owner']);

-- An event of another time at the end of a lane, chained as audit.append would have done it then. As a superuser.
create or replace function tests.event_at(organisation uuid, lane int, at timestamptz) returns bigint language plpgsql as $$
declare
  e audit.events;
  h audit.lanes;
begin
  insert into audit.lanes values (organisation, event_at.lane) on conflict do nothing;
  select * into h from audit.lanes l where l.organisation_id = organisation and l.lane = event_at.lane;
  e.id := gen_random_uuid(); e.organisation_id := organisation; e.lane := lane; e.seq := h.seq + 1; e.at := at; e.event := 'accounts.read';
  e.resource_type := 'Person'; e.actor_role := 'clinician'; e.outcome := 'success';
  e.leaf := audit.leaf(e, h.head);
  insert into audit.events values (e.*);
  insert into audit.leaves values (organisation, lane, e.seq, sha256(convert_to(e.leaf, 'UTF8')));
  update audit.lanes l set seq = e.seq, head = sha256(convert_to(e.leaf, 'UTF8')) where l.organisation_id = organisation and l.lane = event_at.lane;
  return e.seq;
end $$;
-- as a superuser who edits: what verification says then, and everything is put back
create or replace function tests.said_after(change text) returns text language plpgsql as $$
declare
  said text;
begin
  perform set_config('session_replication_role', 'replica', true);
  execute change;
  select string_agg(v.lane || '/' || v.seq || ' ' || v.problem, '; ' order by v.lane, v.seq) into said from audit.verify_all() v;
  raise exception using errcode = 'TT000', message = coalesce(said, 'nothing');
exception when sqlstate 'TT000' then
  perform set_config('session_replication_role', 'origin', true);
  return sqlerrm;
end $$;

-- 1
select is(tests.owner('select sum(audit.ensure_partitions(3, now() + make_interval(months => i)))::text from generate_series(1, 14) i'), '14', 'fourteen months of upkeep make a month each');
select is((select count(*) from audit.months() m where not exists (select from audit.months() n where n.month = audit.month_after(m.month)))::int, 1, 'without a gap');
select is(tests.owner('select audit.ensure_partitions()::text'), '0', 'what is there isn''t made again');
select is(tests.owner('select audit.ensure_partitions(3, now() + interval ''24 months'')::text'), '10', 'a server that slept makes the months it missed');

select gen_random_uuid() as o \gset
select audit.month_of(now() - interval '5 months') + interval '3 days' as behind, audit.month_of(now() + interval '30 months') + interval '3 days' as ahead \gset
select tests.event_at(:'o', 0, now()), tests.event_at(:'o', 0, :'behind'), tests.event_at(:'o', 0, :'ahead'), tests.event_at(:'o', 0, now()), tests.event_at(:'o', 1, '1970-01-01'), tests.event_at(:'o', 1, now()) \g /dev/null
select is((select sum(events) from audit.strays()), 3::numeric, 'a clock that was far off has dated three events outside of every month');
select is(tests.owner($$select value::text from ops.figures() where name = 'events_outside_partitions'$$), '3', 'which monitoring sees');
select is_empty('select * from audit.verify_all()', 'their chains are intact');
select is(tests.owner('select audit.ensure_partitions()::text'), '1', 'upkeep makes the month of the one that was behind');
select is((select sum(events) from audit.strays()), 2::numeric, 'and files it');
select is((select tableoid::regclass::text from audit.events where organisation_id = :'o' and lane = 0 and seq = 2), 'audit.events_' || to_char(:'behind'::timestamptz at time zone 'UTC', 'YYYY_MM'), 'into its month');
select is(tests.owner('select audit.ensure_partitions(3, now() + interval ''28 months'')::text')::int > 0, true, 'a month is made though the default partition holds an event of it');
select is((select sum(events) from audit.strays()), 1::numeric, 'which is filed');
select is_empty('select * from audit.verify_all()', 'the chains are intact all the same');
select is_empty($$select c.oid::regclass from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'audit.events'::regclass and not (c.relrowsecurity and c.relforcerowsecurity)$$, 'every partition is as closed as the table');
select is((select count(*) from pg_inherits i join pg_trigger t on t.tgrelid = i.inhrelid where i.inhparent = 'audit.events'::regclass and t.tgname = '_100_append_only') = (select count(*) from pg_inherits where inhparent = 'audit.events'::regclass), true, 'and append-only');

-- 2
select date_trunc('month', now() at time zone 'UTC')::date - interval '36 months' as latest \gset
select (:'latest'::date - interval '1 month')::date as last, (:'latest'::date - interval '2 months')::date as before \gset
set role vs_owner;
select audit.make_month(m) from audit.month_of(:'last'::timestamp at time zone 'UTC') m union all select audit.make_month(m) from audit.month_of(:'before'::timestamp at time zone 'UTC') m \g /dev/null
reset role;
select gen_random_uuid() as p, gen_random_uuid() as q \gset
select tests.event_at(:'p', 0, :'before'::date + 3), tests.event_at(:'p', 0, :'before'::date + 4), tests.event_at(:'p', 0, :'last'::date + 3), tests.event_at(:'p', 0, now()), tests.event_at(:'p', 3, :'last'::date + 1), tests.event_at(:'q', 0, now()) \g /dev/null
-- a clock that stepped back over the end of a month
select tests.event_at(:'p', 5, :'before'::date + 1), tests.event_at(:'p', 5, :'last'::date + 1), tests.event_at(:'p', 5, :'before'::date + 5), tests.event_at(:'p', 5, now()) \g /dev/null
select is(tests.owner(format('select audit.prune_month(%L)::text', m)), 'VS422', 'cannot prune ' || m || ', which is younger than three years')
from (values ((:'latest'::date)::date), ((:'latest'::date + interval '1 month')::date), ((now() at time zone 'UTC')::date), ('infinity'::date)) v (m);
select is(tests.owner(format('select audit.prune_month(%L)::text', m)), 'VS404', 'cannot prune ' || m || ', which is no month of the log')
from (values (:'before'::date + 3), ('2001-01-01'::date)) v (m);
select is(tests.owner('select count(*)::text from audit.prunable(''' || :'latest'::date || ''')'), '2', 'two months can be pruned');
select is(tests.owner('select count(*)::text from audit.prunable(''' || (:'latest'::date + 1) || ''')'), 'VS422', 'not a day more');
select is(tests.attempt('a.' || person, s, 'write'), '42501', person || ' cannot ' || s) from unnest(array['auditor', 'org_admin', 'dpo']) person, unnest(array['select audit.prune_month(''2020-01-01'')', 'select * from audit.prunable()', 'delete from audit.pruned', 'select * from audit.pruned']) s;

select is(tests.owner(format('select audit.prune_month(%L)::text', :'before')), 'VS409', 'cannot prune a month that no checkpoint holds');
select is(tests.owner('select (sum(joined) > 0)::text from audit.extend_log()'), 'true', 'which events join,');
select is(tests.owner(format('select audit.prune_month(%L)::text', :'before')), 'VS409', 'and that isn''t signed yet');
select is(tests.owner('insert into audit.checkpoints (generation, size, root, note) select g, audit.log_size(g), audit.root(audit.log_size(g), g), '''' from audit.log_generation() g'), 'done');
set session_replication_role = replica;
update audit.events set actor_role = 'x' where organisation_id = :'p' and lane = 0 and seq = 1;
set session_replication_role = origin;
select is(tests.owner(format('select audit.prune_month(%L)::text', :'before')), 'VS409', 'an event that was changed isn''t cleared away');
set session_replication_role = replica;
update audit.events set actor_role = 'clinician' where organisation_id = :'p' and lane = 0 and seq = 1;
set session_replication_role = origin;

-- 3
select count(*) as leaves from audit.leaves \gset
select is(tests.said_after('drop table audit.events_' || to_char(:'before'::date, 'YYYY_MM')) ~ '^0/1 the event is missing; 0/2 the event is missing', true, 'a month that was dropped by hand is found');
select is(tests.owner(format('select audit.prune_month(%L)::text', :'before')), '4', 'a month is pruned');
select is_empty('select * from audit.verify_all()', 'and the chains verify across the gap');
select is((select count(*) from audit.events where organisation_id = :'p' and at < :'last'), 0::bigint, 'its events are gone');
select is((select count(*) from audit.leaves), :leaves + 1::bigint, 'its leaves are there, and one more for the event of the pruning');
select results_eq(format('select lane, first_seq, last_seq from audit.pruned where organisation_id = %L order by 1, 2', :'p'), $$values (0, 1::bigint, 2::bigint), (5, 1, 1), (5, 3, 3)$$, 'the record says which numbers');
select is((select details::json ->> 'events' from audit.events where organisation_id = :'p' and event = 'log.prune'), '4', 'the organisation''s own log tells of it');
select is((select count(*) from audit.events where organisation_id = :'q' and event = 'log.prune'), 0::bigint, 'one that lost nothing isn''t told');
select is(tests.owner(format('select audit.prune_month(%L)::text', :'before')), 'VS404', 'once');
select is(tests.said_after(change) <> 'nothing', true, 'found: ' || change) from unnest(array[
  'delete from audit.pruned', 'update audit.pruned set last_seq = last_seq + 1 where lane = 0', 'update audit.pruned set head = sha256(''x'') where lane = 0', 'update audit.pruned set until = until - interval ''1 month''', 'update audit.pruned set until = until + interval ''1 microsecond''',
  'update audit.pruned set first_seq = 2 where lane = 0', 'update audit.pruned set lane = 7 where lane = 0', 'update audit.pruned set organisation_id = gen_random_uuid() where lane = 0',
  'insert into audit.pruned select organisation_id, 3, 1, 1, until, head from audit.pruned where lane = 0',
  'delete from audit.leaves l using audit.pruned p where (l.organisation_id, l.lane, l.seq) = (p.organisation_id, p.lane, p.first_seq)',
  'update audit.leaves l set hash = sha256(''x'') from audit.pruned p where (l.organisation_id, l.lane, l.seq) = (p.organisation_id, p.lane, p.last_seq)',
  'delete from audit.events where event = ''log.prune''',
  'update audit.lanes set seq = 0, head = decode(repeat(''00'', 32), ''hex'') where lane = 5 and organisation_id in (select organisation_id from audit.pruned)']) change;
select is(tests.said_after(format('drop table audit.events_%s; insert into audit.pruned values (%L, 3, 1, 1, %L, (select hash from audit.leaves where organisation_id = %2$L and lane = 3 and seq = 1))',
  to_char(:'last'::date, 'YYYY_MM'), :'p', :'latest')) ~ '3/1 no event log.prune covers', true, 'a record that was made up for a month dropped by hand is found');
select is(tests.owner(format('select audit.prune_month(%L)::text', :'last')), '3', 'the next month goes as well');
select is_empty('select * from audit.verify_all()', 'and the chains verify');
select results_eq(format('select lane, first_seq, last_seq from audit.pruned where organisation_id = %L order by 1, 2', :'p'), $$values (0, 1::bigint, 3::bigint), (3, 1, 1), (5, 1, 3)$$, 'neighbours are joined; of lane 3 nothing but the record is left');

-- 4
set session_replication_role = replica;
insert into audit.origins (id, organisation_id, session_id, digest, created_at) select gen_random_uuid(), :'p', s, sha256(uuid_send(gen_random_uuid())), t from (values (gen_random_uuid(), now() - interval '4 years'), (null, now() - interval '4 years'), (null, now() - interval '5 years'), (gen_random_uuid(), now())) v (s, t);
update audit.events set origin_id = (select id from audit.origins where organisation_id = :'p' and session_id is null and created_at < now() - interval '4 years 1 day') where ctid = (select ctid from audit.events where organisation_id = :'q' limit 1) and organisation_id = :'q';
set session_replication_role = origin;
select is(tests.owner('select audit.forget_origins()::text'), '0', 'nothing is forgotten while a clock far off has dated events');
set session_replication_role = replica;
delete from audit.events where organisation_id = :'o' and lane = 1 and seq = 1;
set session_replication_role = origin;
select is(tests.owner('select audit.forget_origins(1)::text'), '1', 'origins without an event are forgotten, a bounded number at a time');
select is(tests.owner('select audit.forget_origins()::text'), '1', 'and the next ones');
select is(tests.owner('select audit.forget_origins()::text'), '0', 'not the one that an event refers to, nor a young one');
select is((select count(*) from audit.origins where organisation_id = :'p'), 2::bigint, 'which are there');

-- the other files find the log whole
set session_replication_role = replica;
delete from audit.events where organisation_id in (:'o', :'p', :'q');
delete from audit.leaves where organisation_id in (:'o', :'p', :'q');
delete from audit.lanes where organisation_id in (:'o', :'p', :'q');
delete from audit.pruned where organisation_id in (:'o', :'p', :'q');
delete from audit.checkpoints; delete from audit.nodes; delete from audit.log; delete from audit.log_origins;
delete from audit.origins where organisation_id in (:'o', :'p', :'q');
set session_replication_role = origin;
select is_empty('select * from audit.verify_all()');
select * from finish();
