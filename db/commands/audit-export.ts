import { type Command, print } from '../command.ts';
import { CommandError } from '../command-error.ts';
import { exportLog } from '../log/export.ts';
import { sealWith } from '../log/seal.ts';
import { problemOf } from '../log/timer.ts';
import { asOwner } from '../owner.ts';
import { withAdmin, withSite } from '../site.ts';

export const auditExport: Command = {
  name: 'audit export',
  summary: 'write the audit log to a directory',
  usage: 'DIR [--json]',
  help: `
Seals the log and writes it as it is then: leaves.jsonl (every event, a line each), heads.json (the end of every chain),
checkpoint (what was signed) and key.vkey (who signed). The export is itself an event of the log. DIR must not hold an
export yet. Keep exports where the people who run the database can't change them: audit verify --since finds what was
cut off or written anew after one.

  --json  how much was written`,
  options: { json: { type: 'boolean' } },
  run: async (input) => {
    const [directory] = input.words;
    if (!directory) throw new CommandError('Where to? vitalsync audit export DIR.');
    const { done, problem } = await withSite((site) =>
      withAdmin(site, async (admin) => {
        await asOwner(admin, () => admin.query('select audit.note_export()'));
        // a log that can't be sealed is exported all the same: that is when it is looked at most
        const problem = await sealWith(admin, site).then(problemOf, (error: unknown) => {
          if (error instanceof CommandError) return error.message;
          throw error;
        });
        const oneSnapshot = 'isolation level repeatable read read only';
        return { problem, done: await asOwner(admin, () => exportLog(admin, directory, site.keys), oneSnapshot) };
      }),
    );
    if (input.flag('json')) print({ directory, ...done, ...(problem && { problem }) });
    else
      print(
        `${done.leaves} events of ${done.lanes} chains are in ${directory}, ${done.sealed} of them under its checkpoint.`,
      );
    if (problem) process.stderr.write(`${problem}\n`);
    return problem ? 1 : 0;
  },
};
