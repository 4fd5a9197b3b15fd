// What somebody reads: which columns are granted, and how far the rows go.
import type { World } from '../world.ts';
import { type Actor, asActor } from './actors.ts';
import { type Place, type Places, placeOf, type Row, reach } from './places.ts';
import { type Relation, refused, tryAll, tryCopy } from './try.ts';

/** Object → what was seen of it: `team`, `own (id, at)`, or `-`. */
export type Reads = Map<string, string>;
type Seen = { rows: Row[]; errors: Set<string>; copied: Set<string> };

/** The relations of which somebody may read something, with the columns that they may. */
export async function readable(actor: Actor, { db }: World, relations: Relation[]): Promise<Relation[]> {
  const columns = relations.flatMap(({ name, columns }) =>
    columns.map((column): [string, string] => [`${name} ${column}`, `select ${column} from ${name} limit 0`]),
  );
  const answers = await asActor(actor, db, () => tryAll(actor, columns));
  const granted = relations.map((relation) => ({
    ...relation,
    columns: relation.columns.filter((column) => answers.get(`${relation.name} ${column}`) !== refused),
  }));
  return granted.filter(({ columns }) => columns.length > 0);
}

export async function tryReads(actor: Actor, world: World, relations: Relation[], places: Places): Promise<Reads> {
  const granted = await readable(actor, world, relations);
  const seen = await look(actor, world, granted);
  const reads: Reads = new Map();
  for (const { object, name, columns } of granted) {
    const all = relations.find((relation) => relation.name === name)!.columns.length === columns.length;
    reads.set(object, inWords(seen.get(object)!, places, actor.me) + (all ? '' : ` (${columns.join(', ')})`));
  }
  return reads;
}

/** What is seen without a patient on the page, and with each of three: of one's own team, another team, another practice. */
export async function look(
  actor: Actor,
  { db, a, b }: World,
  granted: Relation[],
  role?: string,
): Promise<Map<string, Seen>> {
  // the partitions of months are one object: what any of them shows
  const seen = new Map<string, Seen>(
    granted.map(({ object }) => [object, { rows: [], errors: new Set(), copied: new Set() }]),
  );
  for (const focus of role ? [null, b.mine] : [null, a.mine, a.theirs, b.mine])
    await asActor(actor, { ring: db.ring, focus }, async () => {
      if (role) await actor.client.query("select set_config('role', $1, true)", [`vs_${role}`]);
      const answers = await tryAll(
        actor,
        granted.map(({ name, columns }) => [name, `select ${columns} from ${name}`]),
      );
      // a role taken on by hand has the same grants: COPY would say what SELECT says
      const copied = role ? [] : await Promise.all(granted.map((relation) => copyTo(actor, relation)));
      for (const [i, relation] of granted.entries()) {
        const answer = answers.get(relation.name)!;
        const one = seen.get(relation.object)!;
        if (Array.isArray(answer)) one.rows.push(...answer);
        else one.errors.add(String(answer));
        if (!role && copied[i] !== (Array.isArray(answer) ? answer.length : answer))
          one.copied.add(`copy to ${copied[i]}`);
      }
    });
  return seen;
}

const copyTo = (actor: Actor, { name, kind, columns }: Relation) =>
  tryCopy(actor, `copy ${kind === 'r' ? `${name} (${columns})` : `(select ${columns} from ${name})`} to stdout`);

export function inWords({ rows, errors, copied }: Seen, places: Places, me: Place): string {
  const far = reach(
    rows.map((row) => placeOf(row, places)),
    me,
  );
  // with another patient on the page a view may answer with a refusal: what counts is what was seen
  return [...(far === 'none' && errors.size > 0 ? errors : [far]), ...copied].join(', ');
}
