import { type Command, print } from '../command.ts';
import { outsideDirectory } from '../log/outside.ts';
import { type Sealed, sealOnce } from '../log/seal.ts';
import { keepSealing, problemOf } from '../log/timer.ts';
import { clearToServe, keepServing } from '../service.ts';
import { type Site, withAdmin, withSite } from '../site.ts';

export const auditSeal: Command = {
  name: 'audit seal',
  summary: 'sign what the audit log says now, and keep it outside of the database',
  usage: '[--watch] [--adopt] [--json]',
  help: `
New events join the Merkle log, whose root is signed as a checkpoint with VITAL_SIGNING_KEY. Before that, the log is
compared with the last checkpoint that is outside: one that went back, or whose history was written anew, is refused.
vitalsync start does this every minute; where the pages run elsewhere, let a timer do it (docs/dba.md). A database that was
restarted or restored is cleared to serve as well: erasures of after the backup are done again.

  --watch  go on, every minute or 10,000 events, until Ctrl-C
  --adopt  the record outside was lost: begin it anew from what the database says
  --json   what was sealed, as data

  VITAL_WITNESS_DIR   where checkpoints go: storage that the people who run the database can't change
  VITAL_WITNESS_URL   a witness that cosigns them (C2SP tlog-witness), and VITAL_WITNESS_KEY, its verifier key
  VITAL_ORIGIN        what the log is called when it begins, like practice.example/log`,
  options: { watch: { type: 'boolean' }, adopt: { type: 'boolean' }, json: { type: 'boolean' } },
  run: (input) =>
    withSite(async (site) => {
      if (input.flag('watch')) return watch(site);
      const adopt = input.flag('adopt');
      await withAdmin(site, (admin) => clearToServe(site, admin, { adopt }));
      const sealed = await sealOnce(site, { adopt });
      const problem = problemOf(sealed);
      if (input.flag('json')) print({ ...sealed, checkpoint: sealed.checkpoint?.note, ...(problem && { problem }) });
      else print(describe(sealed, outsideDirectory(site)));
      if (problem) process.stderr.write(`${problem}\n`);
      return problem ? 1 : 0;
    }),
};

/** What one round has done, in a line. */
function describe({ state, origin, size, joined, checkpoint }: Sealed, directory: string): string {
  if (state === 'empty') return 'There is no event to seal yet.';
  const by = (checkpoint?.note.split('\n— ').length ?? 0) > 2 ? ', cosigned by a witness' : '';
  return state === 'signed'
    ? `Signed: ${origin} has ${size} events, ${joined} of them new${by}. The checkpoint is in ${directory}.`
    : `Nothing new: the checkpoint of ${origin} at ${size} events stands${by}.`;
}

async function watch(site: Site): Promise<number> {
  const told = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => resolve());
  });
  const sealing = keepSealing(site, {
    sealed: (result) => {
      if (result.state === 'signed') print(describe(result, outsideDirectory(site)));
    },
    told: (problem) => process.stderr.write(`${problem ?? 'Sealing works again.'}\n`),
  });
  const serving = keepServing(site);
  await Promise.race([told, site.embedded?.lost ?? told]);
  await sealing.stop();
  await serving.stop();
  return 0;
}
