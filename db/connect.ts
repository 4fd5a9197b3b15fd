// How every connection to Postgres is made: by URL, pipelined, and with TLS that is verified outside one machine.
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { CommandError } from './command-error.ts';

const loopback = new Set(['localhost', '127.0.0.1', '::1']);

/** A Postgres URL taken apart. `hostname` is a directory when the server is reached by a Unix socket. */
export type Address = { hostname: string; port: number; user: string; password: string; database: string; ca?: string };

/**
 * Reads `postgres://user:password@host:port/database`, with `?host=/socket/directory` and `?sslrootcert=file`.
 * @throws CommandError when it can't be one, or asks for a link over a network without verified TLS
 */
export function parseAddress(text: string): Address {
  if (!/^postgres(ql)?:\/\//.test(text)) throw notAnAddress();
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw notAnAddress();
  }
  const hostname =
    url.searchParams.get('host') ?? (decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1') || 'localhost');
  const sslmode = url.searchParams.get('sslmode');
  if (!isLocal(hostname) && sslmode !== null && !['require', 'verify-ca', 'verify-full'].includes(sslmode))
    throw new CommandError(`sslmode=${sslmode} isn't allowed outside this machine: use sslmode=verify-full.`);
  const ca = url.searchParams.get('sslrootcert') ?? undefined;
  const user = decodeURIComponent(url.username);
  return {
    hostname,
    port: Number(url.port || url.searchParams.get('port') || 5432),
    user,
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)) || user,
    ...(ca && ca !== 'system' && { ca }),
  };
}

/** The same server and database for another login. */
export function withLogin(text: string, user: string, password: string): string {
  const url = new URL(text);
  url.username = encodeURIComponent(user);
  url.password = encodeURIComponent(password);
  return url.href;
}

/** The same server and login on another database. */
export function withDatabase(text: string, database: string): string {
  const url = new URL(text);
  url.pathname = `/${encodeURIComponent(database)}`;
  return url.href;
}

/** What `pg` wants to know. Queries that aren't awaited go out in one flush. */
export function connectionConfig(text: string): pg.ClientConfig {
  const { hostname, port, user, password, database, ca } = parseAddress(text);
  return {
    host: hostname,
    port,
    user,
    password,
    database,
    ssl: isLocal(hostname) ? false : { rejectUnauthorized: true, ...(ca && { ca: readFileSync(ca, 'utf8') }) },
    pipeline: true,
    application_name: 'vitalsync',
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
  };
}

/** An open connection. The caller ends it. Errors: those of `explainConnection`. */
export async function connect(text: string): Promise<pg.Client> {
  const client = new pg.Client(connectionConfig(text));
  // A connection that breaks between two queries tells the next query; the event alone must not end the process.
  client.on('error', () => {});
  try {
    await client.connect();
  } catch (error) {
    throw explainConnection(error, text);
  }
  return client;
}

/** A sentence for a connection that couldn't be made; it names host and login, never the password. */
export function explainConnection(error: unknown, text: string): Error {
  const { hostname, port, user, database } = parseAddress(text);
  const place = `${hostname}:${port}`;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ECONNREFUSED')
    return new CommandError(`Nothing answers at ${place}: start that Postgres, or correct DATABASE_URL.`);
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return new CommandError(`The host ${hostname} isn't known: correct DATABASE_URL.`);
  if (code === '28P01' || code === '28000')
    return new CommandError(`Postgres at ${place} refuses the login ${user}: correct its password, or pg_hba.conf.`);
  if (code === '3D000') return new CommandError(`There is no database ${database} at ${place}: create it first.`);
  if (code === '53300')
    return new CommandError(`Postgres at ${place} takes no more connections: raise max_connections or use a pooler.`);
  if (/CERT|SSL|TLS/i.test(`${code} ${error instanceof Error ? error.message : ''}`))
    return new CommandError(
      `The link to ${place} can't be verified by TLS: give its certificate with ?sslrootcert=FILE.`,
    );
  return error instanceof Error ? error : new Error(String(error));
}

/** Cloudflare's Hyperdrive is reached inside the worker's own process; the link from there to Postgres is its to verify. */
function isLocal(hostname: string): boolean {
  return hostname.startsWith('/') || loopback.has(hostname) || hostname.endsWith('.hyperdrive.local');
}

function notAnAddress(): CommandError {
  return new CommandError('DATABASE_URL must look like postgres://user:password@host:5432/database.');
}
