// Does somebody try to get in? And which networks are refused for it?
import { asOwner } from '../owner.ts';
import { type Check, ok, warn } from './finding.ts';

type Seen = { signal: string; times: number; most: number; since: string };

const words: Record<string, string> = {
  many_tries: 'tries to sign in within five minutes',
  many_failures: 'failures within five minutes',
  unknown_addresses: 'tries within five minutes for addresses that have no account',
  many_accounts: 'accounts tried from one network within an hour',
  many_networks: 'networks that tried one account within an hour',
};

export const traffic: Check = (admin) =>
  asOwner(admin, async () => {
    const { rows } = await admin.query<Seen>(
      `select signal, count(*)::int as times, max(figure) as most, to_char(min(at) at time zone 'UTC', 'HH24:MI') as since
       from ops.unusual where at > clock_timestamp() - interval '1 day' group by signal order by min(at)`,
    );
    const { rows: denied } = await admin.query<{ count: number }>(
      "select count(*)::int as count from ops.networks_in_force where list = 'deny'",
    );
    const refused = denied[0]?.count ? `; ${denied[0].count} denied` : '';
    if (rows.length === 0) return [ok('traffic', `nothing unusual about sign-ins within a day${refused}`)];
    return rows.map(({ signal, times, most, since }) =>
      warn(
        'traffic',
        `${most} ${words[signal] ?? signal}, at most; told ${times === 1 ? 'once' : `${times} times`} since ${since} UTC`,
        'limits hold by themselves; vitalsync networks --check ADDRESS compares addresses of your proxy’s log, --deny refuses one (docs/dba.md)',
      ),
    );
  });
