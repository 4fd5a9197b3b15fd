// Where a row belongs: to which practice, care team and person. Known by the ids in it, whatever table or view shows it.
import type pg from 'pg';
import type { House } from '../world.ts';

/** `shown`: other people whom it is about too, as an event that lists patients. */
export type Place = { organisation?: string; team?: string; person?: string; shown?: string[] };
export type Row = Record<string, unknown>;
export type Places = Map<string, Place>;
/** A row of a table as it is stored, for the attempts that touch the rows of one place. */
export type Stored = { relation: string; ctid: string; row: Row; place: Place | undefined };

/** How far somebody reaches, in the words of supabase/tests/matrix. */
export const reaches = ['own', 'team', 'organisation', 'everything'] as const;
export type Reach = (typeof reaches)[number];

// what a row is about, before who made it
const about = [
  'patient_id',
  'id',
  'subject_id',
  'account_id',
  'session_id',
  'care_team_id',
  'lead_account_id',
  'actor_id',
  'resource_id',
  'organisation_id',
];

export function placeOf(row: Row, places: Places): Place | undefined {
  for (const column of [...about, ...Object.keys(row)]) {
    const place = places.get(String(row[column]));
    if (place) return Array.isArray(row.shown) ? { ...place, shown: row.shown } : place;
  }
  return undefined;
}

/** Every row of every table, and the place of every id. @param root a superuser */
export async function readPlaces(root: pg.Client, houses: House[]): Promise<{ places: Places; stored: Stored[] }> {
  const places: Places = new Map();
  for (const house of houses) seed(places, house);
  const tables = await root.query<{ name: string }>("select name from tests.relations where kind = 'r' order by name");
  const stored: Stored[] = [];
  for (const { name } of tables.rows) {
    const { rows } = await root.query<{ ctid: string; row: Row }>(
      `select ctid::text, to_jsonb(t) as row from ${name} t`,
    );
    stored.push(...rows.map(({ ctid, row }) => ({ relation: name, ctid, row, place: undefined })));
  }
  // twice, since a row may be known by the id of a row of a later table
  for (const _ of [1, 2])
    for (const one of stored) {
      one.place = placeOf(one.row, places);
      for (const column of ['id', 'key', 'digest'])
        if (one.place && typeof one.row[column] === 'string' && !places.has(one.row[column]))
          places.set(one.row[column], one.place);
    }
  return { places, stored };
}

/** The clinician's team is "one's own team" for everybody in the house. */
function seed(places: Places, house: House): void {
  const { organisation, mine, theirs, clinician, colleague, patient } = house;
  const others = [house.secretary, house.orgAdmin, house.auditor, house.dpo, house.researcher];
  places.set(organisation, { organisation });
  places.set(mine, { organisation, team: 'own', person: mine });
  places.set(theirs, { organisation, team: 'other', person: theirs });
  places.set(clinician.account, { organisation, team: 'own', person: clinician.account });
  places.set(patient.account, { organisation, team: 'own', person: mine });
  for (const { account } of [colleague, ...others]) places.set(account, { organisation, person: account });
}

/** The widest of these rows, seen from where somebody stands. */
export function reach(found: (Place | undefined)[], me: Place): Reach | 'none' {
  const widest = Math.max(-1, ...found.map((place) => reaches.indexOf(seenFrom(me, place))));
  return reaches[widest] ?? 'none';
}

export function seenFrom(me: Place, place: Place | undefined): Reach {
  if (!place || place.organisation !== me.organisation) return 'everything';
  if (me.person !== undefined && [place.person, ...(place.shown ?? [])].includes(me.person)) return 'own';
  return place.team === 'own' ? 'team' : 'organisation';
}
