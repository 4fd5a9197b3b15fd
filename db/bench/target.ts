// One side of a comparison: a database with its practice, a server process on it, and a door to it.
import { readFileSync } from 'node:fs';
import type { Door } from '../batch.ts';
import { connect } from '../connect.ts';
import { asOwner } from '../owner.ts';
import { type Site, withAdmin } from '../site.ts';
import type { Batch } from './capture.ts';
import type { Practice } from './fill.ts';
import { Connection } from './http.ts';
import type { Ask, Meter } from './measure.ts';
import { again, headersOf, type PageName, visitor } from './pages.ts';
import { startServer } from './server-process.ts';

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
  const server = await startServer(tools.bundle, site);
  const superuser = await connect(tools.superuserUrl);
  const database = new URL(site.adminUrl).pathname.slice(1);
  const backends = new CpuClock();

  return {
    async overHttp(page, workers) {
      await showFactors(site);
      const next = visitor(page, practice);
      const connections = Array.from({ length: workers }, () => new Connection(server.port));
      const ask: Ask = async (worker) => {
        const status = await connections[worker]!.ask(next());
        return status === 200;
      };
      const close = () => {
        for (const connection of connections) connection.close();
      };
      return { ask, close };
    },

    async throughDoor(page) {
      await showFactors(site);
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
      return { postgres: backends.read(rows.map((row) => row.pid)), node: await server.cpu() };
    },

    async close() {
      await Promise.all([superuser.end(), door.close(), server.stop()]);
    },
  };
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

/** Filling takes longer than a factor stays fresh, and signing a note wants a fresh one. The bare side has no sessions. */
function showFactors(site: Site): Promise<unknown> {
  return withAdmin(site, (admin) =>
    asOwner(admin, () =>
      admin.query(`do $$ begin
        if to_regclass('iam.sessions') is not null then
          update iam.sessions set factor_at = clock_timestamp(), last_seen_at = clock_timestamp() where factors = 2;
        end if;
      end $$`),
    ),
  );
}
