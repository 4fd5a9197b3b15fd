// People for tests, made by the owner: sessions are given to them rather than signed in to, since bcrypt takes its
// quarter of a second each time. Tests of signing in make accounts with a password by `createAccount` of db/owner.ts.
import { randomBytes, randomUUID } from 'node:crypto';
import { connect } from '../../db/connect.ts';
import { asOwner, createOrganisation, openImportSession } from '../../db/owner.ts';
import type { TestDatabase } from './database.ts';

export type Person = { account: string; role: string; email: string; token: string };
export type Practice = {
  organisation: string;
  clinician: Person;
  /** Of the same organisation and of another care team. */
  colleague: Person;
  secretary: Person;
  orgAdmin: Person;
  auditor: Person;
};

/** An organisation with one person of each role that works there. */
export async function createPractice(db: TestDatabase, name = `Cabinet ${randomUUID()}`): Promise<Practice> {
  return asOwner(db.admin, async () => {
    const organisation = await createOrganisation(db.admin, db.keys, name);
    const person = (role: string) => createPerson(db, { organisation, role });
    return {
      organisation,
      clinician: await person('clinician'),
      colleague: await person('clinician'),
      secretary: await person('secretary'),
      orgAdmin: await person('org_admin'),
      auditor: await person('auditor'),
    };
  });
}

/** An account with a session of two factors and no password. Inside `asOwner`. */
export async function createPerson(
  db: TestDatabase,
  {
    organisation,
    role,
    patient = null,
    family_name = `Nom${role}`,
  }: { organisation: string; role: string; patient?: string | null; family_name?: string },
): Promise<Person> {
  const email = `${role}-${randomBytes(4).toString('hex')}@exemple.fr`;
  const profile = { family_name, given_name: 'Camille' };
  const { rows } = await db.admin.query<{ id: string }>(
    `select iam.create_account(ring => $1, organisation => $2, role => $3, email => $4, profile => $5, prehash => null,
                               totp_secret => null, patient => $6, password_hash => '$2a$12$' || repeat('.', 53)) as id`,
    [db.ring, organisation, role, email, profile, patient],
  );
  const account = rows[0]!.id;
  return { account, role, email, token: await openSession(db, account) };
}

/**
 * Somebody whose session has one factor: brought by a link, with the first second factor to be added; or with the password
 * shown and an app to show a code of, which nobody has. Inside `asOwner`.
 */
export async function createHalfway(db: TestDatabase, organisation: string, by: 'link' | 'password'): Promise<Person> {
  const person = await createPerson(db, { organisation, role: 'clinician' });
  await db.admin.query(
    "update iam.sessions set factors = 1, enrols = $2 = 'link', methods = array[$2] where account_id = $1",
    [person.account, by],
  );
  if (by === 'password') {
    await db.admin.query("insert into iam.totp_factors (account_id, secret, confirmed_at) values ($1, '', now())", [
      person.account,
    ]);
  }
  return { ...person, role: 'anon' };
}

/** A session of two factors for an account that has one membership. Inside `asOwner`. */
export async function openSession(db: TestDatabase, account: string): Promise<string> {
  const token = randomBytes(32).toString('base64url');
  await db.admin.query(
    `insert into iam.sessions (token_hash, account_id, membership_id, organisation_id, role, patient_id, factors, password_at)
     select iam.hash_token($1), m.account_id, m.id, m.organisation_id, m.role, m.patient_id, 2, clock_timestamp()
     from access.memberships m where m.account_id = $2`,
    [token, account],
  );
  return token;
}

/** A patient of this clinician's care team, through the import as in real life; gives the id. */
export async function createPatient(
  db: TestDatabase,
  practice: Practice,
  traits: Record<string, string> = {},
): Promise<string> {
  const token = await asOwner(db.admin, () =>
    openImportSession(db.admin, db.keys, practice.organisation, practice.clinician.account),
  );
  const edge = await connect(db.edgeUrl);
  try {
    await edge.query('begin');
    await edge.query("select iam.enter(token => $1, ring => $2, phase => 'write')", [token, db.ring]);
    const patient = {
      source: `Patient/${randomUUID()}`,
      birth_name: 'Moreau',
      first_given_name: 'Élise',
      sex: 'female',
      birth_date: '1958-03-12',
      identity_status: 'provisoire',
      last_activity_at: '2026-01-05T09:00:00Z',
      ...traits,
    };
    const { rows } = await edge.query<{ id: string }>('select id from clinic.import_patient($1)', [patient]);
    await edge.query('commit');
    return rows[0]!.id;
  } finally {
    await edge.end();
  }
}
