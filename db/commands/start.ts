import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type pg from 'pg';
import { isPublicOrigin } from '../../edge/client.ts';
import { type Mailbox, openMailbox } from '../../edge/mailbox.ts';
import type { MetricsServer } from '../../edge/metrics.ts';
import type { serve as Serve, Server } from '../../edge/node.ts';
import { type Command, print } from '../command.ts';
import { CommandError } from '../command-error.ts';
import { openDelivery, sendersOf } from '../delivery.ts';
import { type DemoAccount, demoWasCutShort, fillDemoOnce } from '../demo-accounts.ts';
import { openMetrics } from '../figures.ts';
import { dueSentence } from '../key-due.ts';
import { watchKeys } from '../key-watch.ts';
import { keepSealing } from '../log/timer.ts';
import { asOwner } from '../owner.ts';
import { promisesOf } from '../promises/service.ts';
import { prunableMonths, pruneMonth } from '../prune.ts';
import type { Ring } from '../ring.ts';
import { knownHoles } from '../server-version.ts';
import { keepServing } from '../service.ts';
import { isEmbedded, openSite, type Site, siteDirectory, withAdmin } from '../site.ts';
import { demoCodeCommand, demoList } from './demo-code.ts';
import { prepareDatabase } from './migrate.ts';

export const start: Command = {
  name: 'start',
  summary: 'start the database, bring it up to date, and serve the pages',
  usage: '',
  help: `
Without DATABASE_URL a Postgres of its own is made below .vitalsync/ (VITAL_DIR), with a demo practice in it; it stops
with this command. HOST and PORT say where to listen: 127.0.0.1 and 3000. A HOST that others reach needs TLS in front,
and TRUST_PROXY=1 says that it is there.

  DATABASE_URL  any Postgres 15 to 18: owner of the database, CREATEROLE, not superuser
  VITAL_KEYS, VITAL_PEPPER, VITAL_SIGNING_KEY  else read from .vitalsync/keys.env
  PUBLIC_ORIGIN  the address that browsers reach it by, such as https://dossier.exemple.fr: passkeys belong to it, and
                nothing else is believed
  SMTP_URL, SMS_WEBHOOK_URL  how e-mails and SMS are sent: vitalsync deliver --help
  METRICS_PORT  figures for Prometheus on 127.0.0.1, for instance the days until the master key is due
  VITAL_PRUNE=1  give up the months of the audit log that are older than three years, as audit prune does`,
  options: {},
  run: async () => {
    const place = readPlace(process.env);
    sendersOf(process.env, place.origin ?? 'http://localhost'); // what doesn't fit is said before anything begins
    await refuseBusyPort(place);
    const ended = whenToldToStop();
    const site = await openSite({ discard: isEmbedded() && demoWasCutShort(siteDirectory()) });
    let server: Server | undefined;
    let watch: ReturnType<typeof keepServing> | undefined;
    let sealing: ReturnType<typeof keepSealing> | undefined;
    let metrics: MetricsServer | undefined;
    let delivery: ReturnType<typeof openDelivery> | undefined;
    const keys = watchKeys(site, tell);
    try {
      const ready = (async () => {
        const accounts = await prepare(site);
        watch = keepServing(site);
        sealing = keepSealing(site, { told: (problem) => tell(`The audit log: ${problem ?? 'sealed again.'}`) });
        metrics = await openMetrics(site);
        const mailbox = site.embedded && !place.proxied ? openMailbox() : undefined;
        server = await listen(site, place, keys.ring, mailbox);
        delivery = deliver(site, keys.ring, place.origin ?? addressOf(place.host, server.port), mailbox);
        announce(site, accounts, place.host, server.port);
        setInterval(() => void upkeep(site), 3_600_000).unref();
      })();
      await Promise.race([ready.then(() => ended), ended, site.embedded?.lost ?? ended]);
    } finally {
      await server?.stop();
      await delivery?.stop();
      await sealing?.stop();
      await metrics?.stop();
      keys.stop();
      await watch?.stop();
      await site.close();
    }
    return 0;
  },
};

const tell = (line: string): void => void process.stderr.write(`${line}\n`);

type Place = { host: string; port: number; proxied: boolean; origin?: string; placeHeader?: string };

function readPlace(environment: NodeJS.ProcessEnv): Place {
  const host = environment.HOST || '127.0.0.1';
  const port = Number(environment.PORT || 3000);
  const proxied = ['1', 'true', 'yes'].includes((environment.TRUST_PROXY ?? '').toLowerCase());
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    throw new CommandError('PORT must be a number from 0 to 65535.');
  if (!proxied && !/^(localhost|::1|127(\.\d+){3})$/.test(host))
    throw new CommandError(
      `HOST=${host} would send records over the network in clear: put a reverse proxy with TLS in front and set TRUST_PROXY=1, or leave HOST out.`,
    );
  const origin = environment.PUBLIC_ORIGIN || undefined;
  if (origin && !isPublicOrigin(origin))
    throw new CommandError(
      'PUBLIC_ORIGIN must be like https://dossier.exemple.fr, in small letters and without a path.',
    );
  const placeHeader = environment.PLACE_HEADER?.toLowerCase() || undefined;
  if (placeHeader && !/^[a-z0-9-]{1,60}$/.test(placeHeader))
    throw new CommandError('PLACE_HEADER must be the name of a header, like x-geo.');
  return { host, port, proxied, ...(origin && { origin }), ...(placeHeader && { placeHeader }) };
}

