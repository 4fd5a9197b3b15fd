// Sealing an existing table: set up once, then batch by batch until no row is left.
import type pg from 'pg';
import { CommandError } from '../command-error.ts';
import { asOwner, checkRing, findOrganisation } from '../owner.ts';
import type { ProgressLine } from '../progress.ts';
import type { Site } from '../site.ts';
import { readMap } from './map.ts';
import { openPatients } from './patients.ts';
import { countStrangers, pinnedFormats, sealBatch, setUp } from './statements.ts';
import { findTable, makePlan, obstacles, type Plan } from './table.ts';

export type Opened = Plan & { organisation: string; began: boolean; dropped: boolean };

/** Reads map and table, and what an earlier run left. Errors: everything that a map or a table can have wrong. */
export async function openPlan(site: Site, admin: pg.Client, given: string, mapFile: string): Promise<Opened> {
  const map = readMap(mapFile);
  const table = await findTable(admin, given);
  const answer = await asOwner(admin, () => checkRing(admin, site.keys));
  if (answer !== 'ok') throw new CommandError(`${answer}: put back keys.env from your backup.`);
  const { organisation, before } = await asOwner(admin, async () => {
    const { rows } = await admin.query('select map_digest, dropped_at from vault.existing_tables where name = $1', [
      table.sql,
    ]);
    return { organisation: await findOrganisation(admin, map.organisation), before: rows[0] };
  });
  if (!organisation) throw new CommandError(`organisation: there is no "${map.organisation}": give its exact name.`);
  if (before && !before.map_digest.equals(map.digest))
    throw new CommandError(`${table.sql} was begun with another map: go on with that one.`);
  if (before?.dropped_at)
    throw new CommandError(`${table.sql} is sealed, and its old columns are gone: there is nothing left to do.`);
  return { ...makePlan(map, table, before !== undefined), organisation, began: before !== undefined, dropped: false };
}

/** New columns, nobody writes any more, who may read: all of it, or nothing. */
export async function begin(admin: pg.Client, plan: Opened, ring: string): Promise<void> {
  const inTheWay = await obstacles(admin, plan);
  if (inTheWay.length > 0) throw new CommandError(`${plan.table.sql} can't be sealed yet: ${inTheWay.join('; ')}.`);
  if (plan.began) return;
  const statements = setUp(plan, plan.organisation);
  await admin.query('begin');
  try {
    await admin.query("set local lock_timeout = '30s'");
    for (const statement of statements.asAdministrator) await admin.query(statement);
    await admin.query('set local role vs_owner');
    await admin.query(pinnedFormats);
    await refuseStrangers(admin, plan, ring);
    for (const statement of statements.asOwner) await admin.query(statement);
    await record(admin, plan, 'partial', { step: 'begun' });
    await admin.query('commit');
  } catch (error) {
    await admin.query('rollback');
    throw explain(error, plan);
  }
}

async function refuseStrangers(admin: pg.Client, plan: Opened, ring: string): Promise<void> {
  const { map, table } = plan;
  const { rows } = await admin.query<{ nobody: number; erased: number; strangers: number }>(countStrangers(plan), [
    ring,
    plan.organisation,
  ]);
  const { nobody, erased, strangers } = rows[0]!;
  const what = map.subject.kind;
  if (nobody > 0)
    throw new CommandError(
      `${nobody} rows of ${table.sql} have no ${map.subject.column}, so they are of no ${what}: give them one, or remove them.`,
    );
  // once it has begun nobody could delete them
  if (erased > 0)
    throw new CommandError(
      `${erased} values of ${map.subject.column} are of people who were erased (vitalsync erase --list): delete these rows, which are to be forgotten too.`,
    );
  if (strangers === 0 || map.create) return;
  const remedy =
    what === 'patient'
      ? 'seal the table of patients first, or let the map create them'
      : 'make the accounts with vitalsync account add';
  throw new CommandError(
    `${strangers} values of ${map.subject.column} lead to no ${what} of ${map.organisation}: ${remedy}.`,
  );
}

function explain(error: unknown, { view, table }: Plan): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === '42P07')
    return new CommandError(`clinic.${view} exists already: give the view another name ("view" in the map).`);
  if (code === '42501')
    return new CommandError(
      `The administrator may not alter ${table.sql} or its schema: use a DATABASE_URL that owns both.`,
    );
  if (code === '55P03')
    return new CommandError(
      `${table.sql} is in use: a transaction has held it for 30 seconds. Stop the old application and run this again.`,
    );
  if (code === '22P02') return new CommandError('"record" names a column whose values aren’t ids of patients.');
  return error;
}

/** An event of the log: names and numbers, no values. Inside a transaction as vs_owner. */
export async function record(admin: pg.Client, plan: Opened, outcome: string, details: object): Promise<void> {
  const told = { table: plan.table.sql, columns: plan.sealed.map((one) => one.name), ...details };
  await admin.query(
    "select audit.append(array[null, null, $1, null, null, null, null, null], 'existing.encrypt', 'table', null, null, $2, $3)",
    [plan.organisation, outcome, JSON.stringify(told)],
  );
}

export type Work = { bar: ProgressLine; signal: AbortSignal; blocks: number };

/** Seals what isn't yet; false when it was stopped before the end. Each batch is a transaction. */
export async function sealAll(
  site: Site,
  admin: pg.Client,
  plan: Opened,
  { bar, signal, blocks }: Work,
): Promise<boolean> {
  const patients = await openPatients(site, admin, plan, plan.organisation);
  try {
    const total = plan.table.blocks;
    for (
      let first = await nextBlock(admin, plan, 0);
      first !== undefined;
      first = await nextBlock(admin, plan, first + blocks)
    ) {
      if (signal.aborted) return false;
      const [from, to] = [`(${first},0)`, `(${first + blocks},0)`];
      await patients.take(from, to);
      await sealOne(site, admin, plan, from, to);
      bar.show(`blocks of ${plan.table.sql}`, Math.min(first + blocks, total), total);
    }
    return true;
  } finally {
    bar.end();
    await patients.close();
  }
}

/** The block of the next row to seal. Rows don't move: nobody else writes. */
async function nextBlock(admin: pg.Client, { table }: Plan, from: number): Promise<number | undefined> {
  const { rows } = await asOwner(admin, () =>
    admin.query<{ place: string }>(
      `select t.ctid::text as place from ${table.sql} t where t.ctid >= $1::tid and t.vs_id is null limit 1`,
      [`(${from},0)`],
    ),
  );
  return rows[0] && Number(rows[0].place.slice(1).split(',')[0]);
}

async function sealOne(site: Site, admin: pg.Client, plan: Opened, from: string, to: string): Promise<void> {
  await asOwner(admin, async () => {
    await admin.query(pinnedFormats);
    const values = [site.keys.ring, plan.organisation, from, to];
    const { rows } = await admin.query<{ rows: number; changed: number; values: number[] }>(sealBatch(plan), values);
    const done = rows[0]!;
    if (done.changed > 0)
      throw new CommandError(
        `${done.changed} rows of ${plan.table.sql} have a value whose text isn't read back alike: leave that column out.`,
      );
    await admin.query(
      'update vault.existing_tables set rows_sealed = rows_sealed + $2, proven_at = null where name = $1',
      [plan.table.sql, done.rows],
    );
    await admin.query(
      `update vault.existing_columns c set values_sealed = values_sealed + v.n from unnest($2::int[]) with ordinality v (n, position)
       where c.table_name = $1 and c.position = v.position`,
      [plan.table.sql, done.values],
    );
  });
}
