// Promise 3, values in their tables: supabase/migrations/0030_vault.sql guarantee 2; docs/formats.md, stored value. The
// cipher by itself: aead.test.ts.
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { asOwner } from '../../db/owner.ts';
import {
  clinicalTables,
  connectEdge,
  createWorld,
  type Entry,
  importRecord,
  look,
  openPatient,
  outcome,
  type World,
} from '../support/world.ts';

let world: World;
let edge: pg.Client;
let root: pg.Client;
let me: Entry;
let patient: string;
let second: string;
const keys = { identity: Buffer.alloc(0), clinical: Buffer.alloc(0) };

beforeAll(async () => {
  world = await createWorld();
  [edge, root] = await Promise.all([connectEdge(world.db), connect(world.db.superuserUrl)]);
  // what a superuser can do to the files: no trigger, no policy
  await root.query('set session_replication_role = replica');
  patient = world.a.mine;
  second = await importRecord(world.db, world.a, world.a.clinician, {}, 'Autre texte');
  me = { token: world.a.clinician.token, ring: world.db.ring };
  await openPatient(edge, me, patient);
  await openPatient(edge, me, second);
  for (const level of ['identity', 'clinical'] as const) {
    const { rows } = await asOwner(world.db.admin, () =>
      world.db.admin.query('select vault.unwrap($1, $2, $3) as key', [world.db.ring, patient, level]),
    );
    keys[level] = rows[0].key;
  }
});
afterAll(async () => {
  await Promise.all([edge.end(), root.end()]);
  await world.close();
});

// ---------------------------------------------------------------- the algorithm, a second time

type Sealed = { ciphertext: Buffer; tag: Buffer };

/** RFC 7518 §5.2.2 with node:crypto. */
function encrypt(key: Buffer, iv: Buffer, aad: Buffer, plaintext: Buffer): Sealed {
  const cipher = createCipheriv('aes-256-cbc', key.subarray(32), iv);
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return { ciphertext, tag: tagOf(key, iv, aad, ciphertext) };
}

function tagOf(key: Buffer, iv: Buffer, aad: Buffer, ciphertext: Buffer): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(BigInt(aad.length) * 8n);
  return createHmac('sha512', key.subarray(0, 32))
    .update(aad)
    .update(iv)
    .update(ciphertext)
    .update(length)
    .digest()
    .subarray(0, 32);
}

const stored = (key: Buffer, aad: Buffer, text: string): Buffer => {
  const iv = randomBytes(16);
  const { ciphertext, tag } = encrypt(key, iv, aad, Buffer.from(text));
  return Buffer.concat([Buffer.of(1), iv, ciphertext, tag]);
};

const uuid = (id: string) => Buffer.from(id.replaceAll('-', ''), 'hex');
const int8 = (n: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(n));
  return bytes;
};

// ---------------------------------------------------------------- vault.open, the same written out

const observations = () =>
  look(edge, { ...me, focus: patient }, 'select id, code, value from clinic.observations order by id');

describe('vault.open', () => {
  test('opens what node:crypto sealed, whatever the text', async () => {
    const { rows } = await root.query('select * from store.observations where patient_id = $1', [patient]);
    const row = rows[0];
    const context = (
      await root.query(
        "select timestamptz_send(effective_at) || convert_to(category || '/' || status, 'UTF8') as c from store.observations where id = $1",
        [row.id],
      )
    ).rows[0].c;
    const aad = Buffer.concat([
      Buffer.from('store.observations.value\0'),
      uuid(row.id),
      uuid(patient),
      int8(1),
      context,
    ]);
    // Postgres has no U+0000 in text
    const text = fc.string({ unit: 'binary', maxLength: 400 }).filter((t) => !t.includes('\0'));
    await fc.assert(
      fc.asyncProperty(text, async (plaintext) => {
        await root.query('update store.observations set value = $1 where id = $2', [
          stored(keys.clinical, aad, plaintext),
          row.id,
        ]);
        expect((await observations())[0].value).toBe(plaintext);
      }),
      { numRuns: 60, examples: [[''], ['a'.repeat(15)], ['a'.repeat(16)], ['é'.repeat(20000)]] },
    );
    await root.query('update store.observations set value = $1 where id = $2', [row.value, row.id]);
  });

  test('what the database sealed, node:crypto opens', async () => {
    const { rows } = await root.query(
      "select *, convert_to(identity_status, 'UTF8') || uuid_send(organisation_id) as context from store.patients where id = $1",
      [patient],
    );
    const { birth_name: value, context } = rows[0];
    const aad = Buffer.concat([
      Buffer.from('store.patients.birth_name\0'),
      uuid(patient),
      uuid(patient),
      int8(1),
      context,
    ]);
    const [iv, ciphertext, tag] = [value.subarray(1, 17), value.subarray(17, -32), value.subarray(-32)];
    expect(value[0]).toBe(1);
    expect(tagOf(keys.identity, iv, aad, ciphertext)).toEqual(tag);
    const decipher = createDecipheriv('aes-256-cbc', keys.identity.subarray(32), iv);
    expect(Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString()).toBe('Nom Cabinet A');
  });

  test('refuses a value with any single byte changed, cut off or added', async () => {
    const { rows } = await root.query('select id, code from store.observations where patient_id = $1', [patient]);
    const { id, code } = rows[0] as { id: string; code: Buffer };
    const attempts: Buffer[] = [...code.keys()].map((at) =>
      Buffer.from(code.map((byte, i) => (i === at ? byte ^ 0x80 : byte))),
    );
    attempts.push(
      code.subarray(0, -1),
      code.subarray(1),
      code.subarray(0, 64),
      Buffer.alloc(0),
      Buffer.concat([code, Buffer.of(0)]),
    );
    for (const changed of attempts) {
      await root.query('update store.observations set code = $1 where id = $2', [changed, id]);
      expect(await outcome(observations())).toBe('VS500');
    }
    await root.query('update store.observations set code = $1 where id = $2', [code, id]);
    expect(await observations()).toHaveLength(1);
  });

  test("NULL stays NULL, and empty isn't NULL", async () => {
    const [row] = await look(edge, { ...me, focus: patient }, 'select used_name, phone from clinic.patients');
    expect(row).toEqual({ used_name: null, phone: null });
    const empty = await importRecord(world.db, world.a, world.a.clinician, { used_name: '', phone: '' });
    await openPatient(edge, me, empty);
    expect((await look(edge, { ...me, focus: empty }, 'select used_name, phone from clinic.patients'))[0]).toEqual({
      used_name: '',
      phone: '',
    });
    const { rows } = await root.query('select used_name, email from store.patients where id = $1', [empty]);
    expect(rows[0].used_name).toHaveLength(65);
    expect(rows[0].email).toBeNull();
  });

  test('the same text is never sealed alike twice', async () => {
    const { rows } = await root.query(
      'select count(distinct code)::int as different, count(*)::int as all from store.observations',
    );
    expect(rows[0].different).toBe(rows[0].all);
  });
});

