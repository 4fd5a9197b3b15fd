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
-- An operator that isn't leakproof may raise or tell before the policy has said no, and can't use an index under it.
create temp view in_policies as
  select p.polrelid::regclass as of, p.polname, r.role::regrole as role, x.kind, x.id
  from pg_policy p join tables t on t.oid = p.polrelid, unnest(p.polroles) r (role), lateral (
    select m[1] as kind, m[2]::oid as id from regexp_matches(coalesce(p.polqual::text, '') || coalesce(p.polwithcheck::text, ''), ':(opno|funcid) (\d+)', 'g') m) x;
select is_empty($$select p.of, p.polname, p.id::regoperator from in_policies p join pg_operator o on o.oid = p.id join pg_proc f on f.oid = o.oprcode
  where p.kind = 'opno' and p.role <> 'vs_owner'::regrole and not f.proleakproof$$, 'no leaky operator in a policy of an acting role');
select is_empty($$select p.of, p.polname, p.id::regprocedure from in_policies p
  where p.kind = 'funcid' and p.role <> 'vs_owner'::regrole and p.id::regproc::text not in ('access.patients', 'access.organisation_as', 'access.account_id')$$,
  'and no function but the predicates listed here, which take no column');
select is_empty('select oid::regprocedure from functions where proleakproof', 'nothing of ours claims to be leakproof');
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

-- a cascade runs as the owner of the other table, past policies and grants; what is deferred is checked when nobody looks
select is_empty($$select conrelid::regclass, conname from pg_constraint c join tables t on t.oid = c.conrelid where c.contype = 'f' and (c.confdeltype <> 'a' or c.confupdtype <> 'a')$$, 'no foreign key cascades, nor sets anything');
select is_empty($$select conrelid::regclass, conname from pg_constraint c join tables t on t.oid = c.conrelid where c.condeferrable
  union all select tgrelid::regclass, tgname from pg_trigger g join tables t on t.oid = g.tgrelid where not g.tgisinternal and (g.tgdeferrable or g.tgoldtable is not null or g.tgnewtable is not null)$$, 'nothing is deferred, and no trigger has a transition table');
select is_empty($$select g.tgrelid::regclass, g.tgname from pg_trigger g join tables t on t.oid = g.tgrelid where g.tgenabled <> 'O' and not g.tgisinternal$$, 'every trigger is on');
select is_empty($$select c.oid::regclass::text, c.relowner::regrole from pg_class c join ours n on n.oid = c.relnamespace where c.relowner <> 'vs_owner'::regrole
  union all select oid::regprocedure::text, proowner::regrole from functions where proowner <> 'vs_owner'::regrole$$, 'everything belongs to vs_owner');
select is_empty($$select t.oid::regtype from pg_type t join ours n on n.oid = t.typnamespace where t.typtype in ('e', 'd', 'r')$$, 'no enum, domain or range: their equality is leaky');
select is_empty($$select i.inhrelid::regclass from pg_inherits i join tables t on t.oid = i.inhrelid where not t.relispartition$$, 'no table inherits');

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

-- Text elsewhere is one of a list, follows a pattern, or is known to hold nothing of a person's.
create temp table plain (name text primary key, why text not null);
insert into plain values
  ('access.organisations.name', 'in the national directory'), ('iam.accounts.pepper_id', 'which pepper, not the pepper'), ('iam.recoveries.pepper_id', 'which pepper, not the pepper'),
  ('vault.keys.master', 'which master key'), ('vault.keys.indexed', 'which master key'), ('vault.masters.id', 'which master key'), ('vault.rings.names', 'which master keys'),
  ('iam.passkeys.rp_id', 'a host name of ours'), ('iam.passkeys.transports', 'words of the standard'), ('iam.challenges.origin', 'an address of ours'), ('iam.hosts.origin', 'an address of ours'),
  ('ops.limits.key', 'keyed hashes of addresses, ids of accounts'), ('ops.delays.key', 'keyed hashes of addresses, ids of accounts'), ('ops.service.file', 'the place of its own file'),
  ('ops.networks.network', 'what an operator lists, until 30 days after its end'),
  ('audit.events.resource_type', 'audit.append: a word of ours'), ('audit.events.actor_role', 'audit.append: a role'),
  ('audit.events.details', 'audit.append: digests, column names, words'), ('audit.events.leaf', 'the fields beside it'),
  ('audit.checkpoints.note', 'sizes and hashes, signed'), ('audit.log_origins.origin', 'the name of the log'), ('audit.log_origins.leaf', 'an event''s leaf'),
  ('privacy.consent_texts.title', 'published'), ('privacy.consent_texts.body', 'published'),
  ('privacy.periods.name', 'a period of the law'), ('privacy.periods.why', 'its article'),
  ('privacy.erasures.masters', 'which master keys'), ('privacy.erasures.destroyed', 'how many of what'),
  ('vault.existing_tables.name', 'a table'), ('vault.existing_tables.view_name', 'a view'), ('vault.existing_columns.table_name', 'a table'),
  ('vault.existing_columns.name', 'a column'), ('vault.existing_columns.type', 'a type'), ('vault.existing_columns.sealed_name', 'a column');
