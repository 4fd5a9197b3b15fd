// Proves that nothing of the plaintext is left: by SQL, and in the raw files where there is a superuser to read them.
import type pg from 'pg';
import { connect } from '../connect.ts';
import { asOwner } from '../owner.ts';
import type { ProgressLine } from '../progress.ts';
import type { Site } from '../site.ts';
import { searchFiles } from './files.ts';
import { type Opened, record } from './seal.ts';
import { columnsOf, levelsOf, pinnedFormats } from './statements.ts';
import { findTable, obstacles, quote } from './table.ts';

/** `unknown`: it couldn't be looked at, and why. */
export type Finding = { check: string; state: 'ok' | 'failure' | 'unknown'; finding: string };

/** The order matters: what is dead is swept away before anybody looks. */
export async function prove(
  site: Site,
  admin: pg.Client,
  plan: Opened,
  bar: ProgressLine,
  superuserUrl?: string,
): Promise<Finding[]> {
  const swept = await sweep(admin, plan);
  const findings = [
    ...(await countRows(admin, plan)),
    await openAgain(site, admin, plan, bar),
    await lookForCopies(admin, plan),
    await lookAtStatistics(site, plan, superuserUrl),
    swept,
    ...(await searchFiles(site, admin, plan, superuserUrl)),
  ];
  const proven = findings.every((one) => one.state !== 'failure');
  await asOwner(admin, async () => {
    const { rows } = await admin.query(
      'update vault.existing_tables set proven_at = case when $2 then clock_timestamp() end where name = $1 returning rows_sealed::int as rows',
      [plan.table.sql, proven],
    );
    await record(admin, plan, proven ? 'success' : 'failure', { step: 'proven', rows: rows[0].rows });
  });
  return findings;
}

/** Rewrites the table, its TOAST and indexes, and the statistics: what was deleted stays in their files otherwise. */
async function sweep(admin: pg.Client, { table, subjectColumn }: Opened): Promise<Finding> {
  await admin
    .query(`alter table ${table.sql} alter vs_id set not null, alter ${quote(subjectColumn)} set not null`)
    .catch(() => undefined);
  let kept = 0;
  const listen = (notice: { detail?: string | undefined }) => {
    kept += Number(/\d+/.exec(notice.detail ?? '')?.[0] ?? 0);
  };
  admin.on('notice', listen);
  try {
    for (let turn = 0; turn < 3; turn++) {
      kept = 0;
      await admin.query(`vacuum (full, verbose) ${table.sql}`);
      if (kept === 0) break;
      await new Promise((later) => setTimeout(later, 1000));
    }
  } finally {
    admin.off('notice', listen);
  }
  await admin.query(`analyze ${table.sql}`);
  await admin.query('vacuum full pg_catalog.pg_statistic');
  if (kept > 0)
    return {
      check: 'vacuum full',
      state: 'failure',
      finding: `${kept} old versions of rows couldn't be removed: a transaction that began before still sees them. End it and run this again`,
    };
  return { check: 'vacuum full', state: 'ok', finding: 'table, TOAST, indexes and statistics were written anew' };
}

async function countRows(admin: pg.Client, plan: Opened): Promise<Finding[]> {
  const { table, sealed } = plan;
  const { rows } = await asOwner(admin, async () => {
    await admin.query('select 1');
    return admin.query<{
      all: number;
      open: number;
      plain: number[];
      values: number[];
      recorded: number;
      expected: number[];
    }>(
      `select count(*)::int as all, count(*) filter (where vs_id is null)::int as open,
              array[${sealed.map((one) => `count(${quote(one.name)})`).join(', ')}]::int[] as plain,
              array[${sealed.map((one) => `count(${quote(one.into)})`).join(', ')}]::int[] as values,
              (select rows_sealed from vault.existing_tables where name = $1)::int as recorded,
              (select array_agg(values_sealed order by position) from vault.existing_columns where table_name = $1)::int[] as expected
       from ${table.sql}`,
      [table.sql],
    );
  });
  const { all, open, plain, values, recorded, expected } = rows[0]!;
  const left = sealed.filter((_, i) => plain[i]! > 0).map((one) => one.name);
  const lost = sealed.filter((_, i) => values[i] !== expected[i]).map((one) => one.name);
  return [
    left.length === 0
      ? { check: 'table', state: 'ok', finding: `no plaintext in ${sealed.map((one) => one.name).join(', ')}` }
      : { check: 'table', state: 'failure', finding: `plaintext is left in ${left.join(', ')}` },
    all === recorded && open === 0 && lost.length === 0
      ? {
          check: 'count',
          state: 'ok',
          finding: `${all} rows, ${values.reduce((sum, n) => sum + n, 0)} values: as many as were sealed`,
        }
      : {
          check: 'count',
          state: 'failure',
          finding: `${recorded} rows were sealed and ${all} are there, ${open} of them open; other numbers of values in: ${lost.join(', ') || 'none'}`,
        },
  ];
}

/** Erasure destroys keys, here as everywhere. */
const hasKeys = ({ subjectColumn }: Opened): string =>
  `exists (select from vault.keys k where k.subject_id = t.${quote(subjectColumn)})`;

