\ir support/world.psql
select no_plan();

select policies_are('audit', 'log_origins', array['select_owner', 'insert_owner', 'select_dba']);

-- 1
select is(tests.owner('select audit.log_origin()') ~ '^\(vitalsync.local/[-0-9a-f]{36}\)$|^vitalsync.local/[-0-9a-f]{36}$', true, 'a log has a name by itself');
select is(tests.owner('select audit.log_origin()'), tests.owner('select audit.log_origin(''other.example'')'), 'and keeps it');
select is(tests.owner(s), 'VS403', 'the owner cannot ' || s) from unnest(array['update audit.log_origins set origin = ''x''', 'delete from audit.log_origins', 'truncate audit.log_origins']) s;
select is(tests.owner('insert into audit.log_origins values (9, ''with space'')'), '23514', 'cannot have a name that no signed note can have');

select * from finish();
