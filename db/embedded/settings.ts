/** What this Postgres always runs with, whatever is in its files. `docs/dba.md` tells the reasons at length. */
export function serverSettings(port: number, durable: boolean): Record<string, string> {
  return {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '', // a socket is one more door; everybody comes through the one above
    max_connections: '100',
    password_encryption: 'scram-sha-256',
    shared_buffers: '256MB',
    wal_level: 'replica',
    fsync: durable ? 'on' : 'off',
    synchronous_commit: durable ? 'on' : 'off',
    full_page_writes: durable ? 'on' : 'off',
    max_prepared_transactions: '0', // a prepared transaction could keep a lane of the audit log
    jit: 'off', // costs more than it brings on pages of a few rows
    timezone: 'UTC',
    // Nothing that comes from a person reaches the log: no statement, no parameter, no "failing row contains".
    log_statement: 'none',
    log_min_duration_statement: '-1',
    log_min_error_statement: 'panic',
    log_parameter_max_length: '0',
    log_parameter_max_length_on_error: '0',
    log_error_verbosity: 'terse',
    log_timezone: 'UTC',
    log_line_prefix: '%m [%p] %q%u ',
    logging_collector: 'on',
    log_directory: 'log',
    log_filename: 'postgresql-%a.log',
    log_rotation_age: '1d',
    log_truncate_on_rotation: 'on',
    idle_in_transaction_session_timeout: '5min',
  };
}

export function asArguments(settings: Record<string, string>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** pg_hba.conf: passwords only, this machine only, no replication. */
export const hostRules = `# Written by Vital Sync when the data directory was made.
host all all 127.0.0.1/32 scram-sha-256
`;

/** initdb: bytes decide the order, Unicode decides upper and lower case, so that no library of the system matters. */
export const clusterOptions = [
  '--username=postgres',
  '--auth=scram-sha-256',
  '--encoding=UTF8',
  '--locale=C',
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
  '--data-checksums',
  '--no-instructions',
];