/** Every sealed value once more, as it stands on disk now. */
async function openAgain(site: Site, admin: pg.Client, plan: Opened, bar: ProgressLine): Promise<Finding> {
  const { table, subjectColumn } = plan;
  const opened = levelsOf(plan).map((level) => {
    const columns = columnsOf(plan, level);
    const labels = columns.map((one) => admin.escapeLiteral(one.label)).join(', ');
    const sealed = columns.map((one) => `t.${quote(one.into)}`).join(', ');
    return `cardinality(array_remove(vault.open_existing($1, '${level}', t.vs_id, t.${quote(subjectColumn)}, array[${labels}], array[${sealed}]), null))`;
  });
  const { blocks } = await findTable(admin, table.sql);
  const step = 64;
  let [values, erased] = [0, 0];
  try {
    for (let first = 0; first < blocks; first += step) {
      const { rows } = await asOwner(admin, () =>
        admin.query<{ n: number; erased: number }>(
          `select coalesce(sum(case when ${hasKeys(plan)} then ${opened.join(' + ')} end), 0)::int as n,
                  count(*) filter (where not ${hasKeys(plan)})::int as erased
           from ${table.sql} t where t.ctid >= $2::tid and t.ctid < $3::tid`,
          [site.keys.ring, `(${first},0)`, `(${first + step},0)`],
        ),
      );
      values += rows[0]!.n;
      erased += rows[0]!.erased;
      bar.show('blocks opened again', Math.min(first + step, blocks), blocks);
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && /^VS/.test(String(error.code)))) throw error;
    return { check: 'opens', state: 'failure', finding: `a value doesn't open (${error.code})` };
  } finally {
    bar.end();
  }
  const gone = erased > 0 ? `; ${erased} rows are of people whose keys were erased since` : '';
  return { check: 'opens', state: 'ok', finding: `all ${values} sealed values open${gone}` };
}

async function lookForCopies(admin: pg.Client, plan: Opened): Promise<Finding> {
  const found = await obstacles(admin, plan);
  return found.length === 0
    ? {
        check: 'copies',
        state: 'ok',
        finding: 'no index, view, constraint, trigger or statistics object keeps these columns',
      }
    : { check: 'copies', state: 'failure', finding: found.join('; ') };
}

/** pg_stats shows somebody who is under a table's policies nothing: it takes a superuser, or vs_dba with BYPASSRLS. */
async function lookAtStatistics(site: Site, { table, sealed }: Opened, superuserUrl?: string): Promise<Finding> {
  const look = await connect(superuserUrl ?? site.dbaUrl);
  try {
    const { rows } = await look.query<{ name: string; kept: boolean; whole: boolean }>(
      `select a.attname as name, s.attname is not null as seen, (select rolsuper or rolbypassrls from pg_roles where rolname = current_user) as whole,
              coalesce(num_nonnulls(s.most_common_vals, s.histogram_bounds, s.most_common_elems) > 0, false) as kept
       from pg_attribute a left join pg_stats s on (s.schemaname, s.tablename, s.attname) = ($1, $2, a.attname)
       where a.attrelid = $3::oid and a.attname = any ($4)`,
      [table.schema, table.name, table.oid, sealed.map((one) => one.name)],
    );
    const kept = rows.filter((one) => one.kept).map((one) => one.name);
    if (kept.length > 0)
      return { check: 'statistics', state: 'failure', finding: `pg_stats still shows values of ${kept.join(', ')}` };
    if (!rows.every((one) => one.whole))
      return {
        check: 'statistics',
        state: 'unknown',
        finding:
          'vs_dba has no BYPASSRLS here, so pg_stats hides the table: give --files-proof, or see vitalsync doctor',
      };
    return { check: 'statistics', state: 'ok', finding: 'pg_stats shows no value of these columns' };
  } finally {
    await look.end();
  }
}

export const describe = (findings: readonly Finding[]): string[][] =>
  findings.map(({ check, state, finding }) => [
    state === 'ok' ? 'ok' : state === 'failure' ? 'FAILED' : 'not seen',
    check,
    finding,
  ]);

/** The rows of the sample: what to look for in files. As vs_owner. */
export async function sampleOf(site: Site, admin: pg.Client, plan: Opened, most: number): Promise<Map<string, Buffer>> {
  const { table, subjectColumn } = plan;
  const sample = new Map<string, Buffer>();
  for (const level of levelsOf(plan)) {
    const columns = columnsOf(plan, level);
    const sealed = columns.map((one) => `t.${quote(one.into)}`).join(', ');
    const { rows } = await asOwner(admin, async () => {
      await admin.query(pinnedFormats);
      return admin.query<{ opened: (string | null)[] }>(
        `select vault.open_existing($1, '${level}', t.vs_id, t.${quote(subjectColumn)}, $2, array[${sealed}]) as opened
         from ${table.sql} t where ${hasKeys(plan)} order by random() limit $3`,
        [site.keys.ring, columns.map((one) => one.label), Math.ceil(most / columns.length)],
      );
    });
    for (const { opened } of rows)
      for (const [i, text] of opened.entries())
        if (text !== null && Buffer.byteLength(text) >= 6)
          sample.set(`${columns[i]!.name} ${sample.size}`, Buffer.from(text).subarray(0, 64));
  }
  return sample;
}
