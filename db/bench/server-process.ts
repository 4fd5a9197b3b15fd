// The server in a process of its own, as in production.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Settings } from '../../edge/node.ts';
import type { Site } from '../site.ts';
import type { Order, Report } from './server.ts';

export type ServerProcess = {
  port: number;
  /** Microseconds of CPU that it has used. */
  cpu(): Promise<number>;
  stop(): Promise<void>;
};

/** @param bundle of server.ts, see build.ts; `proxied`: X-Forwarded-For is believed */
export async function startServer(
  bundle: string,
  { keys, edgeUrl, gateUrl }: Site,
  { proxied = false } = {},
): Promise<ServerProcess> {
  const server = fork(bundle, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], serialization: 'advanced' });
  const { ring, pepper } = keys;
  const serve: Settings = { edgeUrl, gateUrl, ring, pepper, demo: false, host: '127.0.0.1', port: 0, proxied };
  const { port } = await order<{ port: number }>(server, { serve });
  return {
    port,
    cpu: async () => (await order<{ cpu: number }>(server, 'cpu')).cpu,
    stop: async () => {
      server.disconnect();
      await once(server, 'exit');
    },
  };
}

async function order<R extends Report>(server: ChildProcess, order: Order): Promise<R> {
  const settled = new AbortController();
  const { signal } = settled;
  const ended = once(server, 'exit', { signal }).then(() => {
    throw new Error('a server process of the bench ended');
  });
  const answered = once(server, 'message', { signal });
  server.send(order);
  try {
    const [report] = await Promise.race([answered, ended]);
    return report; // server.ts answers each order with its own report
  } finally {
    ended.catch(() => {}); // aborted: it goes on
    settled.abort();
  }
}
