// Promise 4: no plaintext without a committed audit record. supabase/migrations/0080_openings.sql, 0030_vault.sql.
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { asOwner } from '../../db/owner.ts';
import { openSession } from '../support/practice.ts';
import {
  clinicalTables,
  connectEdge,
  createWorld,
  type Entry,
  importRecord,
  inTransaction,
  look,
  open,
  openPatient,
  outcome,
  type World,
} from '../support/world.ts';

let world: World;
let edge: pg.Client;
let me: Entry;

beforeAll(async () => {
  world = await createWorld();
  edge = await connectEdge(world.db);
});
afterAll(async () => {
  await edge.end();
  await world.close();
});
// a session of its own for each test: nothing was opened yet
beforeEach(async () => {
  me = {
    token: await asOwner(world.db.admin, () => openSession(world.db, world.a.clinician.account)),
    ring: world.db.ring,
  };
});

const everyView = ['patients', 'patient_names', ...clinicalTables];
const reads = async (entry: Entry, view = 'patients') => outcome(look(edge, entry, `select * from clinic.${view}`));
const events = async (event: string) =>
  Number(
    (
      await asOwner(world.db.admin, () =>
        world.db.admin.query('select count(*) from audit.events where event = $1', [event]),
      )
    ).rows[0].count,
  );

describe('reading a record', () => {
  test.each(everyView)('cannot read clinic.%s of a patient that nobody opened', async (view) => {
    expect(await reads(me, view)).toBe('VS428');
  });

  test.each(everyView)('reads clinic.%s after an earlier, committed opening', async (view) => {
    expect(await openPatient(edge, me, world.a.mine)).toBe('ok');
    expect(await reads({ ...me, focus: world.a.mine }, view)).toHaveLength(1);
  });

  test('cannot open and read in the same transaction', async () => {
    const both = inTransaction(edge, { ...me, phase: 'open' }, async () => {
      await edge.query('select audit.open_patient($1)', [world.a.mine]);
      return (await edge.query('select birth_name from clinic.patients')).rows;
    });
    expect(await outcome(both)).toBe('VS428');
  });

  test('cannot open and read in the same statement', async () => {
    const both = inTransaction(
      edge,
      { ...me, phase: 'open' },
      async () =>
        (
          await edge.query(
            'with o as materialized (select audit.open_patient($1) as answer) select birth_name from o, clinic.patients',
            [world.a.mine],
          )
        ).rows,
    );
    expect(await outcome(both)).toBe('VS428');
  });

  test('cannot read after an opening inside a savepoint that was released', async () => {
    const attempt = inTransaction(edge, { ...me, phase: 'open' }, async () => {
      await edge.query('savepoint s');
      await edge.query('select audit.open_patient($1)', [world.a.mine]);
      await edge.query('release savepoint s');
      return (await edge.query('select birth_name from clinic.patients')).rows;
    });
    expect(await outcome(attempt)).toBe('VS428');
  });

  test('cannot read after an opening that was rolled back', async () => {
    await edge.query('begin');
    await edge.query('select iam.enter($1, $2)', [me.token, me.ring]);
    await edge.query('select audit.open_patient($1)', [world.a.mine]);
    await edge.query('rollback');
    expect(await reads(me)).toBe('VS428');
  });

  test('cannot read what another session of the same person opened', async () => {
    await openPatient(edge, me, world.a.mine);
    const other = await asOwner(world.db.admin, () => openSession(world.db, world.a.clinician.account));
    expect(await reads({ ...me, token: other })).toBe('VS428');
  });

  test('a look stays in the log when the reading transaction is rolled back', async () => {
    const before = await events('patient.read');
    await openPatient(edge, me, world.a.mine);
    await edge.query('begin read only');
    await edge.query("select iam.enter($1, $2, null, 'read')", [me.token, me.ring]);
    expect((await edge.query('select birth_name from clinic.patients')).rows).toHaveLength(1);
    await edge.query('rollback');
    expect(await events('patient.read')).toBe(before + 1);
  });

  test('every page is recorded, also while the opening is fresh', async () => {
    const before = await events('patient.read');
    for (let i = 0; i < 3; i += 1) await openPatient(edge, me, world.a.mine);
    expect(await events('patient.read')).toBe(before + 3);
  });

  test('an opening of identity opens nothing clinical', async () => {
    const list = randomUUID();
    expect(await open(edge, me, 'audit.open_patient_list($1)', [list])).toBe('ok');
    expect(await reads(me, 'patient_names')).toHaveLength(1);
    expect(await reads(me, 'notes')).toBe('VS428');
  });
});

