// Promise 6: the audit log can't be changed quietly. supabase/migrations/0070_audit.sql, db/log/; hardening rule 13.
import { createHash, randomUUID } from 'node:crypto';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { exportLog } from '../../db/log/export.ts';
import { compareWithEarlier } from '../../db/log/since.ts';
import { verifyExport } from '../../db/log/verify-export.ts';
import { asOwner } from '../../db/owner.ts';
import {
  connectEdge,
  createWorld,
  type Entry,
  inTransaction,
  look,
  openPatient,
  outcome,
  type World,
} from '../support/world.ts';

type Place = { organisation_id: string; lane: number; seq: string; problem: string };

let world: World;
let edge: pg.Client;
/** A superuser with every trigger disabled. */
let root: pg.Client;
let dba: pg.Client;
let victim: { organisation_id: string; lane: number; seq: string; head: string };
const directory = mkdtempSync(join(tmpdir(), 'vs-audit-'));

beforeAll(async () => {
  world = await createWorld();
  [edge, root, dba] = await Promise.all([
    connectEdge(world.db),
    connect(world.db.superuserUrl),
    connect(world.db.dbaUrl),
  ]);
  const me: Entry = { token: world.a.clinician.token, ring: world.db.ring };
  for (let i = 0; i < 60; i += 1) await openPatient(edge, me, world.a.mine);
  await root.query('set session_replication_role = replica');
  const { rows } = await root.query(
    'select organisation_id, lane, seq from audit.lanes where organisation_id = $1 order by seq desc limit 1',
    [world.a.organisation],
  );
  victim = rows[0];
  expect(Number(victim.seq)).toBeGreaterThan(4);
});
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await Promise.all([edge.end(), root.end(), dba.end()]);
  await world.close();
});

const verify = async (): Promise<Place[]> => (await dba.query<Place>('select * from audit.verify_all()')).rows;

/** What verification says after these statements, which are taken back then. */
async function saidAfter(...statements: string[]): Promise<Place[]> {
  await root.query('begin');
  for (const statement of statements) await root.query(statement);
  const { rows } = await root.query<Place>('select * from audit.verify_all()');
  await root.query('rollback');
  return rows;
}

const at = (seq: number) => `organisation_id = '${victim.organisation_id}' and lane = ${victim.lane} and seq = ${seq}`;
const here = (seq: number, problem?: string) =>
  expect.objectContaining({
    organisation_id: victim.organisation_id,
    lane: victim.lane,
    seq: String(seq),
    ...(problem && { problem }),
  });

test('is intact after ordinary work', async () => {
  expect(await verify()).toEqual([]);
});

