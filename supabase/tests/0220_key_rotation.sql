\ir support/world.psql
select no_plan();

select 'next=' || translate(encode(extensions.gen_random_bytes(64), 'base64'), E'\n', '') as next, tests.the('ring') as ring \gset
select :'ring' || ',' || :'next' as both, :'next' || ',' || :'ring' as turned \gset
create temp table known as select (select string_agg(md5(n::text), '' order by n.id) from store.notes n) || (select string_agg(md5(p::text), '' order by p.id) from store.patients p) as record;

-- nobody who acts, and no DBA, calls any of it
select is_empty($$select p.oid::regprocedure, r.rolname from pg_proc p, pg_roles r where p.pronamespace = 'vault'::regnamespace
  and p.proname in ('add_master', 'promote', 'not_ready', 'rewrap', 'reindex', 'reindex_patient', 'reindex_account', 'left_to_renew', 'put_first', 'retire', 'masters_status', 'days_until_due', 'saw_ring', 'record_renewal', 'point_at_unopened')
  and r.rolname ~ '^vs_' and r.rolname not in ('vs_owner', 'vs_admin') and has_function_privilege(r.oid, p.oid, 'execute')$$, 'cannot be called by anybody but the owner');
select is(tests.attempt('a.' || who, 'select vault.retire(''pgtap'')', 'write'), '42501', 'cannot retire a key: ' || who) from unnest(array['clinician', 'org_admin', 'auditor', 'dpo']) who;
select policies_are('vault', 'rings', array['all_owner']);

-- What depends on a master key, each decided in docs/formats.md (what a rotation renews): a new use fails here.
select set_eq($$select n.nspname || '.' || p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
  where n.nspname in ('iam', 'access', 'vault', 'audit', 'store', 'clinic', 'privacy', 'ops') and p.prosrc ~ 'vault\.(master|current_master|derive|ring_names)\('$$,
  array['iam.email_indexes', 'ops.network_key', 'ops.account_key', 'iam.give_address',
        -- with a profile key, which a rotation wraps anew and leaves as it is
        'iam.code_hash', 'iam.hash_recovery_code', 'iam.network_of', 'iam.recovery_confirmation', 'audit.origin', 'ops.intend', 'vault.source_id', 'clinic.selected_patients', 'vault.check_ring', 'vault.check_value', 'vault.create_key',
        'vault.index_patient', 'vault.promote', 'vault.reindex_account', 'vault.rewrap', 'vault.ring_problem', 'vault.saw_ring', 'vault.search_key', 'vault.unwrap', 'audit.open_patient_search'],
  'every use of a master key is one that rotation knows');

-- 1, and what a name may be
select is(tests.owner(format('select vault.add_master(%L, decode(%L, ''base64''))::text', n, k)), 'VS422', 'cannot add ' || n || ' of ' || length(k))
  from (values ('', split_part(:'next', '=', 2) || '=='), ('a b', split_part(:'next', '=', 2) || '=='), ('a,b', split_part(:'next', '=', 2) || '=='), ('next', 'AAAA'), (repeat('n', 33), split_part(:'next', '=', 2) || '==')) v (n, k);
select is(tests.owner(format('select vault.add_master(''pgtap'', decode(%L, ''base64''))::text', split_part(:'next', '=', 2) || '==')), 'VS409', 'cannot add another key under a name that is taken');
select is(tests.owner(format('select vault.promote(%L, ''next'')::text', :'both')), 'VS503', 'cannot rotate to a key that wasn''t added');
select is(tests.owner(format('select vault.add_master(''next'', decode(%L, ''base64''))::text', split_part(:'next', '=', 2) || '==')), '', 'adds one');
select is(tests.owner(format('select vault.add_master(''next'', decode(%L, ''base64''))::text', split_part(:'next', '=', 2) || '==')), '', 'twice is once');
select is((select count(*) from audit.events where event = 'keys.add' and details::json ->> 'master' = 'next'), 1::bigint, 'and it is in the log');

