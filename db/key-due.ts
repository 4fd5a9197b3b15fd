import type pg from 'pg';
import { asOwner } from './owner.ts';

export const DAYS_OF_WARNING = 30;

/** A sentence when the current master key is due within 30 days, or overdue. */
export async function dueSentence(admin: pg.Client): Promise<string | undefined> {
  const query = 'select vault.promoted() as id, vault.days_until_due() as days';
  const { id, days } = await asOwner(admin, async () => (await admin.query(query)).rows[0] as Due);
  if (days === null || days > DAYS_OF_WARNING) return undefined;
  const whole = Math.floor(Math.abs(days));
  const when = days < 0 ? `was due ${plural(whole)} ago` : `is due in ${plural(whole)}`;
  return `The yearly change of master key ${id} ${when}: vitalsync keys add, then keys rotate (docs/dba.md, yearly key change).`;
}

type Due = { id: string | null; days: number | null };
const plural = (days: number): string => `${days} ${days === 1 ? 'day' : 'days'}`;
