// `npm run test:sql [FILE…]`: the pgTAP files of supabase/tests against a Postgres of Debian's, which is made for this and
// thrown away, or with TEST_DATABASE_URL (a superuser) in a database of its own there. The embedded Postgres has no pgTAP.
import { execFileSync, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '../../db/connect.ts';
import { migrate } from '../../db/migrate.ts';

const debian = '/usr/lib/postgresql';
const lacking = lackingTools();
if (lacking.length > 0) {
  console.error(`These tests need pgTAP, plpgsql_check, psql and pg_prove. On Debian or Ubuntu:\n\n  apt install ${lacking.join(' ')}

Another Postgres that has them: TEST_DATABASE_URL=postgres://superuser@host/postgres npm run test:sql`);
  process.exit(1);
}
const given = process.env.TEST_DATABASE_URL;
const server = given ? { url: given, stop: () => {} } : await startServer();
try {
  process.exitCode = await run(server.url, process.argv.slice(2));
} finally {
  server.stop();
}

async function run(url: string, files: readonly string[]): Promise<number> {
  const name = `sql_tests_${process.pid}`;
  const superuser = await connect(url);
  const there = (database: string, user?: string) => {
    const address = new URL(url);
    address.pathname = `/${database}`;
    if (user) address.username = user;
    return address.href;
  };
  const admin = `admin_of_${name}`;
  await superuser.query(`create role ${admin} login createrole`);
  await superuser.query(`create database ${name} owner ${admin}`);
  try {
    await superuser.query(`grant ${admin} to current_user`);
    const client = await connect(there(name, admin));
    await migrate(client).finally(() => client.end());
    const which = files.length > 0 ? files : ['--ext', '.sql', '--recurse', 'supabase/tests'];
    return spawnSync('pg_prove', ['-d', there(name), ...which], { stdio: 'inherit' }).status ?? 1;
  } finally {
    await superuser.query(`drop database ${name} with (force)`);
    await superuser.query(`drop owned by ${admin}; drop role ${admin}`).catch(() => {}); // the server may go away with it
    await superuser.end();
  }
}

/** The newest Postgres of Debian's that has both extensions. */
function findServer(): string | undefined {
  const majors = existsSync(debian)
    ? readdirSync(debian)
        .map(Number)
        .filter((major) => major >= 15 && major <= 18)
    : [];
  const whole = majors.filter((major) =>
    ['pgtap', 'plpgsql_check'].every((name) => existsSync(`/usr/share/postgresql/${major}/extension/${name}.control`)),
  );
  return whole
    .sort((a, b) => a - b)
    .at(-1)
    ?.toString();
}

function lackingTools(): string[] {
  const major = /VERSION_CODENAME=trixie/.test(readIfThere('/etc/os-release')) ? 17 : 15;
  const tools = spawnSync('pg_prove', ['--version']).error ? ['libtap-parser-sourcehandler-pgtap-perl'] : [];
  if (spawnSync('psql', ['--version']).error) tools.push('postgresql-client');
  if (process.env.TEST_DATABASE_URL || findServer()) return tools;
  return [...tools, `postgresql-${major}`, `postgresql-${major}-pgtap`, `postgresql-${major}-plpgsql-check`];
}

function readIfThere(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

/** On the loopback, without a password, gone at the end. Postgres refuses root: then it runs as Debian's user. */
async function startServer(): Promise<{ url: string; stop(): void }> {
  const bin = join(debian, findServer() ?? '', 'bin');
  const directory = mkdtempSync(join(tmpdir(), 'vitalsync-sql-'));
  const isRoot = process.getuid?.() === 0;
  if (isRoot) chownSync(directory, Number(execFileSync('id', ['-u', 'postgres'])), 0);
  const as = (command: string, ...args: string[]) =>
    isRoot
      ? execFileSync('runuser', ['-u', 'postgres', '--', join(bin, command), ...args], { cwd: '/', stdio: 'ignore' })
      : execFileSync(join(bin, command), args, { stdio: 'ignore' });
  const data = join(directory, 'data');
  const port = await freePort();
  as('initdb', '-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8');
  const settings = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off`;
  as('pg_ctl', '-D', data, '-l', join(directory, 'log'), '-w', '-o', settings, 'start');
  const stop = () => {
    as('pg_ctl', '-D', data, '-m', 'immediate', '-w', 'stop');
    rmSync(directory, { recursive: true });
  };
  process.once('SIGINT', () => {
    stop();
    process.exit(130);
  });
  return { url: `postgres://postgres@127.0.0.1:${port}/postgres`, stop };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
