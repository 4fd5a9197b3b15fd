\ir support/world.psql
select no_plan();

select policies_are('audit', t, array['select_owner', 'insert_owner', 'select_dba']) from unnest(array['log_origins', 'log', 'nodes', 'checkpoints']) t;

-- 1
select is(tests.owner('select audit.log_origin()') ~ '^vitalsync.local/[-0-9a-f]{36}$', true, 'a log has a name by itself');
select is(tests.owner('select audit.log_origin()'), tests.owner('select audit.log_origin(''other.example'')'), 'and keeps it');
select is(tests.owner('insert into audit.log_origins values (1, ''with space'')'), '23514', 'cannot have a name that no signed note can have');

-- 2
select is(tests.owner(s || t), 'VS403', 'the owner cannot ' || s || t) from unnest(array['log_origins', 'log', 'nodes', 'checkpoints']) t, unnest(array['delete from audit.', 'truncate audit.']) s;
select is(tests.owner('update audit.' || t || ' set generation = 1'), 'VS403', 'nor update ' || t) from unnest(array['log_origins', 'log', 'nodes', 'checkpoints']) t;
select is(tests.attempt('a.auditor', 'select * from audit.' || t), '42501', 'an auditor reads the page, not ' || t) from unnest(array['log_origins', 'log', 'nodes', 'checkpoints']) t;

-- 3
select is(tests.owner('select joined > 50 and joined = size from audit.extend_log()'), 'true', 'what waited joins');
select is(tests.owner('select joined from audit.extend_log()'), '0', 'once');
select is(tests.owner('select audit.waiting_events()'), '0', 'nothing waits then');
select is_empty('select * from audit.stuck_lanes()', 'nothing is held up');
select is_empty($$select from audit.log group by organisation_id, lane having max(seq) <> count(*)$$, 'each lane joined from its first event, without a gap');

-- 4
select is(encode(audit.leaf_hash(''), 'hex'), '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d', 'the leaf hash of nothing is RFC 6962''s');
select is(encode(audit.root(0), 'hex'), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 'and so is the root of an empty log');
select is(audit.root(2), sha256('\x01'::bytea || (select string_agg(hash, '' order by leaf_index) from audit.log where generation = 1 and leaf_index < 2)), 'a root is the hash of its two halves');
select is_empty($$select l.leaf_index from audit.log l join audit.events e using (organisation_id, lane, seq) where l.hash <> audit.leaf_hash(e.leaf)$$, 'the log holds the leaves'' hashes');
select is_empty($$select n.node_index from audit.nodes n where n.level = 4 and n.hash <> audit.tree_hash(n.generation, n.node_index * 16, n.node_index * 16 + 16)$$, 'a node is the hash of its sixteen leaves');
select throws_ok('select audit.root(1000000)', 'VS422', null, 'cannot have the root of what isn''t there');
select throws_ok('select audit.root(-1)', 'VS422');
select throws_ok('select audit.root(null)', 'VS422');
select throws_ok('select audit.inclusion_proof(5, 5)', 'VS422');
select throws_ok('select audit.consistency_proof(6, 5)', 'VS422');

-- 6
select is(tests.owner('select audit.restart_log(''x'')'), tests.owner('select audit.log_origin()'), 'a log begun anew has another name');
select is(audit.log_generation(), 2);
select results_eq($$select e.event, e.details::json ->> 'outside' from audit.log l join audit.events e using (organisation_id, lane, seq) where l.generation = 2 and l.leaf_index = 0$$,
  $$values ('log.restart', 'x')$$, 'its first leaf holds what was known outside');

select * from finish();