-- what a rotation would lock out
select is(vault.not_ready('next'), 'master key next was added a moment ago', 'cannot rotate before an edge could read its key file');
select is(tests.owner('select vault.saw_ring(' || quote_literal(:'ring') || ')::text'), '', 'an edge shows its ring');
select matches(vault.not_ready('next', '4 seconds'), '^(an edge had no master key next|master key next was added)', 'cannot rotate while an edge hasn''t the key');
select is(tests.owner('select vault.saw_ring(''canary'')::text'), '', 'a ring without names');
select is_empty($$select * from vault.rings where names ~ 'canary|[A-Za-z0-9+/]{33}'$$, 'no piece of a key is noted of it');

-- 2, 3
select is(tests.owner(format('select vault.rewrap(%L, ''next'')', :'both')), 'VS409', 'cannot renew towards a key that wasn''t promoted');
select is(tests.owner(format('select vault.promote(%L, ''nobody'')::text', :'both')), 'VS422', 'cannot promote a key that isn''t there');
select is(tests.owner(format('select vault.promote(%L, ''next'')::text', :'both')), '', 'promotes');
select is((select count(*) from audit.events where event = 'keys.rotate' and details::json ->> 'master' = 'next'), 1::bigint, 'which is in the log');
select is(tests.owner('select vault.retire(''pgtap'', ''0'')::text'), 'VS409', 'cannot retire what everything stands under');
select is(tests.owner(format('select vault.rewrap(%L, ''next'')', replace(:'both', 'next=', 'next=AAAA'))), 'VS503', 'cannot renew with another key of that name');
select is(tests.owner(format('select vault.rewrap(%L, ''next'')', :'ring')), 'VS503', 'nor without it');

