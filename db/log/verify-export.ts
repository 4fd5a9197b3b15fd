// An export verified without a database: the chains, the Merkle log, its checkpoint, and what somebody kept from before.
// Memory doesn't grow with the log: one line, the lanes, and the logarithm of the tree.
import { existsSync } from 'node:fs';
import type { SignedCheckpoint } from './checkpoint.ts';
import { DueCheckpoints } from './due.ts';
import { type Earlier, readEarlier, readVerifierKeys } from './earlier.ts';
import {
  checkpointIn,
  generationIn,
  headsByLane,
  type Line,
  leavesIn,
  linesOf,
  type PublicKey,
  parseLine,
  readCheckpoint,
  readHeadsFile,
} from './files.ts';
import { Lanes } from './lanes.ts';
import { GrowingTree, leafHash } from './merkle.ts';
import { ofTheLog, type Problem } from './problem.ts';
import { compareWithEnd, type Ended } from './restart.ts';

/** `problems` are the first of them: a log that was rewritten has one on each line. */
export type Verified = {
  leaves: number;
  lanes: number;
  problems: Problem[];
  /** The checkpoint that speaks for the log; absent when it was never sealed. */
  checkpoint?: { origin: string; size: number };
  /** Leaves that no checkpoint speaks for yet. */
  unsealed: number;
  /** What is so and should be known: a restore that cut the log short. */
  notices: string[];
};
export type Options = {
  /** An earlier export. */
  since?: string | undefined;
  /** Signed checkpoints that were kept, or directories of them. */
  checkpoints?: readonly string[];
  /** The verifier key that the auditor knows, or a file of such keys, the current one first. */
  key?: string | undefined;
};

const enoughProblems = 1000;

/** @throws CommandError when the directory is no export, or a checkpoint isn't signed by the key */
export async function verifyExport(directory: string, options: Options | string = {}): Promise<Verified> {
  const { since, checkpoints = [], key: trusted } = typeof options === 'string' ? { since: options } : options;
  const heads = readHeadsFile(directory);
  const keys = readVerifierKeys(directory, trusted);
  const earlier = readEarlier(since, checkpoints, keys);
  const run: Run = { keys, earlier, lanes: new Lanes(), problems: [], notices: [], leaves: 0 };
  let ended: Ended | undefined;
  for (const { generation, origin } of heads.log.slice(0, -1))
    ended = await readGeneration(run, generationIn(directory, generation), { origin, whole: true }, ended);
  const origin = heads.log.at(-1)?.origin;
  const last = await readGeneration(run, directory, { origin, whole: false }, ended);
  if (!last.checkpoint && keys.length > 0) run.problems.push(ofTheLog(0, 'the checkpoint is missing'));
  if (!last.checkpoint && keys.length === 0)
    run.notices.push('nobody has signed it: it was exported before the log was sealed');
  const names = new Set(heads.log.map((one) => one.origin));
  run.problems.push(
    ...last.beyond.map(({ size }) => ofTheLog(size, cutOff(size, last.checkpoint?.size ?? 0))),
    ...[...earlier.checkpoints.keys()]
      .filter((name) => !names.has(name))
      .map((name) => ofTheLog(0, `a checkpoint of ${name} was given, and this log was never called that`)),
    ...run.lanes.compareWithHeads(headsByLane(heads)),
    ...run.lanes.pruned.compareWith(heads.pruned),
    ...run.lanes.findCutTails(earlier.heads),
  );
  const { checkpoint } = last;
  return {
    leaves: run.leaves,
    lanes: run.lanes.ends.size,
    problems: run.problems,
    ...(checkpoint && { checkpoint: { origin: checkpoint.origin, size: checkpoint.size } }),
    unsealed: last.lines - (checkpoint?.size ?? 0),
    notices: run.notices,
  };
}

const cutOff = (size: number, here: number): string =>
  `a checkpoint of size ${size} was signed, and this export has one of ${here}: the end was cut off, or the export is older`;

/** A generation of the log; one that has ended is there as a `whole`. */
type Named = { origin: string | undefined; whole: boolean };

type Run = {
  keys: PublicKey[];
  earlier: Earlier;
  lanes: Lanes;
  problems: Problem[];
  notices: string[];
  leaves: number;
};

/** One leaves.jsonl. All of it follows the chains; the tree is of what the checkpoint speaks for, or, once ended, of all. */
async function readGeneration(
  run: Run,
  directory: string,
  { origin, whole }: Named,
  before: Ended | undefined,
): Promise<Ended & { lines: number; checkpoint?: SignedCheckpoint }> {
  const checkpoint = readOwnCheckpoint(run, directory, { origin, whole });
  const kept = (origin && run.earlier.checkpoints.get(origin)) || [];
  const due = new DueCheckpoints(checkpoint ? [...kept, checkpoint] : kept);
  const tree = new GrowingTree();
  const treeEnds = whole ? Number.POSITIVE_INFINITY : (checkpoint?.size ?? 0);
  let lines = 0;
  for await (const bytes of linesOf(leavesIn(directory))) {
    if (run.problems.length >= enoughProblems) break;
    const line = parseLine(bytes);
    if (lines === 0 && before) goOn(run, before, line);
    lines += 1;
    run.leaves += 1;
    run.problems.push(...(line ? run.lanes.follow(line, bytes, run.earlier.heads) : [noLeaf(lines)]));
    if (tree.size >= treeEnds) continue;
    tree.add(hashOf(line, bytes));
    run.problems.push(...due.meet(tree));
  }
  return { origin, lines, tree, beyond: due.left(), ...(checkpoint && { checkpoint }) };
}

const noLeaf = (lines: number): Problem => ofTheLog(lines, `line ${lines} is not a leaf`);
const hashOf = (line: Line | undefined, bytes: Buffer): Buffer =>
  line?.gone ? Buffer.from(line.gone.leafHash ?? '', 'hex') : leafHash(bytes);

function goOn(run: Run, before: Ended, first: Line | undefined): void {
  const { problems, notice } = compareWithEnd(before, first);
  run.problems.push(...problems);
  if (notice) run.notices.push(notice);
}

function readOwnCheckpoint(run: Run, directory: string, { origin, whole }: Named): SignedCheckpoint | undefined {
  const file = checkpointIn(directory);
  if (!existsSync(file) || run.keys.length === 0) return undefined;
  // of the log that still grows, the current key's: one that was retired may be in other hands
  const checkpoint = readCheckpoint(file, whole ? run.keys : run.keys.slice(0, 1));
  if (checkpoint.origin !== origin)
    run.problems.push(ofTheLog(0, `the checkpoint is of ${checkpoint.origin}, and heads.json calls the log ${origin}`));
  return checkpoint;
}
