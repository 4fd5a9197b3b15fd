// One installation: its directory, its keys, and how each login reaches its database.
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type pg from 'pg';
import { CommandError } from './command-error.ts';
import { connect, explainConnection, parseAddress, withLogin } from './connect.ts';
import { prepareDirectory } from './embedded/cluster.ts';
import { type Embedded, embeddedLogins, openEmbedded } from './embedded.ts';
import { generateKeys, generatePasswords, type Keys, type Login, noKeysYet, readKeys, writeKeyFile } from './keys.ts';
import { oneAtATime } from './one-at-a-time.ts';

export type Site = {
  directory: string;
  keyFile: string;
  keys: Keys;
  /** Owner of the database; DATABASE_URL. */
  adminUrl: string;
  /** What pages come through. */
  edgeUrl: string;
  /** What signing in comes through. */
  gateUrl: string;
  /** For the people who run the database. */
  dbaUrl: string;
  /** The Postgres of `npm start`; absent with DATABASE_URL. */
  embedded?: Embedded;
  close(): Promise<void>;
};

export const siteDirectory = (): string =>
  resolve(process.env.VITAL_DIR || join(import.meta.dirname, '..', '.vitalsync'));
export const isEmbedded = (): boolean => !process.env.DATABASE_URL;

/** Opens the database that this command is for. The caller closes it, which stops an embedded one nobody else uses. */
export async function openSite({ discard = false } = {}): Promise<Site> {
  const directory = siteDirectory();
  return isEmbedded()
    ? openEmbeddedSite(directory, discard)
    : openExternalSite(directory, process.env.DATABASE_URL ?? '');
}

/** Runs `work` with an open site and closes it, whatever happens. */
export async function withSite<T>(work: (site: Site) => Promise<T>): Promise<T> {
  const site = await openSite();
  try {
    return await work(site);
  } finally {
    await site.close();
  }
}

/** Runs `work` on the administrator's connection. */
export async function withAdmin<T>(site: Site, work: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = await connect(site.adminUrl);
  try {
    return await work(admin);
  } finally {
    await admin.end();
  }
}

async function openEmbeddedSite(directory: string, discard: boolean): Promise<Site> {
  prepareDirectory(directory);
  return oneAtATime(join(directory, 'starting.pid'), async () => {
    const keyFile = join(directory, 'keys.env');
    const fresh = !existsSync(join(directory, 'postgres', 'data')) && noKeysYet(keyFile);
    if (fresh) writeKeyFile(keyFile, generateKeys(embeddedLogins));
    const keys = completePasswords(keyFile, readKeys(keyFile), embeddedLogins);
    const embedded = await openEmbedded({ directory, passwords: keys.passwords, secrets: [keyFile], discard });
    return { directory, keyFile, keys, ...loginUrls(embedded.adminUrl, keys), embedded, close: embedded.close };
  });
}

/** Keys are made for an empty database alone: fresh ones could open nothing of a database that has records. */
async function openExternalSite(directory: string, adminUrl: string): Promise<Site> {
  parseAddress(adminUrl);
  const keyFile = join(directory, 'keys.env');
  const logins = (['edge', 'gate', 'dba'] as const).filter((login) => !process.env[`${login.toUpperCase()}_URL`]);
  if (noKeysYet(keyFile) && (await isEmpty(adminUrl))) {
    prepareDirectory(directory);
    writeKeyFile(keyFile, generateKeys(logins));
  }
  const keys = completePasswords(keyFile, readKeys(keyFile), logins);
  return { directory, keyFile, keys, ...loginUrls(adminUrl, keys), close: async () => {} };
}

function completePasswords(keyFile: string, keys: Keys, logins: readonly Login[]): Keys {
  const missing = logins.filter((login) => !keys.passwords[login]);
  if (missing.length === 0) return keys;
  prepareDirectory(dirname(keyFile));
  writeKeyFile(keyFile, generatePasswords(missing));
  return readKeys(keyFile);
}

/** EDGE_URL, GATE_URL and DBA_URL override; otherwise the administrator's address with another login. */
function loginUrls(adminUrl: string, { passwords }: Keys): Pick<Site, 'adminUrl' | 'edgeUrl' | 'gateUrl' | 'dbaUrl'> {
  const url = (login: 'edge' | 'gate' | 'dba') =>
    process.env[`${login.toUpperCase()}_URL`] || withLogin(adminUrl, `vs_${login}`, passwords[login] ?? '');
  return { adminUrl, edgeUrl: url('edge'), gateUrl: url('gate'), dbaUrl: url('dba') };
}

async function isEmpty(adminUrl: string): Promise<boolean> {
  const client = await connect(adminUrl);
  try {
    const { rows } = await client.query("select to_regnamespace('vault') is null as empty");
    return rows[0].empty;
  } finally {
    await client.end();
  }
}

/** A sentence for a login of ours that the database refuses. */
export function explainLogin(error: unknown, url: string): Error {
  const explained = explainConnection(error, url);
  return explained instanceof CommandError && /refuses the login/.test(explained.message)
    ? new CommandError(`${explained.message.replace(/:[^:]*$/, '')}: run vitalsync migrate, which sets it again.`)
    : explained;
}
