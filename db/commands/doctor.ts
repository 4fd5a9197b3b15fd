import { type Command, print, table } from '../command.ts';
import { examine, type Finding } from '../doctor.ts';
import { withAdmin, withSite } from '../site.ts';

export const doctor: Command = {
  name: 'doctor',
  summary: 'look whether the database is as it must be',
  usage: '[--json]',
  help: `
Checks version, settings, migrations, keys, roles, memberships, large objects and the ends of the audit log's chains,
and says what to do about each finding. The exit code is 1 when something is wrong; warnings alone give 0.

  --json  every finding, as data`,
  options: { json: { type: 'boolean' } },
  run: async (input) => {
    const findings = await withSite((site) => withAdmin(site, (admin) => examine(admin, site)));
    print(input.flag('json') ? { healthy: isHealthy(findings), findings } : describe(findings));
    return isHealthy(findings) ? 0 : 1;
  },
};

const isHealthy = (findings: readonly Finding[]): boolean => findings.every((finding) => finding.state !== 'failure');

function describe(findings: readonly Finding[]): string {
  const lines = table(findings.map(({ state, check, finding }) => [state, check, finding]));
  const remedies = new Set(findings.flatMap(({ check, remedy }) => (remedy ? [`${check}: ${remedy}`] : [])));
  return remedies.size === 0 ? lines : `${lines}\n\nWhat to do\n${[...remedies].join('\n')}`;
}
