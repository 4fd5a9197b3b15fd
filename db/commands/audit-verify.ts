import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Command, type Input, print, table } from '../command.ts';
import { CommandError } from '../command-error.ts';
import { connect } from '../connect.ts';
import { readVerifierKeys } from '../log/earlier.ts';
import { NoteError } from '../log/note.ts';
import type { Problem } from '../log/problem.ts';
import { openProof } from '../log/proof.ts';
import { compareRows, type RowProblem, type RowsCompared } from '../log/rows.ts';
import { compareWithEarlier } from '../log/since.ts';
import { verifyExport } from '../log/verify-export.ts';
import { verifyLog } from '../log/verify-live.ts';
import { explainLogin, type Site, withSite } from '../site.ts';

export const auditVerify: Command = {
  name: 'audit verify',
  summary: 'verify the audit log, in the database or an export of it',
  usage: '[DIR | FILE.tlog-proof] [--since OLD] [--checkpoint FILE…] [--key VKEY] [--live] [--json]',
  help: `
Without DIR the log is verified inside the database, as vs_dba: every chain, the Merkle log, the signature of every
checkpoint, and the last one that is outside. With DIR an export is verified, without database or keys, and with the file
of audit proof that one event. The exit code is 1 when something was changed, removed, inserted, reordered or cut off.

  --since OLD        an earlier export: what it held must still be there
  --checkpoint FILE  a signed checkpoint that was kept, or a directory of them; may come several times
  --key VKEY         with DIR: the verifier key that you know, or a file of some, the current one first, instead of the
                     export's own key.vkey
  --live             without DIR: also every checkpoint outside, and each stored row against its last event
  --json             every problem, as data`,
  options: {
    since: { type: 'string' },
    checkpoint: { type: 'string', multiple: true },
    key: { type: 'string' },
    live: { type: 'boolean' },
    json: { type: 'boolean' },
  },
  run: async (input) => {
    const [directory] = input.words;
    if (directory && isFile(directory)) return verifyProof(directory, input);
    const result = directory ? await verifyDirectory(directory, input) : await verifyDatabase(input);
    const intact = result.problems.length === 0 && (result.rows?.problems.length ?? 0) === 0;
    if (input.flag('json')) print({ intact, ...result });
    else print(intact ? describeIntact(result) : describeBroken(result));
    return intact ? 0 : 1;
  },
};

type Result = {
  leaves: number;
  lanes: number;
  problems: Problem[];
  notices: string[];
  checkpoint?: { origin: string; size: number };
  rows?: RowsCompared;
};

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;

/** The leaf stands beside the proof, and the key, unless one is named. */
function verifyProof(file: string, input: Input): number {
  const leaf = file.replace(/(\.tlog-proof)?$/, '.leaf');
  if (!isFile(leaf)) throw new CommandError(`${leaf} is missing: the event stands beside its proof.`);
  const keys = readVerifierKeys(dirname(file), input.text('key'));
  if (keys.length === 0) throw new CommandError('Signed by whom? --key VKEY, or key.vkey beside the proof.');
  try {
    const { origin, index, size } = openProof(readFileSync(file, 'utf8'), readFileSync(leaf), keys);
    if (input.flag('json')) print({ intact: true, origin, index, size });
    else print(`The event is number ${index} of ${origin}, which was signed at ${size} events.`);
    return 0;
  } catch (error) {
    if (!(error instanceof NoteError)) throw error;
    if (input.flag('json')) print({ intact: false, problem: error.message });
    else print(`The proof does NOT hold: ${error.message}.`);
    return 1;
  }
}

async function verifyDirectory(directory: string, input: Input): Promise<Result> {
  if (input.flag('live')) throw new CommandError('--live is for the database: leave DIR out.');
  return verifyExport(directory, {
    since: input.text('since'),
    checkpoints: input.texts('checkpoint'),
    key: input.text('key'),
  });
}

async function verifyDatabase(input: Input): Promise<Result> {
  if (input.text('key') || input.texts('checkpoint').length > 0)
    throw new CommandError('--key and --checkpoint are for an export: name its directory.');
  return withSite((site) =>
    withDba(site, async (dba) => {
      const verified = await verifyLog(dba, site, input.flag('live'));
      const since = input.text('since');
      if (since !== undefined) verified.problems.push(...(await compareWithEarlier(dba, since)));
      return input.flag('live') ? { ...verified, rows: await compareRows(dba) } : verified;
    }),
  );
}

async function withDba<T>(site: Site, work: (dba: Awaited<ReturnType<typeof connect>>) => Promise<T>): Promise<T> {
  const dba = await connect(site.dbaUrl).catch((error: unknown) => {
    throw explainLogin(error, site.dbaUrl);
  });
  try {
    return await work(dba);
  } finally {
    await dba.end();
  }
}

function describeIntact({ leaves, lanes, checkpoint, rows, notices }: Result): string {
  const signed = checkpoint ? ` ${checkpoint.size} of them are signed as ${checkpoint.origin}.` : '';
  const compared = rows ? ` ${rows.rows} rows are what their last events say.` : '';
  const skipped = rows?.skipped.length
    ? [
        `not compared row by row, since columns of them change without an event or they have no id: ${rows.skipped.join(', ')}`,
      ]
    : [];
  const older = rows?.older
    ? [`the last events of ${rows.older} rows were pruned: nothing is left to compare them with`]
    : [];
  const told = [...notices, ...skipped, ...older].map((notice) => `\nNote: ${notice}.`).join('');
  return `The audit log is intact: ${leaves} events in ${lanes} chains.${signed}${compared}${told}`;
}

function describeBroken({ problems, rows }: Result): string {
  const shown = [
    ...problems.map(({ organisation, lane, seq, problem }) =>
      lane < 0 ? ['log', '', String(seq), problem] : [organisation, String(lane), String(seq), problem],
    ),
    ...(rows?.problems ?? []).map(({ table: name, id, problem }: RowProblem) => [`${name} ${id}`, '', '', problem]),
  ];
  const first = shown.slice(0, 20);
  const more = shown.length > first.length ? `\n… and ${shown.length - first.length} more (--json lists all)` : '';
  return `The audit log is NOT intact: ${shown.length} problems.\n\n${table([['organisation', 'lane', 'event', 'problem'], ...first])}${more}`;
}
