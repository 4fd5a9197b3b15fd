import { spawn } from 'node:child_process';
import { type Command, print } from '../command.ts';
import { CommandError } from '../command-error.ts';
import { parseAddress } from '../connect.ts';
import { withSite } from '../site.ts';

export const dbUrl: Command = {
  name: 'db url',
  summary: 'the connection string of the DBA (login vs_dba)',
  usage: '[--json]',
  help: `
Prints a postgres:// URL that holds a password. vs_dba isn't superuser; it reads every table as it is stored, that is,
ciphertext, and its dumps are whole. The embedded Postgres answers while vitalsync start runs.

  --json  host, port, database, user and password apart`,
  options: { json: { type: 'boolean' } },
  run: async (input) => {
    const url = await withSite(async (site) => site.dbaUrl);
    const { hostname, port, database, user, password } = parseAddress(url);
    print(input.flag('json') ? { url, host: hostname, port, database, user, password } : url);
    return 0;
  },
};

export const dbPsql: Command = {
  name: 'db psql',
  summary: 'an SQL prompt as the DBA',
  usage: '[ARGUMENTS FOR psql…]',
  help: `
Opens psql, which must be installed, on the login vs_dba. What follows -- is handed to it:

  vitalsync db psql -- -c "select count(*) from audit.events"`,
  options: {},
  run: (input) => withSite((site) => runPsql(site.dbaUrl, input.words)),
};

/** The password goes through the environment, so that it isn't in the list of processes. */
function runPsql(url: string, args: readonly string[]): Promise<number> {
  const { hostname, port, database, user, password } = parseAddress(url);
  const env = {
    ...process.env,
    PGHOST: hostname,
    PGPORT: String(port),
    PGDATABASE: database,
    PGUSER: user,
    PGPASSWORD: password,
  };
  const ignore = () => {}; // a Ctrl-C cancels psql's query, not us
  process.on('SIGINT', ignore);
  return new Promise((resolve, reject) => {
    const psql = spawn('psql', [...args], { stdio: 'inherit', env });
    psql.on('error', () =>
      reject(new CommandError('psql is not installed: run apt install postgresql-client (macOS: brew install libpq).')),
    );
    psql.on('exit', (code) => {
      process.off('SIGINT', ignore);
      resolve(code ?? 1);
    });
  });
}