select is_empty($$select a.attrelid::regclass, a.attname from pg_attribute a join tables t on t.oid = a.attrelid
  where t.nspname <> 'store' and not t.relispartition and a.attnum > 0 and not a.attisdropped and a.atttypid in ('text'::regtype, 'text[]'::regtype, 'varchar'::regtype, 'json'::regtype, 'jsonb'::regtype, 'inet'::regtype, 'cidr'::regtype, 'date'::regtype)
    and not exists (select from pg_constraint c where c.conrelid = a.attrelid and c.contype = 'c' and a.attnum = any (c.conkey) and pg_get_constraintdef(c.oid) ~ '= ANY|= ''|~ ''|<@ ')
    and format('%s.%s', a.attrelid::regclass, a.attname) not in (select name from plain)$$, 'text outside of store is a word of a list, or known to be nobody''s');
select is_empty($$select name from plain where not exists (select from pg_attribute a join tables t on t.oid = a.attrelid where format('%s.%s', a.attrelid::regclass, a.attname) = name)$$, 'and what is known is there');

-- ---------------------------------------------------------------- functions

select is_empty('select oid::regprocedure from functions where coalesce(array_to_string(proconfig, '',''), '''') !~ ''search_path=""''', 'every function has an empty search_path');
select is_empty('select oid::regprocedure from functions where prosecdef and proowner <> ''vs_owner''::regrole', 'a definer function is the owner''s');
select is_empty('select oid::regprocedure from functions where prosecdef and coalesce(array_to_string(proconfig, '',''), '''') !~ ''debug_print_plan=off''', 'no definer function has its plans printed: keys stand in them');
select is_empty($$select oid::regprocedure from functions where prosecdef and obj_description(oid, 'pg_proc') is null and proname not in ('claims', 'account_id', 'organisation_id', 'organisation_as')$$, 'a definer function says what it is');
-- A definer function asks the verified identity, or stands here with what it asks instead.
create temp table justified (name text primary key, why text not null);
insert into justified values
  ('iam.admit', 'it is the door: it asks the session''s token'), ('access.claims', 'it is the verified identity'),
  ('iam.sign_in_lookup', 'nobody is signed in yet; vs_gate alone'), ('iam.sign_in_password', 'asks for the password; vs_gate alone'), ('iam.sign_in_is_known', 'tells the edge who may go first; vs_gate alone'),
  ('iam.show_password', 'asks for the session, and for the password; vs_gate alone'),
  ('iam.passkey_key', 'a public key, by an id that only its owner''s browser has; vs_gate alone'), ('iam.sign_in_passkey', 'asks for a passkey; vs_gate alone'),
  ('iam.record_failed_sign_in', 'records, and tells nothing; vs_gate alone'), ('ops.record_refusals', 'records, and tells nothing; vs_gate alone'),
  ('iam.record_denied', 'records, once a minute, and tells nothing; vs_gate alone'),
  ('iam.may_begin_change', 'iam.may_change_factors asks; vs_gate alone'), ('iam.begin_totp', 'iam.may_change_factors asks; vs_gate alone'), ('iam.confirm_totp', 'iam.may_change_factors asks; vs_gate alone'), ('iam.remove_totp', 'iam.may_change_factors asks; vs_gate alone'),
  ('iam.make_recovery_codes', 'iam.may_change_factors asks; vs_gate alone'), ('iam.change_password', 'iam.may_change_factors asks, and for the password; vs_gate alone'),
  ('iam.begin_address_change', 'iam.may_change_factors asks; vs_gate alone'), ('iam.cancel_own_address_change', 'asks for the session; vs_gate alone'), ('iam.read_address_change', 'asks for the session; vs_gate alone'),
  ('iam.look_at_address_change', 'asks for the session and the token of a link; vs_gate alone'), ('iam.confirm_address_change', 'asks for the session and the token of a link; vs_gate alone'),
  ('iam.look_at_address_notice', 'asks for the token of a link; vs_gate alone'), ('iam.disown_address_change', 'asks for the token of a link; vs_gate alone'),
  ('iam.read_invitation', 'asks for the token of a link; vs_gate alone'), ('iam.accept_invitation', 'asks for the token of a link; vs_gate alone'),
  ('iam.send_code', 'asks for the session; vs_gate alone'), ('iam.begin_phone', 'iam.may_change_factors asks; vs_gate alone'), ('iam.confirm_phone', 'iam.may_change_factors asks; vs_gate alone'),
  ('iam.remove_phone', 'iam.may_change_factors asks; vs_gate alone'), ('iam.read_phone', 'asks for the session; vs_gate alone'),
  ('ops.take_messages', 'each message is given once; vs_gate alone'), ('ops.message_done', 'a word about a message; vs_gate alone'),
  ('iam.look_at_sign_in', 'asks for the link that was sent; vs_gate alone'), ('iam.answer_sign_in', 'asks for the link that was sent; vs_gate alone'),
  ('vault.open', 'vault.release asks, or the MAC of the slot'), ('clinic.import_rows', 'clinic.import_key asks'),
  ('clinic.create_care_team', 'access.require_admin asks'), ('clinic.add_care_team_member', 'access.require_admin_of asks'), ('clinic.end_care_team_member', 'access.require_admin_of asks'),
  ('clinic.add_care_team_patient', 'access.require_admin_of asks'), ('clinic.end_care_team_patient', 'access.require_admin_of asks'),
  ('audit.verify_all', 'breaks and their places; vs_dba alone'), ('audit.verify_log', 'breaks and their places; vs_dba alone'), ('audit.verify_restart', 'breaks and their places; vs_dba alone'), ('vault.check_ring', 'ok or a sentence; the administrator alone'), ('ops.figures', 'counts; vs_dba alone'),
  ('iam.request_recovery', 'sends a link, and tells nothing; vs_gate alone'), ('iam.read_recovery', 'asks for the link; vs_gate alone'), ('iam.choose_recovery', 'asks for the link; vs_gate alone'),
  ('iam.cancel_recovery', 'asks for the link; vs_gate alone'), ('iam.complete_recovery', 'asks for the link and the password; vs_gate alone'),
  ('iam.open_practices', 'names of practices; vs_gate alone'), ('iam.request_registration', 'sends a link, and tells nothing; vs_gate alone'), ('iam.read_registration', 'asks for the link; vs_gate alone'),
  ('iam.resume_registration', 'asks for the link and the password; vs_gate alone'),
  ('iam.consent_texts', 'what everybody is asked, before anybody is signed in; vs_gate alone'),
  ('access.explain', 'words about ids; vs_dba alone'), ('access.who_can_see', 'words about ids; vs_dba alone');
