// What somebody really gets to see, through the door: every page is an opening, committed, and then its reads.
import { randomUUID } from 'node:crypto';
import { clinicalTables, type Entry, look, open, outcome } from '../world.ts';
import type { Stage } from './build.ts';
import type { Level } from './model.ts';

/** One page about one patient. `focused`: iam.enter is told which. */
export async function lookAt(
  { edge, db, patients }: Stage,
  token: string,
  patient: number,
  focused: boolean,
  table: (typeof clinicalTables)[number],
): Promise<{ answer: string; level: Level | string }> {
  const id = patients[patient]!;
  const entry: Entry = { token, ring: db.ring, focus: focused ? id : null };
  const entered = await enters(edge, entry);
  if (entered !== 'ok') {
    // whoever isn't let in gets nothing from the second transaction either
    const read = await outcome(look(edge, entry, 'select 1'));
    return { answer: entered, level: read === 'VS401' ? 'nothing' : `read after ${entered}` };
  }
  const answer = await open(edge, entry, 'audit.open_patient($1)', [id]);
  const identity = await readable(
    edge,
    entry,
    'select id from clinic.patients where id = $1 and birth_name is not null',
    id,
  );
  const clinical = await readable(
    edge,
    entry,
    `select patient_id as id from clinic.${table} where patient_id = $1`,
    id,
  );
  return { answer, level: levelOf(answer, identity, clinical) };
}

function levelOf(answer: string, identity: boolean, clinical: boolean): Level | string {
  if (answer !== 'ok') return identity || clinical ? `${answer}, and yet read` : 'nothing';
  if (identity && clinical) return 'everything';
  return identity ? 'identity' : `${answer}, and no identity`;
}

const readable = async (edge: Stage['edge'], entry: Entry, query: string, id: string): Promise<boolean> => {
  const rows = await outcome(look(edge, entry, query, [id]));
  if (rows === '42501') return false; // a role that has no such view
  if (typeof rows === 'string') throw new Error(`${query} answered ${rows}`);
  return rows.length > 0;
};

const enters = async (edge: Stage['edge'], entry: Entry): Promise<string> => {
  await edge.query('begin');
  const { rows } = await edge.query('select iam.enter($1, $2, $3) as answer', [entry.token, entry.ring, entry.focus]);
  await edge.query('commit');
  return rows[0].answer;
};

/** The list of patients, and every row that each relation shows when nothing says which patient the page is about. */
export async function lookAround({ edge, db, patients }: Stage, token: string) {
  const entry: Entry = { token, ring: db.ring };
  const selection = randomUUID();
  const answer = await open(edge, entry, 'audit.open_patient_list($1)', [selection]);
  const listed = await shown(look(edge, entry, 'select unnest(audit.selected($1)) as id', [selection]));
  const named = await shown(
    look(edge, entry, 'select id from clinic.patient_names where id = any ((select audit.selected($1))::uuid[])', [
      selection,
    ]),
  );
  const stored = await shown(look(edge, entry, 'select id from clinic.patients'));
  const written = await shown(look(edge, entry, 'select distinct patient_id as id from clinic.notes'));
  const name = (ids: string[]) => ids.map((id) => patients.indexOf(id)).sort();
  return { answer, listed: name(listed), named: name(named), stored: name(stored), written: name(written) };

  async function shown(rows: Promise<{ id: string }[]>): Promise<string[]> {
    const answer = await outcome(rows);
    return typeof answer === 'string' ? [] : answer.map(({ id }) => id);
  }
}

export const tables = clinicalTables;
