// Promise 7, attacked: a forgotten patient is asked for by every path that opened them a moment before.
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { type Certificate, erase, listErasures } from '../../db/erase.ts';
import { erasuresFile, readErasures } from '../../db/erasures.ts';
import { importFiles } from '../../db/import.ts';
import { signNote } from '../../db/log/note.ts';
import { compareRows } from '../../db/log/rows.ts';
import { asOwner, openImportSession } from '../../db/owner.ts';
import type { Site } from '../../db/site.ts';
import { bundle, entry, JEAN, MARIE, weight } from '../support/bundles.ts';
import { isOneSentence, runCommand } from '../support/cli.ts';
import { createPerson, type Person } from '../support/practice.ts';
import {
  clinicalTables,
  connectEdge,
  createWorld,
  importRecord,
  look,
  open,
  openPatient,
  outcome,
  type World,
} from '../support/world.ts';

let world: World;
let edge: pg.Client;
let site: Site;
let clinician: Person;
/** Erased in the first test; `neighbour` isn't. */
let patient: string;
let neighbour: string;
let own: Person;
let certificate: Certificate;

const as = (person: Person) => ({ token: person.token, ring: world.db.ring });
const superuser = async <T>(work: (client: pg.Client) => Promise<T>): Promise<T> => {
  const client = await connect(world.db.superuserUrl);
  return work(client).finally(() => client.end());
};

beforeAll(async () => {
  world = await createWorld();
  edge = await connectEdge(world.db);
  ({ clinician } = world.a);
  const { keys, adminUrl } = world.db;
  const directory = mkdtempSync(join(tmpdir(), 'vitalsync-erasure-'));
  site = { directory, keys, adminUrl } as Site;
  const traits = { birth_name: 'Desvignes', given_name: 'Yves', birth_date: '1931-04-02' };
  patient = await importRecord(world.db, world.a, clinician, traits);
  neighbour = await importRecord(world.db, world.a, clinician, { birth_name: 'Desmoulins' });
  own = await asOwner(world.db.admin, () =>
    createPerson(world.db, { organisation: world.a.organisation, role: 'patient', patient }),
  );
});
afterAll(async () => {
  await edge.end();
  await world.close();
  rmSync(site.directory, { recursive: true });
});

