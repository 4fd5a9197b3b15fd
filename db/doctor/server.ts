// The server: its version, its settings, and what stands in front of it.
import { connect, parseAddress } from '../connect.ts';
import { knownHoles } from '../server-version.ts';
import { type Check, type Finding, fail, ok, warn } from './finding.ts';

export const version: Check = async (admin, site) => {
  const { rows } = await admin.query(
    "select current_setting('server_version_num')::int as number, current_setting('server_version') as name",
  );
  const holes = knownHoles(rows[0].number);
  if (!holes) return [ok('version', `Postgres ${rows[0].name}`)];
  const here = 'It listens on this machine alone; use DATABASE_URL for anything but a trial.';
  return [warn('version', holes, site.embedded ? here : undefined)];
};

const printed = 'parameters, keys among them, stand in the log';
const spoken = 'statements of pages stand in the log';
const plans = 'plans, and constants in them, stand in the log';

/** name → [values that are right, what goes wrong otherwise] */
const wanted: Record<string, [string[], string]> = {
  max_prepared_transactions: [['0'], 'a prepared transaction can keep a lane of the audit log'],
  log_statement: [['none', 'ddl'], spoken],
  log_parameter_max_length: [['0'], printed],
  log_parameter_max_length_on_error: [['0'], printed],
  log_min_duration_statement: [['-1'], 'slow statements stand in the log'],
  log_min_duration_sample: [['-1'], 'slow statements stand in the log'],
  log_transaction_sample_rate: [['0'], spoken],
  log_min_error_statement: [['panic', 'fatal'], 'statements that fail stand in the log'],
  log_error_verbosity: [['terse'], 'the detail of an error, which may quote a row, stands in the log'],
  debug_print_parse: [['off'], plans],
  debug_print_rewritten: [['off'], plans],
  debug_print_plan: [['off'], plans],
  password_encryption: [['scram-sha-256'], 'passwords are stored in a form that can be replayed'],
  fsync: [['on'], 'a crash may lose what was committed'],
  full_page_writes: [['on'], 'a crash may damage what was stored'],
  session_replication_role: [['origin'], 'triggers are off, and with them the audit log'],
  row_security: [['on'], 'queries fail instead of showing the rows that one may see'],
  standard_conforming_strings: [['on'], 'a backslash in a text means something else'],
  zero_damaged_pages: [['off'], 'damaged pages are emptied without a word'],
  ignore_checksum_failure: [['off'], 'damaged pages are read as if they were whole'],
};

export const settings: Check = async (admin) => {
  const query = 'select name, setting from pg_settings where name = any ($1) order by name';
  const { rows } = await admin.query<{ name: string; setting: string }>(query, [Object.keys(wanted)]);
  return rows.map(({ name, setting }) => {
    const [right = [], harm = ''] = wanted[name] ?? [];
    if (right.includes(setting)) return ok(name, setting);
    return warn(name, `is ${setting}: ${harm}`, `alter system set ${name} = '${right[0]}'; select pg_reload_conf();`);
  });
};

/** What no single value can say: modules that log by themselves, standbys, TLS, checksums, the administrator's login. */
export const surroundings: Check = async (admin, site) => {
  const { rows } = await admin.query(`
    select current_setting('data_checksums') = 'on' as checksums, current_setting('ssl') = 'on' as tls,
           current_setting('synchronous_standby_names') <> '' as synchronous, rolsuper as super,
           (select count(*)::int from pg_stat_replication) as standbys,
           -- shared_preload_libraries is for superusers alone; what a module that is loaded brings, everybody sees
           (select string_agg(split_part(name, '.', 1), ' and ') from pg_settings
            where name in ('auto_explain.log_min_duration', 'pgaudit.log') and setting not in ('-1', 'none')) as modules
    from pg_roles where rolname = session_user`);
  const { checksums, tls, synchronous, super: isSuper, standbys, modules } = rows[0];
  const { hostname } = parseAddress(site.adminUrl);
  const near = hostname.startsWith('/') || ['localhost', '127.0.0.1', '::1'].includes(hostname);
  const found: (Finding | false)[] = [
    modules !== null &&
      warn(
        'modules',
        `${modules} writes plans or statements into the server's log, and keys stand in them`,
        'set auto_explain.log_min_duration to -1 and pgaudit.log to none, or take them out of shared_preload_libraries',
      ),
    !checksums &&
      warn(
        'data checksums',
        'are off: a page that the disk damaged goes unnoticed',
        'pg_checksums --enable while the server is stopped',
      ),
    !tls && !near && fail('tls', 'is off, and records cross a network', 'alter system set ssl = on'),
    standbys > 0 &&
      !synchronous &&
      warn(
        'standbys',
        'are asynchronous: a failover may lose the record of a look that was shown',
        "alter system set synchronous_standby_names = 'ANY 1 (*)'; select pg_reload_conf();",
      ),
    isSuper &&
      warn(
        'administrator',
        'is superuser, which Vital Sync never needs',
        'give DATABASE_URL a login that owns the database and has CREATEROLE',
      ),
  ];
  const said = found.filter((finding) => finding !== false);
  return said.length > 0
    ? said
    : [ok('surroundings', 'checksums, TLS where it is needed, no module that logs statements')];
};

/** A pooler gives another backend number than the one behind it; then prepared statements must go through it. */
export const pooler: Check = async (_, site) => {
  const edge = await connect(site.edgeUrl).catch(() => undefined);
  if (!edge)
    return [
      fail(
        'edge',
        'the pages’ login can’t connect',
        'vitalsync migrate sets its password again; EDGE_URL overrides it',
      ),
    ];
  try {
    const number = () => edge.query<{ pid: number }>({ name: 'doctor', text: 'select pg_backend_pid() as pid' });
    const { rows } = await number();
    const told = (edge as unknown as { processID: number }).processID; // of the protocol's BackendKeyData; pg doesn't type it
    if (rows[0]?.pid === told) return [ok('pooler', 'pages reach Postgres without one')];
    await number();
    return [ok('pooler', 'pages go through one, and prepared statements work there; transaction mode is right')];
  } catch {
    return [
      warn(
        'pooler',
        'prepared statements fail there',
        'PgBouncer 1.21 or later with max_prepared_statements = 200, in transaction mode',
      ),
    ];
  } finally {
    await edge.end().catch(() => {}); // it may be broken
  }
};
