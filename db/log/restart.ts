// A log that a restore cut short goes on under another name. The first leaf of the new one says how the old one ended
// here, and what was known outside: so that nobody ends a log in silence.
import { parseCheckpoint, type SignedCheckpoint } from './checkpoint.ts';
import type { Line } from './files.ts';
import type { GrowingTree } from './merkle.ts';
import { splitNote } from './note.ts';
import { ofTheLog, type Problem } from './problem.ts';

/** How a generation ends in an export. */
export type Ended = {
  origin: string | undefined;
  tree: GrowingTree;
  /** Checkpoints that were given and go further than it. */
  beyond: SignedCheckpoint[];
};

/** What is wrong with how the log went on, and what should be known of it. */
export function compareWithEnd(ended: Ended, first: Line | undefined): { problems: Problem[]; notice: string } {
  const { size } = ended.tree;
  const restart = readRestart(first);
  if (!restart) return { problems: [ofTheLog(0, `nothing says why ${ended.origin} ended at ${size}`)], notice: '' };
  const { says, known } = restart;
  const problems: Problem[] = [];
  if (says.origin !== ended.origin || says.size !== size || says.root !== ended.tree.root().toString('base64'))
    problems.push(
      ofTheLog(size, `${says.origin} ended at ${says.size}, and ${size} leaves that are not all of it are here`),
    );
  for (const checkpoint of ended.beyond)
    if (!known || known.origin !== checkpoint.origin || known.size < checkpoint.size)
      problems.push(
        ofTheLog(
          checkpoint.size,
          `a checkpoint of size ${checkpoint.size} was signed, and the log was begun anew as if it wasn't`,
        ),
      );
  const lost = known && known.origin === ended.origin ? Math.max(0, known.size - size) : 0;
  return {
    problems,
    notice: `${ended.origin} ended at ${size} with a restore${lost > 0 ? ` that lost ${lost} leaves` : ''}`,
  };
}

type Says = { origin: string; size: number; root: string };

function readRestart(line: Line | undefined): { says: Says; known: ReturnType<typeof readKnown> } | undefined {
  if (line?.event !== 'log.restart') return undefined;
  try {
    const { ended, outside } = JSON.parse(line.details ?? '') as { ended: Says; outside: string | null };
    return { says: ended, known: readKnown(outside) };
  } catch {
    return undefined;
  }
}

/** The checkpoint that was outside then; its signature isn't needed, since a later one covers the leaf that holds it. */
const readKnown = (note: string | null) => (note === null ? undefined : parseCheckpoint(splitNote(note).text));
