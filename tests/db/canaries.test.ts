// Promise 3: no personal value in clear at rest. Planted values are looked for in the raw files of the server (tables,
// indexes, WAL, statistics, log), in a dump, and in what the server tells about itself.
import { randomBytes, randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Door, Who } from '../../db/batch.ts';
import { connect } from '../../db/connect.ts';
import { openDoor } from '../../db/door.ts';
import { asOwner, createAccount } from '../../db/owner.ts';
import { k } from '../../db/query.ts';
import { openSession } from '../support/practice.ts';
import { findInFiles, serverFiles } from '../support/server-files.ts';
import { createWorld, importRecord, inTransaction, outcome, type World } from '../support/world.ts';

let world: World;
let root: pg.Client;
let door: Door;
let aged: { client: pg.Client; since: number };

const planted = (name: string) => `Canari${name}${randomBytes(6).toString('hex')}`;
const canaries = new Map<string, string>();
const plant = (name: string): string => {
  const text = planted(name);
  canaries.set(name, text);
  return text;
};
const identity = [
  'birth_name',
  'used_name',
  'first_given_name',
  'birth_given_names',
  'used_given_name',
  'birth_place',
  'ins_matricule',
  'phone',
  'email',
  'address',
  'deceased_date',
];

beforeAll(async () => {
  world = await createWorld();
  root = await connect(world.db.superuserUrl);
  door = openDoor({ edgeUrl: world.db.edgeUrl, gateUrl: world.db.gateUrl, ring: world.db.ring });
  aged = await startAgeing();
  const traits = Object.fromEntries(identity.map((name) => [name, plant(name)]));
  // a birth date is short: its form is what is looked for
  const birthDate = `19${(randomBytes(1).readUInt8() % 90) + 10}-02-29`;
  canaries.set('birth_date', birthDate);
  const patient = await importRecord(
    world.db,
    world.a,
    world.a.clinician,
    { ...traits, birth_date: birthDate },
    plant('rows'),
  );
  const profile = { family_name: plant('family_name'), given_name: plant('given_name'), rpps: plant('rpps') };
  const email = `${plant('account')}@exemple.fr`;
  const account = await asOwner(world.db.admin, () =>
    createAccount(world.db.admin, world.db.keys, {
      organisation: world.a.organisation,
      role: 'clinician',
      email,
      profile,
      password: plant('password'),
      totpSecret: Buffer.from(plant('totp')),
    }),
  );
  const who: Who = {
    token: await asOwner(world.db.admin, () => openSession(world.db, account)),
    role: 'clinician',
    ip: '203.0.113.77',
    userAgent: plant('browser'),
    requestId: randomUUID(),
  };
  const mine: Who = { ...who, token: world.a.clinician.token };
  await use(mine, patient, traits.birth_name!, birthDate);
  canaries.set('token of a session', who.token!);
  canaries.set('token of another', mine.token!);
  canaries.set('address', '203.0.113.77');
  for (const entry of world.db.ring.split(',')) canaries.set(`master key ${entry.split('=')[0]}`, entry.split('=')[1]!);
  canaries.set('pepper', Buffer.from(world.db.pepper.key).toString('base64'));
});
afterAll(async () => {
  await door.close();
  await root.end();
  await aged.client.end();
  await world.close();
});

const query = (text: TemplateStringsArray, ...values: unknown[]) => sql<{ answer: string }>(text, ...values).compile(k);

