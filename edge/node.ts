// Vital Sync on Node: the app behind a plain HTTP server; TLS is the reverse proxy's.
import type { AddressInfo } from 'node:net';
import type { HttpBindings, ServerType } from '@hono/node-server';
import { createApp } from '../app/app.tsx';
import type { Services } from '../app/services.ts';
import { openDoor } from '../db/door.ts';
import { readAssets } from './assets/files.ts';
import type { Bindings } from './client.ts';
import { openLog } from './logging.ts';
import { createRecordingServer, type FetchCallback } from './node-refusals.ts';
import { createRecorder } from './refusals.ts';

export type Settings = Pick<Services, 'ring' | 'pepper' | 'demo' | 'promises' | 'mailbox'> & {
  edgeUrl: string;
  gateUrl: string;
  host: string;
  port: number;
  /** A reverse proxy of ours stands in front: its X-Forwarded-* headers are believed. */
  proxied: boolean;
  /** PUBLIC_ORIGIN. */
  origin?: string;
  /** PLACE_HEADER. */
  placeHeader?: string;
};
export type Server = { port: number; stop(): Promise<void> };

/** Listens; errors are those of `listen` (EADDRINUSE, EACCES, EADDRNOTAVAIL). */
export async function serve(settings: Settings): Promise<Server> {
  const { edgeUrl, gateUrl, host, port, proxied, origin, placeHeader, ...secrets } = settings;
  const door = openDoor({ edgeUrl, gateUrl, ring: secrets.ring });
  const recorder = createRecorder({ door, ring: secrets.ring });
  const app = createApp({ ...secrets, door, recorder, assets: readAssets(), log: await openLog() });
  const answer: FetchCallback = (request, { incoming }) => {
    const address = (incoming as HttpBindings['incoming']).socket.remoteAddress;
    const bindings: Bindings = { proxied, origin, placeHeader, ...(address !== undefined && { address }) };
    return app.fetch(request, bindings);
  };
  // Longer than a proxy keeps its connections, so that the proxy ends them and no request falls into the gap.
  const times = { keepAliveTimeout: 75_000, headersTimeout: 20_000, requestTimeout: 60_000 };
  const server = createRecordingServer(answer, times, recorder, proxied);
  await listen(server, host, port);
  return { port: (server.address() as AddressInfo).port, stop: () => stop(server).then(() => door.close()) };
}

function listen(server: ServerType, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Takes no new request, lets those under way finish for five seconds, then cuts them off. */
async function stop(server: ServerType): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  if ('closeIdleConnections' in server) server.closeIdleConnections();
  const cut = setTimeout(() => 'closeAllConnections' in server && server.closeAllConnections(), 5_000);
  await closed;
  clearTimeout(cut);
}
