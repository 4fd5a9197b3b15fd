import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { type ImportOptions, importFiles } from '../../db/import.ts';
import { asOwner, openImportSession } from '../../db/owner.ts';
import { about, bundle, entry, JEAN, type Json, MARIE, weight } from '../support/bundles.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { createPractice, type Practice } from '../support/practice.ts';

let db: TestDatabase;
let practice: Practice;
const practiceName = 'Cabinet de l’import';
let connection: pg.Client;
let token: string;
let folder: string;
beforeAll(async () => {
  db = await createDatabase();
  practice = await createPractice(db, practiceName);
  connection = await connect(db.edgeUrl);
  token = await asOwner(db.admin, () =>
    openImportSession(db.admin, db.keys, practice.organisation, practice.clinician.account),
  );
  folder = mkdtempSync(join(tmpdir(), 'vitalsync-bundles-'));
});
afterAll(async () => {
  await connection.end();
  await db.close();
  rmSync(folder, { recursive: true });
});

function file(name: string, content: Json | string): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}
const run = (files: string[], more: Partial<ImportOptions> = {}) =>
  importFiles(files, { connection, token, ring: db.ring, ...more });

const TABLES = ['patients', 'encounters', 'conditions', 'observations', 'medication_requests', 'allergy_intolerances'];

/** How many rows each table holds, as the people who run the database count them. */
async function stored(): Promise<Record<string, number>> {
  const dba = await connect(db.dbaUrl);
  try {
    const counts = TABLES.map((table) => `(select count(*)::int from store.${table}) as ${table}`);
    return (await dba.query(`select ${counts.join(', ')}`)).rows[0];
  } finally {
    await dba.end();
  }
}

/** What a clinician of the care team reads, once the patient was opened. */
async function opened(as: string, patient: string, view: string): Promise<Json[]> {
  const client = await connect(db.edgeUrl);
  try {
    await client.query('begin');
    await client.query('select iam.enter(token => $1, ring => $2)', [as, db.ring]);
    await client.query('select audit.open_patient($1)', [patient]);
    await client.query('commit');
    await client.query('begin read only');
    await client.query("select iam.enter(token => $1, ring => $2, focus => $3, phase => 'read')", [
      as,
      db.ring,
      patient,
    ]);
    const { rows } = await client.query(`select * from clinic.${view}`);
    await client.query('commit');
    return rows;
  } finally {
    await client.end();
  }
}

const person = (n: number): Json => ({ ...MARIE, id: `44444444-4444-4444-8444-${String(n).padStart(12, '0')}` });
const weights = (of: Json, count: number, from = 0) =>
  Array.from({ length: count }, (_, i) =>
    entry(weight(of, { id: `55555555-5555-4555-8555-${String(from + i).padStart(12, '0')}` })),
  );

describe('a bundle that fails leaves nothing behind', () => {
  const whole = JSON.stringify(bundle(entry(MARIE), entry(weight(MARIE))));
  const stray = weight(MARIE, { id: 'stray', subject: about(JEAN) });
  test.each<[string, Json | string, { path: string; why: string }]>([
    ['not-json.json', 'Bonjour', { path: '', why: 'not a JSON object' }],
    ['not-fhir.json', { hello: 'world' }, { path: 'resourceType', why: 'is required: this is not FHIR' }],
    [
      'truncated.json',
      whole.slice(0, -60),
      { path: 'entry[1]', why: expect.stringContaining('the file ends in the middle') },
    ],
    [
      'stray.json',
      bundle(entry(MARIE), entry(weight(MARIE)), entry(stray)),
      { path: 'entry[2].resource.subject.reference', why: 'refers to a patient that the bundle does not hold' },
    ],
    [
      'late.json',
      bundle(entry(MARIE), ...weights(MARIE, 1200), entry(weight(MARIE, { status: 'x' }))),
      { path: 'entry[1201].resource.status', why: expect.stringContaining('Invalid option') },
    ],
  ])('%s, and the others go on', async (name, content, expected) => {
    const before = await stored();
    const good = file('good.json', bundle(entry(JEAN)));
    const { files } = await run([file(name, content), good]);
    expect(files[0]).toEqual({ file: join(folder, name), outcome: 'failed', ...expected });
    expect(files[1]).toMatchObject({ outcome: 'taken' });
    const { patients: _, ...rows } = await stored();
    const { patients: __, ...rowsBefore } = before;
    expect(rows).toEqual(rowsBefore);
  });

  test('nor does a file that is missing or a directory', async () => {
    const { files } = await run([join(folder, 'nowhere.json'), folder]);
    expect(files).toMatchObject([
      { outcome: 'failed', why: 'there is no such file' },
      { outcome: 'failed', why: 'is not a file' },
    ]);
  });

  test('also when the database is the one to refuse, and no value is told', async () => {
    const before = await stored();
    const late = weight(person(8), { effectiveDateTime: '2024-01-01T00:00:00Z', code: { text: 'CANARI' } });
    await asOwner(db.admin, () =>
      db.admin.query(
        "alter table store.observations add constraint refuse check (effective_at <> '2024-01-01T00:00:00Z')",
      ),
    );
    const { files } = await run([file('refused.json', bundle(entry(person(8)), entry(late)))]);
    await asOwner(db.admin, () => db.admin.query('alter table store.observations drop constraint refuse'));
    expect(files).toMatchObject([{ outcome: 'failed', path: '', why: 'the database refuses a value of it (VS422)' }]);
    expect(await stored()).toEqual(before);
  });

  test('when it is stopped half-way', async () => {
    const before = await stored();
    const stop = new AbortController();
    const big = file('big.json', bundle(entry(person(9)), ...weights(person(9), 3000, 5000)));
    const onProgress: ImportOptions['onProgress'] = ({ read, size }) => read > 0.8 * size && stop.abort();
    const { files } = await run([big, file('good.json', bundle(entry(JEAN)))], { signal: stop.signal, onProgress });
    expect(files).toMatchObject([{ outcome: 'stopped' }, { outcome: 'stopped' }]);
    expect(await stored()).toEqual(before);
  });
});

