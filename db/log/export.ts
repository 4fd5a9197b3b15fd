// The log written to a directory, so that whoever has it verifies it without the database. The files: ./files.ts.
import { createWriteStream, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { finished } from 'node:stream/promises';
import type pg from 'pg';
import { CommandError } from '../command-error.ts';
import type { Keys } from '../keys.ts';
import { verifierKeys } from './checkpoint.ts';
import { checkpointIn, generationIn, type Heads, headsIn, keyIn, leavesIn, type PrunedRange } from './files.ts';
import type { Head } from './problem.ts';
import { type Generation, readGenerations } from './tree.ts';

export type Exported = { leaves: number; lanes: number; origin?: string; sealed: number };

const batch = 5000;

/**
 * Writes the whole log as it is at one moment. `admin` is inside a repeatable read transaction, as vs_owner.
 * @param keys of the installation, for the verifier keys beside the checkpoint
 */
export async function exportLog(admin: pg.Client, directory: string, keys?: Pick<Keys, 'signing'>): Promise<Exported> {
  if (existsSync(leavesIn(directory)))
    throw new CommandError(`${directory} holds an export already: name another directory.`);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const generations = await readGenerations(admin);
  const current = generations.at(-1);
  let leaves = 0;
  for (const generation of generations.slice(0, -1))
    leaves += await exportGeneration(admin, generation, generationIn(directory, generation.generation));
  const heads = await readHeads(admin, generations);
  writeFileSync(headsIn(directory), `${JSON.stringify(heads, null, 1)}\n`, { mode: 0o600 });
  const sealed = current ? await exportCheckpoint(admin, current, directory) : 0;
  if (current && sealed > 0 && keys)
    writeFileSync(keyIn(directory), verifierKeys(current.origin, keys.signing), { mode: 0o600 });
  leaves += await writeLeaves(directory, async function* () {
    if (current) yield* readLog(admin, current.generation, sealed);
    yield* readRest(admin, current?.generation ?? 1, sealed, heads.heads);
  });
  const lanes = heads.heads.filter((head) => head.seq > 0).length;
  return { leaves, lanes, sealed, ...(current && { origin: current.origin }) };
}

async function exportGeneration(
  admin: pg.Client,
  { generation, origin }: Generation,
  directory: string,
): Promise<number> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  await exportCheckpoint(admin, { generation, origin }, directory);
  return writeLeaves(directory, () => readLog(admin, generation, Number.MAX_SAFE_INTEGER));
}

/** The newest checkpoint of a generation; gives its size, 0 when it has none. */
async function exportCheckpoint(admin: pg.Client, { generation }: Generation, directory: string): Promise<number> {
  const { rows } = await admin.query<{ size: string; note: string }>(
    'select size, note from audit.checkpoints where generation = $1 order by size desc limit 1',
    [generation],
  );
  const [newest] = rows;
  if (!newest) return 0;
  writeFileSync(checkpointIn(directory), newest.note, { mode: 0o600 });
  return Number(newest.size);
}

async function readHeads(admin: pg.Client, log: Generation[]): Promise<Heads> {
  const heads = await admin.query<Head>(
    `select organisation_id as organisation, lane, seq, encode(head, 'hex') as head
     from audit.lanes order by organisation_id, lane`,
  );
  const pruned = await admin.query<PrunedRange>(
    `select organisation_id as organisation, lane, first_seq, last_seq, encode(head, 'hex') as head,
            to_char(until at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as until
     from audit.pruned order by organisation_id, lane, first_seq`,
  );
  return {
    exported_at: new Date().toISOString(),
    log,
    heads: heads.rows.map((head) => ({ ...head, seq: Number(head.seq) })),
    pruned: pruned.rows.map((p) => ({ ...p, first_seq: Number(p.first_seq), last_seq: Number(p.last_seq) })),
  };
}

type Row = { place: string; line: string };

// What an event's line is: its leaf, or, when there is none, the hashes that stay. Each is looked up by its whole key,
// whatever the planner believes of tables that have just grown.
const of = (table: string, column: string) =>
  `(select x.${column} from audit.${table} x where x.organisation_id = k.organisation_id and x.lane = k.lane and x.seq = k.seq limit 1)`;
const line = `
  coalesce(${of('events', 'leaf')}, json_build_object('organisation', k.organisation_id, 'lane', k.lane, 'seq', k.seq,
    'hash', encode(${of('leaves', 'hash')}, 'hex'), 'leaf_hash', encode(${of('log', 'hash')}, 'hex'))::text)`;
const logQuery = `
  select k.leaf_index as place,
         coalesce((select o.leaf from audit.log_origins o where o.generation = $1 and k.leaf_index = 0), ${line}) as line
  from audit.log k
  where k.generation = $1 and k.leaf_index > $2 and k.leaf_index < $3 order by k.leaf_index limit ${batch}`;
// events and leaves: neither alone knows of what was taken from the other
const restQuery = `
  select k.seq as place, ${line} as line
  from (select organisation_id, lane, seq from audit.leaves where organisation_id = $1 and lane = $2 and seq > $3
        union select organisation_id, lane, seq from audit.events where organisation_id = $1 and lane = $2 and seq > $3
        order by seq limit ${batch}) k
  order by k.seq`;

/** The first `size` leaves of a generation, in log order. */
async function* readLog(admin: pg.Client, generation: number, size: number): AsyncGenerator<string[]> {
  for (let last = '-1'; ; ) {
    const { rows } = await admin.query<Row>(logQuery, [generation, last, size]);
    if (rows.length > 0) yield rows.map((row) => row.line);
    if (rows.length < batch) return;
    last = rows.at(-1)!.place; // there are `batch` of them
  }
}

/** What the checkpoint doesn't speak for yet, lane by lane. */
async function* readRest(
  admin: pg.Client,
  generation: number,
  sealed: number,
  lanes: readonly Head[],
): AsyncGenerator<string[]> {
  for (const { organisation, lane } of lanes) {
    let last = await firstUnsealed(admin, generation, sealed, organisation, lane);
    for (;;) {
      const { rows } = await admin.query<Row>(restQuery, [organisation, lane, last]);
      if (rows.length === 0) break;
      yield rows.map((row) => row.line);
      last = rows.at(-1)!.place;
    }
  }
}

/** The number after which a lane isn't sealed yet. */
async function firstUnsealed(admin: pg.Client, generation: number, sealed: number, organisation: string, lane: number) {
  const { rows } = await admin.query<{ seq: string }>(
    `select coalesce(max(seq), 0) as seq from audit.log
     where organisation_id = $1 and lane = $2 and (generation < $3 or (generation = $3 and leaf_index < $4))`,
    [organisation, lane, generation, sealed],
  );
  return rows[0]!.seq; // an aggregate gives one row
}

/** Whole or not at all; gives how many lines. */
async function writeLeaves(directory: string, read: () => AsyncGenerator<string[]>): Promise<number> {
  const unfinished = `${leavesIn(directory)}.part`;
  const file = createWriteStream(unfinished, { mode: 0o600 });
  let count = 0;
  for await (const lines of read()) {
    count += lines.length;
    if (!file.write(`${lines.join('\n')}\n`)) await new Promise<void>((resolve) => file.once('drain', () => resolve()));
  }
  file.end();
  await finished(file);
  renameSync(unfinished, leavesIn(directory));
  return count;
}
