// Is this database still the one whose log was signed? Asked of the last checkpoint that is outside, since a database
// can't know by itself that it is a backup of yesterday, or that somebody has written its history anew.
import type pg from 'pg';
import type { Site } from '../site.ts';
import type { SignedCheckpoint } from './checkpoint.ts';
import { provesConsistency } from './merkle.ts';
import { listCheckpoints, outsideDirectory, readLatest, readSigned } from './outside.ts';
import { type Generation, type Head, readConsistencyProof, readGenerations, readHead, readRoot } from './tree.ts';
import { readWitnessed } from './witness.ts';

export type Comparison = {
  /**
   * same: nothing new since the checkpoint · ahead: the checkpoint is the beginning of the log, which has gone on ·
   * behind: the log ends before the checkpoint, as after a restore · forked: another history · none: nothing is outside
   */
  state: 'same' | 'ahead' | 'behind' | 'forked' | 'none';
  /** The log of the database; undefined before its first event has joined. */
  head: Head | undefined;
  outside?: SignedCheckpoint;
  /** The largest size at which both were the same, as far as earlier checkpoints show. */
  agreed?: number;
  /** How many checkpoints the database holds. */
  sealed: number;
  /** What is so, in one sentence. */
  finding: string;
};

type Place = Pick<Site, 'directory' | 'keys'>;

/**
 * Compares the log with the last checkpoints in the outside directory and at the witness, of which the worst answer
 * counts. `admin` is inside `asOwner`, read committed.
 * @throws CommandError when what is outside isn't signed by our key
 */
export async function compareWithOutside(admin: pg.Client, site: Place): Promise<Comparison> {
  const generations = await readGenerations(admin);
  const current = generations.at(-1);
  const directory = outsideDirectory(site);
  // Before the database: whoever seals at this moment commits first and writes outside then.
  const outside = [readLatest(directory, site), current && (await readWitnessed(current.origin, site))];
  const head = current && (await readHead(admin, current));
  const { rows } = await admin.query<{ sealed: number }>('select count(*)::int as sealed from audit.checkpoints');
  const known: Known = { generations, head, sealed: rows[0]!.sealed };
  const found: Comparison[] = [];
  for (const checkpoint of outside)
    if (checkpoint) found.push(await compareWith(admin, checkpoint, known, { directory, site }));
  return found.sort((a, b) => worst.indexOf(a.state) - worst.indexOf(b.state))[0] ?? nothingOutside(known);
}

type Known = { generations: Generation[]; head: Head | undefined; sealed: number };
type Outside = { directory: string; site: Place };
const worst: Comparison['state'][] = ['forked', 'behind', 'ahead', 'same', 'none'];

const nothingOutside = (known: Known): Comparison => ({
  state: 'none',
  head: known.head,
  sealed: known.sealed,
  finding:
    known.sealed === 0
      ? 'nothing has been signed yet'
      : `nothing is outside, though the database holds ${known.sealed} checkpoints`,
});

