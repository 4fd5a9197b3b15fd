// Promise 3 from outside: with docs/formats.md, the ring and what the DBA reads, every sealed value of a database opens by
// WebCrypto alone, and no other way round: moved anywhere else it doesn't.
import { randomBytes, randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { asOwner, createAccount } from '../../db/owner.ts';
import { liveIn } from '../support/matrix/lived-in.ts';
import { bytes, open, placeOf, timestamptz, unwrap, utf8, uuid, type WrappedKey } from '../support/webcrypto.ts';
import {
  connectEdge,
  createWorld,
  inTransaction,
  look,
  open as openPage,
  outcome,
  type World,
} from '../support/world.ts';

// biome-ignore lint/suspicious/noExplicitAny: rows of any table
type Row = any;
/** `key`: whose key it is, where that isn't the patient of the AAD. */
type Kind = {
  level: string;
  owner(row: Row): string;
  key?(row: Row): string;
  context(row: Row): Uint8Array<ArrayBuffer>;
};

const none = utf8('');
const own = { level: 'profile', context: () => none };
/** The table of docs/formats.md, "Stored value". */
const kinds: Record<string, Kind> = {
  'store.patients': {
    level: 'identity',
    owner: (r) => r.id,
    context: (r) => bytes(utf8(r.identity_status), uuid(r.organisation_id)),
  },
  'store.encounters': clinical((r) => bytes(timestamptz(r.started_at), timestamptz(r.ended_at), utf8(r.status))),
  'store.conditions': clinical((r) =>
    bytes(
      utf8(`${r.clinical_status}/${r.verification_status ?? ''}`),
      timestamptz(r.onset_at),
      timestamptz(r.abatement_at),
      timestamptz(r.recorded_at),
    ),
  ),
  'store.observations': clinical((r) => bytes(timestamptz(r.effective_at), utf8(`${r.category}/${r.status}`))),
  'store.medication_requests': clinical((r) => bytes(timestamptz(r.authored_at), utf8(`${r.status}/${r.intent}`))),
  'store.allergy_intolerances': clinical((r) =>
    bytes(
      utf8(`${r.clinical_status}/${r.verification_status ?? ''}`),
      r.recorded_at === null ? none : timestamptz(r.recorded_at),
    ),
  ),
  'store.notes': clinical((r) =>
    bytes(uuid(r.author_id), timestamptz(r.created_at), utf8(`${r.category}/${r.priority}/${r.status}`)),
  ),
  'store.referrals': clinical((r) =>
    bytes(uuid(r.requester_id), uuid(r.performer_id), timestamptz(r.valid_from), utf8(r.priority)),
  ),
  'access.broken_glass': {
    level: 'glass',
    owner: (r) => r.patient_id,
    key: (r) => r.id,
    context: (r) => bytes(uuid(r.account_id), timestamptz(r.broken_at), utf8(r.kind)),
  },
  'privacy.erasure_requests': {
    level: 'identity',
    owner: (r) => r.patient_id,
    context: (r) => utf8(r.ground),
  },
  'iam.accounts': { ...own, owner: (r) => r.id },
  'iam.totp_factors': { ...own, owner: (r) => r.account_id },
  'audit.origins': { level: 'organisation', owner: (r) => r.organisation_id, context: () => none },
};
function clinical(context: Kind['context']): Kind {
  return { level: 'clinical', owner: (r) => r.patient_id, context };
}
/** Bytes that aren't sealed: keyed hashes. */
const hashes = ['iam.accounts.email_index', 'audit.origins.digest'];

let world: World;
let dba: pg.Client;
let edge: pg.Client;
let keys: Map<string, WrappedKey>;
beforeAll(async () => {
  world = await createWorld();
  dba = await connect(world.db.dbaUrl);
  edge = await connectEdge(world.db);
  await asOwner(world.db.admin, () =>
    createAccount(world.db.admin, world.db.keys, {
      organisation: world.a.organisation,
      role: 'clinician',
      email: 'facteur@exemple.fr',
      profile: { family_name: 'Facteur', given_name: 'Zoé', quality: 'Dr', rpps: '10003456789' },
      password: 'un mot de passe bien long',
      totpSecret: randomBytes(20),
    }),
  );
  await liveIn(world, edge);
  await edge.query('begin');
  await edge.query("select iam.enter($1, $2, null, 'open', '203.0.113.9', 'Navigateur')", [
    world.a.clinician.token,
    world.db.ring,
  ]);
  await edge.query('select audit.open_patient($1)', [world.a.mine]);
  await edge.query('commit');
  await dba.query("set timezone = 'UTC'; set datestyle = 'ISO, YMD'");
  const { rows } = await dba.query<WrappedKey>('select subject_id, level, master, wrapped from vault.keys');
  keys = new Map(rows.map((key) => [`${key.subject_id}/${key.level}`, key]));
});
afterAll(async () => {
  await Promise.all([dba.end(), edge.end()]);
  await world.close();
});

/** Every sealed cell there is: whose key, where, and what. */
async function* cells() {
  for (const [table, kind] of Object.entries(kinds)) {
    const { rows: columns } = await dba.query<{ name: string; type: string }>(
      'select attname as name, atttypid::regtype::text as type from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped',
      [table],
    );
    const list = columns.map(({ name, type }) => (type === 'bytea' ? name : `${name}::text`)).join(', ');
    const { rows } = await dba.query<Row>(`select ${list} from ${table}`);
    for (const row of rows)
      for (const { name, type } of columns) {
        const value = row[name] as Buffer | null;
        if (type !== 'bytea' || value === null || hashes.includes(`${table}.${name}`)) continue;
        const [owner, id] = [kind.owner(row), row.id ?? row.account_id];
        const key = keys.get(`${kind.key?.(row) ?? owner}/${kind.level}`)!;
        const place = (column: string) => placeOf(column, id, owner, BigInt(row.version ?? 1), kind.context(row));
        yield { column: `${table}.${name}`, owner, key, place, value };
      }
  }
}

test('opens every sealed value of every table, and finds none but text in it', async () => {
  const opened = new Map<string, string[]>();
  for await (const { column, key, place, value } of cells()) {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(
      await open(await unwrap(world.db.ring, key), place(column), value),
    );
    opened.set(column, [...(opened.get(column) ?? []), text]);
  }
  expect(opened.get('store.patients.birth_name')).toContain('Nom Cabinet A');
  expect(opened.get('store.notes.subjective')).toContain('Texte libre');
  expect(opened.get('iam.accounts.rpps')).toContain('10003456789');
  expect(opened.get('iam.totp_factors.secret')).toHaveLength(1);
  expect(opened.get('audit.origins.user_agent')).toContain('Navigateur');
  for (const table of ['store.referrals', 'access.broken_glass', 'privacy.erasure_requests'])
    expect(opened.get(`${table}.reason`)?.length).toBeGreaterThan(0);
  const { rows } = await dba.query<{ name: string }>(`
    select c.oid::regclass::text as name from pg_class c where c.relkind = 'r' and c.relnamespace = 'store'::regnamespace`);
  // a new table of the record belongs into docs/formats.md
  expect(rows.map(({ name }) => name).filter((name) => !kinds[name])).toEqual([]);
});

test('cannot open one with another key, in another column, or from another ring', async () => {
  const some = [];
  for await (const cell of cells()) some.push(cell);
  const other = `2026=${randomBytes(64).toString('base64')}`;
  for (const [i, { column, key, place, value }] of some.entries()) {
    const neighbour = some[(i + 1) % some.length]!;
    const right = await unwrap(world.db.ring, key);
    await expect(open(right, place(`${column}x`), value)).rejects.toThrow('refused');
    await expect(open(right, place(column), neighbour.value)).rejects.toThrow('refused');
    await expect(unwrap(other, { ...key, master: '2026' })).rejects.toThrow('refused');
    await expect(unwrap(world.db.ring, { ...key, subject_id: randomUUID() })).rejects.toThrow('refused');
    const level = key.level === 'identity' ? 'clinical' : 'identity';
    await expect(unwrap(world.db.ring, { ...key, level })).rejects.toThrow('refused');
  }
  expect(some.length).toBeGreaterThan(60);
});

// ---------------------------------------------------------------- the same through the pages, where rows aren't of a patient

test('cannot have a profile, an address or a browser of another row or column', async () => {
  const root = await connect(world.db.superuserUrl);
  await root.query('set session_replication_role = replica');
  const swapped = async (table: string, set: string, where: string, read: () => Promise<unknown>) => {
    await root.query(`create temp table kept as select * from ${table}`);
    const { rowCount } = await root.query(`update ${table} set ${set} where ${where}`);
    expect(rowCount).toBeGreaterThan(0);
    const told = await outcome(read());
    await root.query(`delete from ${table}; insert into ${table} select * from kept; drop table kept`);
    return told;
  };
  const { clinician, colleague, auditor } = world.a;
  const me = { token: clinician.token, ring: world.db.ring };
  const names = () => look(edge, me, 'select * from clinic.me');
  expect(await names()).toHaveLength(1);
  const mine = `id = '${clinician.account}'`;
  const theirs = `(select x.family_name from iam.accounts x where x.id = '${colleague.account}')`;
  expect(await swapped('iam.accounts', 'family_name = given_name', mine, names)).toBe('VS500');
  expect(await swapped('iam.accounts', `family_name = ${theirs}`, mine, names)).toBe('VS500');
  expect(await swapped('iam.accounts', 'family_name = email', mine, names)).toBe('VS500');

  const reader = { token: auditor.token, ring: world.db.ring };
  await openPage(edge, reader, 'audit.open_log()');
  const log = () => look(edge, reader, 'select * from clinic.audit_events');
  expect((await log()).length).toBeGreaterThan(5);
  expect(await swapped('audit.origins', 'ip = user_agent', 'user_agent is not null', log)).toBe('VS500');
  await root.end();
});

test('cannot read a value with any bit turned over, and every refusal says the same', async () => {
  const root = await connect(world.db.superuserUrl);
  await root.query('set session_replication_role = replica');
  const me = { token: world.a.clinician.token, ring: world.db.ring, focus: world.a.mine };
  const { rows } = await root.query('select id, code from store.conditions where patient_id = $1', [world.a.mine]);
  const { id, code } = rows[0] as { id: string; code: Buffer };
  const told = new Set<string>();
  for (let bit = 0; bit < code.length * 8; bit++) {
    const changed = Buffer.from(code.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte)));
    await root.query('update store.conditions set code = $1 where id = $2', [changed, id]);
    const refusal = await inTransaction(edge, { ...me, phase: 'read' }, () =>
      edge.query('select code from clinic.conditions'),
    ).then(
      () => 'opened',
      ({ code, message, where, detail, hint }) => JSON.stringify({ code, message, where, detail, hint }),
    );
    told.add(refusal);
  }
  await root.query('update store.conditions set code = $1 where id = $2', [code, id]);
  await root.end();
  expect([...told]).toEqual([expect.stringMatching(/"VS500","message":"the value can't be opened"/)]);
});
