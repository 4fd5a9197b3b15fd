// Finds an event in the log and proves that it is there, under the newest checkpoint.
import type pg from 'pg';
import { CommandError } from '../command-error.ts';
import type { Site } from '../site.ts';
import { uuidTime } from '../uuid-time.ts';
import { everyKey, openOwnCheckpoint, type SignedCheckpoint } from './checkpoint.ts';
import { outsideDirectory, readLatest } from './outside.ts';
import { formatProof, openProof } from './proof.ts';
import { readInclusionProof } from './tree.ts';

type Place = Pick<Site, 'directory' | 'keys'>;
type Found = { leaf: string; generation: number | null; index: string; origin: string };

/** The leaf of an event and the text of its proof. `admin` is inside `asOwner`. @throws CommandError */
export async function proveEvent(
  admin: pg.Client,
  site: Place,
  id: string,
): Promise<{ leaf: string; proof: string; checkpoint: SignedCheckpoint }> {
  // an id holds the time at which it was made, so that one month is read
  const { rows } = await admin.query<Found>(
    `select e.leaf, l.generation, l.leaf_index as index, o.origin
     from audit.events e
     left join audit.log l using (organisation_id, lane, seq)
     left join audit.log_origins o using (generation)
     where e.id = $1 and e.at between $2::timestamptz - interval '1 day' and $2::timestamptz + interval '1 day'`,
    [id, new Date(uuidTime(id))],
  );
  const [event] = rows;
  if (!event) throw new CommandError(`There is no event ${id} in the log, or it was pruned.`);
  if (event.generation === null) throw new CommandError(`The event ${id} isn't sealed yet: run vitalsync audit seal.`);
  const index = Number(event.index);
  const checkpoint = await findCheckpoint(admin, site, event.generation, event.origin, index);
  const hashes = await readInclusionProof(admin, event.generation, index, checkpoint.size);
  const proof = formatProof({ index, hashes, note: checkpoint.note });
  openProof(proof, Buffer.from(event.leaf, 'utf8'), everyKey(site.keys.signing)); // nothing leaves that we don't believe
  return { leaf: event.leaf, proof, checkpoint };
}

/** The one that is outside, with its witnesses, or the newest that the database holds. */
async function findCheckpoint(
  admin: pg.Client,
  site: Place,
  generation: number,
  origin: string,
  index: number,
): Promise<SignedCheckpoint> {
  const outside = readLatest(outsideDirectory(site), site);
  if (outside?.origin === origin && outside.size > index) return outside;
  const { rows } = await admin.query<{ note: string }>(
    'select note from audit.checkpoints where generation = $1 and size > $2 order by size desc limit 1',
    [generation, index],
  );
  if (!rows[0]) throw new CommandError(`No checkpoint speaks for the event yet: run vitalsync audit seal.`);
  return openOwnCheckpoint(rows[0].note, everyKey(site.keys.signing));
}
