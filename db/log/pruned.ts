// Events that are gone by retention (supabase/migrations/0260_retention.sql): which were, their organisation's chain says
// itself, in an event log.prune that holds a digest of the record of them.
import { uuidTime } from '../uuid-time.ts';
import type { Line, PrunedRange } from './files.ts';
import { sha256 } from './merkle.ts';
import { keyOf, type Problem } from './problem.ts';

type Range = { organisation: string; lane: number; first: number; last: number; head: string | null };

export class PrunedEvents {
  /** What is gone, neighbours joined, by lane. */
  readonly #gone = new Map<string, Range[]>();
  /** What log.prune holds, by organisation: digests, and when. */
  readonly #told = new Map<string, Map<string, string>>();

  follow({ organisation, lane, seq, gone, event, at, details }: Line): void {
    if (event === 'log.prune') this.#tell(organisation, at, details);
    if (!gone) return;
    const ranges = this.#gone.get(keyOf({ organisation, lane })) ?? [];
    const last = ranges.at(-1);
    if (last && last.last === seq - 1) {
      last.last = seq;
      last.head = gone.hash;
    } else ranges.push({ organisation, lane, first: seq, last: seq, head: gone.hash });
    this.#gone.set(keyOf({ organisation, lane }), ranges);
  }

  #tell(organisation: string, at: string, details: string | null): void {
    const digest = /"digest" : "([0-9a-f]{64})"/.exec(details ?? '')?.[1];
    if (!digest) return;
    const digests = this.#told.get(organisation) ?? new Map();
    this.#told.set(organisation, digests.set(digest, at));
  }

  /** What is gone and no log.prune speaks of. `recorded` is what the export says was pruned. */
  compareWith(recorded: readonly PrunedRange[]): Problem[] {
    const covered = new Map<string, PrunedRange[]>();
    for (const organisation of new Set(recorded.map((range) => range.organisation))) {
      const ranges = recorded.filter((range) => range.organisation === organisation);
      const at = this.#told.get(organisation)?.get(digestOf(ranges));
      if (at && ranges.every(({ until }) => isOldEnough(until, Date.parse(at), organisation)))
        for (const range of ranges) covered.set(keyOf(range), [...(covered.get(keyOf(range)) ?? []), range]);
    }
    return [...this.#gone.values()].flat().flatMap(({ organisation, lane, first, last, head }) => {
      const known = covered.get(keyOf({ organisation, lane })) ?? [];
      // one range of the record is one of ours: audit.prune_month joins neighbours too
      if (known.some((r) => r.first_seq === first && r.last_seq === last && r.head === head)) return [];
      const problem =
        first === last
          ? 'the event is missing, and was not pruned'
          : `events to ${last} are missing, and were not pruned`;
      return [{ organisation, lane, seq: first, problem }];
    });
  }
}

/** As audit.check_pruned: three years old then, not told in a time to come, and of an organisation that was there (UUID version 7). */
function isOldEnough(until: string, at: number, organisation: string): boolean {
  const end = new Date(until);
  const made = uuidTime(organisation);
  return at >= end.setUTCFullYear(end.getUTCFullYear() + 3) && at < Date.now() + 86_400_000 && made < Date.parse(until);
}

/** As audit.prune_digest; `ranges` are one organisation's. */
function digestOf(ranges: readonly PrunedRange[]): string {
  const lines = [...ranges]
    .sort((a, b) => a.lane - b.lane || a.first_seq - b.first_seq)
    .map((r) => JSON.stringify([r.lane, r.first_seq, r.last_seq, r.until, r.head].map(String)));
  return sha256(Buffer.from(lines.join('\n'), 'utf8')).toString('hex');
}
