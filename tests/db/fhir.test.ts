import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { slices } from '../../db/fhir/slices.ts';
import {
  about,
  all,
  bundle,
  entry,
  JEAN,
  type Json,
  MARIE,
  pieces,
  readBundle,
  refusal,
  weight,
} from '../support/bundles.ts';

const rowsOf = async (...entries: Json[]) =>
  (await readBundle(bundle(...entries))).items.map((i) => (i.kind === 'row' ? i.row : i));
const row = async (resource: Json) => (await rowsOf(entry(MARIE), entry(resource)))[0];

describe('a file that is no bundle is refused', () => {
  test.each([
    ['', ': the file is empty'],
    ['ceci n’est pas du JSON', ': not a JSON object'],
    ['[]', ': not a JSON object'],
    ['{}', 'resourceType: is required: this is not FHIR'],
    ['{"hello": "world"}', 'resourceType: is required: this is not FHIR'],
    ['{"resourceType": "Patient"}', 'resourceType: is not Bundle'],
    ['{"resourceType": "Bundle"}', 'type: is required'],
    ['{"resourceType": "Bundle", "type": "document"}', 'type: is not one of transaction, collection, searchset'],
    ['{"resourceType": "Bundle", "type": "collection", "entry": {}}', 'entry: is not a list'],
    ['{"resourceType": "Bundle", "type": "collection", "entry": [3]}', 'entry[0].resource: is required'],
    ['{"resourceType": "Bundle", "type": "collection", "entry": [{}]}', 'entry[0].resource: is required'],
    ['{"resourceType": "Bundle", "type": "collection"} {}', ': something follows the end of the bundle, at byte 49'],
    ['{"resourceType": "Bundle", "type": "collection",}', 'type: not JSON: unexpected character at byte 48'],
    ['{"resourceType": "Bundle", "resourceType": "Bundle"}', 'resourceType: this member is repeated'],
    ['{"resourceType": "Bundle", "type": collection}', 'type: not JSON in UTF-8'],
    ['{"resourceType": "Bundle", "type": "collection", "entry": [{"a": [}]}', 'entry[0]: not JSON in UTF-8'],
  ])('%s', async (text, expected) => {
    expect(await refusal(text)).toBe(expected);
  });

  test('wherever it was cut off', async () => {
    const whole = JSON.stringify(bundle(entry(MARIE), entry(weight(MARIE))));
    for (let length = 1; length < whole.length; length += 3)
      expect(await refusal(whole.slice(0, length))).toContain('the file ends in the middle');
    expect(await refusal(whole.slice(0, -40))).toMatch(/^entry\[1\]: the file ends in the middle, after \d+ bytes/);
  });

  test('also when it isn’t UTF-8', async () => {
    expect(await refusal(Buffer.from(JSON.stringify(bundle(entry(MARIE))), 'utf16le'))).toContain('not JSON');
    expect(await refusal(Buffer.from(JSON.stringify(bundle(entry({ ...MARIE, language: 'é' }))), 'latin1'))).toBe(
      'entry[0]: not JSON in UTF-8',
    );
  });
});