describe('time', () => {
  const openedAt = (interval: string) =>
    asOwner(world.db.admin, () =>
      world.db.admin.query(
        `update audit.openings set opened_at = clock_timestamp() + $1::interval where patient_id = $2`,
        [interval, world.a.mine],
      ),
    );

  test.each(['-16 minutes', '1 hour'])('cannot read with an opening of %s', async (when) => {
    await openPatient(edge, me, world.a.mine);
    await openedAt(when);
    expect(await reads(me)).toBe('VS428');
    // and asking again heals it, so that a step of the clock locks nobody out
    await openPatient(edge, me, world.a.mine);
    expect(await reads(me)).toHaveLength(1);
  });

  test.each(['repeatable read', 'serializable'])(
    'cannot read under %s, where a revocation would go unseen',
    async (level) => {
      await openPatient(edge, me, world.a.mine);
      await edge.query(`begin isolation level ${level}`);
      await edge.query("select iam.enter($1, $2, null, 'read')", [me.token, me.ring]);
      expect(await outcome(edge.query('select birth_name from clinic.patients'))).toBe('VS428');
      await edge.query('rollback');
    },
  );

  test('cannot read on in a transaction whose session has ended meanwhile', async () => {
    await openPatient(edge, me, world.a.mine);
    await edge.query('begin read only');
    await edge.query("select iam.enter($1, $2, null, 'read')", [me.token, me.ring]);
    await asOwner(world.db.admin, () =>
      world.db.admin.query(
        'update iam.sessions set revoked_at = clock_timestamp() where token_hash = iam.hash_token($1)',
        [me.token],
      ),
    );
    expect(await outcome(edge.query('select birth_name from clinic.patients'))).toBe('VS401');
    await edge.query('rollback');
  });

  test('no more than 1,000 patients an hour', async () => {
    await asOwner(world.db.admin, () =>
      world.db.admin.query(
        `insert into audit.openings select s.id, gen_random_uuid(), 'identity', clock_timestamp(), pg_current_xact_id()
       from iam.sessions s, generate_series(1, 1000) where s.token_hash = iam.hash_token($1)`,
        [me.token],
      ),
    );
    expect(await openPatient(edge, me, world.a.mine)).toBe('limited');
    expect(await reads(me)).toBe('VS428');
    expect(await events('openings.limited')).toBeGreaterThan(0);
  });
});

describe('searching', () => {
  test('tells nothing before its record is committed', async () => {
    const selection = randomUUID();
    const peek = await inTransaction(edge, { ...me, phase: 'open' }, async () => {
      const { rows } = await edge.query('select audit.open_patient_search($1, $2, $3) as answer', [
        selection,
        'nom',
        '',
      ]);
      expect(rows[0].answer).toBe('ok');
      return (await edge.query('select audit.selected($1) as ids', [selection])).rows[0].ids;
    });
    expect(peek).toEqual([]);
    expect((await look(edge, me, 'select audit.selected($1) as ids', [selection]))[0].ids).toEqual([world.a.mine]);
  });

  test('cannot take the selection of another session', async () => {
    const selection = randomUUID();
    await open(edge, me, 'audit.open_patient_list($1)', [selection]);
    const colleague = { token: world.a.colleague.token, ring: world.db.ring };
    expect((await look(edge, colleague, 'select audit.selected($1) as ids', [selection]))[0].ids).toEqual([]);
    expect(await outcome(open(edge, colleague, 'audit.open_patient_list($1)', [selection]))).toBe('VS409');
  });

  test('candidates that the exact filter rejects are recorded apart, and stay closed', async () => {
    // same first five letters, another name
    const near = await importRecord(world.db, world.a, world.a.clinician, { birth_name: 'Bernardin' });
    const right = await importRecord(world.db, world.a, world.a.clinician, { birth_name: 'Bernardot' });
    const selection = randomUUID();
    await open(edge, me, 'audit.open_patient_search($1, $2, null)', [selection, 'bernardo']);
    expect((await look(edge, me, 'select audit.selected($1) as ids', [selection]))[0].ids).toEqual([right]);
    const { rows } = await asOwner(world.db.admin, () =>
      world.db.admin.query(
        "select shown, details from audit.events where event = 'patients.search' order by at desc limit 1",
      ),
    );
    expect(rows[0].shown).toEqual([right]);
    expect(JSON.parse(rows[0].details)).toEqual({ rejected: [near] });
    expect(await outcome(look(edge, me, 'select birth_name from clinic.patients where id = $1', [near]))).toBe('VS428');
  });
});
