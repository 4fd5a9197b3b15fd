// Vital Sync on Cloudflare Workers (workerd): one app and one database client per request, since a connection there
// belongs to the request that opened it. Hyperdrive keeps the real connections; wrangler.toml binds one per login.
import { createApp } from '../app/app.tsx';
import { openDoorForRequest } from '../db/door.ts';
import { bundledAssets } from './assets/bundled.ts';
import { type Environment, readSecrets } from './environment.ts';
import { type Logger, openLog } from './logging.ts';

type Hyperdrive = { connectionString: string };
type Bound = { EDGE: Hyperdrive; GATE: Hyperdrive; VITAL_KEYS: string; VITAL_PEPPER: string };
type Execution = { waitUntil(work: Promise<unknown>): void };

let log: Promise<Logger> | undefined;

export default {
  async fetch(request: Request, bound: Bound, execution: Execution): Promise<Response> {
    log ??= openLog();
    const secrets = readSecrets({
      VITAL_KEYS: bound.VITAL_KEYS,
      VITAL_PEPPER: bound.VITAL_PEPPER,
    } satisfies Environment);
    const logins = { edgeUrl: bound.EDGE.connectionString, gateUrl: bound.GATE.connectionString };
    const door = openDoorForRequest({ ...logins, ring: secrets.ring });
    const app = createApp({ ...secrets, door, demo: false, assets: bundledAssets, log: await log });
    // Cloudflare sets this header itself, whatever the caller sent; there is no proxy of ours to believe.
    const address = request.headers.get('cf-connecting-ip');
    const answer = await app.fetch(request, address === null ? {} : { address });
    execution.waitUntil(door.close());
    return answer;
  },
};
