// Everybody with what they may read, in two practices that have lived a day, the schemas opened: for attacks on rows.
import type pg from 'pg';
import { connect } from '../../../db/connect.ts';
import { connectEdge, createWorld, type World } from '../world.ts';
import { type Actor, createActors, endActors } from './actors.ts';
import { liveIn } from './lived-in.ts';
import { readable } from './reads.ts';
import { type Catalog, openSchemas, type Relation, readCatalog } from './try.ts';

export type Reader = { actor: Actor; relations: Relation[] };
export type Readers = {
  world: World;
  root: pg.Client;
  catalog: Catalog;
  /** Those who act, and the logins; not the DBA, who bypasses policies. */
  acting: Reader[];
  dba: Reader;
  close(): Promise<void>;
};

export async function createReaders(): Promise<Readers> {
  const world = await createWorld();
  const root = await connect(world.db.superuserUrl);
  const edge = await connectEdge(world.db);
  await liveIn(world, edge);
  await edge.end();
  const catalog = await readCatalog(root);
  await openSchemas(root);
  const actors = await createActors(world);
  const readers: Reader[] = [];
  for (const actor of actors) readers.push({ actor, relations: await readable(actor, world, catalog.relations) });
  return {
    world,
    root,
    catalog,
    acting: readers.filter(({ actor }) => actor.role !== 'dba'),
    dba: readers.find(({ actor }) => actor.role === 'dba')!,
    close: async () => {
      await endActors(actors);
      await root.end();
      await world.close();
    },
  };
}