/** Before the database is touched, so that the sentence comes at once. */
function refuseBusyPort({ host, port }: Place): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => reject(explainListen(error, host, port)));
    probe.listen(port, host, () => probe.close(() => resolve()));
  });
}

function explainListen(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code === 'EADDRINUSE')
    return new CommandError(
      `Port ${port} on ${host} is in use: stop what listens there, or choose another one with PORT.`,
    );
  if (error.code === 'EACCES') return new CommandError(`Port ${port} is for root: choose one above 1023 with PORT.`);
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND')
    return new CommandError(`HOST=${host} is no address of this machine.`);
  return error;
}

/** The database as it must be; gives the demo's accounts when there is a demo. */
async function prepare(site: Site): Promise<DemoAccount[]> {
  if (site.embedded?.wasRunning)
    print('Postgres was still running, from a run that was killed or beside another command: going on with it.');
  await prepareDatabase(site);
  await warnOfHoles(site);
  await withAdmin(site, warnOfDueKey);
  return site.embedded ? fillDemoOnce(site) : [];
}

/** Once an hour what `vitalsync migrate` does as well. A failure is told and waits for the next hour. */
async function upkeep(site: Site): Promise<void> {
  try {
    await withAdmin(site, async (admin) => {
      await asOwner(admin, () => admin.query('select ops.upkeep()'));
      await warnOfDueKey(admin);
      // evidence goes only where somebody has decided so
      if (process.env.VITAL_PRUNE !== '1') return;
      for (const month of await prunableMonths(admin)) await pruneMonth(admin, month);
    });
  } catch (error) {
    process.stderr.write(
      `The hourly upkeep failed: ${error instanceof CommandError ? error.message : (error as Error).name}\n`,
    );
  }
}

async function warnOfDueKey(admin: pg.Client): Promise<void> {
  const due = await dueSentence(admin);
  if (due) process.stderr.write(`Warning: ${due}\n`);
}

async function warnOfHoles(site: Site): Promise<void> {
  const query = "select current_setting('server_version_num')::int as number";
  const { rows } = await withAdmin(site, (admin) => admin.query(query));
  const holes = knownHoles(rows[0].number);
  if (holes)
    print(site.embedded ? `${holes} Accepted here, since it listens on this machine alone.` : `Warning: ${holes}`);
}

async function listen(site: Site, place: Place, ring: Ring, mailbox?: Mailbox): Promise<Server> {
  const { buildNode } = await import('../../edge/build.ts'); // brings esbuild, which no other command needs
  const { serve } = (await import(await buildNode())) as { serve: typeof Serve }; // the bundle of edge/node.ts
  const { edgeUrl, gateUrl, keys } = site;
  const demo = site.embedded !== undefined;
  const promises = promisesOf(site, ring);
  try {
    return await serve({ edgeUrl, gateUrl, ring, pepper: keys.pepper, demo, promises, mailbox, ...place });
  } catch (error) {
    throw explainListen(error as NodeJS.ErrnoException, place.host, place.port); // whatever it is, it goes on as it came
  }
}

/** What people are told by e-mail and SMS; without a mail server it waits, but in the demo. */
function deliver(site: Site, ring: Ring, origin: string, mailbox: Mailbox | undefined) {
  const senders = sendersOf(process.env, origin, mailbox);
  if (!senders.email) print('Warning: e-mails wait in the outbox until SMTP_URL and PUBLIC_ORIGIN are set.');
  if (Object.keys(senders).length === 0) return undefined;
  return openDelivery(site, { ring, origin, senders }, (problem) => tell(`Delivery: ${problem ?? 'works again.'}`));
}

/** By its name where it has one: a passkey belongs to a name, and never to an IP address (WebAuthn L3 §5.1.2). */
const addressOf = (host: string, port: number): string => {
  const name = host === '127.0.0.1' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${port}`;
};

/** The address is the last line. */
function announce(site: Site, accounts: readonly DemoAccount[], host: string, port: number): void {
  const first = accounts.find((account) => account.role === 'clinician');
  if (first)
    print(`
Sign in as the first clinician of ${first.organisation}:
  e-mail    ${first.email}
  password  ${first.password}
  code      ${demoCodeCommand(site.directory, first.email)}
The other accounts are in ${demoList(site.directory)}; /demo/mail shows what they are sent.
/promises attacks this database before your eyes; so does vitalsync promises.
`);
  print(`Vital Sync is ready: ${addressOf(host, port)}`);
}

/** Fulfilled by Ctrl-C, by kill, or when npm, which we run under, was killed and could tell us nothing. */
function whenToldToStop(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => resolve());
    if (!process.env.npm_lifecycle_event && !process.env.VITAL_HANDED_OVER) return;
    const before = ancestors();
    setInterval(() => ancestors() !== before && resolve(), 500).unref();
  });
}

/** Our parent and its parent: npm starts a shell that starts us. */
function ancestors(): string {
  const status = `/proc/${process.ppid}/status`;
  const grandparent = existsSync(status) ? /^PPid:\s*(\d+)/m.exec(readFileSync(status, 'utf8'))?.[1] : '';
  return `${process.ppid} ${grandparent}`;
}
