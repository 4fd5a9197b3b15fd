import type pg from 'pg';
import { type Command, need, print, table } from '../command.ts';
import { CommandError } from '../command-error.ts';
import { dropPlaintext } from '../existing/drop.ts';
import { findSuperuser } from '../existing/files.ts';
import { describe, type Finding, prove } from '../existing/proof.ts';
import { begin, openPlan, sealAll } from '../existing/seal.ts';
import { progressLine } from '../progress.ts';
import { type Site, withAdmin, withSite } from '../site.ts';
import { askOnTerminal, untilInterrupted } from '../terminal.ts';

export const encryptExisting: Command = {
  name: 'encrypt-existing',
  summary: 'seal plaintext columns of a table that was there before',
  usage: 'TABLE --map FILE [--drop [--yes]] [--files-proof URL] [--batch BLOCKS] [--json]',
  help: `
Seals the columns that the map names, batch by batch, and clears what they held; then proves that nothing of it is left in
the table, its indexes, the statistics and, where a superuser may read them, the raw files. The table takes no writes from
the first batch on. Ctrl-C stops after the batch; the same command goes on, also after a crash. docs/dba.md shows a map.

  --map          a JSON file: whose the rows are, and which key seals each column
  --drop         drops the old columns, empty by then, when the proof has held; asks for the table's name
  --yes          with --drop: doesn't ask
  --files-proof  a superuser's URL on this database, to search the raw files
  --batch        blocks of 8 kB in a transaction: 16
  --json         the result as data`,
  options: {
    map: { type: 'string' },
    drop: { type: 'boolean' },
    yes: { type: 'boolean' },
    'files-proof': { type: 'string' },
    batch: { type: 'string' },
    json: { type: 'boolean' },
  },
  run: async (input) => {
    const [name, ...rest] = input.words;
    if (!name || rest.length > 0) throw new CommandError('Which table? See vitalsync encrypt-existing --help.');
    const blocks = Number(input.text('batch') ?? 16);
    if (!Number.isInteger(blocks) || blocks < 1 || blocks > 10_000)
      throw new CommandError('--batch is a number of blocks, from 1 to 10000.');
    const options = {
      map: need(encryptExisting, input, 'map'),
      blocks,
      filesProof: input.text('files-proof'),
      confirm: !input.flag('drop') ? undefined : input.flag('yes') ? async () => true : askFor,
    };
    const result = await withSite((site) => withAdmin(site, (admin) => run(site, admin, name, options)));
    print(input.flag('json') ? result : tell(result));
    return result.state === 'sealed' || result.state === 'dropped' ? 0 : 1;
  },
};

type Options = {
  map: string;
  blocks: number;
  filesProof: string | undefined;
  confirm: ((table: string) => Promise<boolean>) | undefined;
};
type Result = { table: string; state: 'stopped' | 'sealed' | 'unproven' | 'kept' | 'dropped'; proof: Finding[] };

async function run(site: Site, admin: pg.Client, name: string, options: Options): Promise<Result> {
  const plan = await openPlan(site, admin, name, options.map);
  const sql = plan.table.sql;
  const lock = await admin.query(
    "select pg_try_advisory_lock(hashtextextended('vitalsync encrypt-existing ' || $1, 0)) as mine",
    [sql],
  );
  if (!lock.rows[0].mine) throw new CommandError(`Another run is sealing ${sql}: let it end.`);
  const superuser = await findSuperuser(site, admin, options.filesProof);
  const bar = progressLine();
  const whole = await untilInterrupted(async (signal) => {
    await begin(admin, plan, site.keys.ring);
    return sealAll(site, admin, plan, { bar, signal, blocks: options.blocks });
  });
  if (!whole) return { table: sql, state: 'stopped', proof: [] };
  const proof = await prove(site, admin, plan, bar, superuser);
  if (proof.some((one) => one.state === 'failure')) return { table: sql, state: 'unproven', proof };
  if (!options.confirm) return { table: sql, state: 'sealed', proof };
  if (!(await options.confirm(sql))) return { table: sql, state: 'kept', proof };
  await dropPlaintext(admin, plan);
  return { table: sql, state: 'dropped', proof };
}

async function askFor(sql: string): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw new CommandError('--drop asks for the name of the table on a terminal; without one, say --yes.');
  return (await askOnTerminal(`The old columns of ${sql} go for good. Type its name to drop them: `)) === sql;
}

const sentences: Record<Result['state'], string> = {
  stopped: 'Stopped after a batch. Run the same command to go on.',
  sealed: 'Sealed and proven. The old columns are empty; --drop removes them.',
  unproven: 'Sealed, and not proven: see what failed above.',
  kept: 'Sealed and proven. The old columns stay: the name was another one.',
  dropped: 'Sealed, proven, and the old columns are gone.',
};

const tell = ({ table: name, state, proof }: Result): string =>
  [table(describe(proof)), `${name}: ${sentences[state]}`].filter((part) => part !== '').join('\n\n');
