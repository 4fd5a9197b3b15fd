// Tries to sign in that nobody thought of, and what is unusual about them: a model of 0089_traffic in plain words.
import fc from 'fast-check';

export type Try = { minutesAgo: number; network: number | null; account: number | null; known: boolean; ok: boolean };
/** Sums of five minutes: so many days ago, and so many minutes after the hour began that it is now. */
export type Slot = { days: number; minute: number; tries: number; failures: number; unknown: number };
export type Traffic = { tries: Try[]; slots: Slot[]; asked: { network: number | null; account: number | null } };
export type Told = { signal: string; figure: number; usual: number | null };

const floors = {
  many_tries: 100,
  many_failures: 30,
  unknown_addresses: 20,
  many_accounts: 10,
  many_networks: 6,
} as const;

const few = fc.option(fc.nat(2), { freq: 8 });
const oneTry = fc.record({
  minutesAgo: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 90 })),
  network: few,
  account: few,
  known: fc.boolean(),
  ok: fc.nat(5).map((n) => n === 0),
});
/** One network that tries many accounts, or one account that many networks try. */
const attack = fc.record({
  by: fc.constantFrom('network' as const, 'account' as const),
  count: fc.integer({ min: 4, max: 13 }),
  minutesAgo: fc.oneof(fc.integer({ min: 2, max: 50 }), fc.integer({ min: 40, max: 80 })),
  oks: fc.nat(2),
});
const flood = fc.record({
  count: fc.constantFrom(0, 0, 19, 21, 29, 31, 99, 101, 120),
  minutesAgo: fc.constantFrom(1, 3, 4, 6),
  known: fc.boolean(),
  ok: fc.nat(2).map((n) => n === 0),
});
const slot = fc.record({
  days: fc.integer({ min: 0, max: 16 }),
  minute: fc.constantFrom(-5, 0, 5, 30, 55, 60),
  ...{
    tries: fc.constantFrom(0, 5, 33, 40, 80),
    failures: fc.constantFrom(0, 5, 10, 40),
    unknown: fc.constantFrom(0, 2, 7, 30),
  },
});
/** The same on each of so many days: what makes something usual. */
const habit = fc
  .tuple(slot, fc.integer({ min: 0, max: 14 }))
  .map(([one, days]) => Array.from({ length: days }, (_, i) => ({ ...one, days: i + 1 })));

export const worlds: fc.Arbitrary<Traffic> = fc
  .tuple(
    ...([fc.array(oneTry, { maxLength: 12 }), fc.option(attack), flood] as const),
    ...([habit, fc.uniqueArray(slot, { maxLength: 6, selector: (s) => `${s.days} ${s.minute}` })] as const),
    fc.record({ network: few, account: few }),
  )
  .map(([some, attacked, flooded, usual, slots, asked]) => ({
    tries: [...some, ...(attacked ? triesOf(attacked) : []), ...floodOf(flooded)],
    slots: [...new Map([...usual, ...slots].map((s) => [`${s.days} ${s.minute}`, s])).values()],
    asked: attacked?.by === 'network' ? { ...asked, network: 0 } : attacked ? { ...asked, account: 0 } : asked,
  }));

const triesOf = ({
  by,
  count,
  minutesAgo,
  oks,
}: NonNullable<typeof attack extends fc.Arbitrary<infer A> ? A : never>) =>
  Array.from({ length: count }, (_, i) => ({
    ...{ minutesAgo, known: true, ok: i < oks },
    ...(by === 'network' ? { network: 0, account: 100 + i } : { network: 100 + i, account: 0 }),
  }));

const floodOf = ({ count, minutesAgo, known, ok }: typeof flood extends fc.Arbitrary<infer F> ? F : never) =>
  Array.from({ length: count }, (_, i) => ({ minutesAgo, known, ok, network: 1000 + i, account: 1000 + i }));

/** How many of `what` were met by somebody who failed with each try of the last hour. */
function neverIn(tries: Try[], met: (one: Try) => boolean, what: (one: Try) => number | null): number {
  const met60 = tries.filter((one) => one.minutesAgo < 60 && met(one));
  const came = new Set(met60.filter((one) => one.ok).map(what));
  return new Set(met60.map(what).filter((one) => !came.has(one))).size;
}

function median(slots: Slot[], figure: 'tries' | 'failures' | 'unknown'): number {
  const days = Array.from({ length: 14 }, (_, i) =>
    Math.max(0, ...slots.filter((s) => s.days === i + 1 && s.minute >= 0 && s.minute < 60).map((s) => s[figure])),
  ).toSorted((a, b) => a - b);
  return days[6]!; // of an even number the lower one
}

export function unusualIn({ tries, slots, asked }: Traffic): Told[] {
  const told: Told[] = [];
  const tell = (signal: keyof typeof floors, figure: number, usual: number | null = null) => {
    if (figure >= floors[signal] && (usual === null || figure > 3 * usual)) told.push({ signal, figure, usual });
  };
  const { network, account } = asked;
  if (network !== null)
    tell(
      'many_accounts',
      neverIn(
        tries,
        (one) => one.network === network,
        (one) => one.account,
      ),
    );
  if (account !== null)
    tell(
      'many_networks',
      neverIn(
        tries,
        (one) => one.account === account,
        (one) => one.network,
      ),
    );
  const now = tries.filter((one) => one.minutesAgo < 5);
  tell('many_tries', now.length, median(slots, 'tries'));
  tell('many_failures', now.filter((one) => !one.ok).length, median(slots, 'failures'));
  tell('unknown_addresses', now.filter((one) => !one.known).length, median(slots, 'unknown'));
  return told;
}
