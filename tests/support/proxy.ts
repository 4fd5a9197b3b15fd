// A slow wire between the door and Postgres, which counts how often the client speaks: each burst is a round trip.
import { createServer, connect as dial, type Socket } from 'node:net';

export type Wire = {
  /** The URL of the server, through the wire. */
  url: string;
  /** Bursts of the client since `reset`. */
  bursts(): number;
  reset(): void;
  /** The next burst reaches the server, and its answer never the client: the connection breaks instead. */
  breakOnce(): void;
  /** So do the next two: a second try is lost as well. */
  breakTwice(): void;
  close(): Promise<void>;
};

const quiet = 8; // ms without a byte end a burst
const latency = 15; // ms, more than a burst lasts

export async function openWire(url: string): Promise<Wire> {
  const there = new URL(url);
  const target = { port: Number(there.port), host: there.hostname };
  const sockets = new Set<Socket>();
  let bursts = 0;
  let breaking = 0;
  const server = createServer((client) => {
    const upstream = dial(target);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        client.destroy();
        upstream.destroy();
        sockets.delete(socket);
      });
    }
    let waiting: Buffer[] = [];
    let timer: NodeJS.Timeout | undefined;
    client.on('data', (bytes: Buffer) => {
      waiting.push(bytes);
      clearTimeout(timer);
      timer = setTimeout(() => {
        bursts += 1;
        const burst = Buffer.concat(waiting);
        upstream.write(burst);
        waiting = [];
        // a new connection says hello first: that isn't what was to be broken
        if (breaking === 0 || !burst.includes('begin')) return;
        breaking -= 1;
        upstream.removeAllListeners('data').resume();
        setTimeout(() => client.destroy(), 200);
      }, quiet);
    });
    upstream.on('data', (bytes) => void setTimeout(() => client.write(bytes), latency));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  there.port = String(typeof address === 'object' && address ? address.port : 0);
  return {
    url: there.href,
    bursts: () => bursts,
    reset: () => {
      bursts = 0;
    },
    breakOnce: () => {
      breaking = 1;
    },
    breakTwice: () => {
      breaking = 2;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}
