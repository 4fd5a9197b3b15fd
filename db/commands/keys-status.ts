import { type Command, print, table } from '../command.ts';
import { ringNames } from '../ring.ts';
import { type Master, masters, ringProblem } from '../rotation.ts';
import { withAdmin, withSite } from '../site.ts';

export const keysStatus: Command = {
  name: 'keys status',
  summary: 'which master keys there are, what stands under them, and when the next one is due',
  usage: '[--json]',
  help: `
  --json  the same as data; names, times and numbers, no key`,
  options: { json: { type: 'boolean' } },
  run: async (input) => {
    const { known, names, problem } = await withSite((site) =>
      withAdmin(site, async (admin) => ({
        known: await masters(admin),
        names: ringNames(site.keys.ring),
        problem: await ringProblem(admin, site.keys.ring),
      })),
    );
    const place = (id: string) => names.indexOf(id) + 1;
    if (input.flag('json'))
      print({
        problem: problem ?? null,
        masters: known.map((one) => ({ ...one, place_in_ring: place(one.id) || null })),
      });
    else print(describe(known, place, problem));
    return problem ? 1 : 0;
  },
};

function describe(known: readonly Master[], place: (id: string) => number, problem: string | undefined): string {
  const head = ['name', 'state', 'added', 'current since', 'due', 'wraps', 'finds', 'place in VITAL_KEYS'];
  const lines = known.map((one) => [
    one.id,
    one.retired_at ? `retired ${day(one.retired_at)}` : one.current ? 'current' : one.current_since ? 'older' : 'added',
    day(one.added_at),
    day(one.current_since),
    day(one.due_at),
    String(one.wraps),
    String(one.indexes),
    place(one.id) ? String(place(one.id)) : '-',
  ]);
  return `${table([head, ...lines])}${problem ? `\n\n${problem}.` : ''}`;
}

const day = (moment: Date | null): string => moment?.toISOString().slice(0, 10) ?? '-';