describe('hostile JSON is refused', () => {
  const raw = (resource: string) => `{"resourceType":"Bundle","type":"collection","entry":[{"resource":${resource}}]}`;
  test.each([
    [
      'a repeated member',
      '{"resourceType":"Patient","gender":"male","gender":"female"}',
      'entry[0]: a member is repeated',
    ],
    [
      '__proto__',
      '{"resourceType":"Patient","__proto__":{"gender":"male"}}',
      'entry[0].resource.(a member that is not FHIR): not an element name of FHIR',
    ],
    [
      'NUL',
      '{"resourceType":"Patient","name":[{"family":"A\\u0000"}]}',
      'entry[0].resource.name[0].family: holds a NUL character',
    ],
    [
      'half a surrogate pair',
      '{"resourceType":"Patient","name":[{"family":"\\ud83d"}]}',
      'entry[0].resource.name[0].family: holds half of a surrogate pair',
    ],
    [
      'a number without end',
      '{"resourceType":"Observation","valueQuantity":{"value":1e999}}',
      'entry[0].resource.valueQuantity.value: this number is too large',
    ],
    [
      'a tower of lists',
      `{"resourceType":"Patient","x":${'['.repeat(5000)}${']'.repeat(5000)}}`,
      'entry[0]: nested deeper than 100',
    ],
  ])('%s', async (_name, resource, expected) => {
    expect(await refusal(raw(resource))).toBe(expected);
  });

  test('a member named constructor changes nothing', async () => {
    const { items } = await readBundle(raw('{"resourceType":"Basic","constructor":{"prototype":{"x":1}}}'));
    expect(items).toEqual([{ kind: 'other', type: 'Basic' }]);
    expect(({} as Json).x).toBeUndefined();
  });
});

describe('what isn’t FHIR R4 is refused with its path', () => {
  const second = (resource: Json) => refusal(bundle(entry(MARIE), entry(resource)));
  test.each<[Json, string]>([
    [{ resourceType: 'Banana' }, 'entry[1].resource.resourceType: is not a resource type of FHIR R4'],
    [{ resourceType: 'Patient', id: 'a b' }, 'entry[1].resource.id: is not an id of FHIR'],
    [
      { ...JEAN, gender: 'homme' },
      'entry[1].resource.gender: Invalid option: expected one of "male"|"female"|"other"|"unknown"',
    ],
    [{ ...JEAN, birthDate: '1958-02-30' }, 'entry[1].resource.birthDate: is not a date of FHIR'],
    [weight(MARIE, { status: 'finished' }), 'entry[1].resource.status: Invalid option: expected one of'],
    [weight(MARIE, { status: undefined }), 'entry[1].resource.status: is required'],
    [weight(MARIE, { code: undefined }), 'entry[1].resource.code: is required'],
    [weight(MARIE, { valueQuantity: { value: '62.5' } }), 'entry[1].resource.valueQuantity.value: should be a number'],
    [
      weight(MARIE, { effectiveDateTime: '2024-05-06T08:00:00' }),
      'entry[1].resource.effectiveDateTime: is not a date and time of FHIR',
    ],
    [
      weight(MARIE, { effectiveDateTime: '06/05/2024' }),
      'entry[1].resource.effectiveDateTime: is not a date and time of FHIR',
    ],
    [weight(MARIE, { subject: 'Marie' }), 'entry[1].resource.subject: Invalid input: expected object, received string'],
    [{ resourceType: 'Condition', code: { text: 'x' } }, 'entry[1].resource.subject: is required'],
    [{ resourceType: 'AllergyIntolerance', code: { text: 'x' } }, 'entry[1].resource.patient: is required'],
    [{ resourceType: 'Encounter', status: 'finished', subject: about(MARIE) }, 'entry[1].resource.class: is required'],
    [
      { resourceType: 'MedicationRequest', status: 'active', intent: 'order', subject: about(MARIE) },
      'entry[1].resource.medication[x]: is required',
    ],
    [
      {
        resourceType: 'Condition',
        subject: about(MARIE),
        code: { text: 'x' },
        clinicalStatus: {
          coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'finished' }],
        },
      },
      'entry[1].resource.clinicalStatus: holds a code outside of its value set',
    ],
    [
      {
        resourceType: 'Encounter',
        status: 'finished',
        class: { code: 'AMB' },
        subject: about(MARIE),
        period: { start: '2024-02-02', end: '2024-02-01' },
      },
      'entry[1].resource.period: ends before it starts',
    ],
  ])('%j', async (resource, expected) => {
    expect(await second(resource)).toContain(expected);
  });
});

