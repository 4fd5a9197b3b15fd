// Tries everything there is in every role, and says who got what in the words of supabase/tests/matrix. The schemas are
// opened first, so that each table's own grants and policies are tried; who may name a schema at all is a line of its own.
import type pg from 'pg';
import { connect } from '../../../db/connect.ts';
import type { World } from '../world.ts';
import { type Actor, asActor, createActors, endActors } from './actors.ts';
import { type Matrix, type Role, roles } from './lines.ts';
import { readPlaces, type Stored } from './places.ts';
import { inWords, look, readable, tryReads } from './reads.ts';
import { type Catalog, openSchemas, readCatalog, refused, tryAll } from './try.ts';
import { tryWrites } from './writes.ts';

export type Tried = {
  matrix: Matrix;
  /** What could be named although its schema is closed. */
  nameable: string[];
  /** What somebody saw more by taking on another role by hand (`vs_edge` may become each). */
  byHand: string[];
  /** Tables that somebody may read, and what rows they lack for the answer to mean something. */
  lacking: string[];
};

/** About five seconds. */
export async function tryEverything(world: World): Promise<Tried> {
  const root = await connect(world.db.superuserUrl);
  const catalog = await readCatalog(root);
  const actors = await createActors(world);
  try {
    const matrix: Matrix = new Map();
    await readSchemas(root, matrix);
    const nameable: string[] = [];
    for (const actor of actors) nameable.push(...(await tryNaming(actor, world, catalog, matrix)));
    await openSchemas(root);
    const { places, stored } = await readPlaces(root, [world.a, world.b]);
    for (const { object } of [...catalog.relations, ...catalog.functions]) matrix.set(object, new Map());
    for (const actor of actors) {
      const reads = await tryReads(actor, world, catalog.relations, places);
      for (const [object, writes] of await tryWrites(actor, world, catalog, stored))
        if (reads.has(object) || writes !== '-')
          matrix.get(object)!.set(actor.role, `${reads.get(object) ?? '-'}  ${writes}`);
      await tryCalls(actor, world, catalog, matrix);
    }
    const byHand = await tryByHand(actors, world, catalog, places, matrix);
    return { matrix, nameable, byHand, lacking: lacking(catalog, matrix, stored, world) };
  } finally {
    await endActors(actors);
    await root.end();
  }
}

async function readSchemas(root: pg.Client, matrix: Matrix): Promise<void> {
  const { rows } = await root.query<{ object: string; role: Role; gets: string | null }>(
    `select 'schema ' || name as object, role, (select string_agg(case p when 'usage' then 'use' else p end, ', ')
       from unnest(array['usage', 'create']) p where has_schema_privilege('vs_' || role, oid, p)) as gets
     from tests.ours, unnest($1::text[]) role`,
    [roles],
  );
  for (const { object, role, gets } of rows) {
    if (!matrix.has(object)) matrix.set(object, new Map());
    if (gets) matrix.get(object)!.set(role, gets);
  }
}

/** While the schemas are closed: what can't be named is refused, whatever is granted on it. */
async function tryNaming(actor: Actor, { db }: World, catalog: Catalog, matrix: Matrix): Promise<string[]> {
  const closed = ({ name }: { name: string }) => !matrix.get(`schema ${name.split('.')[0]}`)?.has(actor.role);
  const attempts = [
    ...catalog.relations.filter(closed).map(({ name }): [string, string] => [name, `select from ${name} limit 0`]),
    ...catalog.functions.filter(closed).map(({ name, sql }): [string, string] => [name, `select ${sql}`]),
  ];
  const answers = await asActor(actor, db, () => tryAll(actor, attempts));
  return [...answers]
    .filter(([, answer]) => answer !== refused)
    .map(([name, answer]) => `${actor.role} ${name}: ${answer}`);
}

/** With NULLs: a function that may be called says whatever it says, also that something inside of it is refused. */
async function tryCalls(actor: Actor, { db }: World, { functions }: Catalog, matrix: Matrix): Promise<void> {
  const answers = await asActor(actor, db, () =>
    tryAll(
      actor,
      functions.map(({ name, sql }) => [name, `select ${sql}`]),
    ),
  );
  for (const { object, name, granted } of functions)
    if (granted.includes(actor.role) || answers.get(name) !== refused) matrix.get(object)!.set(actor.role, 'call');
}

/** Somebody who came in by the door takes on every other role: what it is granted, with one's own identity. */
async function tryByHand(
  actors: Actor[],
  world: World,
  { relations }: Catalog,
  places: Parameters<typeof tryReads>[3],
  matrix: Matrix,
): Promise<string[]> {
  const more: string[] = [];
  const acting = actors.filter(({ token }) => token !== undefined);
  for (const other of acting) {
    const granted = await readable(other, world, relations);
    for (const actor of [...acting, ...actors.filter(({ role }) => role === 'edge')]) {
      if (actor === other) continue;
      const seen = await look(actor, world, granted, other.role);
      for (const { object } of granted) {
        const word = inWords(seen.get(object)!, places, actor.me);
        const usual = matrix
          .get(object)!
          .get(actor.role)
          ?.split(/ {2}| \(/)[0];
        // who is signed in is told to whoever asks
        if (/^(none|VS\d{3})/.test(word) || word === usual || object === 'clinic.me') continue;
        more.push(`${actor.role} as ${other.role}: ${object} ${word}`);
      }
    }
  }
  return more;
}

/** An answer about rows that aren't there proves nothing: what may be read has rows of others, and somebody sees one. */
function lacking({ relations }: Catalog, matrix: Matrix, stored: Stored[], { a, b }: World): string[] {
  return relations.flatMap(({ object, name, kind }) => {
    const answers = [...matrix.get(object)!].filter(([role, gets]) => role !== 'dba' && !gets.startsWith('-'));
    if (answers.length === 0) return [];
    const rows = stored.filter((one) => one.relation === name);
    const lacks = [a, b].filter(({ organisation }) => !rows.some(({ place }) => place?.organisation === organisation));
    return [
      ...(answers.every(([, gets]) => gets.startsWith('none')) ? [`${object}: nobody sees a row`] : []),
      ...(kind === 'r' && lacks.length > 0 ? [`${object}: no row of practice ${lacks.includes(a) ? 'a' : 'b'}`] : []),
    ];
  });
}
