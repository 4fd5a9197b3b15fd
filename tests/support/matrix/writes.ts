// What somebody changes, locks, owns: nothing, as a rule. What isn't refused outright is tried with the rows of each place.
import type { World } from '../world.ts';
import { type Actor, asActor } from './actors.ts';
import { reaches, type Stored, seenFrom } from './places.ts';
import { type Catalog, refused, tryAll, tryCopy, type Write } from './try.ts';

/** Object → the verbs that aren't refused, each with how far it goes: `update own, delete none`. */
export async function tryWrites(
  actor: Actor,
  { db }: World,
  { relations, writes }: Catalog,
  stored: Stored[],
): Promise<Map<string, string>> {
  const first = await asActor(actor, db, () =>
    tryAll(
      actor,
      writes.map(({ name, verb, sql }) => [`${name} ${verb}`, anyRow(sql)]),
    ),
  );
  const words = new Map<string, string[]>(relations.map(({ object }) => [object, []]));
  for (const write of writes)
    if (first.get(`${write.name} ${write.verb}`) !== refused)
      words.get(write.object)!.push(`${write.verb} ${await farOf(actor, db.ring, write, stored)}`);
  const copied = await asActor(actor, db, () =>
    Promise.all(relations.map(({ name }) => tryCopy(actor, `copy ${name} from stdin`))),
  );
  for (const [i, { object }] of relations.entries())
    if (copied[i] !== refused) words.get(object)!.push(`copy from ${copied[i]}`);
  return new Map([...words].map(([object, verbs]) => [object, [...new Set(verbs)].join(', ') || '-']));
}

/** The farthest rows that it touches; a SQLSTATE beside says that it failed there, and not for want of permission. */
async function farOf(actor: Actor, ring: string, { name, sql }: Write, stored: Stored[]): Promise<string> {
  let far = 'none';
  for (const place of reaches) {
    const rows = stored.filter((one) => one.relation === name && seenFrom(actor.me, one.place) === place);
    if (rows.length === 0) continue;
    const answers = await asActor(actor, { ring }, () => tryAll(actor, [['it', theseRows(sql, rows)]]));
    const answer = answers.get('it');
    if (answer !== refused && answer !== 0) far = typeof answer === 'number' ? place : `${place} ${answer}`;
  }
  return far;
}

const anyRow = (sql: string) => sql.replace(':rows', 'true').replace(':values', 'default values');

const theseRows = (sql: string, rows: Stored[]) =>
  sql
    .replace(':rows', `t.ctid = any ('{${rows.map(({ ctid }) => JSON.stringify(ctid)).join()}}')`)
    .replace(
      ':values',
      () => `select * from jsonb_populate_record(null::${rows[0]!.relation}, ${literal(rows[0]!.row)})`,
    );

const literal = (value: unknown) => `'${JSON.stringify(value).replaceAll("'", "''")}'`;
