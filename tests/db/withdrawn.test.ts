// What a withdrawn agreement stops outside of pages (0310_consents): bundles from elsewhere. And what it must not stop: an
// emergency.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { importFiles } from '../../db/import.ts';
import { asOwner, openImportSession } from '../../db/owner.ts';
import { bundle, entry, JEAN, MARIE, weight } from '../support/bundles.ts';
import { breakGlass, change } from '../support/care.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { createPerson, createPractice, type Person, type Practice } from '../support/practice.ts';
import { look, openPatient } from '../support/world.ts';

let db: TestDatabase;
let practice: Practice;
let edge: pg.Client;
let folder: string;
let patient: string;
let person: Person;
beforeAll(async () => {
  db = await createDatabase();
  practice = await createPractice(db);
  edge = await connect(db.edgeUrl);
  folder = mkdtempSync(join(tmpdir(), 'vitalsync-withdrawn-'));
  await run();
  patient = (await owner('select id from store.patients order by created_at limit 1'))[0]?.id as string;
  person = await asOwner(db.admin, () =>
    createPerson(db, { organisation: practice.organisation, role: 'patient', patient }),
  );
});
afterAll(async () => {
  await edge.end();
  await db.close();
  rmSync(folder, { recursive: true });
});

const owner = (query: string, values: unknown[] = []): Promise<Record<string, unknown>[]> =>
  asOwner(db.admin, async () => (await db.admin.query(query, values)).rows);
const as = ({ token }: Person) => ({ token, ring: db.ring });

/** The same two people, each with one more measure. */
async function run() {
  const file = join(folder, 'bundle.json');
  const measures = [MARIE, JEAN].map((one) => entry(weight(one, { id: randomUUID() })));
  writeFileSync(file, JSON.stringify(bundle(entry(MARIE), entry(JEAN), ...measures)));
  const token = await asOwner(db.admin, () =>
    openImportSession(db.admin, db.keys, practice.organisation, practice.clinician.account),
  );
  return (await importFiles([file], { connection: edge, token, ring: db.ring })).types;
}

async function decide(type: string, given: boolean) {
  const [text] = await owner("select hash from iam.consent_texts('fr') where type = $1", [type]);
  const operation = given ? 'consents.give' : 'consents.withdraw';
  const call = 'clinic.change_consent($1, $2, $3, $4)';
  await change(edge, as(person), operation, call, [type, given, text?.hash]);
}

test.each(['data_processing', 'medical_record_storage'])(
  'a bundle brings nothing of somebody who has withdrawn %s, and says so; the rest of it is taken, and once they agree again theirs',
  async (type) => {
    await decide(type, true);
    expect(await run()).toMatchObject({ Patient: { present: 2 }, Observation: { taken: 2, left: {} } });
    await decide(type, false);
    const why = 'of somebody who has withdrawn the agreement that it needs';
    expect(await run()).toEqual({
      Patient: { taken: 0, present: 1, left: { [why]: 1 } },
      Observation: { taken: 1, present: 0, left: { [why]: 1 } },
    });
    await decide(type, true);
    expect(await run()).toMatchObject({ Patient: { present: 2 }, Observation: { taken: 2, left: {} } });
  },
);

test('an emergency opens the record of somebody who has withdrawn everything', async () => {
  for (const type of ['data_processing', 'medical_record_storage', 'telemedicine_usage']) {
    await decide(type, true);
    await decide(type, false);
  }
  const stranger = await asOwner(db.admin, () =>
    createPerson(db, { organisation: practice.organisation, role: 'clinician' }),
  );
  expect(await openPatient(edge, as(stranger), patient)).toBe('hidden');
  await breakGlass(edge, as(stranger), { name: 'Aubert', day: '1958-03-12', given: 'Marie' });
  expect(await openPatient(edge, as(stranger), patient)).toBe('ok');
  const seen = `select count(*)::int as seen from clinic.observations where patient_id = '${patient}'`;
  expect((await look(edge, as(stranger), seen))[0]?.seen).toBeGreaterThan(0);
});
