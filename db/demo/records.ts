import type pg from 'pg';
import { type Author, chartOf } from './chart.ts';
import { FAMILY_NAMES } from './names.ts';
import { invent, type Person } from './people.ts';
import type { Practice } from './practices.ts';
import { Chance } from './random.ts';
import { SCENARIOS, type Scenario } from './scenarios.ts';

export type Organisation = { id: string; name: string };
/** A clinician of the demo, their place in the practice, and the session of the import that fills their care team. */
export type Team = { practice: Practice; organisation: Organisation; author: Author; token: string; place: number };
export type Invented = { source: string; person: Person; scenario: Scenario; chance: Chance };

/** The patients of one clinician: the same ones on every machine. */
export function patientsOf({ practice, author, place }: Team, today: Date): Invented[] {
  const names = new Chance(practice.domain).shuffle(FAMILY_NAMES);
  return SCENARIOS.map((scenario, number) => {
    const source = `demo/${practice.domain}/${author.name}/${number}`;
    const chance = new Chance(source);
    const birthName = names[place * SCENARIOS.length + number] as string;
    const person = invent(chance, birthName, scenario.sex, scenario.age, practice.towns, today);
    return { source, scenario, chance, person };
  });
}

/** Everybody's record, team by team; the import's sessions end with it. */
export async function fillTeams(ring: string, edge: pg.Client, teams: readonly Team[], today: Date): Promise<void> {
  for (const team of teams) {
    for (const patient of patientsOf(team, today)) await fillRecord(ring, edge, team, patient, today);
    await edge.query('begin isolation level read committed');
    await edge.query('select iam.enter(token => $1, ring => $2)', [team.token, ring]);
    await edge.query('select iam.end_session()');
    await edge.query('commit');
  }
}

/** One patient in one transaction. The second time it changes nothing, since every source is known already. */
export async function fillRecord(
  ring: string,
  edge: pg.Client,
  team: Team,
  { source, person, scenario, chance }: Invented,
  today: Date,
): Promise<string> {
  const { age: _, ...identity } = person;
  const chart = chartOf(source, person, scenario, team.author, chance, today);
  const last = chart.encounters.reduce(
    (latest: string | null, row) =>
      'started_at' in row && (latest === null || String(row.started_at) > latest) ? String(row.started_at) : latest,
    null,
  );
  await edge.query('begin isolation level read committed');
  await edge.query('select iam.enter(token => $1, ring => $2, phase => $3)', [team.token, ring, 'write']);
  const { rows } = await edge.query<{ id: string }>('select id from clinic.import_patient($1::jsonb)', [
    { ...identity, source, last_activity_at: last },
  ]);
  const id = (rows[0] as { id: string }).id;
  for (const [type, list] of Object.entries(chart))
    await edge.query('select clinic.import_rows($1, $2, $3::jsonb)', [id, type, JSON.stringify(list)]);
  await edge.query('commit');
  return id;
}
