// The audit log outside of the database: written to a directory, and verified there by whoever has it.
//
// leaves.jsonl  every leaf, a line each, ordered by organisation, lane and number
// heads.json    the end of every lane
//
// A leaf is a JSON array (docs/formats.md); its hash is SHA-256 over the line's bytes, and its last element is the
// hash of the leaf before it in its lane. So a change, a removal, an insertion or another order breaks the chain; a
// tail that was cut shows against the heads, and, when those were rewritten too, against those of an earlier export.
import { createHash } from 'node:crypto';
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import type pg from 'pg';
import { CommandError } from './command-error.ts';

/** The end of one chain; `head` is the hash of the last leaf, in hex. */
export type Head = { organisation: string; lane: number; seq: number; head: string };
export type Problem = { organisation: string; lane: number; seq: number; problem: string };
export type Exported = { leaves: number; lanes: number };
/** `problems` are the first of them: a log that was rewritten has one on each line. */
export type Verified = { leaves: number; lanes: number; problems: Problem[] };

const origin = '0'.repeat(64);
const batch = 5000;
const enoughProblems = 1000;
const longestLeaf = 1024 * 1024;
const leavesIn = (directory: string) => join(directory, 'leaves.jsonl');
const headsIn = (directory: string) => join(directory, 'heads.json');

/** Writes the whole log as it is at one moment. `admin` is inside a repeatable read transaction, as vs_owner. */
export async function exportLog(admin: pg.Client, directory: string): Promise<Exported> {
  if (existsSync(leavesIn(directory)))
    throw new CommandError(`${directory} holds an export already: name another directory.`);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const heads = (await admin.query<Head>(headsQuery)).rows.map((head) => ({ ...head, seq: Number(head.seq) }));
  const unfinished = `${leavesIn(directory)}.part`;
  const file = createWriteStream(unfinished, { mode: 0o600 });
  let leaves = 0;
  for (const { organisation, lane } of heads) leaves += await exportLane(admin, organisation, lane, file);
  file.end();
  await finished(file);
  writeFileSync(headsIn(directory), `${JSON.stringify({ exported_at: new Date().toISOString(), heads }, null, 1)}\n`, {
    mode: 0o600,
  });
  renameSync(unfinished, leavesIn(directory));
  return { leaves, lanes: heads.filter((head) => head.seq > 0).length };
}

const headsQuery = `
  select organisation_id as organisation, lane, seq, encode(head, 'hex') as head
  from audit.lanes order by organisation_id, lane`;
const leavesQuery = `
  select seq, leaf from audit.events
  where organisation_id = $1 and lane = $2 and seq > $3 order by seq limit ${batch}`;

async function exportLane(
  admin: pg.Client,
  organisation: string,
  lane: number,
  file: NodeJS.WritableStream,
): Promise<number> {
  let count = 0;
  let last = '0';
  for (;;) {
    const { rows } = await admin.query<{ seq: string; leaf: string }>(leavesQuery, [organisation, lane, last]);
    if (rows.length > 0) {
      count += rows.length;
      last = rows.at(-1)?.seq ?? last;
      const room = file.write(rows.map((row) => `${row.leaf}\n`).join(''));
      if (!room) await new Promise<void>((resolve) => file.once('drain', () => resolve()));
    }
    if (rows.length < batch) return count;
  }
}

/**
 * Verifies an export without a database. Memory doesn't grow with the log: it holds one line and the lanes.
 * @param since an earlier export of the same installation; whatever it had must still be there
 */
export async function verifyExport(directory: string, since?: string): Promise<Verified> {
  const heads = readHeads(directory);
  const earlier = since === undefined ? new Map<string, Head>() : readHeads(since);
  const lanes = new Map<string, Head>();
  const problems: Problem[] = [];
  let leaves = 0;
  let previous = '';
  for await (const line of linesOf(leavesIn(directory))) {
    if (problems.length >= enoughProblems) break;
    leaves += 1;
    const leaf = parseLeaf(line);
    if (!leaf) {
      problems.push({ organisation: '', lane: -1, seq: leaves, problem: `line ${leaves} is not a leaf` });
      continue;
    }
    const lane = keyOf(leaf);
    const before = lanes.get(lane) ?? { seq: 0, head: origin };
    if (previous !== lane && lanes.has(lane))
      problems.push({ ...placeOf(leaf), problem: 'the lane goes on after another one' });
    previous = lane;
    if (leaf.seq !== before.seq + 1)
      problems.push({ ...placeOf(leaf), problem: `follows event ${before.seq}: events are missing or out of order` });
    else if (leaf.before !== before.head)
      problems.push({
        ...placeOf(leaf),
        problem: 'does not hold the hash of the event before it: one of the two was changed',
      });
    const head = { ...placeOf(leaf), head: sha256(line) };
    lanes.set(lane, head);
    const known = earlier.get(lane);
    if (known?.seq === leaf.seq && known.head !== head.head)
      problems.push({ ...placeOf(leaf), problem: 'is not the event that the earlier export ends with' });
  }
  problems.push(...compareHeads(lanes, heads), ...findCutTails(lanes, earlier));
  return { leaves, lanes: lanes.size, problems };
}

