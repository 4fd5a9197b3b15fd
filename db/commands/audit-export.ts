import { exportLog } from '../audit-log.ts';
import { type Command, print } from '../command.ts';
import { CommandError } from '../command-error.ts';
import { asOwner } from '../owner.ts';
import { withAdmin, withSite } from '../site.ts';

export const auditExport: Command = {
  name: 'audit export',
  summary: 'write the audit log to a directory',
  usage: 'DIR [--json]',
  help: `
Writes leaves.jsonl (every event, a line each) and heads.json (the end of every chain), as they are at one moment.
DIR must not hold an export yet. Keep exports where the people who run the database can't change them: audit verify
--since finds what was cut off after one.

  --json  how much was written`,
  options: { json: { type: 'boolean' } },
  run: async (input) => {
    const [directory] = input.words;
    if (!directory) throw new CommandError('Where to? vitalsync audit export DIR.');
    const oneSnapshot = 'isolation level repeatable read read only';
    const done = await withSite((site) =>
      withAdmin(site, (admin) => asOwner(admin, () => exportLog(admin, directory), oneSnapshot)),
    );
    print(
      input.flag('json')
        ? { directory, ...done }
        : `${done.leaves} events of ${done.lanes} chains are in ${directory}.`,
    );
    return 0;
  },
};
