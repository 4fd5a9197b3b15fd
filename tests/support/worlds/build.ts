// Puts a plan into the database. The cast (practices, accounts, records with their keys) is made once, through the functions
// of the owner and the import; the rows that a plan consists of are written as a superuser without triggers, since nobody may
// write a past otherwise: dates move, the clock doesn't.
import { randomBytes, randomUUID } from 'node:crypto';
import type pg from 'pg';
import { connect } from '../../../db/connect.ts';
import { asOwner, createOrganisation } from '../../../db/owner.ts';
import type { TestDatabase } from '../database.ts';
import { createPerson } from '../practice.ts';
import { importRecord } from '../world.ts';
import { cast, type Period, type Plan } from './plan.ts';

export type Stage = {
  db: TestDatabase;
  practices: string[];
  accounts: string[];
  patients: string[];
  root: pg.Client;
  edge: pg.Client;
};

/** About a second. */
export async function setStage(db: TestDatabase): Promise<Stage> {
  const practices: string[] = [];
  const accounts: string[] = [];
  const patients: string[] = [];
  for (let place = 0; place < cast.practices; place += 1) {
    const { organisation, clinician } = await asOwner(db.admin, async () => {
      const organisation = await createOrganisation(db.admin, db.keys, `Cabinet ${place}`);
      return { organisation, clinician: await createPerson(db, { organisation, role: 'clinician' }) };
    });
    practices.push(organisation);
    const practice = { organisation, clinician } as Parameters<typeof importRecord>[1];
    for (let n = 0; n < cast.patientsOf[place]!; n += 1)
      patients.push(await importRecord(db, practice, clinician, { birth_name: `Nom ${place} ${n}` }));
  }
  const [first] = practices;
  for (let n = 0; n < cast.accounts; n += 1)
    accounts.push(
      (await asOwner(db.admin, () => createPerson(db, { organisation: first!, role: 'clinician' }))).account,
    );
  return { db, practices, accounts, patients, root: await connect(db.superuserUrl), edge: await connect(db.edgeUrl) };
}

export async function strikeStage({ root, edge }: Stage): Promise<void> {
  await Promise.all([root.end(), edge.end()]);
}

/** The world of the plan, and nothing of the one before; gives the token of each session. */
export async function build({ root, practices, accounts, patients }: Stage, plan: Plan): Promise<string[]> {
  const tokens = plan.sessions.map(() => randomBytes(32).toString('base64url'));
  const jobs = plan.jobs.map(() => randomUUID());
  const statements: [string, unknown[]][] = [
    ["update iam.accounts set status = 'active'", []],
    [
      "update iam.accounts set status = 'suspended' where id = any ($1)",
      [accounts.filter((_, n) => plan.suspended[n])],
    ],
  ];
  const insert = (table: string, row: Record<string, unknown>) => {
    const columns = Object.keys(row);
    statements.push([
      `insert into ${table} (${columns.join(', ')}) values (${columns.map((_, n) => `$${n + 1}`).join(', ')})`,
      Object.values(row),
    ]);
  };
  for (const [n, job] of plan.jobs.entries())
    insert('access.memberships', {
      id: jobs[n],
      account_id: accounts[job.account],
      organisation_id: practices[job.practice],
      role: job.role,
      patient_id: job.role === 'patient' ? patients[job.patient] : null,
      ...dates(job),
    });
  for (const [n, { job, state }] of plan.sessions.entries()) {
    const work = plan.jobs[job]!;
    insert('iam.sessions', {
      token_hash: pgHash(tokens[n]!),
      account_id: accounts[work.account],
      membership_id: jobs[job],
      organisation_id: practices[work.practice],
      role: work.role,
      patient_id: work.role === 'patient' ? patients[work.patient] : null,
      factors: state === 'one factor' ? 1 : 2,
      last_seen_at: at(state === 'idle' ? -31 : 0),
      expires_at: at(state === 'expired' ? -1 : 600),
      revoked_at: state === 'revoked' ? at(-1) : null,
    });
  }
  for (const team of plan.teams) {
    const care_team_id = randomUUID();
    const lead_account_id = accounts[team.members[0]!.account];
    insert('access.care_teams', { id: care_team_id, organisation_id: practices[team.practice], lead_account_id });
    for (const member of team.members)
      insert('access.care_team_members', { care_team_id, account_id: accounts[member.account], ...dates(member) });
    for (const place of team.patients)
      insert('access.care_team_patients', { care_team_id, patient_id: patients[place.patient], ...dates(place) });
  }
  for (const one of plan.referrals)
    insert('store.referrals', {
      id: randomUUID(),
      organisation_id: practices[one.practice],
      patient_id: patients[one.patient],
      performer_id: accounts[one.account],
      requester_id: accounts[(one.account + 1) % accounts.length],
      priority: 'routine',
      reason: Buffer.from('nothing reads it here'),
      ...dates(one),
    });
  for (const one of plan.glasses)
    insert('access.broken_glass', {
      id: randomUUID(),
      organisation_id: practices[one.practice],
      account_id: accounts[one.account],
      patient_id: patients[one.patient],
      session_id: randomUUID(),
      kind: 'emergency',
      reason: Buffer.from('nothing reads it here'),
      broken_at: at(one.from),
      ends_at: at(one.until),
    });
  await root.query('begin');
  await root.query("set local session_replication_role = 'replica'");
  for (const table of emptied) await root.query(`delete from ${table}`);
  for (const [text, values] of statements) await insertAsSaid(root, text, values);
  await root.query('commit');
  return tokens;
}

const emptied = [
  'audit.openings',
  'audit.selections',
  'iam.sessions',
  'access.memberships',
  'access.care_team_members',
  'access.care_team_patients',
  'access.care_teams',
  'store.referrals',
  'access.broken_glass',
];

class Minutes {
  readonly minutes: number;
  constructor(minutes: number) {
    this.minutes = minutes;
  }
}
const at = (minutes: number) => new Minutes(minutes);
const dates = ({ from, until }: Period) => ({ valid_from: at(from), valid_until: at(until) });
class Hash {
  readonly token: string;
  constructor(token: string) {
    this.token = token;
  }
}
const pgHash = (token: string) => new Hash(token);

/** Moments and hashes are made by the server: `now()` is one moment for the whole world. */
async function insertAsSaid(root: pg.Client, text: string, values: unknown[]): Promise<void> {
  let said = text;
  const plain = values.map((value, n) => {
    if (value instanceof Minutes) {
      said = said.replace(new RegExp(`\\$${n + 1}(?!\\d)`), `now() + $${n + 1} * interval '1 minute'`);
      return value.minutes;
    }
    if (value instanceof Hash) {
      said = said.replace(new RegExp(`\\$${n + 1}(?!\\d)`), `iam.hash_token($${n + 1})`);
      return value.token;
    }
    return value;
  });
  await root.query(said, plain);
}
