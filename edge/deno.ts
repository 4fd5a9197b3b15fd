// Vital Sync on Deno: `deno run --config edge/deno.json --allow-net --allow-env --allow-read=. edge/deno.ts`, from the
// sources. The database is there already (`vitalsync migrate`); EDGE_URL and GATE_URL are its two logins.
import { createApp } from '../app/app.tsx';
import { openDoor } from '../db/door.ts';
import { readAssets } from './assets/files.ts';
import { need, readOrigin, readPlace, readPlaceHeader, readSecrets } from './environment.ts';
import { openLog } from './logging.ts';

const environment = Deno.env.toObject();
const { host, port, proxied } = readPlace(environment);
const told = { ...readOrigin(environment), ...readPlaceHeader(environment) };
const secrets = readSecrets(environment);
const door = openDoor({
  edgeUrl: need(environment, 'EDGE_URL'),
  gateUrl: need(environment, 'GATE_URL'),
  ring: secrets.ring,
});
const app = createApp({ ...secrets, door, demo: false, assets: readAssets(), log: await openLog() });

const server = Deno.serve({ hostname: host, port, onListen: announce }, (request, { remoteAddr }) =>
  app.fetch(request, { address: remoteAddr.hostname, proxied, ...told }),
);
for (const signal of ['SIGINT', 'SIGTERM']) Deno.addSignalListener(signal, stop);

function announce({ port }: { port: number }): void {
  console.log(`Vital Sync is ready: http://${host.includes(':') ? `[${host}]` : host}:${port}`);
}

async function stop(): Promise<void> {
  await server.shutdown(); // lets the requests under way finish
  await door.close();
  Deno.exit(0);
}

/** The part of Deno's own types that is used here, so that the compiler of the rest can check this file too. */
declare const Deno: {
  env: { toObject(): Record<string, string> };
  serve(
    options: { hostname: string; port: number; onListen(address: { port: number }): void },
    handler: (request: Request, info: { remoteAddr: { hostname: string } }) => Response | Promise<Response>,
  ): { shutdown(): Promise<void> };
  addSignalListener(signal: string, listener: () => void): void;
  exit(code: number): never;
};
