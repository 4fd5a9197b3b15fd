// Counts how often an edge waits for Postgres: a proxy between the two that holds answers back for a moment, so
// that everything sent without waiting for one arrives before it, and counts as one flush.
import { connect, createServer, type Socket } from 'node:net';

const DELAY_MS = 15;
const READY = Buffer.from([0x5a, 0, 0, 0, 5, 0x49]); // ReadyForQuery, idle
const TERMINATE = Buffer.from([0x58, 0, 0, 0, 4]);

export type Flushes = {
  /** The same URL through the proxy. */
  through(url: string): string;
  /** Flushes since the last call, sign-in to Postgres not counted. */
  take(): number;
  close(): Promise<void>;
};

/** @param target `host:port` of a real Postgres */
export async function countFlushes(target: { host: string; port: number }): Promise<Flushes> {
  const sockets = new Set<Socket>();
  let flushes = 0;
  const server = createServer((edge) => {
    const postgres = connect(target);
    let signedIn = false;
    let answered = true;
    edge.on('data', (bytes: Buffer) => {
      if (signedIn && answered && !bytes.equals(TERMINATE)) flushes += 1;
      answered = false;
      postgres.write(bytes);
    });
    postgres.on('data', (bytes: Buffer) => {
      setTimeout(() => {
        signedIn ||= bytes.includes(READY);
        answered = true;
        edge.write(bytes);
      }, DELAY_MS);
    });
    for (const [one, other] of [
      [edge, postgres],
      [postgres, edge],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy()); // a runtime that ends drops its connections
      one.on('close', () => setTimeout(() => other.end(), DELAY_MS * 2));
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return {
    through(url) {
      const proxied = new URL(url);
      proxied.host = `127.0.0.1:${address.port}`;
      return proxied.href;
    },
    take() {
      const counted = flushes;
      flushes = 0;
      return counted;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}
