// Promise 6, attacked: a superuser whom no trigger, key or check hinders changes the log's tables by hand. What is tried comes
// from the catalog, every kind of change × every column, so that a new column or table can't be forgotten.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { sealWith } from '../../db/log/seal.ts';
import { verifyLog } from '../../db/log/verify-live.ts';
import { asOwner } from '../../db/owner.ts';
import { rememberPast } from '../support/past.ts';
import { type Change, changesOf, columnsOf, disarm, type Row } from '../support/tamper/changes.ts';
import { evidence, noEvidence } from '../support/tamper/evidence.ts';
import { connectEdge, createWorld, type Entry, openPatient, type World } from '../support/world.ts';

/** Place and sentence in one text, as the command prints them. */
type Told = string;

let world: World;
let root: pg.Client;
const directory = mkdtempSync(join(tmpdir(), 'vs-tamper-'));
const tables = Object.keys(evidence);

beforeAll(async () => {
  world = await createWorld();
  const edge = await connectEdge(world.db);
  const me: Entry = { token: world.a.clinician.token, ring: world.db.ring };
  for (let i = 0; i < 150; i += 1) await openPatient(edge, me, world.a.mine);
  root = await connect(world.db.superuserUrl);
  await root.query('set session_replication_role = replica');
  await rememberPast(root, longAgo);
  await sealWith(world.db.admin, site());
  await asOwner(world.db.admin, () => world.db.admin.query('select audit.prune_month($1)', [longAgo]));
  for (let i = 0; i < 150; i += 1) await openPatient(edge, me, world.a.mine);
  await edge.end();
  await sealWith(world.db.admin, site());
  for (const table of tables) await disarm(root, `audit.${table}`);
}, 60_000);
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await root.end();
  await world.close();
});

const site = () => ({ directory, keys: world.db.keys });
const longAgo = '2020-03-01';

/** What `vitalsync audit verify --live` says of the log, the checkpoints and what stands outside. */
async function verification(): Promise<Told[]> {
  const { problems } = await verifyLog(root, site(), true);
  return problems.map(({ organisation, lane, seq, problem }) => `${organisation} ${lane} ${seq} ${problem}`);
}

/** What verification says after a change, which is taken back then. */
async function saidAfter(...statements: string[]): Promise<Told[]> {
  await root.query('begin');
  try {
    for (const statement of statements) await root.query(statement);
    await root.query('savepoint changed');
    return await verification().catch((error: Error) => [`it can't be read: ${error.message}`]);
  } finally {
    await root.query('rollback');
  }
}

/** Two rows of the table, one after the other, not the first and not the last. */
async function twoRows(table: string): Promise<[Row, Row | undefined]> {
  const { key } = evidence[table]!;
  const places = key.map((column) => `t.${column}`).join(', ');
  const columns = (await columnsOf(root, `audit.${table}`)).map(({ name }) => `${name}::text`).join(', ');
  const where: Record<string, string> = {
    events: "organisation_id = $1 and event = 'patient.read' and seq > 2",
    leaves: 'organisation_id = $1 and seq > 2',
    lanes: 'organisation_id = $1 and seq > 2',
    log: 'organisation_id = $1 and seq > 2',
  };
  const { rows } = await root.query<Row>(
    `select ${columns} from audit.${table} t where ${where[table] ?? '$1::uuid is not null'} order by ${places} limit 2`,
    [world.a.organisation],
  );
  return [rows[0]!, rows[1]];
}

test('what is not touched verifies', async () => {
  expect(await verification()).toEqual([]);
});

test('every table of the schema is evidence, or known not to be', async () => {
  const { rows } = await root.query<{ name: string }>(
    "select relname as name from pg_class where relnamespace = 'audit'::regnamespace and relkind in ('r', 'p') and not relispartition order by 1",
  );
  expect(rows.map(({ name }) => name)).toEqual([...tables, ...Object.keys(noEvidence)].sort());
});

