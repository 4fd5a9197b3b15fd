// Promise 6: what was signed can't be changed quietly. supabase/migrations/0230_checkpoints.sql, db/log/seal.ts; hardening rule 12.
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { openOwnCheckpoint } from '../../db/log/checkpoint.ts';
import { compareWithOutside } from '../../db/log/compare.ts';
import { GrowingTree, leafHash, nodeHash, provesConsistency, provesInclusion } from '../../db/log/merkle.ts';
import { listCheckpoints, readLatest } from '../../db/log/outside.ts';
import { sealWith } from '../../db/log/seal.ts';
import { verifyLog } from '../../db/log/verify-live.ts';
import { asOwner } from '../../db/owner.ts';
import {
  connectEdge,
  createWorld,
  type Entry,
  inTransaction,
  openPatient,
  outcome,
  type World,
} from '../support/world.ts';

let world: World;
let edge: pg.Client;
/** Each backend writes into a lane of its own: some of them fill several. */
let edges: pg.Client[];
/** A superuser with every trigger disabled. */
let root: pg.Client;
let me: Entry;
const directory = mkdtempSync(join(tmpdir(), 'vs-log-'));
const outside = join(directory, 'witness');
let place: { directory: string; keys: World['db']['keys'] };

beforeAll(async () => {
  world = await createWorld();
  place = { directory, keys: world.db.keys };
  [edge, root] = await Promise.all([connectEdge(world.db), connect(world.db.superuserUrl)]);
  edges = await Promise.all([1, 2, 3, 4].map(() => connectEdge(world.db)));
  await root.query('set session_replication_role = replica');
  me = { token: world.a.clinician.token, ring: world.db.ring };
});
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await Promise.all([edge, root, ...edges].map((client) => client.end()));
  await world.close();
});

const owner = async (query: string, values: unknown[] = []) =>
  (await asOwner(world.db.admin, () => world.db.admin.query(query, values))).rows;
const seal = (options = {}) => sealWith(world.db.admin, place, options);
const look = async (times = 1) => {
  for (let i = 0; i < times; i += 1) await openPatient(edges[i % 4]!, me, world.a.mine);
};
const logOf = async () =>
  (
    await root.query(
      'select leaf_index, organisation_id, lane, seq, hash, leaf from audit.log join audit.events using (organisation_id, lane, seq) order by leaf_index',
    )
  ).rows;

describe('the tree', () => {
  test('of every size up to 300 has the root, the inclusion proofs and the consistency proofs of RFC 6962', async () => {
    await root.query('begin');
    await root.query("insert into audit.log_origins (generation, origin, leaf) values (9, 'test', '')");
    const leaves = Array.from({ length: 300 }, (_, i) => leafHash(Buffer.from(`leaf ${i}`)));
    await root.query(
      'insert into audit.log select 9, i - 1, gen_random_uuid(), 0, i, h from unnest($1::bytea[]) with ordinality t (h, i)',
      [leaves],
    );
    // in steps, so that a subtree is completed by one call, by several, and by none
    for (const [from, to] of [
      [0, 1],
      [1, 15],
      [15, 16],
      [16, 17],
      [17, 255],
      [255, 257],
      [257, 300],
    ])
      await root.query('select audit.complete_nodes(9, $1, $2)', [from, to]);
    const tree = new GrowingTree();
    const roots = [tree.root()];
    for (const hash of leaves) {
      tree.add(hash);
      roots.push(tree.root());
    }
    const { rows } = await root.query('select size, audit.root(size, 9) as root from generate_series(0, 300) size');
    expect(rows.map((row) => row.root)).toEqual(roots);
    const pairs = await root.query(
      `select a.n::int as a, b.n::int as b, audit.inclusion_proof(a.n, b.n, 9) as inclusion, audit.consistency_proof(a.n, b.n, 9) as consistency
       from generate_series(0, 299, 13) a (n), generate_series(1, 300, 7) b (n) where a.n < b.n`,
    );
    for (const { a, b, inclusion, consistency } of pairs.rows) {
      expect([a, b, provesInclusion(leaves[a]!, a, { size: b, root: roots[b]! }, inclusion)]).toEqual([a, b, true]);
      expect([
        a,
        b,
        provesConsistency({ size: a, root: roots[a]! }, { size: b, root: roots[b]! }, consistency),
      ]).toEqual([a, b, true]);
      // and of nothing else
      expect(provesInclusion(leaves[(a + 1) % 300]!, a, { size: b, root: roots[b]! }, inclusion)).toBe(false);
      if (a > 0)
        expect(provesConsistency({ size: a, root: roots[a - 1]! }, { size: b, root: roots[b]! }, consistency)).toBe(
          false,
        );
    }
    await root.query('rollback');
  });

  test('is that of golang.org/x/mod/sumdb/tlog', () => {
    const tree = new GrowingTree();
    const roots = Array.from({ length: 9 }, (_, i) => {
      tree.add(leafHash(Buffer.from(`leaf ${i}`)));
      return tree.root().toString('base64');
    });
    expect(roots).toEqual([
      'G7l9zCFjXUfiZj79/QoXRobZjdcBNS3SzQbotD/T0wU=',
      '/F9riP+FVPdbsvnm85wxsZNtRLaSdu33sSBalVuXYeM=',
      '1Pksj7uJcg6ztVZ3x9fvrd/rENEaGoSguo8aIzN/qpU=',
      'T2MQhKFXxU9U/Psj/164ZQxLoWDClbsTqYMrEJ1SZ34=',
      'NBUVmC1lDiNSDb1U1/zwr6G3DMOhakEdRk3JwayWwwE=',
      'g2PDghzkHrtGIiEWpCzIPbp1OYSyPPyiaqrQpoZzNuo=',
      'WmH8K1T5z6cXdPJDIUPdQMbLKxGUf69lp9PaXLZRmcg=',
      'xcLIIO00L92ozolra5z1uMAKIcxLIHFMxuXTwFw1JAs=',
      'dEfK3Ghisw3tyyjEsymQk2azvTOPapD++tzEsqiiuUg=',
    ]);
  });

  test('takes no proof that is longer, shorter or of another place', () => {
    const leaves = Array.from({ length: 7 }, (_, i) => leafHash(Buffer.from([i])));
    const tree = new GrowingTree();
    for (const hash of leaves) tree.add(hash);
    const whole = { size: 7, root: tree.root() };
    const [a, b, c, d, e, f, g] = leaves as [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer, Buffer];
    const proof = [nodeHash(e, f), nodeHash(nodeHash(a, b), nodeHash(c, d))];
    expect(provesInclusion(g, 6, whole, proof)).toBe(true);
    for (const bad of [[], proof.slice(1), [...proof, g], proof.toReversed()])
      expect(provesInclusion(g, 6, whole, bad)).toBe(false);
    for (const index of [-1, 5, 7, 2 ** 40]) expect(provesInclusion(g, index, whole, proof)).toBe(false);
  });
});

