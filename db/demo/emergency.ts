// One broken glass, so that there is something to look into: a colleague opened the record of the patient who has an account.
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { asOwner } from '../owner.ts';
import { patientsOf, type Team } from './records.ts';

const REASON =
  'Douleur thoracique en salle d’attente, médecin traitant en visite : allergies et traitement à connaître.';

/** `owner`: whose patient it is; `colleague`: who opens the record, in a session that ends with it. */
export async function breakGlass(
  admin: pg.Client,
  ring: string,
  edge: pg.Client,
  { owner, colleague, today }: { owner: Team; colleague: Team; today: Date },
): Promise<void> {
  const person = patientsOf(owner, today)[0]?.person;
  if (!person) return;
  const { rows } = await asOwner(admin, () =>
    admin.query<{ token: string }>('select iam.open_session($1) as token', [colleague.author.account]),
  );
  const [search, glass, key] = [randomUUID(), randomUUID(), randomUUID()];
  const { birth_name, birth_date, first_given_name } = person;
  const calls: [string, unknown[]][] = [
    ['audit.open_emergency_search($1, $2, $3, $4, null)', [search, birth_name, birth_date, first_given_name]],
    ['audit.break_glass($1, $2, $3, $4)', [glass, search, 'colleague_unreachable', REASON]],
    // as a page ends it: announced, then done
    ["ops.intend($1, 'glass.end')", [key]],
    ['clinic.end_glass($1, $2)', [key, glass]],
    ['iam.end_session()', []],
  ];
  for (const [call, values] of calls) {
    await edge.query('begin isolation level read committed');
    await edge.query('select iam.enter($1, $2)', [rows[0]?.token, ring]);
    await edge.query(`select ${call}`, values);
    await edge.query('commit');
  }
}