select is_empty($$select oid::regprocedure from functions where prosecdef and prosrc !~ 'access\.(claims|role|organisation_as|organisation_id|patients|account_id)\(|audit\.open_page\(|iam\.(find_session|may_change_factors)\(' and oid::regproc::text not in (select name from justified)$$,
  'a definer function asks who is there, or is justified');
select is_empty($$select name from justified where not exists (select from functions where prosecdef and oid::regproc::text = name)$$, 'and what is justified is there');
select is_empty($$select f.oid::regprocedure, r.role from functions f join justified j on j.name = f.oid::regproc::text and j.why ~ 'alone$', unnest(array['vs_anon', 'vs_patient', 'vs_clinician', 'vs_secretary', 'vs_org_admin', 'vs_auditor', 'vs_dpo', 'vs_researcher', 'vs_import', 'vs_edge']) r (role)
  where has_function_privilege(r.role, f.oid, 'execute')$$, 'what is justified by who may call it can be called by nobody whom the edge may be');
select is_empty($$select oid::regprocedure from functions where prosrc ~* '\m(pg_notify|notify|listen|lo_\w+|pg_logical_emit_message|pg_read_\w+|dblink\w*)\M|raise\s+(notice|log|warning|info|debug)'$$, 'nothing of ours speaks past its answer: to listeners, large objects, files or the log');
select is_empty($$select oid::regprocedure from functions where proparallel = 's' and prosrc ~ 'current_setting|set_config|pg_backend_pid|claims\(|session_secret|vault\.ring'$$, 'what depends on the backend isn''t parallel safe');
select is_empty($$select oid::regprocedure from functions where proparallel <> 'u' and prosrc ~* 'set_config|exception\s+when|vault\.(ring|release|open|set_\w+)\(|person_name|read_origin'$$, 'what sets something, or catches an error, runs beside no worker: Postgres refuses both there (25000)');
select is_empty($$select oid::regprocedure from functions where prosrc ~ '\\[dwsDWSbB]' $$, 'no literal means something else under standard_conforming_strings = off');
select is_empty($$select oid::regprocedure from functions where prosrc ~* '\mexecute\M' and proname not in ('make_month', 'make_default', 'file_strays', 'prune_month')$$, 'no function makes SQL out of text, but for partitions, whose names are months');
select is_empty($$select oid::regprocedure from functions where prosrc ~ 'extensions\.crypt\(' and prosrc !~ 'ops\.(hash_turn|wait_for_hash_turn)\(' and oid::regproc::text <> 'iam.create_account'$$, 'a password is hashed by whoever has a turn, but for accounts that the administrator of the installation makes');
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
