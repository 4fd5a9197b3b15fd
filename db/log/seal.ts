// Sealing: new events join the Merkle log, and its root is signed. The order is what matters:
//
// 0. The keys that sign are registered, so that the log says so before they do.
// 1. The log is compared with the last checkpoint that is outside; a database that went back or forked is refused.
// 2. Events join, and that is committed: what is signed must not vanish in a rollback.
// 3. The database proves that the signed log is the beginning of the one it has now; merkle.ts verifies it.
// 4. Who was forgotten is told outside, as of this size.
// 5. Only then do we sign; the note goes outside first, then into the database, then to the witness.
import type pg from 'pg';
import { CommandError } from '../command-error.ts';
import { writeErasures } from '../erasures.ts';
import { asOwner } from '../owner.ts';
import { type Site, withAdmin } from '../site.ts';
import { checkpointText, openOwnCheckpoint, type SignedCheckpoint } from './checkpoint.ts';
import { type Comparison, compareWithOutside } from './compare.ts';
import { rawPublicKey, signNote } from './note.ts';
import { logOrigin } from './origin.ts';
import { outsideDirectory, readLatest, writeCheckpoint } from './outside.ts';
import { type Head, readConsistencyProof } from './tree.ts';
import { cosign, findWitness, isCosigned, readWitnessed } from './witness.ts';

export type Sealed = {
  /** signed: a new checkpoint · unchanged: the last one still says all · empty: there is no event yet */
  state: 'signed' | 'unchanged' | 'empty';
  origin: string;
  size: number;
  /** How many events joined now. */
  joined: number;
  /** Events that can't join, since they aren't what was chained. */
  stuck: Stuck[];
  checkpoint?: SignedCheckpoint;
  /** What the witness didn't do. */
  witnessProblem?: string;
};
export type Stuck = { organisation: string; lane: number; seq: number };
type Place = Pick<Site, 'directory' | 'keys'>;

/** A log that must not be signed as it is. */
export class SealRefused extends CommandError {
  comparison: Comparison;
  constructor(comparison: Comparison, remedy: string) {
    super(`Nothing was signed: ${comparison.finding}. ${remedy}`);
    this.comparison = comparison;
  }
}

/**
 * Seals what there is. `adopt` begins the record outside anew from what the database says, when that record was lost.
 * @throws SealRefused when the log isn't the one that was signed before
 */
export const sealOnce = (site: Site, { adopt = false } = {}): Promise<Sealed> =>
  withAdmin(site, (admin) => sealWith(admin, site, { adopt }));

/** As `sealOnce`, on the administrator's connection that is there. */
export async function sealWith(admin: pg.Client, site: Place, { adopt = false } = {}): Promise<Sealed> {
  await asOwner(admin, async () => {
    await logOrigin(admin);
    await registerKeys(admin, site);
    refuse(await compareWithOutside(admin, site), adopt);
  });
  const joined = await join(admin);
  const sealed = await asOwner(admin, () => sign(admin, site, adopt));
  const stuck = await asOwner(admin, () => readStuck(admin));
  return { ...sealed, joined, stuck };
}

const atMost = 100_000;

async function registerKeys(admin: pg.Client, { keys }: Place): Promise<void> {
  const { signs, retired } = keys.signing;
  try {
    await admin.query('select audit.register_signing_keys($1, $2)', [
      signs.map(rawPublicKey),
      retired.map(rawPublicKey),
    ]);
  } catch (error) {
    if ((error as { code?: string }).code === 'VS409')
      throw new CommandError(`Nothing was signed: ${(error as Error).message}.`);
    throw error;
  }
}

async function join(admin: pg.Client): Promise<number> {
  for (let total = 0; ; ) {
    const { rows } = await asOwner(admin, () =>
      admin.query<{ joined: string }>('select joined from audit.extend_log($1)', [atMost]),
    );
    const joined = Number(rows[0]!.joined); // a function gives one row
    total += joined;
    if (joined === 0) return total;
  }
}

/** Inside `asOwner`; whoever seals at the same time waits. */
async function sign(admin: pg.Client, site: Place, adopt: boolean): Promise<Omit<Sealed, 'joined' | 'stuck'>> {
  await admin.query("select pg_advisory_xact_lock(hashtextextended('audit.extend_log', 0))");
  const comparison = await compareWithOutside(admin, site);
  const { head, outside } = refuse(comparison, adopt);
  if (!head || head.size === 0) {
    await writeErasures(admin, site);
    return { state: 'empty', origin: head?.origin ?? '', size: 0 };
  }
  const { origin, size } = head;
  const directory = outsideDirectory(site);
  const fresh = comparison.state !== 'same' || !outside;
  const signed = fresh ? signHead(head, site) : outside;
  // before the checkpoint: a list of before it is then an older one, whoever put it there
  await writeErasures(admin, site, size);
  // also when the witness alone had the last one, and the directory was lost
  if (readLatest(directory, site)?.note !== signed.note) writeCheckpoint(directory, signed, site, head.generation);
  const { checkpoint, problem } = await askWitness(admin, site, head, signed);
  if (checkpoint !== signed) writeCheckpoint(directory, checkpoint, site, head.generation);
  await admin.query(
    'insert into audit.checkpoints (generation, size, root, note) values ($1, $2, $3, $4) on conflict do nothing',
    [head.generation, size, head.root, checkpoint.note],
  );
  return {
    state: fresh ? 'signed' : 'unchanged',
    origin,
    size,
    checkpoint,
    ...(problem !== undefined && { witnessProblem: problem }),
  };
}

function signHead(head: Head, { keys }: Place): SignedCheckpoint {
  const note = signNote(checkpointText(head), { name: head.origin, privateKeys: keys.signing.signs });
  return openOwnCheckpoint(note, keys.signing.signs);
}

/** The checkpoint with the witness's signature, where there is a witness; what is missing is told, and tried again. */
async function askWitness(
  admin: pg.Client,
  site: Place,
  { generation, origin, size }: Head,
  signed: SignedCheckpoint,
): Promise<{ checkpoint: SignedCheckpoint; problem?: string }> {
  try {
    const witness = findWitness();
    if (!witness || isCosigned(signed.note, witness)) return { checkpoint: signed };
    const seen = await readWitnessed(origin, site);
    const note = await cosign(witness, signed, Math.min(seen?.size ?? 0, size), (from) =>
      readConsistencyProof(admin, generation, from, size),
    );
    return { checkpoint: openOwnCheckpoint(note, site.keys.signing.signs, [witness.vkey]) };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { checkpoint: signed, problem: error.message };
  }
}

function refuse(comparison: Comparison, adopt: boolean): Comparison {
  const { state, sealed } = comparison;
  if (state === 'forked')
    throw new SealRefused(comparison, 'Somebody wrote its history anew, or this is another database.');
  if (state === 'behind')
    throw new SealRefused(comparison, 'It was restored from a backup: vitalsync start or migrate goes on from there.');
  if (state === 'none' && sealed > 0 && !adopt)
    throw new SealRefused(comparison, 'Put the directory back; if it is lost, vitalsync audit seal --adopt begins it.');
  return comparison;
}

async function readStuck(admin: pg.Client): Promise<Stuck[]> {
  const { rows } = await admin.query<{ organisation: string; lane: number; seq: string }>(
    'select organisation_id as organisation, lane, seq from audit.stuck_lanes()',
  );
  return rows.map((row) => ({ ...row, seq: Number(row.seq) }));
}
