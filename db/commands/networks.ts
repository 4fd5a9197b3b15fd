import type pg from 'pg';
import { type Command, type Input, print, table } from '../command.ts';
import { CommandError } from '../command-error.ts';
import { asOwner } from '../owner.ts';
import { type Site, withAdmin, withSite } from '../site.ts';

export const networks: Command = {
  name: 'networks',
  summary: 'networks that are refused before anybody signs in, and those that a whole practice shares',
  usage: '[--deny CIDR --for TIME --reason WORD | --allow CIDR --for TIME | --lift CIDR | --check ADDRESS] [--json]',
  help: `
Without an option: what is denied and allowed now. CIDR is a network, 203.0.113.0/24 or 2001:db8::/48, or one address.

  --deny    nobody comes in from there, signed in or not: an IPv4 network is /8 or narrower, an IPv6 network /19
  --allow   tries of passwords aren't counted for an address there, and signing in from there isn't unusual; it opens nothing
  --for     how long: 30m, 2h, 7d; within a year. Every entry ends by itself
  --reason  why, in a word: guessing, flood, scanning, incident or test to deny; practice (as it stands), partner or test to allow
  --lift    ends the entries for exactly this network, now
  --check   what holds for one address, and what was unusual about it in the last 30 days: nothing keeps addresses, so
            this is how an address of your proxy's log is compared with what vitalsync doctor tells
  --json    the same as data

Of two networks that hold an address the most exact one decides, and of two that are equal, deny. Each change is an event.`,
  options: {
    deny: { type: 'string' },
    allow: { type: 'string' },
    lift: { type: 'string' },
    check: { type: 'string' },
    for: { type: 'string' },
    reason: { type: 'string' },
    json: { type: 'boolean' },
  },
  run: async (input) => {
    const asked = readAsked(input);
    const said = await withSite((site) =>
      withAdmin(site, (admin) => asOwner(admin, () => answer(admin, site, asked)).catch(explain)),
    );
    print(input.flag('json') ? said.data : said.text);
    return 0;
  },
};

type Asked =
  | { what: 'list' }
  | { what: 'lift'; network: string }
  | { what: 'check'; network: string }
  | { what: 'deny' | 'allow'; network: string; lasting: string; reason: string };
type Said = { text: string; data: object };

const see = 'See vitalsync networks --help.';

function readAsked(input: Input): Asked {
  const given = (['deny', 'allow', 'lift', 'check'] as const).filter((option) => input.text(option) !== undefined);
  const [what] = given;
  if (given.length > 1 || input.words.length > 0) throw new CommandError(`One thing at a time. ${see}`);
  const network = what === undefined ? '' : (input.text(what) ?? '');
  if (what === 'deny' || what === 'allow') {
    const reason = input.text('reason') ?? (what === 'allow' ? 'practice' : undefined);
    if (!reason) throw new CommandError(`--reason is missing. ${see}`);
    return { what, network, lasting: readSpan(input.text('for')), reason };
  }
  if (input.text('for') ?? input.text('reason'))
    throw new CommandError(`--for and --reason go with --deny or --allow. ${see}`);
  return what === undefined ? { what: 'list' } : { what, network };
}

/** `2h` as Postgres reads an interval. */
function readSpan(text: string | undefined): string {
  if (text === undefined) throw new CommandError(`--for is missing: every entry has an end. ${see}`);
  const [, count, unit] = /^([1-9]\d{0,5})([mhd])$/.exec(text) ?? [];
  if (!count || !unit) throw new CommandError('--for is written as 30m, 2h or 7d.');
  return `${count} ${{ m: 'minutes', h: 'hours', d: 'days' }[unit]}`;
}

async function answer(admin: pg.Client, site: Site, asked: Asked): Promise<Said> {
  if (asked.what === 'list') return list(admin);
  if (asked.what === 'check') return check(admin, site, asked.network);
  if (asked.what === 'lift') {
    await admin.query('select ops.lift_network($1)', [asked.network]);
    return { text: `Nothing holds for ${asked.network} any more.`, data: { lifted: asked.network } };
  }
  const make = {
    deny: 'select ops.deny_network($1, $2, $3) as id',
    allow: 'select ops.allow_network($1, $2, $3) as id',
  };
  const { rows } = await admin.query<{ id: string }>(make[asked.what], [asked.network, asked.reason, asked.lasting]);
  const { rows: made } = await admin.query<Entry>('select * from ops.networks_in_force where id = $1', [rows[0]?.id]);
  const entry = made[0]!; // made by the statement above, in this transaction
  const verb = asked.what === 'deny' ? 'denied' : 'allowed';
  return { text: `${entry.network} is ${verb} until ${moment(entry.until)}.`, data: entry };
}

type Entry = {
  id: string;
  network: string;
  list: 'allow' | 'deny';
  reason: string;
  made_by: string;
  made_at: Date;
  until: Date;
};

async function list(admin: pg.Client): Promise<Said> {
  const { rows } = await admin.query<Entry>('select * from ops.networks_in_force');
  const lines = rows.map((one) => [
    one.network,
    one.list,
    one.reason,
    moment(one.until),
    one.made_by,
    moment(one.made_at),
  ]);
  const text = table([['network', 'list', 'reason', 'until (UTC)', 'by', 'since'], ...lines]);
  return { text: rows.length > 0 ? text : 'No network is denied or allowed.', data: { networks: rows } };
}

type Unusual = { at: Date; signal: string; figure: number; floor: number };

async function check(admin: pg.Client, site: Site, address: string): Promise<Said> {
  const { rows: decides } = await admin.query<Entry>('select n.* from ops.network_of($1) n where n.id is not null', [
    address,
  ]);
  const { rows: unusual } = await admin.query<Unusual>(
    'select u.at, u.signal, u.figure, u.floor from ops.unusual u where u.subject = ops.network_key($1, $2) order by u.at',
    [site.keys.ring, address],
  );
  const [entry] = decides;
  const lines = [
    entry
      ? `${entry.network} decides: ${entry.list} until ${moment(entry.until)}, ${entry.reason}.`
      : 'No network of the lists holds this address.',
    ...unusual.map((one) => `${moment(one.at)}: ${one.figure} accounts were tried from there within an hour.`),
    ...(unusual.length === 0 ? ['Nothing unusual is known about it.'] : []),
  ];
  return { text: lines.join('\n'), data: { decides: entry ?? null, unusual } };
}

const moment = (at: Date): string => at.toISOString().slice(0, 16).replace('T', ' ');

/** What isn't a network is refused by Postgres's own type, whose message quotes it. */
function explain(error: unknown): never {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === '22P02' || (code === 'VS422' && error instanceof Error && /no IP address/.test(error.message)))
    throw new CommandError('This is no network and no address: 203.0.113.0/24, 2001:db8::/48 or 203.0.113.9.');
  throw error;
}