/** Every lane ends as heads.json says. */
function compareHeads(lanes: Map<string, Head>, heads: Map<string, Head>): Problem[] {
  const unknown = [...lanes]
    .filter(([lane]) => !heads.has(lane))
    .map(([, head]) => ({ ...placeOf(head), problem: 'the lane is not in heads.json' }));
  const wrong = [...heads].flatMap(([lane, head]) => {
    const end = lanes.get(lane) ?? { seq: 0, head: origin };
    if (end.seq < head.seq)
      return [{ ...placeOf(head), problem: `the lane ends at ${end.seq}: events at its end are missing` }];
    return end.seq === head.seq && end.head === head.head
      ? []
      : [{ ...placeOf(head), problem: 'the head is not the hash of the last event' }];
  });
  return [...unknown, ...wrong];
}

function findCutTails(lanes: Map<string, Head>, earlier: Map<string, Head>): Problem[] {
  return [...earlier].flatMap(([lane, head]) => {
    const end = lanes.get(lane)?.seq ?? 0;
    return end < head.seq
      ? [
          {
            ...placeOf(head),
            problem: `the earlier export goes to ${head.seq}, this one to ${end}: its end was cut off`,
          },
        ]
      : [];
  });
}

/**
 * Whatever an earlier export ends with must still be in the database: no chain can show by itself that its end was cut
 * off. `dba` reads audit.leaves.
 */
export async function compareWithEarlier(dba: pg.Client, since: string): Promise<Problem[]> {
  const heads = [...readHeads(since).values()].filter((head) => head.seq > 0);
  const { rows } = await dba.query<{ organisation: string; lane: number; seq: string; hash: string | null }>(
    `select h.organisation, h.lane, h.seq, encode(l.hash, 'hex') as hash
     from unnest($1::uuid[], $2::int[], $3::int8[]) as h (organisation, lane, seq)
     left join audit.leaves l on (l.organisation_id, l.lane, l.seq) = (h.organisation, h.lane, h.seq)`,
    [heads.map((head) => head.organisation), heads.map((head) => head.lane), heads.map((head) => head.seq)],
  );
  const known = new Map(heads.map((head) => [`${head.organisation}/${head.lane}`, head.head]));
  return rows.flatMap(({ organisation, lane, seq, hash }) => {
    if (hash === known.get(`${organisation}/${lane}`)) return [];
    const problem =
      hash === null
        ? `the earlier export goes to ${seq}: the end of the chain was cut off`
        : 'is not the event that the earlier export ends with';
    return [{ organisation, lane, seq: Number(seq), problem }];
  });
}

/** The ends of the lanes as an export has them, by organisation and lane. */
function readHeads(directory: string): Map<string, Head> {
  for (const file of [leavesIn(directory), headsIn(directory)])
    if (!existsSync(file)) throw new CommandError(`${file} is missing: ${directory} is no export of the audit log.`);
  try {
    const { heads } = JSON.parse(readFileSync(headsIn(directory), 'utf8')) as { heads: Head[] };
    return new Map(heads.map((head) => [keyOf(head), head]));
  } catch {
    throw new CommandError(`${headsIn(directory)} isn't what an export writes.`);
  }
}

/** What verification reads of a leaf; undefined when the line is none. */
function parseLeaf(line: Buffer): (Omit<Head, 'head'> & { before: string }) | undefined {
  let fields: unknown;
  try {
    fields = JSON.parse(line.toString('utf8'));
  } catch {
    return undefined;
  }
  if (!Array.isArray(fields) || fields.length !== 18 || fields[0] !== 'vs1') return undefined;
  const leaf = {
    organisation: String(fields[2]),
    lane: Number(fields[3]),
    seq: Number(fields[4]),
    before: String(fields[17]),
  };
  return Number.isSafeInteger(leaf.lane) && Number.isSafeInteger(leaf.seq) ? leaf : undefined;
}

/** The bytes between line ends; JSON writes a line feed inside a text as \\n. */
async function* linesOf(file: string): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(file, { highWaterMark: 256 * 1024 })) {
    let start = 0;
    const text = Buffer.concat([rest, chunk]);
    for (let end = text.indexOf(10); end >= 0; end = text.indexOf(10, start)) {
      yield text.subarray(start, end);
      start = end + 1;
    }
    rest = text.subarray(start);
    if (rest.length > longestLeaf)
      throw new CommandError(`${file} holds a line of more than a megabyte: it is no export of the audit log.`);
  }
  if (rest.length > 0) yield rest;
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const keyOf = ({ organisation, lane }: { organisation: string; lane: number }): string => `${organisation} ${lane}`;
const placeOf = ({ organisation, lane, seq }: { organisation: string; lane: number; seq: number }) => ({
  organisation,
  lane,
  seq,
});
