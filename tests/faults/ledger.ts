// What must be true of notes, intents and the log after any crash; a sentence for each thing that isn't.
import type pg from 'pg';
import type { Note } from './writers.ts';

/** `root` is a superuser; `answered` are the notes that somebody was told are written. */
export async function whatIsWrong(root: pg.Client, answered: readonly Note[]): Promise<string[]> {
  const wrong: string[] = [];
  for (const [sentence, query, values] of [
    [
      'a note that was answered as written is not there, or without its events',
      `select k from unnest($1::uuid[]) k where not exists (
         select from ops.intents i join store.notes n on n.id = i.result_id
         join audit.events w on w.resource_id = n.id and w.event = 'row.insert' and w.resource_type = 'Composition'
         where i.key = k and i.fulfilled_at is not null
           and exists (select from audit.events o where o.session_id = i.session_id and o.patient_id = n.patient_id
                       and o.event = 'patient.read' and o.outcome = 'success' and o.at < w.at))`,
      [answered.map((note) => note.key)],
    ],
    [
      'a note has no event',
      `select n.id from store.notes n where not exists (select from audit.events e where e.resource_id = n.id and e.event = 'row.insert')`,
      [],
    ],
    [
      'an event has no note',
      `select e.resource_id from audit.events e where e.event = 'row.insert' and e.resource_type = 'Composition'
         and not exists (select from store.notes n where n.id = e.resource_id)`,
      [],
    ],
    [
      'an intent is fulfilled without its note',
      'select i.key from ops.intents i where i.fulfilled_at is not null and not exists (select from store.notes n where n.id = i.result_id)',
      [],
    ],
    [
      'a note was written without its intent, or twice',
      `select n.id from store.notes n join audit.events e on e.resource_id = n.id and e.event = 'row.insert'
       where e.actor_role <> 'import' and (select count(*) from ops.intents i where i.result_id = n.id) <> 1`,
      [],
    ],
    ['a chain is broken', 'select * from audit.verify_all()', []],
  ] as const) {
    const { rows } = await root.query(query, [...values]);
    if (rows.length > 0) wrong.push(`${sentence}: ${rows.length}, the first ${JSON.stringify(rows[0])}`);
  }
  return wrong;
}
