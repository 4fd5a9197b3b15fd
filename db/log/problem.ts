/** The end of one chain; `head` is the hash of the last leaf, in hex. */
export type Head = { organisation: string; lane: number; seq: number; head: string };

/**
 * Something that isn't as it must be, and where: an event by organisation, lane and number, or, when it concerns the log
 * as a whole, organisation '' and lane -1 with the number of a leaf or line.
 */
export type Problem = { organisation: string; lane: number; seq: number; problem: string };

export const ofTheLog = (seq: number, problem: string): Problem => ({ organisation: '', lane: -1, seq, problem });

/** What a lane begins with: no event before the first. */
export const nothingBefore = '0'.repeat(64);
export const keyOf = ({ organisation, lane }: { organisation: string; lane: number }): string =>
  `${organisation} ${lane}`;
export const placeOf = ({ organisation, lane, seq }: { organisation: string; lane: number; seq: number }) => ({
  organisation,
  lane,
  seq,
});
