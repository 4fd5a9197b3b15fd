// The door to the bare database, in the place of db/door.ts: the same pages, no enter, no opening, no record.
//
//   begin read only; who asks; (the search;) the reads; commit
//   begin; who asks; the change; commit, then as above
//
// As pipelined and as prepared as the real one, so that the difference is the guarantees and nothing else.
import pg from 'pg';
import type { Door, Results } from '../batch.ts';
import { connectionConfig } from '../connect.ts';
import type { DoorSettings } from '../door.ts';
import type { AnyQuery } from '../query.ts';

type Statement = Pick<AnyQuery, 'sql' | 'parameters'>;

export function openDoor({ edgeUrl }: DoorSettings): Door {
  const pool = new pg.Pool({ ...connectionConfig(edgeUrl), max: 12, idleTimeoutMillis: 60_000 });

  async function send(transactions: { mode: string; statements: readonly Statement[] }[]): Promise<pg.QueryResult[][]> {
    const client = await pool.connect();
    try {
      const { stream } = (client as unknown as { connection: { stream: { cork(): void; uncork(): void } } }).connection;
      stream.cork();
      const pending = transactions.map(({ mode, statements }) => [
        client.query(`begin isolation level read committed ${mode}`),
        ...statements.map(({ sql, parameters }) =>
          client.query({ name: nameOf(sql), text: sql, values: [...parameters] }),
        ),
        client.query('commit'),
      ]);
      process.nextTick(() => stream.uncork());
      return await Promise.all(pending.map((queries) => Promise.all(queries)));
    } finally {
      client.release();
    }
  }

  return {
    async read(who, { open, reads }) {
      const found = open.sql.includes('open_patient_search') ? [open] : [];
      const [shown] = await send([{ mode: 'read only', statements: [asking(who.token), ...found, ...reads] }]);
      return rowsOf(shown, 1 + found.length) as Results<typeof reads>;
    },
    async write(who, { change, reads }) {
      const [, shown] = await send([
        { mode: 'read write', statements: [asking(who.token), change] },
        { mode: 'read only', statements: [asking(who.token), ...reads] },
      ]);
      return rowsOf(shown, 1) as Results<typeof reads>;
    },
    async gate() {
      throw new Error('nobody signs in to the bare database');
    },
    close: () => pool.end(),
  };
}

const asking = (token: string | null): Statement => ({
  sql: "select set_config('bare.token', $1, true)",
  parameters: [token],
});

/** The rows of the reads: without the begin, what stands before them, and the commit. */
function rowsOf(results: pg.QueryResult[] | undefined, before: number): unknown[] {
  return (results ?? []).slice(1 + before, -1).map((result) => result.rows);
}

const names = new Map<string, string>();

function nameOf(sql: string): string {
  const name = names.get(sql) ?? `b${names.size}`;
  names.set(sql, name);
  return name;
}