describe('verification names the place of', () => {
  const changes: Record<string, string> = {
    id: 'gen_random_uuid()',
    at: "at + interval '1 microsecond'",
    event: "case event when 'row.delete' then 'row.insert' else 'row.delete' end",
    resource_type: "'X'",
    resource_id: 'gen_random_uuid()',
    patient_id: 'gen_random_uuid()',
    actor_id: 'gen_random_uuid()',
    actor_role: "'x'",
    session_id: 'gen_random_uuid()',
    origin_id: 'gen_random_uuid()',
    outcome: "case outcome when 'success' then 'failure' else 'success' end",
    shown: 'array[gen_random_uuid()]',
    details: "'{}'",
    leaf: "replace(leaf, 'vs1', 'vs2')",
  };

  test('a change of any column', async () => {
    const columns = (
      await root.query(
        "select attname from pg_attribute where attrelid = 'audit.events'::regclass and attnum > 0 and not attisdropped",
      )
    ).rows.map((r) => r.attname);
    expect(columns.filter((c) => !['organisation_id', 'lane', 'seq'].includes(c)).sort()).toEqual(
      Object.keys(changes).sort(),
    );
    for (const [column, value] of Object.entries(changes))
      expect([column, await saidAfter(`update audit.events set ${column} = ${value} where ${at(2)}`)]).toEqual([
        column,
        expect.arrayContaining([here(2)]),
      ]);
  });

  test('a change with its leaf written anew', async () => {
    const found = await saidAfter(
      `update audit.events set outcome = 'partial' where ${at(3)}`,
      `update audit.events e set leaf = audit.leaf(e, (select hash from audit.leaves where ${at(2)})) where ${at(3)}`,
      `update audit.leaves set hash = sha256(convert_to((select leaf from audit.events where ${at(3)}), 'UTF8')) where ${at(3)}`,
    );
    expect(found).toContainEqual(here(4, 'the event is not what was chained'));
  });

  test('a changed leaf', async () => {
    expect(await saidAfter(`update audit.leaves set hash = sha256('x') where ${at(2)}`)).toEqual([
      here(2, "the leaf's hash is not the one recorded"),
    ]);
  });

  test('a removed event', async () => {
    const found = await saidAfter(`delete from audit.events where ${at(2)}`);
    expect(found).toEqual([here(2, 'the event is missing')]);
  });

  test('an event removed with its leaf', async () => {
    expect(
      await saidAfter(`delete from audit.events where ${at(2)}`, `delete from audit.leaves where ${at(2)}`),
    ).toContainEqual(here(3));
  });

  test('two events in another order', async () => {
    const found = await saidAfter(
      `update audit.events set seq = 0 where ${at(2)}`,
      `update audit.events set seq = 2 where ${at(3)}`,
      `update audit.events set seq = 3 where ${at(0)}`,
    );
    expect(found).toEqual(expect.arrayContaining([here(2), here(3)]));
  });

  test('an event moved to another lane', async () => {
    const found = await saidAfter(`update audit.events set lane = 15 - lane where ${at(Number(victim.seq))}`);
    expect(found).toContainEqual(here(Number(victim.seq)));
  });

  test('an inserted event', async () => {
    const next = Number(victim.seq) + 1;
    const found = await saidAfter(
      `insert into audit.events select (jsonb_populate_record(e, jsonb_build_object('id', gen_random_uuid(), 'seq', ${next}))).* from audit.events e where ${at(2)}`,
    );
    expect(found).toContainEqual(here(next));
  });

  test('a changed head', async () => {
    expect(
      await saidAfter(
        `update audit.lanes set head = sha256('x') where organisation_id = '${victim.organisation_id}' and lane = ${victim.lane}`,
      ),
    ).toEqual([here(Number(victim.seq), 'the head of the lane is not its last event')]);
  });

  test('lanes that were taken away, with an event changed under them', async () => {
    const found = await saidAfter(
      `delete from audit.lanes where organisation_id = '${victim.organisation_id}'`,
      `update audit.events set actor_role = 'x' where ${at(2)}`,
    );
    expect(found).toContainEqual(here(2));
    expect(found).toContainEqual(here(Number(victim.seq), 'the head of the lane is not its last event'));
  });

  test('a truncated log', async () => {
    expect((await saidAfter('truncate audit.events')).length).toBeGreaterThan(60);
  });
});

describe('outside of the database', () => {
  const exported = async (name: string) => {
    await root.query('begin isolation level repeatable read');
    await exportLog(root, join(directory, name));
    await root.query('commit');
    return join(directory, name);
  };

  test('the leaves that were exported verify, and a changed byte shows', async () => {
    const whole = await exported('whole');
    expect((await verifyExport(whole)).problems).toEqual([]);
    const file = join(whole, 'leaves.jsonl');
    const text = readFileSync(file, 'utf8');
    for (const broken of [
      text.replace('"clinician"', '"secretary"'),
      text.split('\n').slice(1).join('\n'),
      text.split('\n').toSpliced(3, 2).join('\n'),
    ]) {
      writeFileSync(file, broken);
      expect((await verifyExport(whole)).problems.length).toBeGreaterThan(0);
    }
    writeFileSync(file, text);
    appendFileSync(file, `${text.split('\n')[0]}\n`);
    expect((await verifyExport(whole)).problems.length).toBeGreaterThan(0);
  });

  test('a tail that was cut with its leaf and its head is seen by nobody inside, and by --since', async () => {
    const before = await exported('before');
    const last = Number(victim.seq);
    await root.query(`delete from audit.events where ${at(last)}`);
    await root.query(`delete from audit.leaves where ${at(last)}`);
    await root.query(
      `update audit.lanes l set seq = seq - 1, head = (select hash from audit.leaves where ${at(last - 1)}) where organisation_id = $1 and lane = $2`,
      [victim.organisation_id, victim.lane],
    );
    expect(await verify()).toEqual([]);
    const now = await exported('after');
    expect((await verifyExport(now)).problems).toEqual([]);
    const cut = [expect.objectContaining({ organisation: victim.organisation_id, lane: victim.lane, seq: last })];
    expect((await verifyExport(now, before)).problems).toEqual(cut);
    expect(await compareWithEarlier(root, before)).toEqual(cut);
    expect(await compareWithEarlier(root, now)).toEqual([]);
  });
});

