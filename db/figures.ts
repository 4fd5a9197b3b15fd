import type { Figure, MetricsServer } from '../edge/metrics.ts';
import { CommandError } from './command-error.ts';
import { connect } from './connect.ts';
import type { Site } from './site.ts';

/** What ops.figures() says, asked as vs_dba, on a connection of its own. */
export async function readFigures(url: string): Promise<Figure[]> {
  const client = await connect(url);
  try {
    return (await client.query<Figure>('select name, help, value from ops.figures()')).rows;
  } finally {
    await client.end();
  }
}

/** The metrics endpoint, where METRICS_PORT asks for one. */
export async function openMetrics(site: Site, environment = process.env): Promise<MetricsServer | undefined> {
  if (!environment.METRICS_PORT) return undefined;
  const port = Number(environment.METRICS_PORT);
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    throw new CommandError('METRICS_PORT must be a number from 0 to 65535.');
  const { serveMetrics } = await import('../edge/metrics.ts'); // brings prom-client, which nothing else needs
  return serveMetrics(port, () => readFigures(site.dbaUrl)).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EADDRINUSE'
      ? new CommandError(`Port ${port} is in use: choose another one with METRICS_PORT.`)
      : error;
  });
}
