\ir support/world.psql
-- What holds for every object there is, asked from the catalog: a new table or function that breaks a rule fails here.
create extension if not exists plpgsql_check;
select no_plan();

create temp view ours as select oid, nspname from pg_namespace where nspname in ('iam', 'access', 'vault', 'audit', 'store', 'clinic', 'privacy', 'ops');
create temp view tables as select c.oid, n.nspname, c.relname, c.relkind, c.relispartition, c.relrowsecurity, c.relforcerowsecurity from pg_class c join ours n on n.oid = c.relnamespace where c.relkind in ('r', 'p', 'f');
create temp view functions as select p.*, n.nspname from pg_proc p join ours n on n.oid = p.pronamespace;

-- ---------------------------------------------------------------- tables

select is_empty('select oid::regclass from tables where not (relrowsecurity and relforcerowsecurity)', 'row-level security is on, and forced, for every table and partition');
select is_empty('select c.oid::regclass from pg_class c join ours n on n.oid = c.relnamespace where c.relkind in (''m'', ''S'', ''f'')', 'no materialised view, sequence or foreign table');
select is_empty('select p.polrelid::regclass, p.polname from pg_policy p join tables t on t.oid = p.polrelid where obj_description(p.oid, ''pg_policy'') is null', 'every policy says why');
select is_empty('select p.polrelid::regclass, p.polname from pg_policy p join tables t on t.oid = p.polrelid where p.polroles = ''{0}''', 'every policy names a role');
select is_empty('select p.polrelid::regclass, p.polname from pg_policy p join tables t on t.oid = p.polrelid where not polpermissive', 'policies are permissive: one that grants is found by its name');
select is_empty($$select p.polrelid::regclass, p.polname from pg_policy p join tables t on t.oid = p.polrelid, pg_roles r
  where r.oid = any (p.polroles) and r.rolname <> 'vs_owner' and (p.polcmd <> 'r' or (r.rolname <> 'vs_dba' and pg_get_expr(p.polqual, p.polrelid) !~ 'access\.|care_teams'))$$, 'policies of acting roles are for reading, and ask access');
select is_empty('select t.oid::regclass from tables t where t.relispartition and exists (select from pg_policy p where p.polrelid = t.oid)', 'partitions have no policies of their own');
select is_empty('select c.oid::regclass from pg_class c join ours n on n.oid = c.relnamespace where c.relkind = ''v'' and coalesce(array_to_string(c.reloptions, '',''), '''') !~ ''security_invoker=(true|on)''', 'every view looks with the eyes of its reader');
select is_empty('select c.oid::regclass from pg_class c join ours n on n.oid = c.relnamespace where c.relkind in (''r'', ''p'', ''v'') and not c.relispartition and obj_description(c.oid, ''pg_class'') is null', 'every table and view says what it is');

select is_empty($$select t.oid::regclass, e.event from tables t, (values (4, 'insert'), (8, 'delete'), (16, 'update')) e (bit, event)
  where (t.nspname = 'store' or t.oid in ('access.memberships'::regclass, 'access.care_teams'::regclass, 'access.care_team_members'::regclass, 'access.care_team_patients'::regclass, 'access.broken_glass'::regclass, 'vault.keys'::regclass, 'iam.accounts'::regclass, 'iam.totp_factors'::regclass))
    and not exists (select from pg_trigger g where g.tgrelid = t.oid and g.tgfoid = 'audit.tg_row'::regproc and g.tgtype & e.bit > 0 and g.tgtype & 1 = 1 and g.tgenabled = 'O')
    -- keys are wrapped anew by the hundred: one event for a statement, with the digest of each row (0220_key_rotation)
    and not (t.oid = 'vault.keys'::regclass and e.event = 'update'
      and exists (select from pg_trigger g where g.tgrelid = t.oid and g.tgfoid = 'vault.tg_keys__gather'::regproc and g.tgtype = 17 and g.tgenabled = 'O')
      and exists (select from pg_trigger g where g.tgrelid = t.oid and g.tgfoid = 'vault.tg_keys__record'::regproc and g.tgtype = 16 and g.tgenabled = 'O'))$$,
  'every change of a row in store, and of what grants something, is in the log: by row, or by statement with each row named');

select is_empty($$select conrelid::regclass, conname from pg_constraint c join tables t on t.oid = c.conrelid where c.contype = 'f' and c.conparentid = 0
  and not exists (select from pg_index i where i.indrelid = c.conrelid and (i.indkey::int2[])[0 : cardinality(c.conkey) - 1] @> c.conkey)$$, 'every foreign key has an index that begins with it');

-- A column of store is sealed, or stands here, which takes a decision (clear: ids, organisation, patient, type, times, status, category, priority, version).
create temp table clear (name text primary key);
insert into clear values ('id'), ('organisation_id'), ('patient_id'), ('author_id'), ('version'), ('created_at'), ('updated_at'), ('last_activity_at'), ('started_at'), ('ended_at'),
  ('onset_at'), ('abatement_at'), ('erased_at'), ('recorded_at'), ('effective_at'), ('authored_at'), ('status'), ('intent'), ('category'), ('priority'), ('identity_status'), ('clinical_status'), ('verification_status'),
  ('requester_id'), ('performer_id'), ('ended_by'), ('valid_from'), ('valid_until');
select is_empty($$select a.attrelid::regclass, a.attname from pg_attribute a join tables t on t.oid = a.attrelid where t.nspname = 'store' and a.attnum > 0 and not a.attisdropped
  and a.atttypid <> 'bytea'::regtype and a.attname not in (select name from clear)$$, 'a column of store is sealed, or known to be clear');