describe('nobody who acts or administers', () => {
  test.each(['audit.events', 'audit.leaves'])('may change %s, the owner neither', async (table) => {
    const owner = (statement: string) => outcome(asOwner(world.db.admin, () => world.db.admin.query(statement)));
    for (const statement of [`update ${table} set lane = 0`, `delete from ${table}`]) {
      const result = await owner(statement);
      if (typeof result === 'object') expect(result.rowCount).toBe(0);
      else expect(result).toBe('VS403');
    }
    expect(await owner(`truncate ${table}`)).toBe('VS403');
    for (const person of ['clinician', 'auditor', 'orgAdmin', 'dpo'] as const)
      for (const statement of [`update ${table} set lane = 0`, `delete from ${table}`, `truncate ${table}`])
        expect(
          await outcome(
            inTransaction(edge, { token: world.a[person].token, ring: world.db.ring, phase: 'write' }, () =>
              edge.query(statement),
            ),
          ),
        ).toBe('42501');
    expect(await verify()).toEqual([]);
  });

  test('cannot write an event of their own', async () => {
    const me: Entry = { token: world.a.auditor.token, ring: world.db.ring, phase: 'write' };
    for (const call of [
      "audit.append(array[]::text[], 'log.read', 'x', null, null, 'success')",
      'audit.create_lanes(gen_random_uuid())',
    ])
      expect(await outcome(inTransaction(edge, me, () => edge.query(`select ${call}`)))).toBe('42501');
  });
});

describe('the text of a leaf', () => {
  test('is the same whatever time zone and formats the caller set', async () => {
    await inTransaction(edge, { token: world.a.clinician.token, ring: world.db.ring, phase: 'open' }, async () => {
      await edge.query(`select set_config('timezone', 'Pacific/Chatham', true), set_config('datestyle', 'German, DMY', true), set_config('intervalstyle', 'sql_standard', true),
                               set_config('bytea_output', 'escape', true), set_config('extra_float_digits', '-15', true), set_config('lc_time', 'C', true)`);
      await edge.query('select audit.open_patient($1)', [world.a.mine]);
    });
    const { rows } = await root.query(
      "select at, leaf from audit.events where event = 'patient.read' order by at desc limit 1",
    );
    const fields = JSON.parse(rows[0].leaf);
    expect(fields).toHaveLength(18);
    expect(fields[5]).toMatch(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/);
    expect(new Date(fields[5]).getTime()).toBe(rows[0].at.getTime());
    expect(await verify()).toEqual([]);
  });

  test("verifies alike whatever the verifier's settings", async () => {
    const other = await connect(world.db.dbaUrl);
    await other.query(
      "set timezone = 'Pacific/Chatham'; set datestyle = 'SQL, DMY'; set bytea_output = 'escape'; set intervalstyle = 'sql_standard'",
    );
    expect((await other.query('select * from audit.verify_all()')).rows).toEqual([]);
    await other.end();
  });

  test("a row's digest is over ciphertext, the same under any setting of its writer", async () => {
    const key = randomUUID();
    const writer: Entry = { token: world.a.clinician.token, ring: world.db.ring };
    await inTransaction(edge, { ...writer, phase: 'open' }, () =>
      edge.query("select ops.intend($1, 'notes.sign')", [key]),
    );
    const note = await inTransaction(edge, { ...writer, phase: 'write' }, async () => {
      await edge.query(
        "select set_config('timezone', 'Pacific/Chatham', true), set_config('datestyle', 'German, DMY', true), set_config('bytea_output', 'escape', true)",
      );
      const written = await edge.query('select clinic.write_note($1, $2, $3) as id', [
        key,
        world.a.mine,
        { subjective: 'x' },
      ]);
      return written.rows[0].id as string;
    });
    await root.query("set timezone = 'UTC'; set datestyle = 'ISO, YMD'; set bytea_output = 'hex'");
    const event = await root.query(
      "select details::jsonb ->> 'digest' as digest from audit.events where event = 'row.insert' and resource_id = $1",
      [note],
    );
    const row = await root.query('select to_jsonb(n)::text as text from store.notes n where id = $1', [note]);
    expect(event.rows[0].digest).toBe(createHash('sha256').update(row.rows[0].text).digest('hex'));
  });
});

test('an auditor verifies the chains of the organisation, and nobody else may', async () => {
  const ask = (token: string) => outcome(look(edge, { token, ring: world.db.ring }, 'select * from audit.verify()'));
  expect(await ask(world.a.auditor.token)).toEqual([]);
  for (const person of ['clinician', 'secretary', 'orgAdmin', 'dpo', 'patient'] as const)
    expect(await ask(world.a[person].token)).toMatch(/^(42501|VS403)$/);
  await root.query(`update audit.events set actor_role = 'x' where ${at(2)}`);
  expect(await ask(world.a.auditor.token)).toHaveLength(1);
  expect(await ask(world.b.auditor.token)).toEqual([]);
});