describe('a patient that the bundle doesn’t hold', () => {
  const strayed = 'refers to a patient that the bundle does not hold';
  test.each<[Json, string]>([
    [{ reference: 'urn:uuid:99999999-9999-4999-8999-999999999999' }, `reference: ${strayed}`],
    [{ reference: 'Patient/99' }, `reference: ${strayed}`],
    [{ reference: 'https://autre.example/fhir/Patient/11111111-1111-4111-8111-111111111111' }, `reference: ${strayed}`],
    [{ reference: '#nobody' }, `reference: ${strayed}`],
    [{ reference: 'Patient?identifier=urn:x|99' }, `reference: ${strayed}`],
    [{ reference: 'Patient?name=Aubert' }, 'reference: only Patient?identifier= can be looked up in a bundle'],
    [{ identifier: { system: 'urn:x', value: '99' } }, `identifier: ${strayed}`],
  ])('%j', async (subject, expected) => {
    expect(await refusal(bundle(entry(MARIE), entry(weight(MARIE, { subject }))))).toBe(
      `entry[1].resource.subject.${expected}`,
    );
  });

  test('is missed by resources that aren’t taken, too', async () => {
    const shot = { resourceType: 'Immunization', id: 'i1', patient: { reference: 'Patient/99' } };
    expect(await refusal(bundle(entry(MARIE), entry(shot)))).toBe(`entry[1].resource.patient.reference: ${strayed}`);
  });

  test('Patient/1 of one server is not Patient/1 of another', async () => {
    const here = { fullUrl: 'https://a.example/fhir/Patient/1', resource: { ...MARIE, id: '1' } };
    const there = {
      fullUrl: 'https://b.example/fhir/Observation/7',
      resource: weight(MARIE, { id: '7', subject: { reference: 'Patient/1' } }),
    };
    expect(await refusal(bundle(here, there))).toBe(`entry[1].resource.subject.reference: ${strayed}`);
  });

  test('the same one twice is refused', async () => {
    expect(await refusal(bundle(entry(MARIE), entry(MARIE)))).toBe(
      'entry[1].fullUrl: names a patient that the bundle holds already',
    );
  });
});

describe('a reference finds its patient', () => {
  const marie = { ...MARIE, identifier: [{ system: 'urn:cabinet', value: 'M 1' }] };
  test.each<[string, Json, Json]>([
    ['by urn:uuid', entry(marie), about(MARIE)],
    ['by Patient/id', { resource: marie }, { reference: `Patient/${MARIE.id}` }],
    ['by Patient/id with a version', { resource: marie }, { reference: `Patient/${MARIE.id}/_history/3` }],
    [
      'by an absolute URL',
      { fullUrl: 'https://a.example/fhir/Patient/1', resource: marie },
      { reference: 'https://a.example/fhir/Patient/1' },
    ],
    ['by a search for an identifier', entry(marie), { reference: 'Patient?identifier=urn%3Acabinet%7CM%201' }],
    ['by an identifier', entry(marie), { identifier: { system: 'urn:cabinet', value: 'M 1' } }],
  ])('%s, wherever it stands in the bundle', async (_name, patient, subject) => {
    const { items } = await readBundle(bundle(entry(weight(MARIE, { subject })), entry(JEAN), patient));
    expect(items).toMatchObject([{ kind: 'row', type: 'Observation', patient: 1 }]);
  });

  test('within the resource itself', async () => {
    const { id: _, ...person } = MARIE;
    const resource = weight(MARIE, { contained: [{ ...person, id: 'p' }], subject: { reference: '#p' } });
    const { items, patients } = await readBundle(bundle(entry(resource)));
    expect(patients).toMatchObject([{ row: { birth_name: 'Aubert' } }]);
    expect(items).toMatchObject([{ kind: 'row', patient: 0 }]);
  });

  test('within several resources, as one person only where an identifier says so', async () => {
    const { id: _, ...person } = MARIE;
    const inside = (id: string, more: Json) =>
      entry(weight(MARIE, { id, contained: [{ ...person, ...more, id: 'p' }], subject: { reference: '#p' } }));
    const sources = async (more: Json) =>
      (await readBundle(bundle(inside('a', more), inside('b', more)))).patients.map(({ source }) => source);
    expect(new Set(await sources({ identifier: [{ system: 'urn:cabinet', value: '1' }] })).size).toBe(1);
    expect(new Set(await sources({})).size).toBe(2);
  });

  test('on its own server', async () => {
    const at = (server: string, resource: Json) => ({
      fullUrl: `https://${server}.example/fhir/${resource.resourceType}/${resource.id}`,
      resource,
    });
    const { items } = await readBundle(
      bundle(
        at('a', { ...MARIE, id: '1' }),
        at('b', { ...JEAN, id: '1' }),
        at('b', weight(JEAN, { id: '7', subject: { reference: 'Patient/1' } })),
      ),
    );
    expect(items).toMatchObject([{ patient: 1, source: 'https://b.example/fhir/Observation/7' }]);
  });
});