describe.each(tables)('in audit.%s', (table) => {
  test('each change is found, and its place is named', async () => {
    const { place, says = /./ } = evidence[table]!;
    const [victim, neighbour] = await twoRows(table);
    const changes = changesOf(
      `audit.${table}`,
      evidence[table]!,
      await columnsOf(root, `audit.${table}`),
      victim,
      neighbour,
    );
    expect(changes.length).toBeGreaterThan(3);
    const missed: { title: string; told?: Told[] }[] = [];
    for (const { title, statement } of changes as Change[]) {
      const told = await saidAfter(statement);
      // where a row is gone, or stands for another one, the one after it tells
      const named = [victim, neighbour ?? victim].some((row) =>
        told.some(
          (one) => says.test(one) && place.some((way) => way.every((column) => one.split(' ').includes(row[column]!))),
        ),
      );
      if (told.length === 0) missed.push({ title });
      else if (!named && !title.startsWith('every'))
        missed.push({ title: `${title}: where it is isn't said`, told: told.slice(0, 3) });
    }
    expect(missed).toEqual([]);
  }, 60_000);
});

describe('a history that is whole in itself', () => {
  /** The clinician's longest lane. */
  const lane = async () => {
    const { rows } = await root.query<{ organisation_id: string; lane: number; seq: string }>(
      'select organisation_id, lane, seq from audit.lanes where organisation_id = $1 order by seq desc limit 1',
      [world.a.organisation],
    );
    const { organisation_id, lane, seq } = rows[0]!;
    return {
      words: `${organisation_id} ${lane}`,
      here: `organisation_id = '${organisation_id}' and lane = ${lane}`,
      seq,
    };
  };
  const rewriteChain = (here: string) => `do $$ declare e audit.events; before bytea; begin
    for e in select * from audit.events where ${here} and seq >= 3 order by seq loop
      select hash into before from audit.leaves where ${here} and seq = e.seq - 1;
      if e.seq = 3 then e.actor_role := 'secretary'; end if;
      e.leaf := audit.leaf(e, before);
      update audit.events set actor_role = e.actor_role, leaf = e.leaf where ${here} and seq = e.seq;
      update audit.leaves set hash = sha256(convert_to(e.leaf, 'UTF8')) where ${here} and seq = e.seq;
      update audit.lanes set head = sha256(convert_to(e.leaf, 'UTF8')) where ${here};
    end loop;
  end $$`;
  const rewriteLog = [
    `update audit.log l set hash = audit.leaf_hash(e.leaf) from audit.events e
     where (e.organisation_id, e.lane, e.seq) = (l.organisation_id, l.lane, l.seq)`,
    'delete from audit.nodes',
    'select audit.complete_nodes(1, 0, audit.log_size(1))',
    'update audit.checkpoints set root = audit.root(size, 1)',
  ];
  const cutTail = (here: string, seq: string) => [
    `delete from audit.events where ${here} and seq = ${seq}`,
    `delete from audit.leaves where ${here} and seq = ${seq}`,
    `update audit.lanes x set seq = seq - 1, head = (select hash from audit.leaves where ${here} and seq = ${seq} - 1) where ${here}`,
  ];

  test('but ends earlier, is found in the log', async () => {
    const { words, here, seq } = await lane();
    const told = await saidAfter(...cutTail(here, seq));
    expect(told).toEqual([expect.stringMatching(`^${words} ${seq} an event that joined the log is missing`)]);
  });

  test('but lacks a lane, is found in the log', async () => {
    const { words, here } = await lane();
    const told = await saidAfter(
      ...['events', 'leaves', 'lanes'].map((table) => `delete from audit.${table} where ${here}`),
    );
    expect(told.length).toBeGreaterThan(10);
    for (const one of told) expect(one).toMatch(`${words} `);
  });

  test('but was chained anew from one event on, is found in the log, at that event', async () => {
    const { words, here } = await lane();
    const [first] = await saidAfter(rewriteChain(here));
    expect(first).toMatch(`${words} 3 the log holds another hash`);
  });

  test('with its log and its tree written anew, is not what was signed', async () => {
    const { here } = await lane();
    const told = await saidAfter(rewriteChain(here), ...rewriteLog);
    expect(told).toContainEqual(expect.stringMatching(/the checkpoint of size \d+ /));
    expect(told).toContainEqual(expect.stringMatching(/the first \d+ leaves are not those that were signed/));
  });

  test('without its checkpoints either, is not what stands outside', async () => {
    const { here } = await lane();
    const told = await saidAfter(rewriteChain(here), ...rewriteLog, 'delete from audit.checkpoints');
    expect(told).toContainEqual(expect.stringMatching(/the first \d+ leaves are not those that were signed/));
  });

  test('of an earlier day, is not what stands outside', async () => {
    const { rows } = await root.query<{ size: string }>('select min(size) as size from audit.checkpoints');
    const gone = `(select organisation_id, lane, seq from audit.log where leaf_index >= ${rows[0]!.size})`;
    const told = await saidAfter(
      ...['events', 'leaves'].map(
        (table) => `delete from audit.${table} where (organisation_id, lane, seq) in ${gone}`,
      ),
      'delete from audit.pruned',
      'update audit.lanes x set seq = 0',
      `update audit.lanes x set seq = f.seq, head = f.hash from audit.leaves f
       where (f.organisation_id, f.lane) = (x.organisation_id, x.lane)
         and f.seq = (select max(g.seq) from audit.leaves g where (g.organisation_id, g.lane) = (x.organisation_id, x.lane))`,
      `delete from audit.log where leaf_index >= ${rows[0]!.size}`,
      'delete from audit.nodes',
      'select audit.complete_nodes(1, 0, audit.log_size(1))',
      `delete from audit.checkpoints where size > ${rows[0]!.size}`,
    );
    expect(told).toContainEqual(expect.stringMatching(/the log ends at \d+, and a checkpoint of size \d+ was signed/));
  });
});

