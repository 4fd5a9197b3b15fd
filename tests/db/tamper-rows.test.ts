// The record changed by hand, past the triggers: every column of every table of store that the log records, and what
// `vitalsync audit verify --live` says of it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { compareRows, type RowProblem } from '../../db/log/rows.ts';
import { sealWith } from '../../db/log/seal.ts';
import { asOwner } from '../../db/owner.ts';
import { refer } from '../support/care.ts';
import { rememberPast } from '../support/past.ts';
import { changesOf, columnsOf, disarm, type Row } from '../support/tamper/changes.ts';
import type { Evidence } from '../support/tamper/evidence.ts';
import { createWorld, type World } from '../support/world.ts';

/** What changes without an event, and why. */
const free: Record<string, Record<string, string>> = {
  patients: { last_activity_at: 'moves with each note and look: the order of lists, and no statement about anybody' },
};

let world: World;
let root: pg.Client;
let dba: pg.Client;
let tables: string[];

beforeAll(async () => {
  world = await createWorld();
  [root, dba] = await Promise.all([connect(world.db.superuserUrl), connect(world.db.dbaUrl)]);
  const edge = await connect(world.db.edgeUrl);
  const me = { token: world.a.clinician.token, ring: world.db.ring };
  await refer(edge, me, world.a.mine, world.a.colleague.account);
  await edge.end();
  await root.query('set session_replication_role = replica');
  const { rows } = await root.query<{ name: string }>(
    `select distinct c.relname as name from pg_trigger t join pg_class c on c.oid = t.tgrelid
     where t.tgfoid = 'audit.tg_row'::regproc and c.relnamespace = 'store'::regnamespace order by 1`,
  );
  tables = rows.map(({ name }) => name);
  for (const table of tables) {
    await disarm(root, `store.${table}`, { keys: false });
    await root.query(`create table public.kept_${table} as select * from store.${table}`);
  }
});
afterAll(async () => {
  await Promise.all([root.end(), dba.end()]);
  await world.close();
});

/** What the comparison says after a change of one table, which is put back then. */
async function rowsAfter(table: string, statement: string): Promise<RowProblem[]> {
  await root.query(statement);
  const { problems } = await compareRows(dba);
  await root.query(`delete from store.${table}; insert into store.${table} select * from public.kept_${table}`);
  return problems;
}

test('the tables of the record are all recorded', async () => {
  const { rows } = await root.query(
    "select relname from pg_class where relnamespace = 'store'::regnamespace and relkind in ('r', 'p')",
  );
  expect(rows.map(({ relname }) => relname).sort()).toEqual(tables);
  expect((await compareRows(dba)).problems).toEqual([]);
});

describe('each change of each column is found, and the row is named,', () => {
  test('in every table', async () => {
    const missed: string[] = [];
    for (const table of tables) {
      const columns = await columnsOf(root, `store.${table}`);
      const fields = columns.map(({ name }) => `${name}::text`).join(', ');
      const { rows } = await root.query<Row>(`select ${fields} from store.${table} order by id limit 2`);
      const [victim, neighbour] = rows;
      if (!victim) {
        missed.push(`${table}: has no row to change`);
        continue;
      }
      const evidence: Evidence = { key: ['id'], place: [['id']], free: free[table] ?? {} };
      for (const { title, statement } of changesOf(`store.${table}`, evidence, columns, victim, neighbour)) {
        if (/there twice|^id (is gone|is exchanged)/.test(title)) continue; // the key refuses it
        const found = await rowsAfter(table, statement);
        const named = found.some(
          (one) => one.table === `store.${table}` && [victim.id, neighbour?.id].includes(one.id),
        );
        if (!named) missed.push(`${table}: ${title}`);
      }
    }
    expect(missed).toEqual([]);
  }, 120_000);
});

test('a row that nobody recorded is found', async () => {
  const other =
    'select (jsonb_populate_record(n, jsonb_build_object($$id$$, gen_random_uuid()))).* from store.notes n limit 1';
  const [found] = await rowsAfter('notes', `insert into store.notes ${other}`);
  expect(found).toMatchObject({ table: 'store.notes', problem: 'no event says where the row comes from' });
});

test('rows whose last events were pruned are told apart, and the others are compared as before', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'vs-tamper-rows-'));
  await rememberPast(root, '2020-03-01');
  await sealWith(world.db.admin, { directory, keys: world.db.keys });
  await asOwner(world.db.admin, () => world.db.admin.query("select audit.prune_month('2020-03-01')"));
  rmSync(directory, { recursive: true });
  // as if the month of this note's event had been pruned
  const { rows } = await root.query<{ id: string }>('select id from store.notes order by id limit 2');
  await root.query("delete from audit.events where resource_id = $1 and event like 'row.%'", [rows[0]!.id]);
  expect(await compareRows(dba)).toMatchObject({ problems: [], older: 1 });
  const found = await rowsAfter('notes', `update store.notes set subjective = sha256('x') where id = '${rows[1]!.id}'`);
  expect(found).toMatchObject([{ table: 'store.notes', id: rows[1]!.id }]);
});
