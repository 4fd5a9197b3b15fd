// Promise 6 in the running database: `vitalsync audit verify --live`. db/log/verify-live.ts, db/log/rows.ts; hardening rule 14.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { signNote } from '../../db/log/note.ts';
import { listCheckpoints, readSigned } from '../../db/log/outside.ts';
import { compareRows, type RowProblem } from '../../db/log/rows.ts';
import { sealWith } from '../../db/log/seal.ts';
import { verifyLog } from '../../db/log/verify-live.ts';
import { asOwner } from '../../db/owner.ts';
import { connectEdge, createWorld, type Entry, inTransaction, openPatient, type World } from '../support/world.ts';

let world: World;
let edge: pg.Client;
/** Each backend writes into a lane of its own: some of them fill several. */
let edges: pg.Client[];
/** A superuser with every trigger disabled. */
let root: pg.Client;
let dba: pg.Client;
const directory = mkdtempSync(join(tmpdir(), 'vs-live-'));
let place: { directory: string; keys: World['db']['keys'] };

beforeAll(async () => {
  world = await createWorld();
  place = { directory, keys: world.db.keys };
  [edge, root, dba] = await Promise.all([
    connectEdge(world.db),
    connect(world.db.superuserUrl),
    connect(world.db.dbaUrl),
  ]);
  edges = await Promise.all([1, 2, 3, 4].map(() => connectEdge(world.db)));
  await root.query('set session_replication_role = replica');
  const me: Entry = { token: world.a.clinician.token, ring: world.db.ring };
  for (let round = 0; round < 3; round += 1) {
    for (let i = 0; i < 12; i += 1) await openPatient(edges[i % 4]!, me, world.a.mine);
    await sealWith(world.db.admin, place);
  }
});
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await Promise.all([edge, root, dba, ...edges].map((client) => client.end()));
  await world.close();
});

/** What verification says after these statements, which are taken back then. Their work is seen by this connection alone. */
async function saidAfter(...statements: string[]): Promise<string[]> {
  await root.query('begin');
  for (const statement of statements) await root.query(statement);
  const { problems } = await verifyLog(root, place, true);
  await root.query('rollback');
  return problems.map(({ seq, problem }) => `${seq}: ${problem}`);
}
const treeAnew = ['delete from audit.nodes', 'select audit.complete_nodes(1, 0, audit.log_size(1))'];

test('what is as it was left is intact, for the DBA too', async () => {
  expect(await verifyLog(dba, place, true)).toMatchObject({ problems: [], notices: [] });
  expect(await compareRows(dba)).toMatchObject({ problems: [] });
  expect((await compareRows(dba)).rows).toBeGreaterThan(40);
});

