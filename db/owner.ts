// What the administrator of an installation does in SQL: always as vs_owner, in one transaction, with the keys and
// passwords as bind parameters.
import type pg from 'pg';
import { prehash } from '../edge/password.ts';
import { CommandError } from './command-error.ts';
import { connect } from './connect.ts';
import type { Keys } from './keys.ts';
import { scramVerifier } from './scram.ts';
import type { Site } from './site.ts';

export type Profile = { family_name: string; given_name: string; quality?: string; rpps?: string };
export type NewAccount = {
  organisation: string;
  role: string;
  email: string;
  profile: Profile;
  password: string;
  totpSecret: Uint8Array;
};

/** One transaction as vs_owner; `mode` as in `begin MODE`. */
export async function asOwner<T>(admin: pg.Client, work: () => Promise<T>, mode = ''): Promise<T> {
  await admin.query(`begin ${mode}`);
  try {
    await becomeOwner(admin);
    const result = await work();
    await admin.query('commit');
    return result;
  } catch (error) {
    await admin.query('rollback');
    throw error;
  }
}

async function becomeOwner(admin: pg.Client): Promise<void> {
  try {
    await admin.query('set local role vs_owner');
  } catch (error) {
    const unknown = error instanceof Error && 'code' in error && error.code === '22023'; // invalid_parameter_value
    throw unknown ? new CommandError("This database isn't Vital Sync's yet: run vitalsync migrate.") : error;
  }
}

/** Does anybody work here yet? Inside `asOwner`, or as whoever reads every organisation. */
export async function hasOrganisations(admin: pg.Client): Promise<boolean> {
  const { rows } = await admin.query<{ any: boolean }>('select exists (select from access.organisations) as any');
  return rows[0]!.any; // one row
}

export async function createOrganisation(admin: pg.Client, keys: Keys, name: string): Promise<string> {
  const { rows } = await admin.query<{ id: string }>('select iam.create_organisation($1, $2) as id', [keys.ring, name]);
  return rows[0]!.id; // a function gives one row
}

/** An account that can sign in at once, with a password and a TOTP secret. Inside `asOwner`. */
export async function createAccount(admin: pg.Client, keys: Keys, account: NewAccount): Promise<string> {
  const { organisation, role, email, profile, password, totpSecret } = account;
  const made = await admin.query<{ id: string }>(
    `select iam.create_account(ring => $1, organisation => $2, role => $3, email => $4, profile => $5, prehash => null,
                               totp_secret => $6, password_hash => $7) as id`,
    [keys.ring, organisation, role, email, profile, Buffer.from(totpSecret), noPassword],
  );
  const id = made.rows[0]!.id;
  // The pre-hash depends on the account's id, so the password comes second.
  await admin.query('select iam.set_password($1, $2)', [id, await prehash(keys.pepper, id, password)]);
  return id;
}

/** The form of a bcrypt hash that no password has; it stands until the same transaction sets one. */
const noPassword = `$2a$12$${'.'.repeat(53)}`;

/** A session for the service account that imports; it can seal and not open. */
export async function openImportSession(
  admin: pg.Client,
  keys: Keys,
  organisation: string,
  clinician: string,
): Promise<string> {
  const { rows } = await admin.query<{ token: string }>('select iam.open_import_session($1, $2, $3) as token', [
    keys.ring,
    organisation,
    clinician,
  ]);
  return rows[0]!.token;
}

/** Whether the ring is the one that this database was sealed with: 'ok', or a sentence. */
export async function checkRing(admin: pg.Client, keys: Keys): Promise<string> {
  const { rows } = await admin.query<{ answer: string }>('select vault.check_ring($1) as answer', [keys.ring]);
  return rows[0]!.answer;
}

/** Gives the logins their passwords, as verifiers; one that works already stays as it is. */
export async function setLoginPasswords(admin: pg.Client, site: Site): Promise<void> {
  const { passwords } = site.keys;
  const logins = [
    ['vs_edge', site.edgeUrl, passwords.edge],
    ['vs_gate', site.gateUrl, passwords.gate],
    ['vs_dba', site.dbaUrl, passwords.dba],
  ] as const;
  for (const [role, url, password] of logins) {
    if (!password || (await signsIn(url))) continue;
    await admin.query(`alter role ${role} password ${admin.escapeLiteral(scramVerifier(password))}`);
  }
}

async function signsIn(url: string): Promise<boolean> {
  try {
    await (await connect(url)).end();
    return true;
  } catch {
    return false; // whatever the reason, a fresh verifier does no harm
  }
}

export async function findOrganisation(admin: pg.Client, name: string): Promise<string | undefined> {
  const { rows } = await admin.query<{ id: string }>('select id from access.organisations where name = $1', [name]);
  return rows[0]?.id;
}

export async function findAccount(admin: pg.Client, keys: Keys, email: string): Promise<string | undefined> {
  const query = 'select id from iam.accounts where email_index = any (iam.email_indexes($1, $2))';
  const { rows } = await admin.query<{ id: string }>(query, [keys.ring, email]);
  return rows[0]?.id;
}