describe('what is left says why', () => {
  test.each<[Json, string]>([
    [weight(MARIE, { status: 'entered-in-error' }), 'entered in error'],
    [weight(MARIE, { effectiveDateTime: undefined }), 'no date'],
    [weight(MARIE, { valueQuantity: undefined }), 'no value'],
    [
      weight(MARIE, { valueQuantity: undefined, hasMember: [{ reference: 'Observation/1' }] }),
      'a panel without a value of its own',
    ],
    [weight(MARIE, { subject: { reference: 'Group/1' } }), 'its subject is not a patient'],
    [weight(MARIE, { subject: { reference: 'https://a.example/fhir/Device/1' } }), 'its subject is not a patient'],
    [
      weight(MARIE, { modifierExtension: [{ url: 'urn:not', valueBoolean: true }] }),
      'carries a modifier extension, which isn’t known',
    ],
    [weight(MARIE, { implicitRules: 'urn:rules' }), 'follows implicit rules, which aren’t known'],
    [weight(MARIE, { subject: undefined }), 'its subject is not a patient'],
    [weight(MARIE, { status: undefined, _status: { extension: [] } }), 'no status'],
    [{ resourceType: 'Condition', subject: about(MARIE) }, 'no code'],
    [
      {
        resourceType: 'MedicationRequest',
        status: 'active',
        intent: 'order',
        doNotPerform: true,
        medicationCodeableConcept: { text: 'x' },
        subject: about(MARIE),
      },
      'an order not to give (doNotPerform)',
    ],
    [
      {
        resourceType: 'MedicationRequest',
        status: 'active',
        intent: 'order',
        authoredOn: '2024',
        medicationReference: { reference: 'Medication/9' },
        subject: about(MARIE),
      },
      'its medication is not in the bundle',
    ],
    [
      {
        resourceType: 'AllergyIntolerance',
        patient: about(MARIE),
        code: { coding: [{ system: 'http://snomed.info/sct', code: '716186003', display: 'No known allergy' }] },
      },
      'says that no allergy is known',
    ],
  ])('%j', async (resource, why) => {
    expect(await row(resource)).toEqual({ kind: 'left', type: resource.resourceType, why });
  });

  test('a patient without a birth date, and all of theirs', async () => {
    const { items, patients } = await readBundle(
      bundle(entry({ ...MARIE, birthDate: undefined }), entry(weight(MARIE))),
    );
    expect(patients).toMatchObject([{ row: null, left: 'no birth date' }]);
    expect(items).toEqual([{ kind: 'left', type: 'Observation', why: 'its patient was left' }]);
  });

  test('a resource that stands in the bundle twice', async () => {
    expect(await rowsOf(entry(MARIE), entry(weight(MARIE)), entry(weight(MARIE)))).toMatchObject([
      { value: {} },
      { kind: 'left', why: 'repeated in the bundle' },
    ]);
  });

  test('a deletion', async () => {
    const { items } = await readBundle({
      ...bundle({ request: { method: 'DELETE', url: 'Patient/1' } }),
      type: 'transaction',
    });
    expect(items).toEqual([{ kind: 'other', type: 'request' }]);
  });
});