describe('finds, with its place,', () => {
  const changes: [string, string, RegExp][] = [
    ["hash = sha256('x')", 'audit.log', /^\d+: the log holds another hash than the event's$/],
    ['leaf_index = leaf_index + 100000', 'audit.log', /^\d+: \d+ leaves of the log before this one are missing$/],
    ['generation = 7', 'audit.log', /^\d+: 1 leaves of the log before this one are missing$/],
    ['organisation_id = gen_random_uuid()', 'audit.log', /^\d+: an event that joined the log is missing$/],
    ['lane = 99', 'audit.log', /^\d+: an event that joined the log is missing$/],
    ['seq = seq + 100000', 'audit.log', /^\d+: an event that joined the log is missing$/],
  ];
  test.each(changes)('a leaf of the log with another %s', async (change, table, said) => {
    expect(await saidAfter(`update ${table} set ${change} where leaf_index = 8`)).toContainEqual(
      expect.stringMatching(said),
    );
  });

  test.each([
    ["hash = sha256('x')", '16'],
    ['level = 8', '16'],
    ['node_index = 99', '16'],
    ['generation = 7', '16'],
  ])('a stored subtree with another %s', async (change, at) => {
    expect(await saidAfter(`update audit.nodes set ${change} where level = 4 and node_index = 1`)).toContainEqual(
      expect.stringMatching(new RegExp(`^${at}: the hash of the (16|256) leaves from here isn't the one stored$`)),
    );
  });

  test('a subtree that was taken away', async () => {
    expect(await saidAfter('delete from audit.nodes where node_index = 0')).toContainEqual(
      "0: the hash of the 16 leaves from here isn't the one stored",
    );
  });

  test.each([
    "root = sha256('x')",
    'size = size - 1',
    'generation = 7',
    "note = replace(note, E'\\n\\n', E'x\\n\\n')",
    "note = ''",
  ])('a checkpoint with another %s', async (change) => {
    const sizes = listCheckpoints(join(directory, 'witness')).map((file) => Number(file.slice(-20)));
    const said = await saidAfter(`update audit.checkpoints set ${change} where size = ${sizes[1]}`);
    expect(said).toContainEqual(
      expect.stringMatching(new RegExp(`^(${sizes[1]}|${sizes[1]! - 1}): the checkpoint of size`)),
    );
  });

  test('a log with another name', async () => {
    expect(await saidAfter("update audit.log_origins set origin = 'other.example'")).toContainEqual(
      expect.stringMatching(/^\d+: the log is called other.example, and what is outside is of/),
    );
  });

  test('an event that was changed with everything inside made to fit, by what is outside', async () => {
    const said = await saidAfter(
      "update audit.log set hash = sha256('x') where leaf_index = 2",
      ...treeAnew,
      'update audit.checkpoints set root = audit.root(size)',
    );
    const [size] = listCheckpoints(join(directory, 'witness')).map((file) => Number(file.slice(-20)));
    expect(said).toContainEqual(expect.stringMatching(/^\d+: the first \d+ leaves are not those that were signed$/));
    expect(said).toContainEqual(
      expect.stringMatching(new RegExp(`^${size}: the log isn't the one of which .*${size} was signed$`)),
    );
  });

  test('a log whose end was cut off with everything of it', async () => {
    const said = await saidAfter(
      `with last as (select * from audit.log order by leaf_index desc limit 1),
            a as (delete from audit.events e using last l where (e.organisation_id, e.lane, e.seq) = (l.organisation_id, l.lane, l.seq)),
            b as (delete from audit.leaves e using last l where (e.organisation_id, e.lane, e.seq) = (l.organisation_id, l.lane, l.seq)),
            c as (update audit.lanes e set seq = l.seq - 1, head = (select hash from audit.leaves f where (f.organisation_id, f.lane, f.seq) = (l.organisation_id, l.lane, l.seq - 1))
                  from last l where (e.organisation_id, e.lane) = (l.organisation_id, l.lane)),
            d as (delete from audit.checkpoints where size > (select leaf_index from last))
       delete from audit.log g using last l where g.leaf_index = l.leaf_index`,
    );
    expect(said).toEqual([
      expect.stringMatching(/^\d+: the log ends at \d+, and a checkpoint of size \d+ was signed$/),
    ]);
  });

  test('a checkpoint outside that we signed and that is not of this log', async () => {
    const [file] = listCheckpoints(join(directory, 'witness'));
    const { note, text, origin, size } = readSigned(file!, place);
    writeFileSync(
      file!,
      signNote(text.replace(/[^\n]+\n$/, `${Buffer.alloc(32).toString('base64')}\n`), {
        name: origin,
        privateKeys: place.keys.signing.signs,
      }),
    );
    expect(await saidAfter()).toEqual([`${size}: the log isn't the one of which ${file} was signed`]);
    writeFileSync(file!, note);
  });
});

describe('each row is what its last event says:', () => {
  let note: string;
  let table: string;
  beforeAll(async () => {
    table = 'store.conditions';
    note = (await root.query(`select id from ${table} where patient_id = $1 limit 1`, [world.a.mine])).rows[0].id;
  });
  async function rowsAfter(...statements: string[]): Promise<RowProblem[]> {
    for (const statement of statements) await root.query(statement);
    return (await compareRows(dba)).problems;
  }

  test('a row put back whole from a backup is found, with the event that left it so', async () => {
    await root.query(`create table public.backup as select * from ${table} where id = '${note}'`);
    // an honest change, by the trigger
    await root.query('set session_replication_role = origin');
    await root.query(`update ${table} set clinical_status = 'resolved' where id = '${note}'`);
    await root.query('set session_replication_role = replica');
    expect(await rowsAfter()).toEqual([]);
    const problems = await rowsAfter(
      `delete from ${table} where id = '${note}'`,
      `insert into ${table} select * from public.backup`,
    );
    expect(problems).toEqual([
      {
        table,
        id: note,
        event: expect.any(String),
        problem: expect.stringMatching(/^the row is as its event [-0-9a-f]+ left it: an older version was put back$/),
      },
    ]);
    await root.query(`update ${table} set clinical_status = 'resolved' where id = '${note}'`);
    await root.query('drop table public.backup');
    expect(await rowsAfter()).toEqual([]);
  });

  test('a row that was changed, taken away or added past the triggers', async () => {
    await root.query('create table public.kept as select * from store.conditions');
    const changed = await rowsAfter(`update ${table} set clinical_status = 'inactive' where id = '${note}'`);
    expect(changed).toMatchObject([
      { table, id: note, problem: "the row isn't what its last event recorded: it was changed" },
    ]);
    const gone = await rowsAfter(`delete from ${table} where id = '${note}'`);
    expect(gone).toMatchObject([{ table, id: note, problem: 'the row is missing: its last event left it there' }]);
    await root.query(`insert into ${table} select * from public.kept where id = '${note}'`);
    const added = await rowsAfter(
      `insert into ${table} select (jsonb_populate_record(k, jsonb_build_object('id', gen_random_uuid()))).* from public.kept k where id = '${note}'`,
    );
    expect(added).toMatchObject([{ table, event: null, problem: 'no event says where the row comes from' }]);
    await root.query(`delete from ${table} where id = '${added[0]!.id}'`);
    await root.query('drop table public.kept');
  });

  test('a member who was let into a care team past the triggers, or kept after leaving', async () => {
    const [member] = (await root.query('select to_jsonb(m) as row from access.care_team_members m limit 1')).rows;
    const again = () =>
      root.query(
        'insert into access.care_team_members select * from jsonb_populate_record(null::access.care_team_members, $1)',
        [member.row],
      );
    const one = `care_team_id = '${member.row.care_team_id}' and account_id = '${member.row.account_id}'`;
    const taken = await rowsAfter(`delete from access.care_team_members where ${one}`);
    expect(taken).toMatchObject([
      { table: 'access.care_team_members', problem: 'the row is missing: its last event left it there' },
    ]);
    await again();
    await root.query('set session_replication_role = origin');
    await root.query(`delete from access.care_team_members where ${one}`);
    await root.query('set session_replication_role = replica');
    expect(await rowsAfter()).toEqual([]);
    await again();
    expect(await rowsAfter()).toMatchObject([
      { table: 'access.care_team_members', problem: 'the row was deleted, and is there again' },
    ]);
    await root.query(`delete from access.care_team_members where ${one}`);
    await root.query('set session_replication_role = origin');
    await again();
    await root.query('set session_replication_role = replica');
    expect(await rowsAfter()).toEqual([]);
  });

  test('and an ordinary day leaves nothing to find', async () => {
    const key = '00000000-0000-4000-8000-000000000001';
    const me: Entry = { token: world.a.clinician.token, ring: world.db.ring };
    await inTransaction(edge, { ...me, phase: 'open' }, async () => {
      await edge.query('select audit.open_patient($1)', [world.a.mine]);
      await edge.query("select ops.intend($1, 'notes.sign')", [key]);
    });
    await inTransaction(edge, { ...me, phase: 'write' }, () =>
      edge.query('select clinic.write_note($1, $2, $3)', [key, world.a.mine, { subjective: 'x' }]),
    );
    await asOwner(world.db.admin, () => world.db.admin.query('select ops.upkeep()'));
    await sealWith(world.db.admin, place);
    expect((await compareRows(dba)).problems).toEqual([]);
    expect((await verifyLog(dba, place, true)).problems).toEqual([]);
  });
});
