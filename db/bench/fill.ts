// Fills a database through the real import: every row sealed, every row audited. The bare one gets the same rows.
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { connect } from '../connect.ts';
import { asOwner, createOrganisation, openImportSession } from '../owner.ts';
import type { Site } from '../site.ts';
import { type Invented, invent, rowTypes } from './invent.ts';

export type Clinician = {
  account: string;
  email: string;
  name: string;
  /** A session that is open already. */
  token: string;
  /** clinician, where nothing else is said. */
  role?: 'clinician' | 'secretary';
  totpSecret: Uint8Array;
  patients: Patient[];
};
export type Patient = { id: string; name: string };
export type Practice = { organisation: string; name: string; clinicians: Clinician[] };
export type Size = { patients: number; notes: number };

const PER_CLINICIAN = 100;
const PER_TRANSACTION = 10;
/** Two cores, and a third one's worth of waiting for the disk. */
const CONNECTIONS = 3;

/** Patients 0 to `patients`, a hundred for each clinician. `copyTo` is a bare database that gets the same. */
export async function fill(
  site: Site,
  size: Size,
  copyTo?: Site,
  onProgress?: (filled: number) => void,
): Promise<Practice> {
  const practice = await makePractice(site, Math.ceil(size.patients / PER_CLINICIAN));
  if (copyTo) await copyPeople(copyTo, practice);
  const queue = [...practice.clinicians.entries()];
  let filled = 0;
  const work = async () => {
    const edge = await connect(site.edgeUrl);
    const copy = copyTo && (await connect(copyTo.adminUrl));
    try {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const [place, clinician] = next;
        const count = Math.min(PER_CLINICIAN, size.patients - place * PER_CLINICIAN);
        await fillTeam({ site, practice, edge, copy, clinician, size, first: place * PER_CLINICIAN, count });
        filled += count;
        onProgress?.(filled);
      }
    } finally {
      await Promise.all([edge.end(), copy?.end()]);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, work));
  return practice;
}

/** Accounts without a password, since nobody signs in, and a session for each. */
async function makePractice(site: Site, clinicians: number): Promise<Practice> {
  const admin = await connect(site.adminUrl);
  const name = 'Maison de santé du banc d’essai';
  try {
    return await asOwner(admin, async () => {
      const organisation = await createOrganisation(admin, site.keys, name);
      const made: Clinician[] = [];
      for (let i = 0; i < clinicians; i++) made.push(await makeClinician(admin, site, organisation, i));
      return { organisation, name, clinicians: made };
    });
  } finally {
    await admin.end();
  }
}

async function makeClinician(
  admin: pg.Client,
  { keys }: Site,
  organisation: string,
  number: number,
): Promise<Clinician> {
  const email = `praticien-${number}@banc.example`;
  const totpSecret = randomBytes(20);
  const profile = { family_name: `Praticien ${number}`, given_name: 'Camille', quality: 'Dr' };
  const { rows } = await admin.query<{ account: string; token: string }>(
    `select a.id as account, iam.open_session(a.id) as token
     from iam.create_account(ring => $1, organisation => $2, role => 'clinician', email => $3, profile => $4, prehash => null,
                             totp_secret => $5, password_hash => '$2a$12$' || repeat('.', 53)) as a (id)`,
    [keys.ring, organisation, email, profile, totpSecret],
  );
  return { ...rows[0]!, email, totpSecret, name: `Dr Camille ${profile.family_name.toUpperCase()}`, patients: [] };
}

type Team = {
  site: Site;
  practice: Practice;
  edge: pg.Client;
  copy: pg.Client | undefined;
  clinician: Clinician;
  size: Size;
  first: number;
  count: number;
};

async function fillTeam({ site, practice, edge, copy, clinician, size, first, count }: Team): Promise<void> {
  const token = await importSession(site, practice.organisation, clinician.account);
  for (let from = first; from < first + count; from += PER_TRANSACTION) {
    const people: Invented[] = [];
    for (let n = from; n < Math.min(from + PER_TRANSACTION, first + count); n++)
      people.push(invent(n, notesOf(n, size), clinician));
    const ids = await importPatients(edge, token, site.keys.ring, people);
    clinician.patients.push(...people.map(({ identity }, i) => ({ id: ids[i] as string, name: identity.birth_name })));
    if (copy) await copyPatients(copy, practice.organisation, clinician.account, ids, people);
  }
}

/** 50,000 notes over 10,000 patients are 5 each; what doesn't divide goes to the first ones. */
const notesOf = (number: number, { patients, notes }: Size): number =>
  Math.floor(notes / patients) + (number < notes % patients ? 1 : 0);

async function importSession(site: Site, organisation: string, account: string): Promise<string> {
  const admin = await connect(site.adminUrl);
  try {
    return await asOwner(admin, () => openImportSession(admin, site.keys, organisation, account));
  } finally {
    await admin.end();
  }
}

const importStatement = `with p as materialized (select id from clinic.import_patient($1::jsonb))
  select p.id, ${rowTypes.map((type, i) => `clinic.import_rows(p.id, '${type}', $${i + 2}::jsonb)`).join(', ')} from p`;

/** One transaction, one flush. */
async function importPatients(
  edge: pg.Client,
  token: string,
  ring: string,
  people: readonly Invented[],
): Promise<string[]> {
  const sent = [
    edge.query('begin isolation level read committed'),
    edge.query("select iam.enter(token => $1, ring => $2, phase => 'write')", [token, ring]),
    ...people.map(({ identity, ...rows }) => {
      const values = [identity, ...rowTypes.map((type) => JSON.stringify(rows[type]))];
      return edge.query<{ id: string }>({ name: 'import', text: importStatement, values });
    }),
    edge.query('commit'),
  ];
  const results = await Promise.all(sent);
  return results.slice(2, -1).map((result) => result.rows[0].id);
}

async function copyPeople(bare: Site, { organisation, name, clinicians }: Practice): Promise<void> {
  const admin = await connect(bare.adminUrl);
  const accounts = clinicians.map(({ account }) => account);
  const names = clinicians.map((clinician) => clinician.name);
  try {
    await admin.query(
      `insert into clinic.people select a, $3, $4, 'clinician', n from unnest($1::uuid[], $2::text[]) u (a, n)`,
      [accounts, names, organisation, name],
    );
    const tokens = clinicians.map(({ token }) => token);
    await admin.query('insert into clinic.sessions select * from unnest($1::text[], $2::uuid[])', [tokens, accounts]);
  } finally {
    await admin.end();
  }
}

async function copyPatients(
  copy: pg.Client,
  organisation: string,
  owner: string,
  ids: string[],
  people: readonly Invented[],
) {
  const values = [owner, organisation, ids, JSON.stringify(people)];
  const text = `select clinic.fill($1, $2, u.id, u.person -> 'identity', u.person)
    from rows from (unnest($3::uuid[]), jsonb_array_elements($4::jsonb)) u (id, person)`;
  await copy.query({ name: 'copy', text, values });
}
