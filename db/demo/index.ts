// The demo: two practices, their accounts, and invented patients with charts and notes in French. The people and
// their records come from a seed; passwords and second factors are random, so that no installation shares them.
import type pg from 'pg';
import { connect, withLogin } from '../connect.ts';
import { asOwner } from '../owner.ts';
import { type DemoAccount, type Made, makeAccount, setPasswords } from './accounts.ts';
import { agree } from './agreements.ts';
import { breakGlass } from './emergency.ts';
import { type Colleague, PRACTICES, type Practice } from './practices.ts';
import { fillRecord, fillTeams, type Invented, patientsOf, type Team } from './records.ts';

export type { DemoAccount } from './accounts.ts';
export type DemoContext = {
  /** The administrator's connection, which may become vs_owner. */
  admin: pg.Client;
  edgeUrl: string;
  ring: string;
  pepper: { id: string; key: Uint8Array };
};
/** Fills an empty database. Gives the accounts with what one needs to sign in; nothing else holds these secrets. */
export async function fillDemo(ctx: DemoContext): Promise<DemoAccount[]> {
  const today = new Date();
  const teams: Team[] = [];
  const made: Made[] = [];
  await asOwner(ctx.admin, async () => {
    for (const practice of PRACTICES) await makePractice(ctx, practice, teams, made);
  });
  const connections = await openAll([ctx.edgeUrl, ctx.edgeUrl, helperUrl(ctx)]);
  const [edge, edge2, helper] = connections as [pg.Client, pg.Client, pg.Client];
  try {
    for (const team of firstOfEach(teams)) made.push(await fillPatientWithAccount(ctx, edge, team, today));
    const half = teams.length / 2;
    await Promise.all([
      setPasswords([ctx.admin, helper], ctx.pepper, made),
      fillTeams(ctx.ring, edge, teams.slice(0, half), today),
      fillTeams(ctx.ring, edge2, teams.slice(half), today),
    ]);
    const [owner, colleague] = teams as [Team, Team];
    await breakGlass(ctx.admin, ctx.ring, edge, { owner, colleague, today });
    const patients = made.filter(({ account }) => account.role === 'patient').map(({ id }) => id);
    await agree(ctx.admin, ctx.ring, edge, patients);
  } finally {
    await Promise.all(connections.map((connection) => connection.end()));
  }
  return made.map(({ account }) => account);
}

async function makePractice(
  { admin, ring }: DemoContext,
  practice: Practice,
  teams: Team[],
  made: Made[],
): Promise<void> {
  const { rows } = await admin.query<{ id: string }>('select iam.create_organisation($1, $2) as id', [
    ring,
    practice.name,
  ]);
  const organisation = { id: (rows[0] as { id: string }).id, name: practice.name };
  const at = (person: Colleague) => ({ ...person, email: `${person.email}@${practice.domain}` });
  for (const [place, clinician] of practice.clinicians.entries()) {
    const account = await makeAccount(admin, ring, organisation, 'clinician', at(clinician));
    made.push(account);
    const opened = await admin.query<{ token: string }>('select iam.open_import_session($1, $2, $3) as token', [
      ring,
      organisation.id,
      account.id,
    ]);
    const name = `Dr ${clinician.given_name} ${clinician.family_name}`;
    teams.push({
      practice,
      organisation,
      author: { account: account.id, name },
      token: (opened.rows[0] as { token: string }).token,
      place,
    });
  }
  for (const { role, ...person } of practice.others)
    made.push(await makeAccount(admin, ring, organisation, role, at(person)));
}

/** The first patient of a practice can sign in as well, and so is there before the account is. */
async function fillPatientWithAccount(ctx: DemoContext, edge: pg.Client, team: Team, today: Date): Promise<Made> {
  const [first] = patientsOf(team, today);
  const { person } = first as Invented;
  const id = await fillRecord(ctx.ring, edge, team, first as Invented, today);
  const profile = {
    email: `patient@${team.practice.domain}`,
    family_name: person.birth_name,
    given_name: person.first_given_name,
  };
  return asOwner(ctx.admin, () => makeAccount(ctx.admin, ctx.ring, team.organisation, 'patient', profile, id));
}

const firstOfEach = (teams: readonly Team[]): Team[] =>
  PRACTICES.flatMap((practice) => teams.find((team) => team.practice === practice) ?? []);
const openAll = (urls: readonly string[]): Promise<pg.Client[]> => Promise.all(urls.map((url) => connect(url)));

/** A second connection as the administrator, so that passwords are hashed on two cores. */
function helperUrl({ admin, edgeUrl }: DemoContext): string {
  return withLogin(edgeUrl, admin.user ?? '', admin.password ?? '');
}
