// What `vitalsync doctor` says about master keys, beyond whether the ring opens what is here.
import type pg from 'pg';
import { dueSentence } from '../key-due.ts';
import { ringNames } from '../ring.ts';
import { masters } from '../rotation.ts';
import type { Site } from '../site.ts';
import { type Finding, ok, warn as warnOf } from './finding.ts';

export async function masterKeys(admin: pg.Client, site: Site): Promise<Finding[]> {
  const known = await masters(admin);
  const current = known.find((one) => one.current);
  const names = ringNames(site.keys.ring);
  const left = known.filter((one) => !one.current).reduce((sum, one) => sum + one.wraps + one.indexes, 0);
  const due = await dueSentence(admin);
  const warn = (finding: string, remedy: string) => warnOf('master keys', finding, remedy);
  const found = [
    due && warn(due, 'vitalsync keys add, then vitalsync keys rotate'),
    current &&
      names[0] !== current.id &&
      warn(`VITAL_KEYS has ${names[0]} first, and everything shall stand under ${current.id}`, 'put that one first'),
    current &&
      left > 0 &&
      warn(
        `${left} keys and indexes stand under another master key than ${current.id}`,
        `vitalsync keys rotate --to ${current.id}`,
      ),
    ...known
      .filter((one) => one.retired_at && names.includes(one.id))
      .map((one) =>
        warn(`VITAL_KEYS still has ${one.id}, which is retired`, `vitalsync keys retire ${one.id} takes it out`),
      ),
  ].filter((finding) => finding !== undefined && finding !== false && finding !== '');
  if (found.length > 0) return found as Finding[];
  const until = current?.due_at?.toISOString().slice(0, 10);
  return [ok('master keys', `everything stands under ${current?.id}, due on ${until}`)];
}
