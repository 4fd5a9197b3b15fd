// Is this installation as it must be? One finding for each question, with what to do about it.
import type pg from 'pg';
import { masterKeys } from './doctor-keys.ts';
import { migrationState } from './migrate.ts';
import { asOwner, checkRing } from './owner.ts';
import { knownHoles } from './server-version.ts';
import type { Site } from './site.ts';
import { letDumpsBeWhole, missingPowers, revokeSpills, silenceErrors } from './superuser.ts';

export type Finding = { check: string; state: 'ok' | 'warning' | 'failure'; finding: string; remedy?: string };
type Check = (admin: pg.Client, site: Site) => Promise<Finding[]>;

/** Every finding, in the order of the checks. `admin` is the administrator's connection. */
export async function examine(admin: pg.Client, site: Site): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const check of [
    version,
    settings,
    migrations,
    keys,
    masterKeys,
    logins,
    publicPowers,
    memberships,
    spills,
    roleSettings,
    chains,
  ]) {
    findings.push(...(await check(admin, site)));
  }
  return findings;
}

const version: Check = async (admin, site) => {
  const { rows } = await admin.query(
    "select current_setting('server_version_num')::int as number, current_setting('server_version') as name",
  );
  const holes = knownHoles(rows[0].number);
  if (!holes) return [ok('version', `Postgres ${rows[0].name}`)];
  const remedy = site.embedded
    ? 'It listens on this machine alone; use DATABASE_URL for anything but a trial.'
    : undefined;
  return [{ check: 'version', state: 'warning', finding: holes, ...(remedy && { remedy }) }];
};

/** name → [values that are right, what goes wrong otherwise] */
const wanted: Record<string, [string[], string]> = {
  max_prepared_transactions: [['0'], 'a prepared transaction can keep a lane of the audit log'],
  log_statement: [['none', 'ddl'], 'statements of pages stand in the log'],
  log_parameter_max_length: [['0'], 'parameters, keys among them, stand in the log'],
  log_parameter_max_length_on_error: [['0'], 'parameters, keys among them, stand in the log'],
  log_min_duration_statement: [['-1'], 'slow statements stand in the log'],
  log_min_error_statement: [['panic', 'fatal'], 'statements that fail stand in the log'],
  log_error_verbosity: [['terse'], 'the detail of an error, which may quote a row, stands in the log'],
  password_encryption: [['scram-sha-256'], 'passwords are stored in a form that can be replayed'],
  fsync: [['on'], 'a crash may lose what was committed'],
  full_page_writes: [['on'], 'a crash may damage what was stored'],
};

const settings: Check = async (admin) => {
  const query = 'select name, setting, unit from pg_settings where name = any ($1)';
  const { rows } = await admin.query<{ name: string; setting: string }>(query, [Object.keys(wanted)]);
  return rows.map(({ name, setting }) => {
    const [right = [], harm = ''] = wanted[name] ?? [];
    if (right.includes(setting)) return ok(name, setting);
    return {
      check: name,
      state: 'warning',
      finding: `is ${setting}: ${harm}`,
      remedy: `alter system set ${name} = '${right[0]}'; select pg_reload_conf();`,
    };
  });
};

const migrations: Check = async (admin) => {
  const { applied, pending, changed, unknown } = await migrationState(admin);
  const bad = (finding: string, remedy: string): Finding => ({
    check: 'migrations',
    state: 'failure',
    finding,
    remedy,
  });
  if (changed.length > 0)
    return [
      bad(`ran with another text: ${changed.join(', ')}`, 'use the version of Vital Sync that made this database'),
    ];
  if (unknown.length > 0)
    return [bad(`not known here: ${unknown.join(', ')}`, 'use the version of Vital Sync that made this database')];
  if (pending.length > 0) return [bad(`${pending.length} haven't run`, 'vitalsync migrate')];
  return [ok('migrations', `${applied.length} ran, with the text they have now`)];
};

const keys: Check = async (admin, site) => {
  const answer = await asOwner(admin, () => checkRing(admin, site.keys));
  if (answer === 'ok') return [ok('keys', 'VITAL_KEYS opens what this database holds')];
  return [{ check: 'keys', state: 'failure', finding: answer, remedy: `put back ${site.keyFile} from your backup` }];
};

const logins: Check = async (admin) => {
  const { rows } = await admin.query(`
    select rolname as name, rolsuper as super, rolbypassrls as bypass, rolcreaterole or rolcreatedb or rolreplication as powers
    from pg_roles where rolname ~ '^vs_' and rolname <> 'vs_admin' order by rolname`);
  const found = rows.flatMap(({ name, super: isSuper, bypass, powers }): Finding[] => {
    if (isSuper || powers || (bypass && name !== 'vs_dba'))
      return [
        {
          check: name,
          state: 'failure',
          finding: 'may do more than it should',
          remedy: `alter role ${name} nosuperuser nocreatedb nocreaterole noreplication nobypassrls`,
        },
      ];
    if (name === 'vs_dba' && !bypass)
      return [
        {
          check: name,
          state: 'warning',
          finding: 'its dumps would be empty',
          remedy: `as superuser: ${letDumpsBeWhole}`,
        },
      ];
    return [];
  });
  return found.length > 0 ? found : [ok('roles', `${rows.length} roles, none with more power than it needs`)];
};

