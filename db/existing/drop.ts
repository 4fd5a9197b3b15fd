// The end of the old columns, when the proof has held.
import type pg from 'pg';
import { CommandError } from '../command-error.ts';
import { type Opened, record } from './seal.ts';
import { obstacles, quote } from './table.ts';

/** Nothing goes with them: what still depends on a column stops it. */
export async function dropPlaintext(admin: pg.Client, plan: Opened): Promise<void> {
  const { table, sealed } = plan;
  await admin.query('begin');
  try {
    await admin.query("set local lock_timeout = '30s'");
    await admin.query(`lock table ${table.sql} in access exclusive mode`);
    const inTheWay = await obstacles(admin, plan);
    if (inTheWay.length > 0) throw new CommandError(`The old columns of ${table.sql} stay: ${inTheWay.join('; ')}.`);
    await admin.query('set local role vs_owner');
    const left = sealed.map((one) => `${quote(one.name)} is not null`).join(' or ');
    const { rows } = await admin.query(
      `select exists (select from ${table.sql} where ${left} or vs_id is null) as left`,
    );
    if (rows[0].left)
      throw new CommandError(
        `The old columns of ${table.sql} stay: something was written to them since. Run this again.`,
      );
    await admin.query('update vault.existing_tables set dropped_at = clock_timestamp() where name = $1', [table.sql]);
    await record(admin, plan, 'success', { step: 'dropped' });
    await admin.query('reset role');
    await admin.query(`alter table ${table.sql} ${sealed.map((one) => `drop column ${quote(one.name)}`).join(', ')}`);
    await admin.query('commit');
  } catch (error) {
    await admin.query('rollback');
    throw error;
  }
}
