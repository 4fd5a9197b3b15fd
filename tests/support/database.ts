// A database of a test file's own: migrated, empty, with the logins and keys of a real installation.
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { inject } from 'vitest';
import { connect, withLogin } from '../../db/connect.ts';
import { type Keys, readKeys } from '../../db/keys.ts';
import { asOwner } from '../../db/owner.ts';

export type TestDatabase = {
  name: string;
  keys: Keys;
  /** The text of VITAL_KEYS. */
  ring: string;
  pepper: Keys['pepper'];
  /** A connection of the administrator: `asOwner(db.admin, …)` of db/owner.ts acts as vs_owner. */
  admin: pg.Client;
  adminUrl: string;
  edgeUrl: string;
  gateUrl: string;
  dbaUrl: string;
  superuserUrl: string;
  /** Closes `admin` and drops the database; connections that are still open are cut. */
  close(): Promise<void>;
};

/** Takes about 40 ms. */
export async function createDatabase(): Promise<TestDatabase> {
  const { superuserUrl, template, keyLines } = inject('testServer');
  const name = `test_${randomBytes(6).toString('hex')}`;
  await onServer(superuserUrl, `create database ${name} owner vs_admin template ${template}`);
  const url = (login: string, password: string | undefined) => {
    const there = new URL(withLogin(superuserUrl, login, password ?? ''));
    there.pathname = `/${name}`;
    return there.href;
  };
  const keys = readKeys('', keyLines);
  const { admin: adminPassword, edge, gate, dba, superuser } = keys.passwords;
  const adminUrl = url('vs_admin', adminPassword);
  const admin = await connect(adminUrl);
  await admin.query(databaseGrants(name));
  await asOwner(admin, () => admin.query("select ops.clear_to_serve('empty')"));
  return {
    name,
    keys,
    ring: keys.ring,
    pepper: keys.pepper,
    admin,
    adminUrl,
    edgeUrl: url('vs_edge', edge),
    gateUrl: url('vs_gate', gate),
    dbaUrl: url('vs_dba', dba),
    superuserUrl: url(new URL(superuserUrl).username, new URL(superuserUrl).password || superuser),
    close: async () => {
      await admin.end();
      await onServer(superuserUrl, `drop database ${name} with (force)`);
    },
  };
}

/** A copy doesn't take its template's grants along, and PUBLIC has TEMP again (hardening rule 6); nor its clearance (0250). */
const databaseGrants = (name: string) => `
  revoke all on database ${name} from public;
  grant connect on database ${name} to vs_edge, vs_gate, vs_dba;
  grant create on database ${name} to vs_owner`;

async function onServer(url: string, statement: string): Promise<void> {
  const client = await connect(url);
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
