// Promise 6 for whoever has an export: verified without a database, with what was kept from before. db/log/verify-export.ts
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { exportLog } from '../../db/log/export.ts';
import { vkey } from '../../db/log/note.ts';
import { openProof } from '../../db/log/proof.ts';
import { proveEvent } from '../../db/log/prove.ts';
import { sealWith } from '../../db/log/seal.ts';
import { type Options, verifyExport } from '../../db/log/verify-export.ts';
import { asOwner } from '../../db/owner.ts';
import { connectEdge, createWorld, type Entry, openPatient, type World } from '../support/world.ts';

let world: World;
let edge: pg.Client;
/** Each backend writes into a lane of its own: some of them fill several. */
let edges: pg.Client[];
/** A superuser with every trigger disabled. */
let root: pg.Client;
let me: Entry;
const directory = mkdtempSync(join(tmpdir(), 'vs-export-'));
const outside = join(directory, 'witness');
let place: { directory: string; keys: World['db']['keys'] };
/** Exports of a log that grew: `first` ⊂ `second`. */
let first: string;
let second: string;

beforeAll(async () => {
  world = await createWorld();
  place = { directory, keys: world.db.keys };
  [edge, root] = await Promise.all([connectEdge(world.db), connect(world.db.superuserUrl)]);
  edges = await Promise.all([1, 2, 3, 4].map(() => connectEdge(world.db)));
  await root.query('set session_replication_role = replica');
  me = { token: world.a.clinician.token, ring: world.db.ring };
  await look(30);
  await seal();
  first = await exported('first');
  await look(30);
  await seal();
  await look(3); // not sealed yet
  second = await exported('second');
});
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await Promise.all([edge, root, ...edges].map((client) => client.end()));
  await world.close();
});

const seal = () => sealWith(world.db.admin, place);
const look = async (times: number) => {
  for (let i = 0; i < times; i += 1) await openPatient(edges[i % 4]!, me, world.a.mine);
};
async function exported(name: string): Promise<string> {
  const to = join(directory, name);
  await asOwner(
    world.db.admin,
    () => exportLog(world.db.admin, to, place.keys),
    'isolation level repeatable read read only',
  );
  return to;
}

/** A copy of an export whose files were edited; what verification says of it. */
async function saidOf(from: string, edits: Record<string, (text: string) => string>, options: Options = {}) {
  const copy = mkdtempSync(join(directory, 'edited-'));
  cpSync(from, copy, { recursive: true });
  for (const [file, edit] of Object.entries(edits)) {
    const before = readFileSync(join(copy, file), 'utf8');
    const after = edit(before);
    expect(after).not.toBe(before);
    writeFileSync(join(copy, file), after);
  }
  return (await verifyExport(copy, options)).problems.map(({ problem }) => problem);
}
const lines = (edit: (lines: string[]) => string[]) => (text: string) =>
  `${edit(text.trimEnd().split('\n')).join('\n')}\n`;

test('an export verifies, with what is not sealed yet', async () => {
  const verified = await verifyExport(second, {
    since: first,
    checkpoints: [join(outside, 'checkpoints'), join(outside, 'checkpoint')],
  });
  expect(verified).toMatchObject({ problems: [], notices: [], unsealed: 3 });
  expect(verified.leaves).toBe(verified.checkpoint!.size + 3);
});

