// The chains, as they are read line by line: memory is one head for each lane, whatever the length of the log.
import type { Line } from './files.ts';
import { sha256 } from './merkle.ts';
import { type Head, keyOf, nothingBefore, type Problem, placeOf } from './problem.ts';
import { PrunedEvents } from './pruned.ts';

export class Lanes {
  readonly ends = new Map<string, Head>();
  readonly pruned = new PrunedEvents();

  /** Follows one line; gives what is wrong with it. `bytes` are what is hashed. */
  follow(line: Line, bytes: Buffer, earlier: Map<string, Head>): Problem[] {
    const lane = keyOf(line);
    const before = this.ends.get(lane) ?? { seq: 0, head: nothingBefore };
    const problems: string[] = [];
    if (line.seq !== before.seq + 1) problems.push(`follows event ${before.seq}: events are missing or out of order`);
    else if (line.before !== undefined && line.before !== before.head)
      problems.push('does not hold the hash of the event before it: one of the two was changed');
    const head = line.gone ? (line.gone.hash ?? '') : sha256(bytes).toString('hex');
    if (line.gone && !line.gone.hash) problems.push('is gone, and so is its hash');
    this.ends.set(lane, { ...placeOf(line), head });
    const known = earlier.get(lane);
    if (known?.seq === line.seq && known.head !== head)
      problems.push('is not the event that the earlier export ends with');
    this.pruned.follow(line);
    return problems.map((problem) => ({ ...placeOf(line), problem }));
  }

  /** Every lane ends as heads.json says. */
  compareWithHeads(heads: Map<string, Head>): Problem[] {
    const unknown = [...this.ends]
      .filter(([lane]) => !heads.has(lane))
      .map(([, head]) => ({ ...placeOf(head), problem: 'the lane is not in heads.json' }));
    const wrong = [...heads].flatMap(([lane, head]) => {
      const end = this.ends.get(lane) ?? { seq: 0, head: nothingBefore };
      if (end.seq < head.seq)
        return [{ ...placeOf(head), problem: `the lane ends at ${end.seq}: events at its end are missing` }];
      return end.seq === head.seq && end.head === head.head
        ? []
        : [{ ...placeOf(head), problem: 'the head is not the hash of the last event' }];
    });
    return [...unknown, ...wrong];
  }

  findCutTails(earlier: Map<string, Head>): Problem[] {
    return [...earlier].flatMap(([lane, head]) => {
      const end = this.ends.get(lane)?.seq ?? 0;
      if (end >= head.seq) return [];
      const problem = `the earlier export goes to ${head.seq}, this one to ${end}: its end was cut off`;
      return [{ ...placeOf(head), problem }];
    });
  }
}
