// The chains under many writers: supabase/migrations/0070_audit.sql guarantee 5; hardening rule 11.
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
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
let writers: pg.Client[];
let me: Entry;

beforeAll(async () => {
  world = await createWorld();
  writers = await Promise.all(Array.from({ length: 12 }, () => connectEdge(world.db)));
  me = { token: world.a.clinician.token, ring: world.db.ring };
});
afterAll(async () => {
  await Promise.all(writers.map((w) => w.end()));
  await world.close();
});

const owner = async (query: string, values: unknown[] = []) =>
  (await asOwner(world.db.admin, () => world.db.admin.query(query, values))).rows;
const problems = async () => {
  const dba = await connect(world.db.dbaUrl);
  const { rows } = await dba.query('select * from audit.verify_all()');
  await dba.end();
  return rows;
};

test('twelve writers leave no gap, meet no deadlock and use many lanes', async () => {
  const before = Number((await owner('select count(*) from audit.leaves'))[0].count);
  const rounds = 40;
  await Promise.all(
    writers.map(async (writer, i) => {
      for (let n = 0; n < rounds; n += 1) {
        if (i % 3 > 0) await openPatient(writer, me, world.a.mine);
        else await writeNote(writer, randomUUID());
      }
    }),
  );
  expect(await problems()).toEqual([]);
  const notes = (writers.length / 3) * rounds;
  // a note: its opening and its row
  expect(Number((await owner('select count(*) from audit.leaves'))[0].count) - before).toBe(
    (writers.length - writers.length / 3) * rounds + 2 * notes,
  );
  expect(
    Number(
      (
        await owner('select count(*) from audit.lanes where organisation_id = $1 and seq > 0', [world.a.organisation])
      )[0].count,
    ),
  ).toBeGreaterThan(8);
});

async function writeNote(writer: pg.Client, key: string): Promise<void> {
  await inTransaction(writer, { ...me, phase: 'open' }, async () => {
    await writer.query('select audit.open_patient($1)', [world.a.mine]);
    await writer.query("select ops.intend($1, 'notes.sign')", [key]);
  });
  await inTransaction(writer, { ...me, phase: 'write' }, () =>
    writer.query('select clinic.write_note($1, $2, $3)', [key, world.a.mine, { subjective: 'x' }]),
  );
}

test('a transaction takes one lane, however much it writes', async () => {
  await inTransaction(writers[0]!, { ...me, phase: 'open' }, async () => {
    for (let i = 0; i < 20; i += 1) await writers[0]!.query('select audit.open_patient($1)', [world.a.mine]);
  });
  const [{ lanes }] = await owner(
    `select count(distinct lane) as lanes from (select lane from audit.events where event = 'patient.read' order by at desc limit 20) t`,
  );
  expect(lanes).toBe('1');
  expect(await problems()).toEqual([]);
});

test('a writer who keeps a lane stops nobody', async () => {
  const [keeper, other] = writers as [pg.Client, pg.Client];
  await keeper.query('begin');
  await keeper.query('select iam.enter($1, $2)', [me.token, me.ring]);
  await keeper.query('select audit.open_patient($1)', [world.a.theirs]);
  for (let i = 0; i < 40; i += 1) expect(await openPatient(other, me, world.a.mine)).toBe('ok');
  await keeper.query('rollback');
  expect(await problems()).toEqual([]);
});

test('when every lane is kept, the next writer waits five seconds at most', async () => {
  const holder = await connect(world.db.adminUrl);
  await holder.query('begin; set local role vs_owner');
  await holder.query('select from audit.lanes where organisation_id = $1 for update', [world.a.organisation]);
  const started = performance.now();
  expect(await outcome(openPatient(writers[0]!, me, world.a.mine))).toBe('55P03');
  expect(performance.now() - started).toBeLessThan(6500);
  await holder.query('rollback');
  await holder.end();
  expect(await openPatient(writers[0]!, me, world.a.mine)).toBe('ok');
});

test('a writer who waited for a lane goes on from what was written meanwhile', async () => {
  const holder = await connect(world.db.adminUrl);
  await holder.query('begin; set local role vs_owner');
  await holder.query('select from audit.lanes where organisation_id = $1 for update', [world.a.organisation]);
  // an event in each lane, while the writer waits for one of them
  const waiting = openPatient(writers[0]!, me, world.a.mine);
  for (let lane = 0; lane < 16; lane += 1) {
    await holder.query(
      "select set_config('vs.lane', $1 || ' ' || $2 || ' ' || (select ctid from audit.lanes where organisation_id = $3 and lane = $4), true)",
      [world.a.organisation, lane, world.a.organisation, lane],
    );
    await holder.query(
      "select audit.append(array[null, null, $1, null, null, null, null, null], 'log.read', 'x', null, null, 'success')",
      [world.a.organisation],
    );
  }
  await holder.query('commit');
  await holder.end();
  expect(await waiting).toBe('ok');
  expect(await problems()).toEqual([]);
});

test('a savepoint that is rolled back takes its events along, and the next one follows the last', async () => {
  const writer = writers[0]!;
  await inTransaction(writer, { ...me, phase: 'open' }, async () => {
    const read = () => writer.query('select audit.open_patient($1)', [world.a.mine]);
    await read();
    for (let i = 0; i < 3; i += 1) {
      await writer.query('savepoint s');
      await read();
      await read();
      await writer.query('rollback to s');
      await read();
    }
  });
  expect(await problems()).toEqual([]);
});

test('a lane named by hand breaks nothing', async () => {
  for (const lane of [
    '',
    `${world.a.organisation}99`,
    `${world.a.organisation}x`,
    `${world.b.organisation}3`,
    world.a.organisation,
  ]) {
    await outcome(
      inTransaction(writers[0]!, { ...me, phase: 'open' }, async () => {
        await writers[0]!.query("select set_config('vs.lane', $1, true)", [lane]);
        await writers[0]!.query('select audit.open_patient($1)', [world.a.mine]);
      }),
    );
  }
  expect(await problems()).toEqual([]);
});