describe('finds', () => {
  test('a byte that is another', async () => {
    expect(
      (await saidOf(second, { 'leaves.jsonl': (text) => text.replace('"clinician"', '"secretary"') })).join(),
    ).toMatch(/does not hold the hash of the event before it.*|are not those that were signed/);
  });

  test('two events of different lanes in another order, which no chain shows', async () => {
    const swapped = lines((all) => {
      const i = all.findIndex((line, at) => JSON.parse(line)[3] !== JSON.parse(all[at + 1] ?? line)[3]);
      return all.toSpliced(i, 2, all[i + 1]!, all[i]!);
    });
    expect(await saidOf(second, { 'leaves.jsonl': swapped })).toEqual([
      expect.stringMatching(/^leaves 0 to \d+ are not those that were signed as a log of \d+$/),
    ]);
  });

  test('a tail that was cut together with the ends of the lanes', async () => {
    const size = (await verifyExport(second)).checkpoint!.size;
    const cut = lines((all) => all.slice(0, size - 1));
    const heads = (text: string) => {
      const read = JSON.parse(text);
      const ends = new Map<string, number>();
      for (const line of readFileSync(join(second, 'leaves.jsonl'), 'utf8')
        .trimEnd()
        .split('\n')
        .slice(0, size - 1))
        ends.set(`${JSON.parse(line)[2]} ${JSON.parse(line)[3]}`, Number(JSON.parse(line)[4]));
      for (const head of read.heads) head.seq = ends.get(`${head.organisation} ${head.lane}`) ?? 0;
      return JSON.stringify(read);
    };
    const said = await saidOf(second, { 'leaves.jsonl': cut, 'heads.json': heads });
    expect(said).toContainEqual(expect.stringMatching(/^a checkpoint of size \d+ was signed, and this export/));
  });

  test('an older checkpoint put into a newer export', async () => {
    const old = readFileSync(join(first, 'checkpoint'), 'utf8');
    expect(await saidOf(second, { checkpoint: () => old })).toEqual([]); // it is the beginning of it
    expect(await saidOf(second, { checkpoint: () => old }, { checkpoints: [join(outside, 'checkpoint')] })).toEqual([
      expect.stringMatching(
        /^a checkpoint of size \d+ was signed, and this export has one of \d+: the end was cut off/,
      ),
    ]);
  });

  test('a history that was written anew as a whole, against what was kept', async () => {
    const [size] = [(await verifyExport(first)).checkpoint!.size];
    // the forger has the signing key, too: only what was kept from before tells
    const forged = await forge();
    expect((await verifyExport(forged)).problems).toEqual([]);
    const kept = (await verifyExport(forged, { since: first })).problems.map(({ problem }) => problem);
    expect(kept).toContainEqual(`leaves 0 to ${size - 1} are not those that were signed as a log of ${size}`);
    expect(
      (await verifyExport(forged, { checkpoints: [join(first, 'checkpoint')] })).problems.map((p) => p.seq),
    ).toEqual([size]);
  });

  test('a missing checkpoint, and one of another key', async () => {
    const bare = mkdtempSync(join(directory, 'bare-'));
    cpSync(second, bare, { recursive: true });
    rmSync(join(bare, 'checkpoint'));
    expect((await verifyExport(bare)).problems.map(({ problem }) => problem)).toEqual(['the checkpoint is missing']);
    const other = vkey('other.example', generateKeyPairSync('ed25519').publicKey);
    await expect(verifyExport(second, { key: other })).rejects.toThrow(
      /can't be believed: no key that is trusted has signed it/,
    );
    await expect(saidOf(second, { checkpoint: (text) => text.replace(/\n(\d)/, '\n1$1') })).rejects.toThrow(
      "can't be believed",
    );
  });

  test('an event that is gone without having been pruned, though its hashes stand there', async () => {
    const { leaf_hash, hash } = (
      await root.query(
        `select encode(j.hash, 'hex') as leaf_hash, encode(f.hash, 'hex') as hash from audit.log j join audit.leaves f using (organisation_id, lane, seq) where leaf_index = 5`,
      )
    ).rows[0];
    const gone = lines((all) => {
      const [, , organisation, lane, seq] = JSON.parse(all[5]!);
      return all.toSpliced(
        5,
        1,
        JSON.stringify({ organisation, lane: Number(lane), seq: Number(seq), hash, leaf_hash }),
      );
    });
    expect(await saidOf(second, { 'leaves.jsonl': gone })).toEqual(['the event is missing, and was not pruned']);
  });
});

/** The log of this world with one event written anew, and everything after it made to fit, by somebody who can sign. */
async function forge(): Promise<string> {
  await root.query('begin');
  await root.query(
    "update audit.events set actor_role = 'owner' where (organisation_id, lane, seq) = (select organisation_id, lane, seq from audit.log where leaf_index = 0)",
  );
  await root.query(`
    do $$ declare e audit.events; before bytea; digest bytea; text text; begin
      for e in select * from audit.events order by organisation_id, lane, seq loop
        before := coalesce((select hash from audit.leaves l where (l.organisation_id, l.lane, l.seq) = (e.organisation_id, e.lane, e.seq - 1)), decode(repeat('00', 32), 'hex'));
        text := audit.leaf(e, before);
        digest := sha256(convert_to(text, 'UTF8'));
        update audit.events x set leaf = text where (x.organisation_id, x.lane, x.seq) = (e.organisation_id, e.lane, e.seq);
        update audit.leaves l set hash = digest where (l.organisation_id, l.lane, l.seq) = (e.organisation_id, e.lane, e.seq);
        update audit.lanes l set head = digest where (l.organisation_id, l.lane, l.seq) = (e.organisation_id, e.lane, e.seq);
      end loop;
    end $$;
    truncate audit.log, audit.nodes, audit.checkpoints`);
  await root.query('savepoint forged');
  const forgery = { directory: mkdtempSync(join(directory, 'forger-')), keys: place.keys };
  // sealing commits, so the forger works on a copy of the connection's transaction: its own begin and commit do nothing
  const to = join(forgery.directory, 'export');
  await sealInside(forgery);
  await exportLog(root, to, place.keys);
  await root.query('rollback');
  return to;
}

