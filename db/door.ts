// The door with its two logins: pools where the runtime lives on between requests, a client per request where not.
import pg from 'pg';
import { createDoor, type Door } from './batch.ts';
import { connect, connectionConfig } from './connect.ts';
import type { Ring } from './ring.ts';
import type { Source } from './send.ts';

export type DoorSettings = {
  /** Login vs_edge. */
  edgeUrl: string;
  /** Login vs_gate. */
  gateUrl: string;
  /** The text of VITAL_KEYS, or what gives it at each request. */
  ring: Ring;
};

/** For Node and Deno. Signing in has few connections of its own; how many passwords are hashed at a time is SQL's (0086_limits). */
export function openDoor({ edgeUrl, gateUrl, ring }: DoorSettings): Door {
  return createDoor({ edge: poolOf(edgeUrl, 12), gate: poolOf(gateUrl, 6), ring });
}

/** For workerd, where a connection belongs to the request that opened it, and for poolers that move transactions. */
export function openDoorForRequest({ edgeUrl, gateUrl, ring }: DoorSettings): Door {
  return createDoor({ edge: oneClient(edgeUrl), gate: oneClient(gateUrl), ring });
}

function poolOf(url: string, max: number): Source {
  // A new connection's first page takes 40 ms more, while its functions are read and planned: a quiet quarter of an hour
  // in a practice must not cost that.
  const pool = new pg.Pool({ ...connectionConfig(url), max, idleTimeoutMillis: 1_800_000 });
  // A connection that breaks tells the query that uses it; the events alone must not end the process.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  return {
    prepares: true,
    take: async () => {
      const client = await pool.connect();
      return { client, giveBack: (broken) => client.release(broken) };
    },
    close: () => pool.end(),
  };
}

function oneClient(url: string): Source {
  let opened: Promise<pg.Client> | undefined;
  return {
    prepares: false,
    take: async () => {
      opened ??= connect(url);
      const client = await opened;
      const giveBack = (broken: boolean) => {
        if (broken) opened = undefined; // a second try gets a new one
      };
      return { client, giveBack };
    },
    close: async () => (await opened)?.end(),
  };
}