describe('sealing', () => {
  test('lets every event join once, in the order of its lane, and signs the root', async () => {
    await look(20);
    const sealed = await seal();
    const rows = await logOf();
    expect(sealed).toMatchObject({ state: 'signed', size: rows.length, joined: rows.length, stuck: [] });
    const tree = new GrowingTree();
    const last = new Map<string, number>();
    for (const [index, row] of rows.entries()) {
      expect(Number(row.leaf_index)).toBe(index);
      const hash = createHash('sha256').update(Buffer.of(0)).update(row.leaf).digest();
      expect(row.hash).toEqual(hash);
      tree.add(hash);
      const lane = `${row.organisation_id}/${row.lane}`;
      expect(Number(row.seq)).toBe((last.get(lane) ?? 0) + 1);
      last.set(lane, Number(row.seq));
    }
    expect(rows.length).toBe(Number((await owner('select count(*) from audit.leaves'))[0].count));
    const checkpoint = readLatest(outside, place)!;
    expect(checkpoint).toMatchObject({ origin: sealed.origin, size: rows.length, root: tree.root() });
    const [stored] = await owner('select note, size, root from audit.checkpoints order by size desc limit 1');
    expect(openOwnCheckpoint(stored.note, place.keys.signing.signs)).toMatchObject({
      size: rows.length,
      root: stored.root,
    });
  });

  test('signs nothing when nothing is new', async () => {
    const before = listCheckpoints(outside).length;
    expect(await seal()).toMatchObject({ state: 'unchanged', joined: 0 });
    expect(listCheckpoints(outside)).toHaveLength(before);
  });

  test('an event that was committed late joins then, and nothing after it in its lane before', async () => {
    const late = await connectEdge(world.db);
    await late.query('begin');
    await late.query("select iam.enter($1, $2, null, 'open')", [me.token, me.ring]);
    await late.query('select audit.open_patient($1)', [world.a.mine]);
    await look(5);
    const { joined } = await seal();
    expect(joined).toBe(5);
    await late.query('commit');
    await late.end();
    expect(await seal()).toMatchObject({ state: 'signed', joined: 1 });
    expect(await owner('select audit.waiting_events()::int as waiting')).toEqual([{ waiting: 0 }]);
  });

  test('at most so many join at once, and none twice', async () => {
    await look(25);
    const joined = [];
    for (let i = 0; i < 4; i += 1)
      joined.push(Number((await owner('select joined from audit.extend_log(10)'))[0].joined));
    expect(joined).toEqual([10, 10, 5, 0]);
    expect(await seal()).toMatchObject({ state: 'signed', joined: 0 });
  });

  test('two at once sign one tree', async () => {
    await look(10);
    const other = await connect(world.db.adminUrl);
    const results = await Promise.all([seal(), sealWith(other, place)]);
    await other.end();
    expect(results.map((r) => r.joined).reduce((a, b) => a + b)).toBe(10);
    expect(new Set(results.map((r) => r.size)).size).toBe(1);
    expect(results.map((r) => r.state).sort()).toEqual(['signed', 'unchanged']);
  });

  test('an event that was changed before it joined holds up its lane alone, and is named', async () => {
    await look(30);
    const [victim] =
      // the third of those that wait in its lane: two join, and nothing after them
      (
        await root.query(`select l.organisation_id, l.lane, min(l.seq) + 2 as seq from audit.leaves l
        left join audit.log using (organisation_id, lane, seq) where leaf_index is null
        group by 1, 2 having count(*) > 3 order by 1, 2 limit 1`)
      ).rows;
    const { rows } = await root.query(
      'select leaf from audit.events where (organisation_id, lane, seq) = ($1, $2, $3)',
      Object.values(victim),
    );
    const write = (leaf: string) =>
      root.query('update audit.events set leaf = $4 where (organisation_id, lane, seq) = ($1, $2, $3)', [
        ...Object.values(victim),
        leaf,
      ]);
    await write(rows[0].leaf.replace('"clinician"', '"secretary"'));
    const sealed = await seal();
    expect(sealed.state).toBe('signed');
    expect(sealed.joined).toBeLessThan(30);
    expect(sealed.stuck).toEqual([
      { organisation: victim.organisation_id, lane: victim.lane, seq: Number(victim.seq) },
    ]);
    await write(rows[0].leaf);
    expect(await seal()).toMatchObject({ stuck: [] });
  });
});