describe('a record that the law keeps', () => {
  test('is not erased because somebody asks, and the sentence says why and until when', async () => {
    for (const ground of ['objection', 'consent_withdrawn', 'no_longer_necessary', 'retention_ended']) {
      const refused = erase(world.db.admin, site, [patient], ground);
      await expect(refused).rejects.toThrow(/the law keeps this record until 20\d\d-\d\d-\d\d \(20 years after/);
    }
    expect(await openPatient(edge, as(clinician), patient)).toBe('ok');
  });
});

describe('a patient who was forgotten', () => {
  const selection = randomUUID();

  test('has a certificate that the log and the record outside bear out', async () => {
    for (const person of [clinician, own, world.a.secretary])
      expect(await openPatient(edge, as(person), patient)).toBe('ok');
    expect(await open(edge, as(clinician), 'audit.open_patient_list($1)', [selection])).toBe('ok');
    const erased = await erase(world.db.admin, site, [patient], 'unlawful_processing');
    certificate = erased.erasures[0]!;
    expect(erased).toMatchObject({ outside: erasuresFile(site), keys_rewritten: true });
    expect(certificate).toMatchObject({ patient, ground: 'unlawful_processing', organisation_name: 'Cabinet A' });
    expect(certificate.destroyed).toMatchObject({ keys: 3, accounts: 1, sessions: 1, memberships: 1, selections: 1 });
    expect(Date.parse(certificate.complete_from) - Date.parse(certificate.erased_at)).toBe(30 * 86_400_000);
    const { rows } = await superuser((s) =>
      s.query(
        `select e.event, encode(l.hash, 'hex') as hash from audit.events e join audit.leaves l using (organisation_id, lane, seq)
         where e.id = $1`,
        [certificate.event.id],
      ),
    );
    expect(rows).toEqual([{ event: 'patient.erase', hash: certificate.event.leaf_hash }]);
    expect(JSON.parse(readErasures(site)?.lines.get(patient) ?? '')).toMatchObject({
      id: certificate.erasure,
      event: certificate.event.id,
      leaf_hash: certificate.event.leaf_hash,
    });
  });

  test('is hidden in the words for somebody who never was here, for everybody who saw them', async () => {
    const never = randomUUID();
    for (const person of [clinician, world.a.colleague, world.a.secretary, world.a.dpo, world.b.clinician])
      for (const id of [patient, never]) expect(await openPatient(edge, as(person), id), person.role).toBe('hidden');
    expect(await outcome(openPatient(edge, as(own), patient)), 'their own session is over').toBe('signed_out');
  });

  test('shows in no view, on no list and in no search', async () => {
    for (const person of [clinician, world.a.secretary])
      for (const view of ['patients', 'patient_names'])
        expect(await look(edge, as(person), `select id from clinic.${view} where id = $1`, [patient])).toEqual([]);
    for (const view of clinicalTables)
      for (const focus of [null, patient])
        expect(
          await look(edge, { ...as(clinician), focus }, `select id from clinic.${view} where patient_id = $1`, [
            patient,
          ]),
        ).toEqual([]);
    for (const person of [clinician, world.a.secretary]) {
      const list = randomUUID();
      const search = randomUUID();
      expect(await open(edge, as(person), 'audit.open_patient_list($1)', [list])).toBe('ok');
      expect(await open(edge, as(person), 'audit.open_patient_search($1, $2, $3)', [search, 'desvignes', ''])).toBe(
        'ok',
      );
      for (const made of [list, search, selection]) {
        const shown = await look(edge, as(person), 'select unnest(audit.selected($1)) as id', [made]);
        expect(shown.map(({ id }) => id)).not.toContain(patient);
      }
      const names = await look(
        edge,
        as(person),
        'select id from clinic.patient_names where id = any (audit.selected($1))',
        [list],
      );
      expect(names.map(({ id }) => id)).toContain(neighbour);
    }
  });

  test('opens no more from their ciphertext, handed to the vault by whoever had it open', async () => {
    const { rows } = await superuser((s) => s.query('select * from store.notes where patient_id = $1', [patient]));
    const note = rows[0];
    expect(note.subjective.length, 'the ciphertext is still there').toBeGreaterThan(64);
    const call = `select vault.open('clinical', $1, $2, 1, '', array['store.notes.subjective'::bytea], array[$3::bytea])`;
    // by name it can't be called at all; the owner, who may, has no key to call it with
    expect(await outcome(look(edge, as(clinician), call, [note.id, patient, note.subjective]))).toBe('42501');
    const unwrap = asOwner(world.db.admin, () =>
      world.db.admin.query("select vault.unwrap($1, $2, 'clinical')", [world.db.ring, patient]),
    );
    expect(await outcome(unwrap)).toBe('VS404');
  });

  test('has left no address to sign in with', async () => {
    const { rows } = await superuser((s) =>
      s.query(
        'select a.status, a.password_hash, a.email_index = any (iam.email_indexes($1, $2)) as found from iam.accounts a where a.id = $3',
        [world.db.ring, own.email, own.account],
      ),
    );
    expect(rows).toEqual([{ status: 'suspended', password_hash: null, found: false }]);
    const gate = await connect(world.db.gateUrl);
    const looked = await gate.query('select iam.sign_in_lookup($1, $2) as id', [world.db.ring, own.email]);
    expect(looked.rows[0].id).not.toBe(own.account);
    await gate.end();
  });

  test('leaves the log whole, and neighbours open as before', async () => {
    const dba = await connect(world.db.dbaUrl);
    expect((await dba.query('select * from audit.verify_all()')).rows).toEqual([]);
    // audit verify --live: each row against its last event, and nothing is missing without one
    expect(await compareRows(dba)).toMatchObject({ problems: [] });
    await dba.end();
    expect(await openPatient(edge, as(clinician), neighbour)).toBe('ok');
    const [row] = await look(edge, { ...as(clinician), focus: neighbour }, 'select birth_name from clinic.patients');
    expect(row).toEqual({ birth_name: 'Desmoulins' });
  });

  test('is forgotten once: the second time gives the certificate of the first', async () => {
    const again = await erase(world.db.admin, site, [patient], 'legal_obligation');
    expect(again.erasures).toEqual([certificate]);
    expect(await listErasures(world.db.admin)).toEqual([certificate]);
    expect(readErasures(site)?.lines.size).toBe(1);
  });

  test('left no wrapped key in any file of the database, WAL and backups apart', async () => {
    // the last rows of the table: nothing takes their place in the page, which a plain vacuum leaves as it is
    const last = await importRecord(world.db, world.a, clinician, { birth_name: 'Dernier' });
    const keys = await superuser((s) => s.query('select wrapped from vault.keys where subject_id = $1', [last]));
    const wrapped: Buffer[] = keys.rows.map((row) => row.wrapped);
    expect(wrapped).toHaveLength(2);
    const holding = () =>
      superuser(async (s) => {
        await s.query('checkpoint');
        const { rows } = await s.query<{ file: string }>(
          `select d.path || f as file from (select 'base/' || oid || '/' as path from pg_database where datname = current_database()) d
           cross join lateral pg_ls_dir(d.path) f
           cross join lateral (select pg_read_binary_file(d.path || f) as bytes) b
           where position($1 in b.bytes) > 0 or position($2 in b.bytes) > 0`,
          wrapped,
        );
        return rows;
      });
    expect(await holding()).toHaveLength(1);
    // somebody whose transaction began before would still have to see the deleted rows: they are taken along until it ends
    const reader = await connect(world.db.superuserUrl);
    await reader.query('begin isolation level repeatable read; select from vault.keys limit 1');
    setTimeout(() => void reader.query('commit'), 700);
    const erased = await erase(world.db.admin, site, [last], 'unlawful_processing');
    expect(erased.keys_rewritten).toBe(true);
    expect(await holding()).toEqual([]);
    await reader.end();
  }, 30_000);
});

describe('vitalsync erase', () => {
  test.each([
    ['nobody', [], 'Give the id of a record'],
    ['a name', ['Desvignes'], 'desvignes is not the id of a record'],
    [
      'somebody whom nobody typed a second time',
      ['7dc7a655-6b3e-8c8b-a1fc-1ab9f0a1d0c4'],
      'nothing was erased: give --yes',
    ],
    ['somebody on the way to a list', ['--list', '7dc7a655-6b3e-8c8b-a1fc-1ab9f0a1d0c4'], '--list names nobody'],
  ])('doesn’t erase %s', async (_, args, told) => {
    const refused = await runCommand(['erase', ...args]);
    expect(isOneSentence(refused), refused.err).toBe(true);
    expect(refused.err).toContain(told);
  });
});

describe('the same source', () => {
  test('isn’t taken in again, which the import says; the rest of the file is', async () => {
    const { db, a } = world;
    const token = await asOwner(db.admin, () =>
      openImportSession(db.admin, db.keys, a.organisation, clinician.account),
    );
    const connection = await connect(db.edgeUrl);
    const file = join(site.directory, 'bundle.json');
    writeFileSync(
      file,
      JSON.stringify(
        bundle(entry(MARIE), entry(JEAN), entry(weight(MARIE)), entry(weight(JEAN, { id: randomUUID() }))),
      ),
    );
    const run = () => importFiles([file], { connection, token, ring: db.ring });
    expect((await run()).types).toMatchObject({ Patient: { taken: 2 }, Observation: { taken: 2 } });
    const { rows } = await superuser((s) =>
      s.query<{ id: string }>('select id from store.patients order by created_at desc limit 2'),
    );
    const marie = rows[1]!.id;
    await erase(db.admin, site, [marie], 'unlawful_processing');
    const why = 'of somebody who was erased; a new record needs a new id in the source';
    expect((await run()).types).toEqual({
      Patient: { taken: 0, present: 1, left: { [why]: 1 } },
      Observation: { taken: 0, present: 1, left: { [why]: 1 } },
    });
    expect(await openPatient(edge, as(clinician), marie)).toBe('hidden');
    await connection.end();
  });
});

describe('somebody who works here', () => {
  test('keeps the account they work with when their own record is forgotten', async () => {
    const record = await importRecord(world.db, world.a, clinician, { birth_name: 'Soignante' });
    await asOwner(world.db.admin, () =>
      world.db.admin.query(
        "insert into access.memberships (account_id, organisation_id, role, patient_id) values ($1, $2, 'patient', $3)",
        [world.a.colleague.account, world.a.organisation, record],
      ),
    );
    const { erasures } = await erase(world.db.admin, site, [record], 'legal_obligation');
    expect(erasures[0]!.destroyed).toMatchObject({ keys: 2, accounts: 0, memberships: 1 });
    expect(await openPatient(edge, as(world.a.colleague), world.a.theirs)).toBe('ok');
    expect(await look(edge, as(world.a.colleague), 'select role from clinic.me')).toEqual([{ role: 'clinician' }]);
  });
});

describe('the record outside', () => {
  const tamper = (change: (note: string) => string) => {
    const file = erasuresFile(site);
    const note = readFileSync(file, 'utf8');
    writeFileSync(file, change(note));
    try {
      return readErasures(site);
    } finally {
      writeFileSync(file, note);
    }
  };

  test.each([
    ['a line removed', (note: string) => note.replace(/^\{.*\}\n/m, '')],
    [
      'a line removed and the number with it',
      (note: string) => note.replace(/^\{.*\}\n/m, '').replace('\n4\n', '\n3\n'),
    ],
    ['a patient exchanged', (note: string) => note.replace(patient, neighbour)],
    ['another signature', (note: string) => note.replace(/ [A-Za-z0-9+/]{6}(.*)\n$/, ' AAAAAA$1\n')],
    ['no signature', (note: string) => note.slice(0, note.lastIndexOf('\n\n') + 1)],
    ['a checkpoint in its place', (note: string) => note.replace('/erasures\n', '\n')],
    ['nothing in it', () => ''],
  ])('isn’t believed with %s, and the sentence names the file', (_, change) => {
    expect(() => tamper(change)).toThrow(`${erasuresFile(site)} can't be believed`);
  });

  test('takes nothing away when the database knows less', async () => {
    const before = readErasures(site)?.lines;
    expect(before?.size).toBe(4);
    const other = await createWorld();
    try {
      await erase(other.db.admin, site, [other.a.theirs], 'legal_obligation');
      expect([...(readErasures(site)?.lines.keys() ?? [])]).toEqual(
        expect.arrayContaining([...(before?.keys() ?? [])]),
      );
    } finally {
      await other.close();
    }
  });

  test('isn’t believed when an older one was put back with its signature, or what confirms it is gone', async () => {
    const [list, head] = [erasuresFile(site), `${erasuresFile(site)}.head`];
    const older = { list: readFileSync(list), head: readFileSync(head) };
    const forgotten = await importRecord(world.db, world.a, clinician, { birth_name: 'Dernière' });
    await erase(world.db.admin, site, [forgotten], 'legal_obligation');
    const newest = { list: readFileSync(list), head: readFileSync(head, 'utf8') };
    writeFileSync(list, older.list);
    expect(() => readErasures(site)).toThrow(`${list} can't be believed`);
    // writing was stopped before the list, or behind it: the head confirms both then
    const [name = '', size, digest] = newest.head.split('\n');
    const before = older.head.toString().split('\n')[2];
    const both = { name, privateKeys: site.keys.signing.signs };
    writeFileSync(head, signNote(`${name}\n${size}\n${digest}\n${before}\n`, both));
    expect(readErasures(site)?.lines.has(forgotten)).toBe(false);
    writeFileSync(list, newest.list);
    expect(readErasures(site)?.lines.has(forgotten)).toBe(true);
    writeFileSync(head, older.head);
    expect(() => readErasures(site)).toThrow(`${list} can't be believed`);
    rmSync(head);
    expect(() => readErasures(site)).toThrow(`${head} can't be found`);
    writeFileSync(head, newest.head);
    expect(readErasures(site)?.lines.has(forgotten)).toBe(true);
  });
});

describe('a master key that takes over', () => {
  test('finds nothing of them to renew, and retires the one that had wrapped their keys', async () => {
    const ring = `later=${randomBytes(64).toString('base64')},${world.db.ring}`;
    const old = world.db.ring.split('=')[0];
    const owner = (query: string, values: unknown[]) =>
      asOwner(world.db.admin, async () => (await world.db.admin.query(query, values)).rows[0]);
    await owner("select vault.add_master('later', vault.master($1, 'later')), vault.promote($1, 'later')", [ring]);
    for (const step of ['rewrap', 'reindex'])
      for (let done = 1; done > 0; ) ({ done } = await owner(`select vault.${step}($1, 'later') as done`, [ring]));
    await owner("select vault.retire($1, '0')", [old]);
    expect((await listErasures(world.db.admin)).at(-1)?.masters_retired_at).toMatch(/^20/);
    expect(await openPatient(edge, { token: clinician.token, ring }, neighbour)).toBe('ok');
    const [row] = await look(
      edge,
      { token: clinician.token, ring, focus: neighbour },
      'select birth_name from clinic.patients',
    );
    expect(row).toEqual({ birth_name: 'Desmoulins' });
  });
});
