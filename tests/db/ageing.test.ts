// Hardening rule 8: time stands still inside a transaction, and an old one opens nothing. Takes half a minute.
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { createWorld, inTransaction, outcome, type World } from '../support/world.ts';

let world: World;
let aged: { client: pg.Client; since: number };
beforeAll(async () => {
  world = await createWorld();
  aged = await startAgeing();
});
afterAll(async () => {
  await aged.client.end();
  await world.close();
});

/** A transaction that has read a record while it was young. */
async function startAgeing() {
  const client = await connect(world.db.edgeUrl);
  const me = { token: world.b.clinician.token, ring: world.db.ring };
  await inTransaction(client, { ...me, phase: 'open' }, () =>
    client.query('select audit.open_patient($1)', [world.b.mine]),
  );
  await client.query('begin read only');
  await client.query("select iam.enter($1, $2, $3, 'read')", [me.token, me.ring, world.b.mine]);
  expect((await client.query('select * from clinic.notes')).rows).toHaveLength(1);
  expect((await client.query('select * from clinic.patients')).rows).toHaveLength(1);
  return { client, since: performance.now() };
}

test('cannot read on in a transaction older than 30 seconds', { timeout: 40_000 }, async () => {
  await new Promise((done) => setTimeout(done, Math.max(0, 30_500 - (performance.now() - aged.since))));
  await aged.client.query('savepoint s');
  for (const view of ['notes', 'patients']) {
    expect(await outcome(aged.client.query(`select * from clinic.${view}`))).toBe('VS428');
    await aged.client.query('rollback to s');
  }
  await aged.client.query('rollback');
});
