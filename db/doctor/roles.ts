// Roles: what they may do, who may become whom, and settings that somebody left on them.
import { letDumpsBeWhole } from '../superuser.ts';
import { type Check, type Finding, fail, ok, warn } from './finding.ts';

export const logins: Check = async (admin) => {
  const { rows } = await admin.query(`
    select rolname as name, rolsuper as super, rolbypassrls as bypass, rolcreaterole or rolcreatedb or rolreplication as powers
    from pg_roles where rolname ~ '^vs_' and rolname <> 'vs_admin' order by rolname`);
  const found = rows.flatMap(({ name, super: isSuper, bypass, powers }): Finding[] => {
    if (isSuper || powers || (bypass && name !== 'vs_dba'))
      return [
        fail(
          name,
          'may do more than it should',
          `alter role ${name} nosuperuser nocreatedb nocreaterole noreplication nobypassrls`,
        ),
      ];
    if (name === 'vs_dba' && !bypass)
      return [warn(name, 'its dumps would be empty', `as superuser: ${letDumpsBeWhole}`)];
    return [];
  });
  return found.length > 0 ? found : [ok('roles', `${rows.length} roles, none with more power than it needs`)];
};

export const publicPowers: Check = async (admin) => {
  const { rows } = await admin.query<{ role: string; power: string; remedy: string }>(`
    with roles as (select rolname::text as role from pg_roles where rolname ~ '^vs_' and rolname not in ('vs_owner', 'vs_admin'))
    select role, p.power || ' on the database' as power,
           format('revoke %s on database %I from public, %I', p.power, current_database(), role) as remedy
    from roles, (values ('temp'), ('create')) as p (power) where has_database_privilege(role, current_database(), p.power)
    union all
    select role, 'create on schema ' || nspname, format('revoke create on schema %I from public, %I', nspname, role)
    from roles, pg_namespace where nspname !~ '^pg_' and has_schema_privilege(role, oid, 'create')`);
  if (rows.length === 0) return [ok('create', 'no role that acts may create anything, temporary tables included')];
  return rows.map(({ role, power, remedy }) => fail(role, `has ${power}`, remedy));
};

const acting = ['anon', 'patient', 'clinician', 'secretary', 'org_admin', 'auditor', 'dpo', 'researcher', 'import'].map(
  (role) => `vs_${role}`,
);

export const memberships: Check = async (admin) => {
  const { rows } = await admin.query<{ member: string; role: string }>(
    `select m.rolname::text as member, r.rolname::text as role
     from pg_auth_members a join pg_roles m on m.oid = a.member join pg_roles r on r.oid = a.roleid
     where m.rolname ~ '^vs_' and m.rolname <> 'vs_admin' and not (m.rolname = 'vs_edge' and r.rolname = any ($1))
       and not (m.rolname = 'vs_dba' and r.rolname = 'pg_signal_backend')`,
    [acting],
  );
  if (rows.length === 0) return [ok('memberships', 'vs_edge may become the acting roles, and nobody anybody else')];
  return rows.map(({ member, role }) => fail(member, `may become ${role}`, `revoke ${role} from ${member}`));
};

/** A role may change its own settings for good, and `reset all` would bring them back into every transaction. */
export const roleSettings: Check = async (admin) => {
  const { rows } = await admin.query<{ role: string | null; setting: string; database: string | null }>(`
    select rolname::text as role, unnest(setconfig) as setting, datname::text as database
    from pg_db_role_setting s left join pg_roles r on r.oid = setrole left join pg_database d on d.oid = setdatabase
    where (rolname ~ '^vs_' and rolname <> 'vs_admin' or setrole = 0) and (datname is null or datname = current_database()) order by 1, 2`);
  const strange = rows.filter(
    ({ role, setting }) => !(/^vs_(edge|gate)$/.test(role ?? '') && setting === 'log_min_messages=fatal'),
  );
  if (strange.length === 0) return [ok('role settings', 'none but those of Vital Sync')];
  return strange.map(({ role, setting, database }) => {
    const [name] = setting.split('=');
    const place = role ? `role ${role} ${database ? `in database ${database} ` : ''}` : `database ${database} `;
    return fail(
      role ?? 'database',
      `has the setting ${name}, which nobody of us gave it`,
      `alter ${place}reset ${name}`,
    );
  });
};
