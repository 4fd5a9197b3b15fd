// The raw files, as whoever steals the disk reads them: a sample of what was sealed is looked for in them.
import type pg from 'pg';
import { connect, withDatabase } from '../connect.ts';
import type { Site } from '../site.ts';
import { Needles } from './needles.ts';
import { type Finding, sampleOf } from './proof.ts';
import type { Opened } from './seal.ts';

const PIECE = 8 * 1024 * 1024;
const MOST = 400;
/** Of other tables, bytes that are looked at at most. */
const ELSEWHERE = 2 * 1024 * 1024 * 1024;

type File = { path: string; size: string; owner: string; own: boolean };

/** Errors: none; what a login may not see is a finding. */
export async function searchFiles(
  site: Site,
  admin: pg.Client,
  plan: Opened,
  superuserUrl?: string,
): Promise<Finding[]> {
  const unseen = (why: string): Finding[] => [
    {
      check: 'files',
      state: 'unknown',
      finding: `${why}: give --files-proof a superuser's URL to have the raw files searched`,
    },
  ];
  if (!superuserUrl) return unseen("the administrator isn't superuser");
  const sample = await sampleOf(site, admin, plan, MOST);
  if (sample.size === 0) return unseen('no value is long enough to be looked for');
  const root = await connect(superuserUrl);
  try {
    await root.query('checkpoint');
    return await search(root, plan, new Needles(sample));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === '42501')
      return unseen('this login may not read files');
    throw error;
  } finally {
    await root.end();
  }
}

async function search(root: pg.Client, plan: Opened, needles: Needles): Promise<Finding[]> {
  const files = await listFiles(root, plan.table.oid);
  const [own, elsewhere] = [new Set<string>(), new Set<string>()];
  let [read, looked] = [0, 0];
  for (const file of files) {
    if (!file.own && read > ELSEWHERE) continue;
    const found = await needles.findInPieces(pieces(root, file.path, Number(file.size)));
    if (found.size > 0) (file.own ? own : elsewhere).add(file.owner);
    read += Number(file.size);
    looked++;
  }
  const names = [...own].join(', ');
  const findings: Finding[] = [
    own.size === 0
      ? {
          check: 'files',
          state: 'ok',
          finding: `none of ${needles.size} values stands in the files of the table, its TOAST, its indexes or the statistics`,
        }
      : { check: 'files', state: 'failure', finding: `values stand in the files of ${names}` },
  ];
  if (elsewhere.size > 0)
    findings.push({
      check: 'elsewhere',
      state: 'unknown',
      finding: `values stand in other tables too, which this map isn't about: ${[...elsewhere].join(', ')}`,
    });
  if (looked < files.length)
    findings.push({
      check: 'elsewhere',
      state: 'unknown',
      finding: `${files.length - looked} files of other tables weren't looked at`,
    });
  return [...findings, await searchLog(root, needles)];
}

/** Every file of this database, and what it belongs to; those of the table first. */
async function listFiles(root: pg.Client, table: number): Promise<File[]> {
  const { rows } = await root.query<File>(
    `with own as (
       select c.oid from pg_class c where c.oid in ($1::oid, 'pg_statistic'::regclass)
       union select reltoastrelid from pg_class where oid in ($1::oid, 'pg_statistic'::regclass) and reltoastrelid <> 0),
     mine as (select oid from own union select indexrelid from pg_index where indrelid in (select oid from own)),
     relations as (
       select c.oid, c.oid::regclass::text as owner, pg_relation_filepath(c.oid) as path, c.oid in (select oid from mine) as own
       from pg_class c where c.relkind in ('r', 't', 'i', 'm') and pg_relation_filepath(c.oid) is not null)
     select path || case when n = 0 then '' else '.' || n end as path, s.size, r.owner, r.own
     from relations r cross join lateral generate_series(0, (pg_relation_size(r.oid) / 1073741824)::int) n
     cross join lateral pg_stat_file(path || case when n = 0 then '' else '.' || n end, true) s
     where s.size > 0 order by r.own desc, s.size`,
    [table],
  );
  return rows;
}

async function* pieces(root: pg.Client, path: string, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < size; at += PIECE) {
    // as bytes: as text it would be twice as long
    const { rows } = await root.query<{ piece: Buffer | null }>({
      text: 'select pg_read_binary_file($1, $2, $3, true) as piece',
      values: [path, at, PIECE],
      binary: true,
      types: { getTypeParser: () => (bytes: Buffer) => bytes },
    } as pg.QueryConfig);
    if (!rows[0]?.piece) return; // dropped meanwhile
    yield rows[0].piece;
  }
}

/** The write-ahead log tells what was written before, and nothing but time takes it away. */
async function searchLog(root: pg.Client, needles: Needles): Promise<Finding> {
  const { rows } = await root.query<{ path: string; size: string }>(
    "select 'pg_wal/' || name as path, size from pg_ls_waldir() order by modification desc limit 32",
  );
  let holding = 0;
  for (const { path, size } of rows) {
    const found = await needles.findInPieces(pieces(root, path, Number(size)));
    if (found.size > 0) holding++;
  }
  const rest = 'Backups, archived WAL and replicas of before hold it as long as you keep them';
  return holding === 0
    ? { check: 'WAL', state: 'ok', finding: `none of it in the ${rows.length} newest segments. ${rest}` }
    : {
        check: 'WAL',
        state: 'unknown',
        finding: `${holding} of the ${rows.length} newest segments still hold what was written before, until Postgres uses them again. ${rest}`,
      };
}

/** A superuser on the database of this installation: the one that was given, the administrator, or the embedded one. */
export async function findSuperuser(
  site: Site,
  admin: pg.Client,
  given: string | undefined,
): Promise<string | undefined> {
  if (given) return given;
  const { rows } = await admin.query(
    'select rolsuper, current_database() as database from pg_roles where rolname = current_user',
  );
  if (rows[0].rolsuper) return site.adminUrl;
  return site.embedded && withDatabase(site.embedded.superuserUrl, rows[0].database);
}