describe('patients', () => {
  const patientRow = async (more: Json) => (await readBundle(bundle(entry({ ...MARIE, ...more })))).patients[0]?.row;

  test('a maiden name is the birth name, and the official one is used', async () => {
    const name = [
      { use: 'maiden', family: 'Rivière' },
      { use: 'official', family: 'Aubert', given: ['Marie', 'Louise'] },
    ];
    expect(await patientRow({ name })).toMatchObject({
      birth_name: 'Rivière',
      used_name: 'Aubert',
      first_given_name: 'Marie',
      birth_given_names: 'Marie Louise',
    });
  });

  test('a usual name of FR Core is the used one', async () => {
    const list = {
      url: 'https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-patient-birth-list-given-name',
      valueString: 'Marie Louise Anne',
    };
    const name = [
      { use: 'usual', family: 'Martin', given: ['Lou'] },
      { use: 'official', family: 'Aubert', given: ['Marie'], extension: [list] },
    ];
    expect(await patientRow({ name })).toMatchObject({
      birth_name: 'Aubert',
      used_name: 'Martin',
      used_given_name: 'Lou',
      birth_given_names: 'Marie Louise Anne',
    });
  });

  test.each([
    ['urn:oid:1.2.250.1.213.1.4.10', '258034900712345'],
    ['http://hl7.org/fhir/sid/us-ssn', null],
  ])('of identifiers only INS is kept: %s', async (system, kept) => {
    expect(await patientRow({ identifier: [{ system, value: '2 58 03 49 007 123 45' }] })).toMatchObject({
      ins_matricule: kept,
      identity_status: 'provisoire',
    });
  });

  test('a partial birth date is its first day, and gender may be silent', async () => {
    expect(await patientRow({ birthDate: '1958', gender: undefined })).toMatchObject({
      birth_date: '1958-01-01',
      sex: 'unknown',
    });
  });

  test('last activity is their latest resource that isn’t in the future', async () => {
    const { patients } = await readBundle(
      bundle(entry(weight(MARIE)), entry(weight(MARIE, { id: 'b', effectiveDateTime: '2999' })), entry(MARIE)),
    );
    expect(patients[0]?.lastActivity).toBe('2024-05-06T08:00:00+02:00');
  });
});

describe('values', () => {
  const value = async (more: Json) => ((await row(weight(MARIE, { valueQuantity: undefined, ...more }))) as Json).value;
  test.each<[Json, unknown]>([
    [{ valueQuantity: { value: 5, unit: 'mg/L', comparator: '<' } }, { text: '< 5 mg/L' }],
    [{ valueCodeableConcept: { text: 'Positif' } }, { text: 'Positif', coding: { code: null, system: null } }],
    [{ valueString: 'trouble' }, { text: 'trouble' }],
    [{ valueBoolean: false }, { text: 'non' }],
    [{ valueInteger: 3 }, { value: '3', unit: null }],
    [{ valueDateTime: '2024-02' }, { text: '2024-02-01T00:00:00Z' }],
    [{ valueRange: { low: { value: 1 }, high: { value: 2, unit: 'g' } } }, { text: '1 – 2 g' }],
    [{ valueRatio: { numerator: { value: 1 }, denominator: { value: 128 } } }, { text: '1 / 128' }],
    [
      { dataAbsentReason: { coding: [{ code: 'not-performed', display: 'Not Performed' }] } },
      { text: 'Not Performed', absent: 'not-performed' },
    ],
    [
      { component: [{ code: { text: 'Systolique' }, valueQuantity: { value: 128, unit: 'mmHg' } }] },
      { components: [{ code: { text: 'Systolique', code: null, system: null }, value: '128', unit: 'mmHg' }] },
    ],
  ])('%j', async (more, expected) => {
    expect(await value(more)).toEqual(expected);
  });

  test('decimals stay as they were written', async () => {
    const text = JSON.stringify(bundle(entry(MARIE), entry(weight(MARIE)))).replace('62.5', '2.50');
    expect((await readBundle(text)).items).toMatchObject([{ row: { value: { value: '2.50', unit: 'kg' } } }]);
  });

  test.each([
    ['2024', '2024-01-01T00:00:00Z'],
    ['2024-05', '2024-05-01T00:00:00Z'],
    ['2024-05-06', '2024-05-06T00:00:00Z'],
    ['2016-12-31T23:59:60Z', '2016-12-31T23:59:59Z'],
  ])('the moment of %s is %s', async (effectiveDateTime, effective_at) => {
    expect(await row(weight(MARIE, { effectiveDateTime }))).toMatchObject({ effective_at });
  });
});