// ---------------------------------------------------------------- values stay where they are

const tables = ['patients', ...clinicalTables] as const;
beforeAll(async () => {
  await root.query('create schema kept');
  for (const table of tables) await root.query(`create table kept.${table} as table store.${table}`);
});

const columnsOf = async (table: string, type: string): Promise<string[]> =>
  (
    await root.query(
      `select attname from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped and ${type} order by attnum`,
      [`store.${table}`],
    )
  ).rows.map((r) => r.attname);
const rowOf = async (table: string, owner: string) =>
  (await root.query(`select * from store.${table} where ${table === 'patients' ? 'id' : 'patient_id'} = $1`, [owner]))
    .rows[0];

/** Changes one row behind the back of everything, reads it, and puts it back. */
async function tampered(table: string, id: string, set: string, values: unknown[] = []): Promise<unknown> {
  await root.query(`update store.${table} set ${set} where id = '${id}'`, values);
  const result = await outcome(look(edge, { ...me, focus: patient }, `select * from clinic.${table}`));
  await root.query(
    `delete from store.${table} where id = '${id}'; insert into store.${table} select * from kept.${table} where id = '${id}'`,
  );
  return result;
}

describe.each(tables)('store.%s', (table) => {
  test("cannot have a value of another patient's row in any column", async () => {
    const [row, other] = [await rowOf(table, patient), await rowOf(table, second)];
    for (const column of await columnsOf(table, "atttypid = 'bytea'::regtype")) {
      if (other[column] === null) continue;
      expect([column, await tampered(table, row.id, `${column} = $1`, [other[column]])]).toEqual([column, 'VS500']);
    }
  });

  test('cannot have a value of another column', async () => {
    const row = await rowOf(table, patient);
    const sealed = await columnsOf(table, "atttypid = 'bytea'::regtype");
    const from = sealed.find((column) => row[column] !== null)!;
    for (const column of sealed.filter((c) => c !== from))
      expect([column, await tampered(table, row.id, `${column} = $1`, [row[from]])]).toEqual([column, 'VS500']);
  });

  test('cannot be of another version, put back or moved on', async () => {
    const row = await rowOf(table, patient);
    expect(await tampered(table, row.id, 'version = version + 1')).toBe('VS500');
  });

  test('cannot have a clear column changed under its values', async () => {
    const row = await rowOf(table, patient);
    const times = await columnsOf(table, "atttypid = 'timestamptz'::regtype");
    const clear = await columnsOf(table, "atttypid <> 'bytea'::regtype");
    const bound = clear.filter(
      (column) =>
        !free.has(`${table}.${column}`) &&
        !['id', 'patient_id', 'version', 'created_at', 'updated_at'].includes(column),
    );
    for (const column of bound) {
      const value = times.includes(column)
        ? `coalesce(${column}, now()) + interval '1 day'`
        : `'${otherValue[`${table}.${column}`] ?? otherValue[column]}'`;
      expect([column, await tampered(table, row.id, `${column} = ${value}`)]).toEqual([column, 'VS500']);
    }
  });
});

/** Clear columns that no value is bound to: they change without their row being written anew. */
const free = new Set(['patients.last_activity_at', 'patients.erased_at']);
const otherValue: Record<string, string> = {
  identity_status: 'qualifiee',
  status: 'cancelled',
  'observations.category': 'laboratory',
  'notes.category': 'emergency',
  'notes.status': 'draft',
  priority: 'urgent',
  intent: 'plan',
  clinical_status: 'resolved',
  verification_status: 'refuted',
  author_id: '00000000-0000-4000-8000-000000000001',
  organisation_id: '00000000-0000-4000-8000-000000000001',
};