async function sealInside(forgery: typeof place): Promise<void> {
  const inside = new Proxy(root, {
    get: (target, name) => {
      const value = Reflect.get(target, name);
      if (name !== 'query') return typeof value === 'function' ? value.bind(target) : value;
      return (text: string, ...rest: unknown[]) =>
        /^(begin|commit|set local role)/.test(text) ? Promise.resolve() : Reflect.apply(value, target, [text, ...rest]);
    },
  });
  await sealWith(inside, forgery);
}

test('a log that a restore cut short is verified as one, and the loss is told', async () => {
  const { checkpoint, size } = await seal();
  await root.query('delete from audit.log where leaf_index >= $1', [size - 2]);
  await root.query('delete from audit.nodes where (node_index + 1) << level > $1', [size - 2]);
  await root.query('delete from audit.checkpoints where size > $1', [size - 2]);
  await asOwner(world.db.admin, () => world.db.admin.query('select audit.restart_log($1)', [checkpoint!.note]));
  await look(2);
  await seal();
  const restarted = await exported('restarted');
  const verified = await verifyExport(restarted, {
    since: first,
    checkpoints: [join(outside, 'checkpoints'), join(outside, 'checkpoints-2')],
  });
  expect(verified.problems).toEqual([]);
  expect(verified.notices).toEqual([`${checkpoint!.origin} ended at ${size - 2} with a restore that lost 2 leaves`]);
  // its end rewritten, or left out
  expect(await saidOf(restarted, { 'log-1/leaves.jsonl': lines((all) => all.slice(0, -1)) })).toContainEqual(
    expect.stringMatching(/ended at \d+, and \d+ leaves that are not all of it are here$/),
  );
  expect(
    await saidOf(restarted, {
      'heads.json': (text) => JSON.stringify({ ...JSON.parse(text), log: JSON.parse(text).log.slice(1) }),
    }),
  ).not.toEqual([]);
});

describe('the proof of one event', () => {
  let id: string;
  let made: Awaited<ReturnType<typeof proveEvent>>;
  beforeAll(async () => {
    await seal();
    id = (
      await root.query(
        'select id from audit.log join audit.events using (organisation_id, lane, seq) where generation = 2 and leaf_index = 2',
      )
    ).rows[0].id;
    made = await asOwner(world.db.admin, () => proveEvent(world.db.admin, place, id));
  });
  const open = (proof: string, leaf = made.leaf, keys = place.keys.signing.signs) =>
    openProof(proof, Buffer.from(leaf), keys);

  test('holds for it', () => {
    expect(JSON.parse(made.leaf)[1]).toBe(id);
    expect(open(made.proof)).toMatchObject({ index: 2, size: made.checkpoint.size });
  });

  test('holds for no other event, no other place, and under no other key', () => {
    expect(() => open(made.proof, made.leaf.replace('clinician', 'secretary'))).toThrow("isn't number 2 of the log");
    expect(() => open(made.proof.replace('index 2', 'index 1'))).toThrow("isn't number 1 of the log");
    expect(() => open(made.proof, made.leaf, [generateKeyPairSync('ed25519').privateKey])).toThrow(
      'no key that is trusted',
    );
    const lines = made.proof.split('\n');
    expect(() => open(lines.toSpliced(2, 1).join('\n'))).toThrow("isn't number 2");
    for (const bad of [
      '',
      'x',
      made.proof.replace('@v1', '@v2'),
      made.proof.replace('index 2', 'index 02'),
      made.proof.replace('\n\n', '\n'),
    ])
      expect(() => open(bad)).toThrow("that isn't a");
  });

  test('may carry an extra line, which counts for nothing', () => {
    expect(open(made.proof.replace('\nindex', '\nextra eA==\nindex'))).toMatchObject({ index: 2 });
  });

  test('of an event that is not sealed yet, or is not there, is refused with a sentence', async () => {
    await look(1);
    const [{ id: fresh }] = (
      await root.query("select id from audit.events where event = 'patient.read' order by at desc limit 1")
    ).rows;
    const prove = (event: string) => asOwner(world.db.admin, () => proveEvent(world.db.admin, place, event));
    await expect(prove(fresh)).rejects.toThrow("isn't sealed yet: run vitalsync audit seal");
    await expect(prove(randomUUID())).rejects.toThrow('There is no event');
  });
});
