import type pg from 'pg';
import { type Command, print, table } from '../command.ts';
import { CommandError } from '../command-error.ts';
import { asRetired, generateSeed, readKeys, type SigningKeys } from '../keys.ts';
import { everyKey } from '../log/checkpoint.ts';
import { rawPublicKey } from '../log/note.ts';
import { sealWith } from '../log/seal.ts';
import { asOwner } from '../owner.ts';
import { type Site, withAdmin, withSite } from '../site.ts';
import { describePlaced, type Placed, place } from './keys-place.ts';

export const keysSigning: Command = {
  name: 'keys signing',
  summary: 'which keys sign the audit log; let another one take over',
  usage: '[--add | --retire] [--json]',
  help: `
Without an option: each key by its public half, since when the log knows it, and what it does.

  --add     make another key and put it first. Until --retire both sign every checkpoint: whoever knows the old verifier
            key alone goes on believing them, and learns the new one from key.vkey
  --retire  end every key but the first: its private half goes, and its public half stays behind "retired:", so that what
            it signed is believed for ever. It signs no more: the newest checkpoint needs another key's signature
  --json    the result as data; with VITAL_SIGNING_KEY in the environment it holds the keys

Both are events in the log, which the next checkpoint signs.`,
  options: { add: { type: 'boolean' }, retire: { type: 'boolean' }, json: { type: 'boolean' } },
  run: async (input) => {
    if (input.flag('add') && input.flag('retire')) throw new CommandError('One at a time: --add, and later --retire.');
    if (!input.flag('add') && !input.flag('retire')) {
      const known = await withSite((site) => withAdmin(site, (admin) => status(admin, site.keys.signing)));
      print(input.flag('json') ? known : describeStatus(known));
      return 0;
    }
    const change = input.flag('add') ? add : retire;
    const changed = await withSite((site) => withAdmin(site, (admin) => change(admin, site)));
    print(input.flag('json') ? changed.placed : `${describePlaced(changed.placed, changed.holds)}\n${changed.next}`);
    return 0;
  },
};

type Changed = { placed: Placed; holds: string; next: string };

async function add(admin: pg.Client, site: Site): Promise<Changed> {
  const placed = await placeAndSeal(admin, site, (text) => `${generateSeed()},${text}`);
  const next =
    'Give auditors and witnesses the new key.vkey. When all of them have it: vitalsync keys signing --retire';
  return { placed, holds: 'has the new key first', next };
}

async function retire(admin: pg.Client, site: Site): Promise<Changed> {
  const { signs, retired } = site.keys.signing;
  const [, ...older] = signs;
  if (older.length === 0)
    throw new CommandError('One key signs: vitalsync keys signing --add makes another one first.');
  // the end of the log must bear the signature of the one that stays
  await sealWith(admin, site);
  const ended = [...older, ...retired].map(asRetired);
  const placed = await placeAndSeal(admin, site, (text) => [text.split(',')[0], ...ended].join(','));
  const next = `Destroy every copy of the private half, ${placed.place === 'file' && placed.copy ? `${placed.copy} among them, ` : ''}when the backups of keys.env are renewed.`;
  return { placed, holds: 'has its public half alone', next };
}

/** Where the keys are the file's, the log says so at once; the operator's environment, at the next sealing. */
async function placeAndSeal(admin: pg.Client, site: Site, change: (text: string) => string): Promise<Placed> {
  const placed = await place(site, 'VITAL_SIGNING_KEY', change);
  if (placed.place === 'file') await sealWith(admin, { ...site, keys: readKeys(site.keyFile) });
  return placed;
}

type Known = {
  public_key: string;
  state: 'signs first' | 'signs' | 'retired' | 'not here';
  since: string | null;
  retired_at: string | null;
};

async function status(admin: pg.Client, keys: SigningKeys): Promise<Known[]> {
  const { rows } = await asOwner(admin, () =>
    admin.query<{ public_key: string; since: Date; retired_at: Date | null }>(
      "select encode(public_key, 'base64') as public_key, since, retired_at from audit.signing_keys order by since desc",
    ),
  );
  const here = everyKey(keys).map((key) => rawPublicKey(key).toString('base64'));
  const names = [...here, ...rows.map((row) => row.public_key).filter((one) => !here.includes(one))];
  return names.map((name) => {
    const row = rows.find((one) => one.public_key === name);
    const order = here.indexOf(name);
    const state =
      order < 0 ? 'not here' : order >= keys.signs.length ? 'retired' : order === 0 ? 'signs first' : 'signs';
    return {
      public_key: name,
      state,
      since: row?.since.toISOString() ?? null,
      retired_at: row?.retired_at?.toISOString() ?? null,
    };
  });
}

const describeStatus = (known: readonly Known[]): string =>
  table([
    ['public key', 'state', 'signs since', 'retired'],
    ...known.map((one) => [one.public_key, one.state, one.since ?? 'not yet', one.retired_at ?? '-']),
  ]);
