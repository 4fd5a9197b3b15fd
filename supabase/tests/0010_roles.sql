\ir support/world.psql
select no_plan();

-- 1
select is((select string_agg(format('%s %s', r.rolname, c.oid::regclass), ', ') from pg_roles r join pg_class c on c.relowner = r.oid where r.rolname ~ '^vs_' and r.rolname <> 'vs_owner' and r.rolname <> 'vs_admin'), null,
  'roles that people act in own nothing');
select is_empty($$select r.rolname, p from pg_roles r, unnest(array['create', 'temp']) p where r.rolname ~ '^vs_' and r.rolname not in ('vs_owner', 'vs_admin') and has_database_privilege(r.oid, current_database(), p)$$,
  'cannot create schemas or temporary tables');
select is_empty($$select r.rolname, n.nspname from pg_roles r, pg_namespace n where r.rolname ~ '^vs_' and r.rolname not in ('vs_owner', 'vs_admin') and n.nspname !~ '^pg_|^tests$' and has_schema_privilege(r.oid, n.oid, 'create')$$,
  'cannot create anything in a schema');
select is(tests.attempt('a.clinician', s, 'write'), '42501', 'cannot ' || s) from unnest(array['create temp table t (a int)', 'create table clinic.t (a int)', 'create schema s',
  'create function clinic.f() returns int language sql as ''select 1''', 'create role r', 'create extension hstore schema clinic', 'create view clinic.v as select 1', 'alter role vs_clinician createrole']) s;
select is(tests.attempt('a.clinician', 'do $d$ begin create domain pg_temp.d as text; end $d$', 'write'), '42501', 'cannot make a temporary domain, to be run by a definer function');

-- 2
select is_empty($$select p.oid::regprocedure from pg_proc p join pg_namespace n on n.oid = p.pronamespace
  where n.nspname in ('iam', 'access', 'vault', 'audit', 'store', 'clinic', 'privacy', 'ops') and (p.proacl is null or exists (select from aclexplode(p.proacl) a where a.grantee = 0))$$,
  'PUBLIC executes no function of ours');

-- 3
select is_empty($$select r.rolname from pg_roles r where r.rolname ~ '^vs_' and r.rolname not in ('vs_owner', 'vs_dba', 'vs_admin') and has_schema_privilege(r.oid, 'extensions', 'usage')$$,
  'no acting role may name pgcrypto');

-- 4
select results_eq($$select rolname::text collate "C" from pg_roles where rolname ~ '^vs_' and rolcanlogin and rolname <> 'vs_admin' order by 1$$, array['vs_dba', 'vs_edge', 'vs_gate'] collate "C", 'three roles log in');
select is_empty($$select rolname from pg_roles where rolname ~ '^vs_' and rolname <> 'vs_admin' and (rolsuper or rolcreaterole or rolcreatedb or rolreplication or (rolbypassrls and rolname <> 'vs_dba') or rolinherit)$$,
  'no role of ours has a power beyond its grants, nor inherits one');
select results_eq($$select r.rolname::text collate "C" from pg_auth_members m join pg_roles r on r.oid = m.roleid join pg_roles u on u.oid = m.member where u.rolname = 'vs_edge' order by 1$$,
  array['vs_anon', 'vs_auditor', 'vs_clinician', 'vs_dpo', 'vs_import', 'vs_org_admin', 'vs_patient', 'vs_researcher', 'vs_secretary'] collate "C", 'the edge becomes the acting roles and no other');
select is_empty($$select u.rolname, r.rolname from pg_auth_members m join pg_roles r on r.oid = m.roleid join pg_roles u on u.oid = m.member
  where r.rolname ~ '^vs_' and u.rolname ~ '^vs_' and u.rolname not in ('vs_edge', 'vs_admin')$$, 'nobody else becomes anybody');

select matches(ops.uuid_v7()::text, '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$', 'ids are of version 7 (RFC 9562)');
select ok((select array_agg(id) = array_agg(id order by id) from (select ops.uuid_v7() as id, pg_sleep(0.002) from generate_series(1, 20)) made), 'and sort by time');

select * from finish();