describe('medications', () => {
  const order = (more: Json): Json => ({
    resourceType: 'MedicationRequest',
    id: 'm',
    status: 'active',
    intent: 'order',
    authoredOn: '2024-05-06',
    subject: about(MARIE),
    ...more,
  });
  const drug = { resourceType: 'Medication', id: 'd', code: { text: 'Amoxicilline' } };

  test('are found in the bundle and within the resource', async () => {
    expect(
      await rowsOf(entry(MARIE), entry(drug), entry(order({ medicationReference: { reference: 'urn:uuid:d' } }))),
    ).toContainEqual(expect.objectContaining({ medication: { text: 'Amoxicilline', code: null, system: null } }));
    expect(await row(order({ contained: [drug], medicationReference: { reference: '#d' } }))).toMatchObject({
      medication: { text: 'Amoxicilline' },
    });
  });

  test.each<[Json, unknown]>([
    [{ text: '1 comprimé le matin' }, { text: '1 comprimé le matin' }],
    [
      {
        timing: { repeat: { frequency: 2, period: 1, periodUnit: 'd' } },
        doseAndRate: [{ doseQuantity: { value: 1, unit: 'gélule' } }],
      },
      { text: '1 gélule, 2 fois par jour', timing: { frequency: '2', period: '1', periodUnit: 'd' } },
    ],
    [{ asNeededBoolean: true }, { text: 'si besoin', asNeeded: true }],
  ])('dosage %j', async (instruction, expected) => {
    expect(
      await row(order({ medicationCodeableConcept: { text: 'x' }, dosageInstruction: [instruction] })),
    ).toMatchObject({ dosage: expected });
  });
});

describe('the streaming reader', () => {
  test('gives what JSON.parse gives, however the bytes are cut', async () => {
    const cut = fc.asyncProperty(
      fc.array(fc.json(), { maxLength: 6 }),
      fc.integer({ min: 1, max: 40 }),
      async (values, size) => {
        const text = `\ufeff {"a" : [1, "]}"] , "entry":[${values.join(' , ')}], "b":-1.5e3 }\n`;
        const found = await all(slices(pieces(text, size)));
        const read = found.map(({ key, index, bytes }) => [key, index, JSON.parse(new TextDecoder().decode(bytes))]);
        expect(read).toEqual([
          ['a', -1, [1, ']}']],
          ...values.map((v, i) => ['entry', i, JSON.parse(v)]),
          ['b', -1, -1500],
        ]);
      },
    );
    await fc.assert(cut, { numRuns: 200 });
  });

  test('reads 50 MB in less than 300 MB of memory', async () => {
    const script = join(import.meta.dirname, '../support/read-large-bundle.ts');
    const { stdout } = await promisify(execFile)(process.execPath, [script]);
    const { patients, rows, megabytes } = JSON.parse(stdout);
    expect(rows).toBe(60 * patients);
    expect(megabytes).toBeLessThan(300);
  }, 60_000);

  test('takes a byte order mark', async () => {
    expect((await readBundle(`\ufeff${JSON.stringify(bundle(entry(MARIE)))}`, 5)).patients).toHaveLength(1);
  });
});
