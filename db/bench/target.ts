// One side of a comparison: a database with its practice, a server process on it, and a door to it.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Settings } from '../../edge/node.ts';
import type { Door } from '../batch.ts';
import { connect } from '../connect.ts';
import type { Site } from '../site.ts';
import type { Batch } from './capture.ts';
import type { Practice } from './fill.ts';
import { Connection } from './http.ts';
import type { Ask, Meter } from './measure.ts';
import { again, headersOf, type PageName, visitor } from './pages.ts';
import type { Order, Report } from './server.ts';

export type Target = {
  /** Whole pages, from a keep-alive connection for each worker. */
  overHttp(page: PageName, workers: number): Promise<{ ask: Ask; close(): void }>;
  /** The page's batch through the door, without server and page. */
  throughDoor(page: PageName): Promise<{ ask: Ask; close(): void }>;
  meter: Meter;
  close(): Promise<void>;
};
export type Tools = { bundle: string; superuserUrl: string; capture: (request: Request) => Promise<Batch> };

/** Different batches that are asked in turn; more than the connections' caches of anything could remember. */
const BATCHES = 300;

export async function openTarget(site: Site, practice: Practice, door: Door, tools: Tools): Promise<Target> {
  const server = fork(tools.bundle, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const { keys, edgeUrl, gateUrl } = site;
  const settings = {
    edgeUrl,
    gateUrl,
    ring: keys.ring,
    pepper: keys.pepper,
    demo: false,
    host: '127.0.0.1',
    port: 0,
    proxied: false,
  };
  const { port } = await order<{ port: number }>(server, { serve: settings satisfies Settings });
  const superuser = await connect(tools.superuserUrl);
  const database = new URL(site.adminUrl).pathname.slice(1);
  const backends = new CpuClock();

  return {
    async overHttp(page, workers) {
      const next = visitor(page, practice);
      const connections = Array.from({ length: workers }, () => new Connection(port));
      const ask: Ask = async (worker) => {
        const status = await connections[worker]!.ask(next());
        return status === 200;
      };
      return { ask, close: () => connections.forEach((connection) => connection.close()) };
    },

    async throughDoor(page) {
      const next = visitor(page, practice);
      const origin = 'http://127.0.0.1';
      const batches: Batch[] = [];
      for (let i = 0; i < BATCHES; i++) {
        const visit = next();
        const init = {
          method: visit.method,
          headers: headersOf(visit, origin),
          ...(visit.form && { body: new URLSearchParams(visit.form) }),
        };
        batches.push(await tools.capture(new Request(origin + visit.path, init)));
      }
      let turn = 0;
      const ask: Ask = async () => {
        const batch = again(batches[turn++ % BATCHES]!);
        await ('write' in batch ? door.write(batch.who, batch.write) : door.read(batch.who, batch.read));
        return true; // a refusal is thrown, and ends the bench
      };
      return { ask, close: () => {} };
    },

    async meter() {
      const { rows } = await superuser.query('select pid from pg_stat_activity where datname = $1', [database]);
      const { cpu } = await order<{ cpu: number }>(server, 'cpu');
      return { postgres: backends.read(rows.map((row) => row.pid)), node: cpu };
    },

    async close() {
      await Promise.all([superuser.end(), door.close()]);
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

/** Microseconds on a core, which Linux counts for each process (proc_pid_schedstat), of processes that come and go. */
class CpuClock {
  readonly #known = new Map<number, number>();
  #total = 0;

  read(pids: readonly number[]): number | null {
    if (process.platform !== 'linux') return null;
    for (const pid of pids) {
      const now = cpuOf(pid);
      this.#total += Math.max(0, now - (this.#known.get(pid) ?? 0));
      this.#known.set(pid, now);
    }
    return this.#total;
  }
}

function cpuOf(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1000;
  } catch {
    return 0; // it ended after it was listed
  }
}
