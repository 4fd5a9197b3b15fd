// Is this installation as it must be? One finding for each question, with what to do about it.
import type pg from 'pg';
import { drift } from './doctor/drift.ts';
import { erasures } from './doctor/erasures.ts';
import type { Check, Finding } from './doctor/finding.ts';
import { hostName } from './doctor/host.ts';
import { cleared, keys, migrations } from './doctor/installation.ts';
import { masterKeys } from './doctor/keys.ts';
import { chains, checkpoints, months } from './doctor/log.ts';
import { messages } from './doctor/messages.ts';
import { logins, memberships, publicPowers, roleSettings } from './doctor/roles.ts';
import { pooler, settings, surroundings, version } from './doctor/server.ts';
import { spills } from './doctor/spills.ts';
import { traffic } from './doctor/traffic.ts';
import type { Site } from './site.ts';

export type { Finding } from './doctor/finding.ts';

const checks: readonly Check[] = [
  version,
  settings,
  surroundings,
  pooler,
  migrations,
  drift,
  cleared,
  keys,
  masterKeys,
  hostName,
  logins,
  publicPowers,
  memberships,
  roleSettings,
  spills,
  chains,
  checkpoints,
  erasures,
  months,
  messages,
  traffic,
];

/** Every finding, in the order of the checks. `admin` is the administrator's connection. */
export async function examine(admin: pg.Client, site: Site): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const check of checks) findings.push(...(await check(admin, site)));
  return findings;
}