async function compareWith(
  admin: pg.Client,
  outside: SignedCheckpoint,
  known: Known,
  place: Outside,
): Promise<Comparison> {
  const { generations, sealed } = known;
  const of = generations.find(({ origin }) => origin === outside.origin);
  const answer = (state: Comparison['state'], finding: string, agreed?: number): Comparison => ({
    state,
    head: known.head,
    outside,
    sealed,
    finding,
    ...(agreed !== undefined && { agreed }),
  });
  const forked = ({ size, agreed }: { size: number; agreed: number }) =>
    answer('forked', `the log has ${size} leaves and another history than what was signed${since(agreed)}`, agreed);
  // What was lost is told, by the database alone: what was kept must be what was signed.
  const begunAnew = async (finding: string) => {
    const fork = await findFork(admin, generations.slice(0, -1), place);
    return fork ? forked(fork) : answer('ahead', finding);
  };
  // restored to before a restart, and begun anew again since
  if (!of && (await wasRestarted(admin, 0, outside)))
    return begunAnew(`the log was begun anew after the checkpoint of ${outside.origin}`);
  if (!of) return answerForUnknown(outside, generations, answer);
  const head = of.generation === known.head?.generation ? known.head : await readHead(admin, of);
  const agreement = () => findAgreement(admin, of.generation, Math.min(head.size, outside.size), place);
  if (head.size < outside.size) {
    if (known.head && known.head.generation > of.generation && (await wasRestarted(admin, of.generation, outside)))
      return begunAnew(`the log was begun anew after its checkpoint of size ${outside.size}`);
    const found = await agreement();
    return found.forked
      ? forked({ size: head.size, agreed: found.agreed })
      : answer(
          'behind',
          `the log ends at ${head.size}, and a checkpoint of size ${outside.size} was signed`,
          found.agreed,
        );
  }
  const proof = await readConsistencyProof(admin, of.generation, outside.size, head.size);
  if (!provesConsistency(outside, head, proof)) {
    const { agreed } = await agreement();
    return answer('forked', `the first ${outside.size} leaves are not those that were signed${since(agreed)}`, agreed);
  }
  return head.size === outside.size && of.generation === known.head?.generation
    ? answer('same', `the log ends at ${head.size}, as the checkpoint does`, head.size)
    : answer('ahead', `the log has ${head.size} leaves, the first ${outside.size} of them as signed`, outside.size);
}

const since = (agreed: number): string => (agreed === 0 ? '' : `; they agree up to ${agreed}`);

type Answer = (state: Comparison['state'], finding: string, agreed?: number) => Comparison;

/** A generation that the database doesn't know: it was restored to before a restart, or this is another installation. */
function answerForUnknown({ origin, size }: SignedCheckpoint, generations: Generation[], answer: Answer): Comparison {
  const first = generations[0];
  if (!first) return answer('behind', `the log hasn't begun, and a checkpoint of size ${size} was signed`, 0);
  return origin.startsWith(`${first.origin}/`)
    ? answer('behind', `the log is of before it was begun anew as ${origin}`)
    : answer('forked', `the log is called ${first.origin}, and what is outside is of ${origin}`, 0);
}

/** Whether a later generation begins with this checkpoint, or a later one: that it was lost is known. */
async function wasRestarted(admin: pg.Client, generation: number, outside: SignedCheckpoint): Promise<boolean> {
  const { rows } = await admin.query<{ note: string | null }>(
    "select (leaf::json ->> 16)::json ->> 'outside' as note from audit.log_origins where generation > $1",
    [generation],
  );
  return rows.some(({ note }) => note?.startsWith(outside.text));
}

/** The first of these generations whose kept leaves aren't those of which checkpoints were signed. */
async function findFork(
  admin: pg.Client,
  generations: Generation[],
  place: Outside,
): Promise<{ size: number; agreed: number } | undefined> {
  for (const one of generations) {
    const { size } = await readHead(admin, one);
    const { agreed, forked } = await findAgreement(admin, one.generation, size, place);
    if (forked) return { size, agreed };
  }
  return undefined;
}

/**
 * The largest earlier checkpoint that the log still has, 0 for none, found by halves; and whether one that isn't larger
 * than the log has another root.
 */
async function findAgreement(
  admin: pg.Client,
  generation: number,
  most: number,
  { directory, site }: Outside,
): Promise<{ agreed: number; forked: boolean }> {
  const files = listCheckpoints(directory, generation).filter((file) => Number(file.slice(-20)) <= most);
  let first = 0;
  let past = files.length;
  let agreed = 0;
  while (first < past) {
    const middle = Math.floor((first + past) / 2);
    const { size, root } = readSigned(files[middle]!, site);
    if (root.equals(await readRoot(admin, generation, size))) {
      agreed = size;
      first = middle + 1;
    } else past = middle;
  }
  return { agreed, forked: first < files.length };
}