describe('a database is refused, and nothing is signed, that', () => {
  beforeEach(async () => {
    await look(3);
    await seal();
  });
  /** What sealing says after these statements, which are taken back then; nothing may have been signed. */
  async function refusalAfter(...statements: string[]): Promise<string> {
    const before = readFileSync(join(outside, 'checkpoint'), 'utf8');
    await root.query('begin');
    for (const statement of statements) await root.query(statement);
    const comparison = await compareWithOutside(root, place);
    await root.query('rollback');
    expect(readFileSync(join(outside, 'checkpoint'), 'utf8')).toBe(before);
    return `${comparison.state}: ${comparison.finding}`;
  }
  const size = async () => Number((await owner('select audit.log_size() as size'))[0].size);

  test('went back, as after a restore', async () => {
    const [earlier, now] = listCheckpoints(outside)
      .slice(-2)
      .map((file) => Number(file.slice(-20)));
    const said = await refusalAfter(
      `delete from audit.log where leaf_index >= ${earlier! + 1}`,
      `delete from audit.checkpoints where size > ${earlier}`,
    );
    expect(said).toBe(`behind: the log ends at ${earlier! + 1}, and a checkpoint of size ${now} was signed`);
  });

  test('went back and on in another way', async () => {
    const n = await size();
    const said = await refusalAfter(
      `delete from audit.log where leaf_index = ${n - 1}`,
      `update audit.log set hash = sha256('x') where leaf_index = ${n - 4}`,
    );
    expect(said).toMatch(
      /^forked: the log has \d+ leaves and another history than what was signed; they agree up to \d+$/,
    );
  });

  test.each([0, 7, 16])('has another leaf %i', async (index) => {
    const said = await refusalAfter(
      `update audit.log set hash = sha256('x') where leaf_index = ${index}`,
      'delete from audit.nodes',
      'select audit.complete_nodes(1, 0, audit.log_size(1))',
    );
    expect(said).toMatch(/^forked: the first \d+ leaves are not those that were signed$/);
  });

  test('is called otherwise', async () => {
    expect(await refusalAfter("update audit.log_origins set origin = 'other.example'")).toMatch(
      /^forked: the log is called other.example, and/,
    );
  });

  test('forgot that it ever had a log', async () => {
    const said = await refusalAfter('truncate audit.log, audit.nodes, audit.checkpoints, audit.log_origins');
    expect(said).toMatch(/^behind: the log hasn't begun, and a checkpoint of size \d+ was signed$/);
  });

  test('was written anew, and tells itself that a restore has cut it short', async () => {
    const note = readFileSync(join(outside, 'checkpoint'), 'utf8');
    const said = await refusalAfter(
      `delete from audit.log where leaf_index = ${(await size()) - 1}`,
      "update audit.log set hash = sha256('x') where leaf_index = 1",
      'delete from audit.nodes',
      'select audit.complete_nodes(1, 0, audit.log_size(1))',
      `select audit.restart_log($note$${note}$note$)`,
    );
    expect(said).toMatch(/^forked: the log has \d+ leaves and another history than what was signed$/);
  });

  test('sealing itself refuses it, with a sentence', async () => {
    const [last] = (await root.query('select * from audit.log order by leaf_index desc limit 1')).rows;
    await root.query('delete from audit.log where leaf_index = $1', [last.leaf_index]);
    await expect(seal()).rejects.toThrow(
      /^Nothing was signed: the log ends at \d+, and a checkpoint of size \d+ was signed\. It was restored/,
    );
    await root.query('insert into audit.log values ($1, $2, $3, $4, $5, $6)', Object.values(last));
    expect(await seal()).toMatchObject({ state: 'unchanged' });
  });
});

describe('when the record outside is gone', () => {
  let kept: string;
  beforeEach(() => {
    kept = readFileSync(join(outside, 'checkpoint'), 'utf8');
    rmSync(outside, { recursive: true });
  });

  test('sealing waits for somebody to say that it is lost', async () => {
    await expect(seal()).rejects.toThrow(
      /^Nothing was signed: nothing is outside, though the database holds \d+ checkpoints\. Put the directory back/,
    );
    expect(await seal({ adopt: true })).toMatchObject({ state: 'signed', joined: 0 });
    expect(readFileSync(join(outside, 'checkpoint'), 'utf8')).toBe(kept);
  });
});

describe('a log that a restore cut short', () => {
  afterEach(() => root.query('set session_replication_role = replica'));

  test('goes on under another name, and its first leaf says what was lost', async () => {
    await look(4);
    const { checkpoint, origin, size } = await seal();
    await root.query(`delete from audit.log where leaf_index >= ${size - 2}`);
    const [{ name }] = await owner('select audit.restart_log($1) as name', [checkpoint!.note]);
    expect(name).toBe(`${origin}/2`);
    const [first] = await owner(
      'select e.event, e.details::json as details from audit.log join audit.events e using (organisation_id, lane, seq) where generation = 2 and leaf_index = 0',
    );
    expect(first).toMatchObject({
      event: 'log.restart',
      details: { origin: name, ended: { origin, size: size - 2 }, outside: checkpoint!.note },
    });
    expect(await asOwner(world.db.admin, () => compareWithOutside(world.db.admin, place))).toMatchObject({
      state: 'ahead',
    });
    const sealed = await seal();
    expect(sealed).toMatchObject({ state: 'signed', origin: name, size: 3, joined: 2 });
    expect(readLatest(outside, place)).toMatchObject({ origin: name, size: 3 });
    expect(listCheckpoints(outside, 2)).toHaveLength(1);
    expect(await seal()).toMatchObject({ state: 'unchanged' });
  });

  test('and verification tells that it ended, and how much of what was signed is gone', async () => {
    const [{ origin }] = await owner('select origin from audit.log_origins where generation = 1');
    const [{ size }] = await owner('select audit.log_size(1) as size');
    expect((await verifyLog(root, place, false)).notices).toEqual([
      `${origin} ended at ${size} with a restore that lost 2 leaves`,
    ]);
  });

  test('and one restored to before that is behind it', async () => {
    await root.query('begin');
    await root.query('delete from audit.log_origins where generation = 2');
    expect(await compareWithOutside(root, place)).toMatchObject({
      state: 'behind',
      finding: expect.stringMatching(/before it was begun anew/),
    });
    await root.query('rollback');
  });
});

describe('nobody who acts or administers', () => {
  test.each(['audit.log', 'audit.nodes', 'audit.checkpoints', 'audit.log_origins'])(
    'may change %s, the owner neither',
    async (table) => {
      for (const statement of [`update ${table} set generation = 1`, `delete from ${table}`, `truncate ${table}`])
        expect(await outcome(owner(statement))).toBe('VS403');
      for (const person of ['clinician', 'auditor', 'orgAdmin', 'dpo'] as const)
        for (const statement of [
          `select * from ${table}`,
          `update ${table} set generation = 1`,
          `delete from ${table}`,
          `insert into ${table} select * from ${table}`,
        ])
          expect(
            await outcome(
              inTransaction(edge, { token: world.a[person].token, ring: world.db.ring, phase: 'write' }, () =>
                edge.query(statement),
              ),
            ),
          ).toBe('42501');
    },
  );

  test('has an event join twice', async () => {
    expect(
      await outcome(
        owner(
          'insert into audit.log select generation, leaf_index + 100000, organisation_id, lane, seq, hash from audit.log',
        ),
      ),
    ).toBe('23505');
  });
});