describe('the first ten events of a lane are gone, and called pruned', () => {
  /** As audit.prune_month would have left it: a record, and an event that covers it. */
  const pruned = (until: string, at: string) => `do $$ declare e audit.events; l record; n int := 10; begin
    select * into l from audit.lanes x where x.organisation_id = '${world.a.organisation}' and x.seq > n + 1 order by x.seq desc limit 1;
    delete from audit.events v where (v.organisation_id, v.lane) = (l.organisation_id, l.lane) and v.seq <= n;
    insert into audit.pruned select x.organisation_id, x.lane, 1, n, '${until}', x.hash from audit.leaves x
    where (x.organisation_id, x.lane, x.seq) = (l.organisation_id, l.lane, n);
    e.id := gen_random_uuid(); e.organisation_id := l.organisation_id; e.lane := l.lane; e.seq := l.seq + 1; e.at := ${at};
    e.event := 'log.prune'; e.resource_type := 'AuditEvent'; e.actor_role := 'owner'; e.outcome := 'success';
    e.details := json_build_object('month', '${until.slice(0, 7)}', 'events', n, 'digest', audit.prune_digest(l.organisation_id));
    e.leaf := audit.leaf(e, l.head);
    insert into audit.events values (e.*);
    insert into audit.leaves values (e.organisation_id, e.lane, e.seq, sha256(convert_to(e.leaf, 'UTF8')));
    update audit.lanes x set seq = e.seq, head = sha256(convert_to(e.leaf, 'UTF8')) where (x.organisation_id, x.lane) = (e.organisation_id, e.lane);
  end $$`;
  const month = new Date().toISOString().slice(0, 7);

  test.each([
    ['as events of long ago', '2020-04-01', 'clock_timestamp()'],
    ['by an event of a time to come', `${month}-01`, "clock_timestamp() + interval '4 years'"],
  ])('%s', async (_, until, at) => {
    const said = await saidAfter(pruned(`${until} 00:00+00`, at));
    expect(said).toContainEqual(expect.stringMatching(new RegExp(`^${world.a.organisation} \\d+ \\d+ .*pruned`)));
  });

  test('as events of long ago, of a practice that is older', async () => {
    const { rows } = await root.query<{ id: string }>('select organisation_id as id from audit.pruned');
    const organisation = rows[0]!.id;
    const said = await saidAfter(
      // the event of today that told of the pruning, which joined the log after many others of today were signed
      `insert into audit.pruned select l.organisation_id, l.lane, 1, 1, '2020-05-01 00:00+00', l.hash from audit.leaves l
       where l.organisation_id = '${organisation}' and l.lane > 0`,
      `delete from audit.events where organisation_id = '${organisation}' and lane > 0`,
      `select audit.append(array[null, null, '${organisation}', null, null, null, null, null], 'log.prune', 'AuditEvent', null, null, 'success',
       json_build_object('month', '2020-04', 'events', 5, 'digest', audit.prune_digest('${organisation}'))::text)`,
    );
    expect(said).toEqual([
      expect.stringMatching(
        new RegExp(`^${organisation} \\d+ 1 what was pruned here joined the log long after its month`),
      ),
    ]);
  });
});