const publicPowers: Check = async (admin) => {
  const { rows } = await admin.query<{ role: string; power: string; remedy: string }>(`
    with roles as (select rolname::text as role from pg_roles where rolname ~ '^vs_' and rolname not in ('vs_owner', 'vs_admin'))
    select role, p.power || ' on the database' as power,
           format('revoke %s on database %I from public, %I', p.power, current_database(), role) as remedy
    from roles, (values ('temp'), ('create')) as p (power) where has_database_privilege(role, current_database(), p.power)
    union all
    select role, 'create on schema ' || nspname, format('revoke create on schema %I from public, %I', nspname, role)
    from roles, pg_namespace where nspname !~ '^pg_' and has_schema_privilege(role, oid, 'create')`);
  if (rows.length === 0) return [ok('create', 'no role that acts may create anything, temporary tables included')];
  return rows.map(({ role, power, remedy }) => ({ check: role, state: 'failure', finding: `has ${power}`, remedy }));
};

const acting = ['anon', 'patient', 'clinician', 'secretary', 'org_admin', 'auditor', 'dpo', 'researcher', 'import'].map(
  (role) => `vs_${role}`,
);

const memberships: Check = async (admin) => {
  const { rows } = await admin.query<{ member: string; role: string }>(
    `select m.rolname::text as member, r.rolname::text as role
     from pg_auth_members a join pg_roles m on m.oid = a.member join pg_roles r on r.oid = a.roleid
     where m.rolname ~ '^vs_' and m.rolname <> 'vs_admin' and not (m.rolname = 'vs_edge' and r.rolname = any ($1))
       and not (m.rolname = 'vs_dba' and r.rolname = 'pg_signal_backend')`,
    [acting],
  );
  if (rows.length === 0) return [ok('memberships', 'vs_edge may become the acting roles, and nobody anybody else')];
  return rows.map(({ member, role }) => ({
    check: member,
    state: 'failure',
    finding: `may become ${role}`,
    remedy: `revoke ${role} from ${member}`,
  }));
};

const spills: Check = async (admin) => {
  const missing = await missingPowers(admin);
  const { rows } = await admin.query('select count(*)::int as objects from pg_largeobject_metadata');
  const warn = (check: string, finding: string, remedy: string): Finding => ({
    check,
    state: 'warning',
    finding,
    remedy,
  });
  const found = [
    missing.spills &&
      warn(
        'spills',
        'roles that act may write large objects and notifications, past the audit log',
        `as superuser: ${revokeSpills}`,
      ),
    missing.errors &&
      warn(
        'server log',
        'errors of pages stand in it, and may quote a value',
        `as superuser: ${silenceErrors.join('; ')}`,
      ),
    rows[0].objects > 0 &&
      warn(
        'large objects',
        `there are ${rows[0].objects}, and Vital Sync makes none`,
        'look at pg_largeobject_metadata, then select lo_unlink(oid)',
      ),
  ].filter((finding) => finding !== false);
  return found.length > 0 ? found : [ok('spills', 'no large objects, and nowhere for plaintext to go but the page')];
};

/** A role may change its own settings for good, and `reset all` would bring them back into every transaction. */
const roleSettings: Check = async (admin) => {
  const { rows } = await admin.query<{ role: string; setting: string; database: string | null }>(`
    select rolname::text as role, unnest(setconfig) as setting, datname::text as database
    from pg_db_role_setting s join pg_roles r on r.oid = setrole left join pg_database d on d.oid = setdatabase
    where rolname ~ '^vs_' and rolname <> 'vs_admin' and (datname is null or datname = current_database()) order by 1, 2`);
  const strange = rows.filter(
    ({ role, setting }) => !(['vs_edge', 'vs_gate'].includes(role) && setting === 'log_min_messages=fatal'),
  );
  if (strange.length === 0) return [ok('role settings', 'none but those of Vital Sync')];
  return strange.map(({ role, setting, database }) => ({
    check: role,
    state: 'failure',
    finding: `has the setting ${setting.split('=')[0]}, which nobody of us gave it`,
    remedy: `alter role ${role} ${database ? `in database ${database} ` : ''}reset ${setting.split('=')[0]}`,
  }));
};

const chains: Check = (admin) =>
  asOwner(admin, async () => {
    const { rows } = await admin.query(`
      select count(*)::int as wrong, (select coalesce(sum(seq), 0)::text from audit.lanes) as events,
             (select coalesce(sum(s.events), 0)::int from audit.strays() s) as astray
      from audit.lanes l
      left join audit.leaves f on (f.organisation_id, f.lane, f.seq) = (l.organisation_id, l.lane, l.seq)
      where l.seq > 0 and f.hash is distinct from l.head`);
    const found: Finding[] = [];
    if (rows[0].wrong > 0)
      found.push({
        check: 'audit',
        state: 'failure',
        finding: `${rows[0].wrong} chains don't end with their last event`,
        remedy: 'vitalsync audit verify tells where',
      });
    if (rows[0].astray > 0)
      found.push({
        check: 'audit',
        state: 'warning',
        finding: `${rows[0].astray} events are dated outside of the prepared months`,
        remedy: 'check the clock of the database server; upkeep files them when their month comes',
      });
    return found.length > 0
      ? found
      : [
          ok(
            'audit',
            `every chain ends with its last event (${rows[0].events} events); vitalsync audit verify reads them all`,
          ),
        ];
  });

const ok = (check: string, finding: string): Finding => ({ check, state: 'ok', finding });
