// The log verified inside the database, and against what is outside of it. `dba` may be vs_dba: it reads hashes, and the
// functions that read events are definer functions.
import type pg from 'pg';
import { CommandError } from '../command-error.ts';
import type { Site } from '../site.ts';
import { everyKey, openOwnCheckpoint } from './checkpoint.ts';
import { compareWithOutside } from './compare.ts';
import { NoteError } from './note.ts';
import { listCheckpoints, outsideDirectory, readSigned } from './outside.ts';
import { ofTheLog, type Problem } from './problem.ts';
import { type Generation, readGenerations, readHead, readRoot } from './tree.ts';

export type VerifiedLog = { leaves: number; lanes: number; sealed: number; problems: Problem[]; notices: string[] };
type Place = Pick<Site, 'directory' | 'keys'>;

/** @param thorough every checkpoint that is outside, not the last one alone */
export async function verifyLog(dba: pg.Client, site: Place, thorough: boolean): Promise<VerifiedLog> {
  const chains = await dba.query<Problem & { seq: string }>(
    'select organisation_id as organisation, lane, seq, problem from audit.verify_all()',
  );
  const log = await dba.query<Problem & { seq: string }>(
    `select coalesce(organisation_id::text, '') as organisation, coalesce(lane, -1) as lane, coalesce(seq, leaf_index) as seq, problem
     from audit.verify_log()`,
  );
  const problems = [...chains.rows, ...log.rows].map((row) => ({ ...row, seq: Number(row.seq) }));
  const size = await dba.query(
    `select coalesce(sum(seq), 0)::int8 as leaves, count(*) filter (where seq > 0)::int as lanes,
            (select count(*) from audit.log)::int8 as sealed from audit.lanes`,
  );
  const generations = await readGenerations(dba);
  problems.push(...(await checkSignatures(dba, site, generations)), ...(await checkRestarts(dba, generations)));
  const outside = await checkOutside(dba, site, generations, thorough);
  return {
    leaves: Number(size.rows[0].leaves),
    lanes: size.rows[0].lanes,
    sealed: Number(size.rows[0].sealed),
    problems: [...problems, ...outside.problems],
    notices: outside.notices,
  };
}

type Stored = { generation: number; size: string; root: Buffer | null; note: string | null };

/** Every checkpoint bears our signature, the newest that of a key that still signs, and says what its row says. */
async function checkSignatures(dba: pg.Client, { keys }: Place, generations: Generation[]): Promise<Problem[]> {
  const names = new Map(generations.map(({ generation, origin }) => [generation, origin]));
  const problems: Problem[] = [];
  const ends = await dba.query<{ generation: number; size: string }>(
    'select generation, size from audit.checkpoints order by generation desc, size desc limit 1',
  );
  const [end] = ends.rows;
  for (let last: [number, string] = [0, '0']; ; ) {
    const { rows } = await dba.query<Stored>(
      `select generation, size, root, note from audit.checkpoints
       where (generation, size) > ($1, $2) order by generation, size limit 1000`,
      last,
    );
    for (const row of rows) {
      // a key that was retired because somebody else has it must not speak for the end of the log
      const newest = row.generation === end?.generation && row.size === end.size;
      const problem = checkSignature(row, names.get(row.generation), { keys, newest });
      if (problem) problems.push(ofTheLog(Number(row.size), `the checkpoint of size ${row.size} ${problem}`));
    }
    const past = rows.at(-1);
    if (!past) return problems;
    last = [past.generation, past.size];
  }
}

function checkSignature(
  { size, root, note }: Stored,
  name: string | undefined,
  { keys, newest }: { keys: Site['keys']; newest: boolean },
): string | undefined {
  // a superuser may have taken away what no row lacks
  if (root === null || note === null) return "isn't what was signed";
  try {
    const signed = openOwnCheckpoint(note, newest ? keys.signing.signs : everyKey(keys.signing));
    const alike = signed.origin === name && signed.size === Number(size) && signed.root.equals(root);
    return alike ? undefined : "isn't what was signed";
  } catch (error) {
    if (!(error instanceof NoteError)) throw error;
    return `isn't signed by our key: ${error.message}`;
  }
}

/** Each generation after the first begins with what the one before ended with. */
async function checkRestarts(dba: pg.Client, generations: Generation[]): Promise<Problem[]> {
  const problems: Problem[] = [];
  for (const [i, { generation, origin }] of generations.entries()) {
    const before = generations[i - 1];
    if (!before) continue;
    const { rows } = await dba.query<{ alike: boolean }>('select audit.verify_restart($1) as alike', [generation]);
    if (!rows[0]?.alike) problems.push(ofTheLog(0, `${origin} doesn't begin with what ${before.origin} ended with`));
  }
  return problems;
}

async function checkOutside(
  dba: pg.Client,
  site: Place,
  generations: Generation[],
  thorough: boolean,
): Promise<{ problems: Problem[]; notices: string[] }> {
  const problems: Problem[] = [];
  const notices: string[] = [];
  try {
    const { state, finding, sealed, outside } = await compareWithOutside(dba, site);
    if (state === 'behind' || state === 'forked') problems.push(ofTheLog(outside?.size ?? 0, finding));
    if (state === 'none' && sealed > 0) problems.push(ofTheLog(0, finding));
    if (state === 'none' && sealed === 0) notices.push(`${finding}: vitalsync audit seal does it`);
    notices.push(...(await tellRestarts(dba, site, generations)));
    if (thorough) for (const one of generations) problems.push(...(await checkFiles(dba, site, one)));
  } catch (error) {
    if (!isAnswer(error)) throw error;
    problems.push(ofTheLog(0, (error as Error).message));
  }
  return { problems, notices };
}

/** A restore loses what came after it, and so does whoever cuts a log and calls it a restore: each is told, with what stands outside. */
async function tellRestarts(dba: pg.Client, site: Place, generations: Generation[]): Promise<string[]> {
  const notices: string[] = [];
  for (let generation = 1; generation < (generations.at(-1)?.generation ?? 0); generation += 1) {
    const known = generations.find((one) => one.generation === generation);
    const last = listCheckpoints(outsideDirectory(site), generation).at(-1);
    const signed = last === undefined ? undefined : readSigned(last, site);
    const name = known?.origin ?? signed?.origin;
    if (name === undefined) continue; // of neither is anything left
    const size = known ? (await readHead(dba, known)).size : 0;
    const lost = Math.max(0, (signed?.size ?? 0) - size);
    notices.push(`${name} ended at ${size} with a restore${lost > 0 ? ` that lost ${lost} leaves` : ''}`);
  }
  return notices;
}

/** Our own sentences: a file that isn't signed, a tree that has holes. */
const isAnswer = (error: unknown): boolean =>
  error instanceof CommandError || (error instanceof Error && 'code' in error && /^VS\d{3}$/.test(String(error.code)));

async function checkFiles(dba: pg.Client, site: Place, { generation }: Generation): Promise<Problem[]> {
  const problems: Problem[] = [];
  const { rows } = await dba.query<{ size: string }>('select audit.log_size($1) as size', [generation]);
  for (const file of listCheckpoints(outsideDirectory(site), generation)) {
    const { size, root } = readSigned(file, site);
    if (size > Number(rows[0]!.size)) break; // what goes beyond is compared by its last one
    if (!root.equals(await readRoot(dba, generation, size)))
      problems.push(ofTheLog(size, `the log isn't the one of which ${file} was signed`));
  }
  return problems;
}