-- 4
select subject_id as victim from vault.keys where level = 'clinical' limit 1 \gset
alter table vault.keys disable trigger user;
update vault.keys set wrapped = set_byte(wrapped, 30, get_byte(wrapped, 30) # 1) where subject_id = :'victim' and level = 'clinical';
alter table vault.keys enable trigger user;
create function pg_temp.all_batches(step text, ring text) returns text language plpgsql as $$
declare done int; total int := 0;
begin
  perform set_config('role', 'vs_owner', true);
  loop
    if step = 'rewrap' then done := vault.rewrap(ring, 'next', 3); else done := vault.reindex(ring, 'next', 3); end if;
    total := total + done;
    exit when done = 0;
  end loop;
  perform set_config('role', 'none', true);
  return total;
exception when sqlstate 'VS500' then return sqlerrm;
end $$;
select matches(pg_temp.all_batches('rewrap', :'both'), 'the clinical key of ' || :'victim' || ' can''t be opened with master key pgtap', 'a key that was changed stops its batch, with its name');
select is((select master from vault.keys where subject_id = :'victim' and level = 'clinical'), 'pgtap', 'and stays as it was');
alter table vault.keys disable trigger user;
update vault.keys set wrapped = set_byte(wrapped, 30, get_byte(wrapped, 30) # 1) where subject_id = :'victim' and level = 'clinical';
alter table vault.keys enable trigger user;

select is(pg_temp.all_batches('rewrap', :'both')::int, (select count(*) from vault.keys where master = 'pgtap')::int, 'wraps every key') from (select count(*) from vault.keys) x;
select is(tests.owner(format('select iam.sign_in_lookup(%L, ''aclinician@exemple.fr'')', :'turned')), tests.the('a.clinician.account'), 'in between, an account is found by the old key');
update tests.world set value = :'turned' where name = 'ring';
select is(tests.attempt('a.clinician', 'select audit.open_patient_search(''01a201e4-2ee0-780b-9e64-39726844ea74'', ''morea'', '''')', 'open'), '(ok)', 'and a search');
select is(tests.attempt('a.clinician', 'select cardinality(audit.selected(''01a201e4-2ee0-780b-9e64-39726844ea74''))'), '(1)', 'finds a patient');
select is(pg_temp.all_batches('reindex', :'both') ~ '^[1-9]', true, 'renews what is found');
select is((select l::text from vault.left_to_renew('next') l), '(0,0)', 'nothing is left');
update tests.world set value = :'next' where name = 'ring';
select is(tests.opened('a.clinician', 'a.mine'), '(ok)', 'a record opens');
select is(tests.attempt('a.clinician', 'select birth_name from clinic.patients'), '(Moreau)', 'with the new key alone');
select is(tests.attempt('a.clinician', 'select audit.open_patient_search(''01a201e4-2ee0-780b-9e64-39726844ea73'', ''morea'', '''')', 'open'), '(ok)', 'a search');
select is(tests.attempt('a.clinician', 'select cardinality(audit.selected(''01a201e4-2ee0-780b-9e64-39726844ea73''))'), '(1)', 'finds by it');
select is(tests.owner(format('select iam.sign_in_lookup(%L, ''aclinician@exemple.fr'')', :'next')), tests.the('a.clinician.account'), 'an account is found by it');
select is((select string_agg(md5(n::text), '' order by n.id) from store.notes n) || (select string_agg(md5(p::text), '' order by p.id) from store.patients p), (select record from known), 'no row of the record was rewritten');

-- each change of a key is in the log, with the digest of the row as it is
select is_empty($$select k.subject_id, k.level from vault.keys k where not exists (
  select from audit.events e where e.event = 'keys.rotate' and e.organisation_id = k.organisation_id
    and e.details::json -> 'rows' ->> (k.subject_id || '/' || k.level) = encode(sha256(convert_to(to_jsonb(k)::text, 'UTF8')), 'hex'))$$, 'every row that was renewed stands in the log as it is') from (select set_config('timezone', 'UTC', false), set_config('datestyle', 'ISO, YMD', false)) s;
select is_empty('select * from audit.verify_all()', 'the chains are intact');

-- 5
select is(tests.owner('select vault.retire(''next'')::text'), 'VS409', 'cannot retire the current key');
select is(tests.owner('select vault.retire(''nobody'')::text'), 'VS422', 'nor one that never was');
select is(tests.owner('select vault.retire(''pgtap'')::text'), 'VS409', 'nor one that an edge still puts first');
select is(tests.owner('select vault.retire(''pgtap'', ''0'')::text'), '', 'retires');
select is(tests.owner('select vault.retire(''pgtap'', ''0'')::text'), '', 'twice is once');
select is((select count(*) from audit.events where event = 'keys.retire' and details::json ->> 'master' = 'pgtap'), 1::bigint, 'which is in the log');
select is(vault.ring_problem(:'both'), 'master key pgtap was retired: it can''t stand first in VITAL_KEYS', 'put back first, it is recognised');
select is(vault.ring_problem(:'turned'), null, 'last, it does no harm');
select is(vault.ring_problem(:'next'), null, 'it isn''t missed');
select is(tests.owner('update vault.masters set retired_at = null, active = true where id = ''pgtap'''), 'VS403', 'a retired key stays retired');
select is(tests.owner(format('select vault.add_master(''pgtap'', decode(%L, ''base64''))::text', split_part(:'ring', '=', 2) || '==')), 'VS409', 'and its name is not given again');
select is(tests.owner('update vault.keys set master = ''pgtap'', wrapped = wrapped'), '23503', 'nothing can be put under it');
select is(tests.owner(format('select vault.create_key(%L, gen_random_uuid(), ''profile'', %L)', :'both', tests.the('a.organisation'))), 'VS503', 'nor made under it');
select is((select round(value) from ops.figures() where name = 'days_until_master_key_due') between 364 and 366, true, 'the next one is due in a year');

-- the world goes on under the first name that it had, for the files that follow
select * from finish();
