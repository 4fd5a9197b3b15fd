// Queries are built with Kysely and only compiled here: db/batch.ts is the one that sends them.
import {
  type CompiledQuery,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
} from 'kysely';
import type { Database } from './types.ts';

export const k = new Kysely<Database>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});

/** A query that is ready to be sent, and knows what its rows look like. */
// biome-ignore lint/suspicious/noExplicitAny: a tuple of queries has rows of any shape; Results<Q> gives each its own
export type AnyQuery = CompiledQuery<any>;