describe('what stops the whole import', () => {
  test('is a session that isn’t one of the import', async () => {
    const good = file('good.json', bundle(entry(JEAN)));
    await expect(run([good], { token: 'x'.repeat(43) })).rejects.toMatchObject({ code: 'VS401' });
    await expect(run([good], { token: practice.clinician.token })).rejects.toThrow();
  });
});

describe('a bundle that is taken', () => {
  const everything = bundle(
    entry(weight(MARIE)),
    entry({
      resourceType: 'Encounter',
      id: 'e',
      status: 'finished',
      class: { code: 'AMB' },
      subject: about(MARIE),
      period: { start: '2024-05-06T08:00:00Z' },
    }),
    entry({ resourceType: 'Condition', id: 'c', subject: about(MARIE), code: { text: 'Migraine' } }),
    entry({
      resourceType: 'MedicationRequest',
      id: 'm',
      status: 'active',
      intent: 'order',
      authoredOn: '2024-05-06',
      subject: about(MARIE),
      medicationCodeableConcept: { text: 'Ibuprofène' },
    }),
    entry({
      resourceType: 'AllergyIntolerance',
      id: 'a',
      patient: about(MARIE),
      code: { text: 'Arachide' },
      reaction: [{ manifestation: [{ text: 'Urticaire' }], severity: 'mild' }],
    }),
    entry({ resourceType: 'Immunization', id: 'i', patient: about(MARIE) }),
    entry(MARIE),
  );

  test('tells what was taken and what was left; a second time nothing changes', async () => {
    const path = file('everything.json', everything);
    const first = await run([path]);
    const once = await stored();
    for (const type of ['Patient', 'Encounter', 'Condition', 'Observation', 'MedicationRequest', 'AllergyIntolerance'])
      expect(first.types[type]).toEqual({ taken: 1, present: 0, left: {} });
    expect(first.types.Immunization).toEqual({ taken: 0, present: 0, left: { 'not taken yet': 1 } });
    const second = await run([path]);
    expect(second.types.Observation).toEqual({ taken: 0, present: 1, left: {} });
    expect(await stored()).toEqual(once);
  });

  test('is read by the clinician’s team, and not by a colleague of another one', async () => {
    const dba = await connect(db.dbaUrl);
    const found = await dba.query<{ patient_id: string }>('select patient_id from store.allergy_intolerances');
    await dba.end();
    const marie = found.rows[0]!.patient_id;
    expect(await opened(practice.clinician.token, marie, 'patients')).toMatchObject([
      { birth_name: 'Aubert', first_given_name: 'Marie', birth_date: '1958-03-12', sex: 'female' },
    ]);
    expect(await opened(practice.clinician.token, marie, 'observations')).toMatchObject([
      { value: expect.stringContaining('"62.5"') },
    ]);
    const [allergy] = await opened(practice.clinician.token, marie, 'allergy_intolerances');
    expect(JSON.parse(String(allergy?.reaction))).toEqual([{ manifestation: 'Urticaire', severity: 'mild' }]);
    expect(await opened(practice.colleague.token, marie, 'patients')).toEqual([]);
  });

  test('may hold several patients, each with their own rows', async () => {
    const mixed = bundle(
      ...weights(person(1), 700, 0),
      entry(person(2)),
      ...weights(person(2), 30, 1000),
      entry(person(1)),
    );
    const { types } = await run([file('mixed.json', mixed)]);
    expect(types).toMatchObject({ Patient: { taken: 2 }, Observation: { taken: 730 } });
    const dba = await connect(db.dbaUrl);
    const { rows } = await dba.query(
      'select count(*)::int as rows from store.observations group by patient_id having count(*) > 20 order by 1',
    );
    await dba.end();
    expect(rows).toEqual([{ rows: 30 }, { rows: 700 }]);
  });

  test('tells of a death without a date, which the record can’t hold', async () => {
    const { types } = await run([file('died.json', bundle(entry({ ...person(66), deceasedBoolean: true })))]);
    expect(types).toEqual({
      Patient: { taken: 1, present: 0, left: {} },
      'Patient.deceased': { taken: 0, present: 0, left: { 'says that the person died, and not when': 1 } },
    });
  });

  test('of two practices that both count from 1 stays two people', async () => {
    const one = (family: string) =>
      bundle(
        { resource: { ...MARIE, id: '1', name: [{ family, given: ['Anne'] }] } },
        { resource: weight(MARIE, { id: '1', subject: { reference: 'Patient/1' } }) },
      );
    const { types } = await run([file('a.json', one('Rigaud')), file('b.json', one('Tessier'))]);
    expect(types).toMatchObject({ Patient: { taken: 2 }, Observation: { taken: 2 } });
  });
});

