// Vital Sync on Cloudflare Workers (workerd): one database client per request, since a connection there belongs to the
// request that opened it. Hyperdrive keeps the real connections; wrangler.toml binds one per login.
import { AsyncLocalStorage } from 'node:async_hooks';
import { createApp } from '../app/app.tsx';
import type { Door } from '../db/batch.ts';
import { openDoorForRequest } from '../db/door.ts';
import { bundledAssets } from './assets/bundled.ts';
import { readOrigin, readSecrets } from './environment.ts';
import { openLog } from './logging.ts';

type Hyperdrive = { connectionString: string };
type Bound = { EDGE: Hyperdrive; GATE: Hyperdrive; VITAL_KEYS: string; VITAL_PEPPER: string; PUBLIC_ORIGIN?: string };
type Execution = { waitUntil(work: Promise<unknown>): void };

const doors = new AsyncLocalStorage<Door>();

/** What the pages hold: it leads to the door of the request under way. */
const door: Door = {
  read: (who, page) => doorOfRequest().read(who, page),
  write: (who, change) => doorOfRequest().write(who, change),
  gate: (query, record) => doorOfRequest().gate(query, record),
  close: () => doorOfRequest().close(),
};

function doorOfRequest(): Door {
  const open = doors.getStore();
  if (!open) throw new Error('no request is under way');
  return open;
}

const log = await openLog();
let app: ReturnType<typeof createApp> | undefined; // for as long as this isolate lives

function appOf(bound: Bound): ReturnType<typeof createApp> {
  if (app) return app;
  const secrets = readSecrets({ VITAL_KEYS: bound.VITAL_KEYS, VITAL_PEPPER: bound.VITAL_PEPPER });
  app = createApp({ ...secrets, door, demo: false, assets: bundledAssets, log });
  return app;
}

/** Where Cloudflare thinks that the caller is: https://developers.cloudflare.com/workers/runtime-apis/request */
function placeIn(request: Request & { cf?: Partial<Record<string, unknown>> }): { place?: string } {
  const { country, city, latitude, longitude } = request.cf ?? {};
  if (!country) return {};
  return { place: `${country}/${city ?? ''}/${latitude && longitude ? `${latitude},${longitude}` : ''}` };
}

export default {
  async fetch(request: Request, bound: Bound, execution: Execution): Promise<Response> {
    const pages = appOf(bound);
    const own = openDoorForRequest({
      edgeUrl: bound.EDGE.connectionString,
      gateUrl: bound.GATE.connectionString,
      ring: bound.VITAL_KEYS,
    });
    // Cloudflare sets this header itself, whatever the caller sent; there is no proxy of ours to believe.
    const address = request.headers.get('cf-connecting-ip');
    const works: Promise<void>[] = [];
    const answer = await doors.run(own, () =>
      pages.fetch(request, {
        later: (work) => void works.push(work),
        ...readOrigin({ PUBLIC_ORIGIN: bound.PUBLIC_ORIGIN }),
        ...(address !== null && { address }),
        ...placeIn(request),
      }),
    );
    execution.waitUntil(works.length > 0 ? Promise.all(works).then(() => own.close()) : own.close());
    return answer;
  },
};
