// Starting Postgres on a port of its own.
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { CommandError } from '../command-error.ts';
import type { Cluster } from './cluster.ts';
import { forgetStalePid, type Postmaster, waitUntilReady } from './postmaster.ts';
import { asArguments, serverSettings } from './settings.ts';
import { launch } from './unprivileged.ts';

/** Starts it, detached, and waits until it takes connections. */
export async function startServer({ runner, directory, home, data, durable }: Cluster): Promise<Postmaster> {
  forgetStalePid(data);
  const port = await choosePort(join(directory, 'postgres.port'));
  const log = openSync(join(directory, 'postgres.log'), 'w', 0o600);
  const settings = asArguments(serverSettings(port, durable));
  const child = launch(runner, home, (inside) => ['-D', `${inside}/data`, ...settings], log);
  closeSync(log);
  let ended = false;
  child.on('exit', () => {
    ended = true;
  });
  child.unref();
  return waitUntilReady(data, () => ended);
}

/** The port of last time when it is free, so that a DBA's saved connection goes on working; else another. */
async function choosePort(file: string): Promise<number> {
  const remembered = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
  const port = (await listenOnce(remembered)) ?? (await listenOnce(0));
  if (port === undefined) throw new CommandError('No port is free on 127.0.0.1 for Postgres.');
  writeFileSync(file, `${port}\n`);
  return port;
}

function listenOnce(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(undefined));
    probe.listen(port, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : undefined));
    });
  });
}
