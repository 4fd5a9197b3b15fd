// Sign-in histories that nobody thought of, and what is unusual about one more: a model of 0099_sign_ins in plain words.
import fc from 'fast-check';

export const places = [
  { name: 'FR/Paris/48.86,2.35', at: [48.86, 2.35] },
  { name: 'FR/Orléans/47.9,1.91', at: [47.9, 1.91] },
  { name: 'FR/Lyon/45.76,4.84', at: [45.76, 4.84] },
  { name: 'US/New York/40.71,-74.01', at: [40.71, -74.01] },
  { name: 'NZ/Wellington/-41.29,174.78', at: [-41.29, 174.78] },
  { name: 'WS/Apia/-13.83,-171.77', at: [-13.83, -171.77] },
] as const;

export type Past = {
  minutesAgo: number;
  network: number | null;
  place: number | null;
  outcome: 'let_in' | 'told' | 'stopped';
  released: boolean;
  disowned: boolean;
};
export type History = {
  past: Past[];
  /** Minutes ago. */
  failures: number[];
  next: { known: boolean; network: number | null; place: number | null };
};

const DAY = 24 * 60;
const network = fc.option(fc.nat(2));
const place = fc.option(fc.nat(places.length - 1));
// just now, near a day, near half a year, and on each of many days at the same hour, as people are
const minutesAgo = (habit: number) =>
  fc.oneof(
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 6 }) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 2 * DAY }) },
    { weight: 1, arbitrary: fc.integer({ min: 170 * DAY, max: 190 * DAY }) },
    {
      weight: 6,
      arbitrary: fc
        .tuple(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 1, max: 90 }))
        .map(([days, off]) => days * DAY + habit + off),
    },
  );
const pastWith = (habit: number): fc.Arbitrary<Past> =>
  fc.record({
    ...{ minutesAgo: minutesAgo(habit), network, place, disowned: fc.nat(9).map((n) => n === 0) },
    ...{ outcome: fc.constantFrom('let_in' as const, 'let_in' as const, 'told' as const, 'stopped' as const) },
    released: fc.boolean(),
  });
export const histories: fc.Arbitrary<History> = fc.nat(DAY - 1).chain((habit) =>
  fc.record({
    past: fc.uniqueArray(pastWith(habit), { maxLength: 24, selector: (one) => one.minutesAgo, size: '+1' }),
    failures: fc.uniqueArray(fc.integer({ min: 1, max: 2 * DAY }), { maxLength: 8 }),
    next: fc.record({ known: fc.boolean(), network, place }),
  }),
);

/** @param now a whole minute */
export function signalsOf({ past, failures, next }: History, now: Date): string[] {
  if (past.length === 0) return [];
  const trusted = past
    .filter((one) => (one.outcome !== 'stopped' || one.released) && !one.disowned)
    .toSorted((a, b) => a.minutesAgo - b.minutesAgo);
  const said: string[] = [];
  if (!next.known) {
    said.push('new_device');
    const since = Math.min(DAY, trusted[0]?.minutesAgo ?? DAY);
    if (failures.filter((ago) => ago < since).length >= 5) said.push('many_failures');
  }
  const used = trusted.filter((one) => one.minutesAgo < 180 * DAY).map((one) => one.network);
  if (next.network !== null && !used.includes(next.network)) said.push('new_network');
  const placed = trusted.find((one) => one.place !== null);
  if (placed && next.place !== null) {
    const km = distance(placed.place!, next.place);
    if (km > 200 && km > 15 * placed.minutesAgo) said.push('impossible_speed');
  }
  const usual = trusted.filter((one) => one.minutesAgo < 90 * DAY).slice(0, 50);
  const minute = minuteOf(now);
  const apart = usual.map((one) => {
    const difference = Math.abs(minuteOf(new Date(now.getTime() - one.minutesAgo * 60_000)) - minute);
    return Math.min(difference, DAY - difference);
  });
  if (apart.length >= 10 && Math.min(...apart) > 180) said.push('odd_hour');
  return said;
}

/** The angle between two vectors from the middle of the earth: not the formula of the database. */
function distance(a: number, b: number): number {
  const vector = ([latitude, longitude]: readonly [number, number]) => {
    const [φ, λ] = [(latitude * Math.PI) / 180, (longitude * Math.PI) / 180];
    return [Math.cos(φ) * Math.cos(λ), Math.cos(φ) * Math.sin(λ), Math.sin(φ)] as const;
  };
  const [one, other] = [vector(places[a]!.at), vector(places[b]!.at)];
  return 6371 * Math.acos(Math.min(1, one[0] * other[0] + one[1] * other[1] + one[2] * other[2]));
}

const clock = new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Paris', hour: '2-digit', minute: '2-digit' });
function minuteOf(at: Date): number {
  const [hour = 0, minute = 0] = clock.format(at).split(':').map(Number);
  return hour * 60 + minute;
}