select is_empty($$select a.attrelid::regclass, a.attname from pg_attribute a join tables t on t.oid = a.attrelid where t.nspname = 'store' and a.attname in ('status', 'intent', 'category', 'priority', 'identity_status', 'clinical_status', 'verification_status')
  and a.atttypid = 'text'::regtype and not exists (select from pg_constraint c where c.conrelid = a.attrelid and c.contype = 'c' and a.attnum = any (c.conkey))$$, 'a clear word is one of a list');
select is_empty($$select i.indexrelid::regclass from pg_index i join tables t on t.oid = i.indrelid join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey) where t.nspname = 'store' and a.atttypid = 'bytea'::regtype$$, 'nothing sealed is indexed');

-- ---------------------------------------------------------------- functions

select is_empty('select oid::regprocedure from functions where coalesce(array_to_string(proconfig, '',''), '''') !~ ''search_path=""''', 'every function has an empty search_path');
select is_empty('select oid::regprocedure from functions where prosecdef and proowner <> ''vs_owner''::regrole', 'a definer function is the owner''s');
select is_empty('select oid::regprocedure from functions where prosecdef and coalesce(array_to_string(proconfig, '',''), '''') !~ ''debug_print_plan=off''', 'no definer function has its plans printed: keys stand in them');
select is_empty($$select oid::regprocedure from functions where prosecdef and obj_description(oid, 'pg_proc') is null and proname not in ('claims', 'account_id', 'organisation_id', 'organisation_as')$$, 'a definer function says what it is');
select is_empty($$select oid::regprocedure from functions where proparallel = 's' and prosrc ~ 'current_setting|set_config|pg_backend_pid|claims\(|session_secret|vault\.ring'$$, 'what depends on the backend isn''t parallel safe');
select is_empty($$select oid::regprocedure from functions where proparallel <> 'u' and prosrc ~* 'set_config|exception\s+when|vault\.(ring|release|open|set_\w+)\(|person_name|read_origin'$$, 'what sets something, or catches an error, runs beside no worker: Postgres refuses both there (25000)');
select is_empty($$select oid::regprocedure from functions where prosrc ~ '\\[dwsDWSbB]' $$, 'no literal means something else under standard_conforming_strings = off');
select is_empty($$select oid::regprocedure from functions where prosrc ~* '\mexecute\M' and proname not in ('make_month', 'make_default', 'file_strays', 'prune_month')$$, 'no function makes SQL out of text, but for partitions, whose names are months');
select is_empty($$select f.oid::regprocedure from functions f join pg_language l on l.oid = f.prolang where l.lanname not in ('sql', 'plpgsql')$$, 'functions are SQL or PL/pgSQL');

select is((select string_agg(format('%s:%s %s: %s', c.functionid, c.lineno, c.level, c.message), E'\n')
  from functions p join pg_language l on l.oid = p.prolang and l.lanname = 'plpgsql'
  left join pg_trigger t on t.tgfoid = p.oid and p.prorettype = 'trigger'::regtype
  cross join plpgsql_check_function_tb(p.oid, coalesce(t.tgrelid, 0), security_warnings => true) c
  where p.prorettype <> 'trigger'::regtype or t.tgrelid is not null), null, 'plpgsql_check finds nothing');

-- ---------------------------------------------------------------- who may do what

-- Object by object it is decided in matrix/ and tried by tests/db/matrix.test.ts; here is what holds for all of them.
select is_empty($$select c.oid::regclass, a.grantee::regrole, a.privilege_type from pg_class c join ours n on n.oid = c.relnamespace, aclexplode(c.relacl) a
  where a.grantee <> 'vs_owner'::regrole and (a.privilege_type <> 'SELECT' or a.is_grantable)$$, 'on a table or a view there is one thing that is granted: to read it');
select is_empty($$select a.attrelid::regclass, a.attname, x.grantee::regrole, x.privilege_type from pg_attribute a join pg_class c on c.oid = a.attrelid join ours n on n.oid = c.relnamespace, aclexplode(a.attacl) x
  where x.privilege_type <> 'SELECT' or x.is_grantable$$, 'nor anything else on a column');
select is_empty($$select c.oid::regclass, r.rolname from pg_class c join ours n on n.oid = c.relnamespace, pg_roles r where c.relispartition and r.rolname ~ '^vs_' and r.rolname not in ('vs_owner', 'vs_dba', 'vs_admin') and has_any_column_privilege(r.oid, c.oid, 'select')$$,
  'nobody reads a partition past its table');
select is_empty($$select f.oid::regprocedure, r.rolname from functions f, pg_roles r where not f.prosecdef and r.rolname in ('vs_anon', 'vs_patient', 'vs_clinician', 'vs_secretary', 'vs_org_admin', 'vs_auditor', 'vs_dpo', 'vs_researcher', 'vs_import') and has_function_privilege(r.oid, f.oid, 'execute')$$,
  'what acting roles call is a definer function, which asks who they are');
select is_empty($$select n.nspname, d.defaclobjtype, a.grantee::regrole from pg_default_acl d left join pg_namespace n on n.oid = d.defaclnamespace, aclexplode(d.defaclacl) a
  where d.defaclrole = 'vs_owner'::regrole and a.grantee not in ('vs_owner'::regrole, 'vs_dba'::regrole)$$, 'nothing new is granted to anybody by itself');

select * from finish();
