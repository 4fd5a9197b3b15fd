import { type Command, print, table } from '../command.ts';
import { CommandError } from '../command-error.ts';
import { type Month, prunableMonths, pruneMonth } from '../prune.ts';
import { withAdmin, withSite } from '../site.ts';
import { untilInterrupted } from '../terminal.ts';

export const auditPrune: Command = {
  name: 'audit prune',
  summary: 'give up the months of the audit log that are older than three years',
  usage: '[--before YYYY-MM] [--dry-run] [--json]',
  help: `
Removes whole months that ended more than three years ago; the database refuses anything younger, and a month of which an
event isn't what was chained. The hashes stay, so the log verifies afterwards, and tells itself what was pruned.
Ctrl-C stops between two months.

  --before   only the months before this one
  --dry-run  only say what would go
  --json     the months, as data`,
  options: { before: { type: 'string' }, 'dry-run': { type: 'boolean' }, json: { type: 'boolean' } },
  run: async (input) => {
    const before = input.text('before');
    if (before !== undefined && !/^\d{4}-(0[1-9]|1[0-2])$/.test(before))
      throw new CommandError(`--before ${before} is no month: write it as 2023-10.`);
    const dry = input.flag('dry-run');
    const gone = await withSite((site) =>
      withAdmin(site, async (admin) => {
        const months = await prunableMonths(admin, before && `${before}-01`);
        if (dry) return months;
        return untilInterrupted(async (stopped) => {
          const done: Month[] = [];
          for (const month of months) {
            if (stopped.aborted) break;
            await pruneMonth(admin, month);
            done.push(month);
            if (!input.flag('json')) print(`${month.month}: ${month.events} events are gone`);
          }
          return done;
        });
      }),
    );
    if (input.flag('json')) print({ pruned: !dry, months: gone });
    else if (gone.length === 0) print('Nothing is older than three years.');
    else if (dry)
      print(
        table([
          ['month', 'events', 'megabytes'],
          ...gone.map((m) => [m.month, `${m.events}`, `${megabytes(m.bytes)}`]),
        ]),
      );
    return 0;
  },
};

const megabytes = (bytes: number): number => Math.round(bytes / 100_000) / 10;