/** A day's work: chart, search, note, and every way in which something can be refused. */
async function use(who: Who, patient: string, name: string, birthDate: string): Promise<void> {
  const selection = randomUUID();
  const chart = { open: query`select audit.open_patient(${patient}) as answer`, focus: patient };
  await door.read(who, { ...chart, reads: [query`select * from clinic.patients`, query`select * from clinic.notes`] });
  await door.read(who, {
    open: query`select audit.open_patient_search(${selection}, ${name}, ${birthDate}) as answer`,
    reads: [query`select * from clinic.patient_names where id = any ((select audit.selected(${selection}))::uuid[])`],
  });
  const key = randomUUID();
  const note = (category: string) =>
    JSON.stringify(
      Object.fromEntries([
        ...['subjective', 'objective', 'assessment', 'plan', 'diagnosis', 'treatment_plan'].map((f) => [
          f,
          canaries.get(f) ?? plant(f),
        ]),
        ['category', category],
      ]),
    );
  const write = (by: string, category: string) =>
    door.write(who, {
      ...chart,
      key: by,
      operation: 'notes.write',
      change: query`select clinic.write_note(${by}, ${patient}, ${note(category)}) as answer`,
      reads: [query`select * from clinic.notes`],
    });
  await write(key, 'consultation');
  const failing = [
    () => write(randomUUID(), canaries.get('subjective')!),
    () => door.read(who, { open: query`select audit.open_patient(${name}) as answer`, reads: [] }),
    () => door.read({ ...who, token: 'expired' }, { ...chart, reads: [] }),
    () =>
      door.read(who, {
        open: query`select audit.open_patient_search(${selection}, ${name}, ${name}) as answer`,
        reads: [],
      }),
    // what an injected expression would make of an opened value
    () => door.read(who, { ...chart, reads: [query`select birth_name::int from clinic.patients`] }),
  ];
  for (const attempt of failing) await expect(attempt()).rejects.toThrow();
}

const needles = () => {
  const found = new Map<string, Buffer>();
  for (const [name, text] of canaries) {
    found.set(name, Buffer.from(text));
    found.set(`${name} in UTF-16`, Buffer.from(text, 'utf16le'));
    if (name.startsWith('master') || name === 'pepper') found.set(`${name} in bytes`, Buffer.from(text, 'base64'));
    else found.set(`${name} in hex`, Buffer.from(Buffer.from(text).toString('hex')));
  }
  return found;
};

test('the search for canaries finds what is there in clear', async () => {
  const { data } = await serverFiles(world.db);
  await root.query('checkpoint');
  expect(await findInFiles(data, new Map([['clear', Buffer.from('Cabinet A')]]))).not.toEqual([]);
});

test('cannot find a planted value in any raw file, WAL and log included', async () => {
  await root.query('analyze');
  await root.query('select pg_switch_wal()');
  await root.query('checkpoint');
  const { data } = await serverFiles(world.db);
  expect(await findInFiles(data, needles())).toEqual([]);
});

test('cannot find one in a dump by the DBA', async () => {
  const dba = await connect(world.db.dbaUrl);
  const { rows: tables } =
    await dba.query(`select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('iam', 'access', 'vault', 'audit', 'store', 'privacy', 'ops') and c.relkind = 'r'`);
  expect(tables.length).toBeGreaterThan(20);
  let dumped = 0;
  for (const { name } of tables) {
    const { rows } = await dba.query(`select t::text as row from ${name} t`);
    const text = rows.map((r) => r.row).join('\n');
    dumped += rows.length;
    for (const [canary, value] of canaries)
      for (const form of [value, Buffer.from(value).toString('hex')])
        expect([name, canary, text.includes(form)]).toEqual([name, canary, false]);
  }
  // BYPASSRLS: a dump is whole
  expect(dumped).toBeGreaterThan(100);
  await dba.end();
});

test('cannot find one in statistics, activity or settings', async () => {
  const { rows } =
    await root.query(`select (select string_agg(s::text, '|') from pg_stats s where schemaname <> 'pg_catalog') || (select string_agg(a::text, '|') from pg_stat_activity a)
    || (select string_agg(s::text, '|') from pg_settings s) as text`);
  for (const [canary, value] of canaries) expect([canary, rows[0].text.includes(value)]).toEqual([canary, false]);
});

// ---------------------------------------------------------------- hardening rule 8, which takes half a minute

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
