// What an import has taken, and what it left, counted.

/** What became of the resources of one type: new rows, rows that were there already, and those left, by reason. */
export type Tally = { taken: number; present: number; left: Record<string, number> };
export type Tallies = Record<string, Tally>;

export function tallyOf(tallies: Tallies, type: string): Tally {
  tallies[type] ??= { taken: 0, present: 0, left: {} };
  return tallies[type];
}

export function addLeft(tally: Tally, why: string, count = 1): void {
  tally.left[why] = (tally.left[why] ?? 0) + count;
}

export function sum(all: readonly Tallies[]): Tallies {
  const total: Tallies = {};
  for (const tallies of all)
    for (const [type, { taken, present, left }] of Object.entries(tallies)) {
      const tally = tallyOf(total, type);
      tally.taken += taken;
      tally.present += present;
      for (const [why, count] of Object.entries(left)) addLeft(tally, why, count);
    }
  return total;
}
