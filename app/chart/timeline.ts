import { dayOf } from '../ui/time.tsx';

/** A note or an encounter, as the timeline orders them: by the time at which it happened. */
export type Entry<N, E> = { kind: 'note'; at: Date; note: N } | { kind: 'encounter'; at: Date; encounter: E };
export type Day<N, E> = { day: string; entries: Entry<N, E>[] };

/**
 * In: notes and encounters, each newest first and at most `size + 1` of them. Out: the newest `size` of both, by day
 * in France, and the time before which the next page starts; null when nothing is older.
 */
export function timeline<N extends { created_at: Date }, E extends { started_at: Date }>(
  notes: readonly N[],
  encounters: readonly E[],
  size: number,
): { days: Day<N, E>[]; older: Date | null } {
  const entries: Entry<N, E>[] = [
    ...notes.map((note) => ({ kind: 'note' as const, at: note.created_at, note })),
    ...encounters.map((encounter) => ({ kind: 'encounter' as const, at: encounter.started_at, encounter })),
  ].sort((a, b) => b.at.getTime() - a.at.getTime());
  const last = entries[size - 1];
  if (!last || entries.length === size) return { days: byDay(entries), older: null };
  // What happened in the same millisecond stays on the same page: the next one asks for what is strictly older.
  const shown = entries.filter((entry) => entry.at >= last.at);
  return { days: byDay(shown), older: shown.length < entries.length ? last.at : null };
}

function byDay<N, E>(entries: readonly Entry<N, E>[]): Day<N, E>[] {
  const days: Day<N, E>[] = [];
  for (const entry of entries) {
    const day = dayOf(entry.at);
    const current = days.at(-1);
    if (current?.day === day) current.entries.push(entry);
    else days.push({ day, entries: [entry] });
  }
  return days;
}
