// Figures for Prometheus (text format 0.0.4), on a port of their own that only this machine reaches: METRICS_PORT. For Node.
//
// 1. Off unless METRICS_PORT is set, and bound to the loopback whatever HOST says; a scraper elsewhere needs a proxy.
// 2. What is counted of the record comes from SQL (ops.figures): numbers of the installation, nothing of anybody's.
// 3. A database that doesn't answer gives vitalsync_database_answers 0 and no stale figure.
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';

/** A row of ops.figures(); NULL isn't known yet. */
export type Figure = { name: string; help: string; value: number | null };
export type MetricsServer = { port: number; stop(): Promise<void> };

/** Errors are those of `listen`. @param figures asked at each scrape */
export async function serveMetrics(port: number, figures: () => Promise<Figure[]>): Promise<MetricsServer> {
  const process = new Registry();
  collectDefaultMetrics({ register: process });
  const collect = async () => `${await process.metrics()}\n${await describe(await figures().catch(() => undefined))}`;
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') return void response.writeHead(404).end();
    collect().then(
      (text) => response.writeHead(200, { 'content-type': process.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  await listen(server, port);
  return {
    port: (server.address() as AddressInfo).port,
    stop: () => new Promise((resolve) => server.close(() => resolve()).closeAllConnections()),
  };
}

/** Made anew at each scrape: what isn't known is absent rather than old. */
function describe(figures: Figure[] | undefined): Promise<string> {
  const registry = new Registry();
  const answers = 'Whether the database gave its figures: 1 or 0.';
  const all = [{ name: 'database_answers', help: answers, value: figures ? 1 : 0 }, ...(figures ?? [])];
  for (const { name, help, value } of all) {
    if (value !== null) new Gauge({ name: `vitalsync_${name}`, help, registers: [registry] }).set(value);
  }
  return registry.metrics();
}

function listen(server: HttpServer, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
}
