import { compareWithEarlier, type Problem, type Verified, verifyExport } from '../audit-log.ts';
import { type Command, print, table } from '../command.ts';
import { connect } from '../connect.ts';
import { explainLogin, withSite } from '../site.ts';

export const auditVerify: Command = {
  name: 'audit verify',
  summary: 'verify the audit log, in the database or an export of it',
  usage: '[DIR] [--since OLD] [--json]',
  help: `
Without DIR every chain is verified inside the database, as vs_dba. With DIR an export is verified; that needs neither
database nor keys. The exit code is 1 when something was changed, removed, inserted or put into another order.

  --since OLD  an earlier export: also finds events that were cut off at the end since then
  --json       every problem, as data`,
  options: { since: { type: 'string' }, json: { type: 'boolean' } },
  run: async (input) => {
    const [directory] = input.words;
    const result = directory
      ? await verifyExport(directory, input.text('since'))
      : await verifyDatabase(input.text('since'));
    if (input.flag('json')) print({ intact: result.problems.length === 0, ...result });
    else print(describe(result));
    return result.problems.length === 0 ? 0 : 1;
  },
};

async function verifyDatabase(since?: string): Promise<Verified> {
  return withSite(async (site) => {
    const dba = await connect(site.dbaUrl).catch((error: unknown) => {
      throw explainLogin(error, site.dbaUrl);
    });
    try {
      const found = await dba.query<Problem & { seq: string }>(
        'select organisation_id as organisation, lane, seq, problem from audit.verify_all()',
      );
      const size = await dba.query(
        'select coalesce(sum(seq), 0)::int8 as leaves, count(*) filter (where seq > 0)::int as lanes from audit.lanes',
      );
      return {
        leaves: Number(size.rows[0].leaves),
        lanes: size.rows[0].lanes,
        problems: [
          ...found.rows.map((row) => ({ ...row, seq: Number(row.seq) })),
          ...(since === undefined ? [] : await compareWithEarlier(dba, since)),
        ],
      };
    } finally {
      await dba.end();
    }
  });
}

function describe({ leaves, lanes, problems }: Verified): string {
  if (problems.length === 0) return `The audit log is intact: ${leaves} events in ${lanes} chains.`;
  const rows = problems
    .slice(0, 20)
    .map(({ organisation, lane, seq, problem }) => [organisation, String(lane), String(seq), problem]);
  const more = problems.length > rows.length ? `\n… and ${problems.length - rows.length} more (--json lists all)` : '';
  return `The audit log is NOT intact: ${problems.length} problems.\n\n${table([['organisation', 'lane', 'event', 'problem'], ...rows])}${more}`;
}