describe('vitalsync import', () => {
  const cli = join(import.meta.dirname, '../../db/cli.ts');
  const environment = () => ({
    ...process.env,
    ...inject('testServer').keyLines,
    DATABASE_URL: db.adminUrl,
    VITAL_DIR: join(folder, 'site'),
  });
  /** The command as it is typed: exit code and output. */
  async function vitalsync(...words: string[]): Promise<{ code: number; out: string; err: string }> {
    const args = ['import', '--organisation', practiceName, '--clinician', practice.clinician.email, ...words];
    const child = spawn(process.execPath, [cli, ...args], { env: environment() });
    const [out, err] = [text(child.stdout), text(child.stderr)];
    const [code] = await once(child, 'close');
    return { code, out: await out, err: await err };
  }

  test('tells what failed and where, and exits with 1', async () => {
    const bad = file('cli-bad.json', bundle(entry(weight(MARIE))));
    const { code, out, err } = await vitalsync(bad, file('cli-good.json', bundle(entry(person(77)))));
    expect(out).toContain(`${bad}: nothing taken: entry[0].resource.subject.reference: refers to a patient`);
    expect(out).toMatch(/Patient +1 +0 +0/);
    expect(out).toContain('1 of 2 files taken.');
    expect({ code, err }).toEqual({ code: 1, err: '' });
  });

  test('gives data with --json, and exits with 0', async () => {
    const { code, out } = await vitalsync('--json', file('cli-good.json', bundle(entry(person(77)))));
    expect(JSON.parse(out)).toMatchObject({
      files: [{ outcome: 'taken' }],
      types: { Patient: { taken: 0, present: 1 } },
    });
    expect(code).toBe(0);
  });

  test('refuses a clinician of nowhere in one sentence', async () => {
    const { code, out, err } = await vitalsync('x.json', '--clinician', 'nobody@exemple.fr');
    expect({ code, out, err }).toEqual({
      code: 1,
      out: '',
      err: 'Nobody signs in as nobody@exemple.fr: give the e-mail address of a clinician.\n',
    });
  });
});

// Invented patients made with Synthea, kept beside the checkout where they are there at all.
const synthea = join(import.meta.dirname, '../../../shared/data/fhir-r4-synthea');
describe.skipIf(!existsSync(synthea))('Synthea’s bundles', () => {
  test('are taken whole', async () => {
    const { files, types } = await run(
      readdirSync(synthea)
        .filter((f) => f.endsWith('.json'))
        .slice(0, 10)
        .map((f) => join(synthea, f)),
    );
    expect(files.filter((f) => f.outcome !== 'taken')).toEqual([]);
    expect(types.Patient).toMatchObject({ taken: 10 });
    for (const type of ['Encounter', 'Condition', 'Observation', 'MedicationRequest'])
      expect(types[type]?.left).toEqual({});
  });
});
