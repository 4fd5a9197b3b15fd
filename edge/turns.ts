// Who waits for a password to be hashed waits here, in this process, and asks the database for nothing meanwhile.
// How many are hashed at a time is the database's to say (0086_limits.sql); when it says `busy`, whoever has the turn here
// asks again a little later.
//
// 1. Browsers that the account knows have a queue of their own: strangers don't take their places.
// 2. Nobody waits for longer than `patience`; when all places are taken, the answer comes at once.
// 3. One network takes a third of the places of strangers at most.
// 4. A turn that was never given back (its request was cut off, as runtimes may do) ends by itself.
//
// Each one who waits looks for itself, since on workerd no request may wake another.

export type Turns = {
  /** @returns what `work` gave; undefined when there was no turn. `busy` is what work answers while the database has none. */
  take<T>(who: { known: boolean; address: string | null }, work: () => Promise<T | 'busy'>): Promise<T | undefined>;
};

type Ticket = { known: boolean; network: string; until: number; works: boolean };

export function createTurns({ atOnce = 4, places = 30, patience = 10_000, pause = 50 } = {}): Turns {
  /** In the order in which they came. */
  const tickets = new Set<Ticket>();

  const inLane = (known: boolean) => [...tickets].filter((one) => one.known === known);
  const hasPlace = ({ known, network }: Ticket) => {
    const lane = inLane(known);
    return lane.length < places && (known || lane.filter((one) => one.network === network).length < places / 3);
  };
  const isNext = (ticket: Ticket) => {
    const lane = inLane(ticket.known);
    return lane.find((one) => !one.works) === ticket && lane.filter((one) => one.works).length < atOnce;
  };
  /** The database itself waits for no more than 5 s, so what is older was cut off. */
  const clear = () => {
    for (const ticket of tickets) if (ticket.until + patience < Date.now()) tickets.delete(ticket);
  };

  return {
    async take({ known, address }, work) {
      clear();
      const ticket = { known, network: networkOf(address), until: Date.now() + patience, works: false };
      if (!hasPlace(ticket)) return undefined;
      tickets.add(ticket);
      try {
        while (!isNext(ticket)) {
          if (Date.now() > ticket.until) return undefined;
          await rest(pause);
          clear();
        }
        ticket.works = true;
        while (Date.now() <= ticket.until) {
          const result = await work();
          if (result !== 'busy') return result;
          await rest(between(4 * pause, 8 * pause));
        }
        return undefined;
      } finally {
        tickets.delete(ticket);
      }
    },
  };
}

const rest = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** An IPv6 household has a /64: the first four groups. One whose zeros begin before that counts by itself. */
export function networkOf(address: string | null): string {
  if (!address?.includes(':')) return address ?? '';
  const groups = (address.split('::')[0] ?? '').split(':');
  return groups.length >= 4 ? groups.slice(0, 4).join(':') : address;
}

/** Somewhere from `least` up to `most`, so that those who wait don't all come back at once. */
export const between = (least: number, most: number): number =>
  least + ((most - least) * (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0)) / 2 ** 32;
