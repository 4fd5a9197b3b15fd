// The chart: what a clinician must see, and what a secretary must not.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { blankNote, importRows, openPages, type Pages, visibleText } from './pages.ts';

let pages: Pages;
let path: string;
const clinical = ['Asthme-canari', 'Salbutamol-canari', 'Arachide-canari', '142/91', 'Dyspnée-canari', 'Venue-canari'];

beforeAll(async () => {
  pages = await openPages();
  path = `/patients/${pages.patient}`;
  const at = '2026-03-02T09:00:00Z';
  const code = (text: string) => ({ text, code: '1', system: 'http://snomed.info/sct' });
  await importRows(pages, 'conditions', [
    { clinical_status: 'active', verification_status: 'confirmed', onset_at: at, code: code('Asthme-canari') },
  ]);
  await importRows(pages, 'medication_requests', [
    { status: 'active', intent: 'order', authored_at: at, medication: code('Salbutamol-canari'), dosage: null },
  ]);
  await importRows(pages, 'encounters', [{ status: 'finished', started_at: at, type: code('Venue-canari') }]);
  await importRows(pages, 'observations', [
    {
      category: 'vital-signs',
      status: 'final',
      effective_at: at,
      code: { text: 'Blood Pressure', code: '55284-4', system: 'http://loinc.org' },
      value: {
        components: [
          { code: { text: 'Diastolic', code: '8462-4' }, value: '91.4', unit: 'mm[Hg]' },
          { code: { text: 'Systolic', code: '8480-6' }, value: '141.6142', unit: 'mm[Hg]' },
        ],
      },
    },
  ]);
  const author = pages.practice.clinician;
  await pages.post(author, `${path}/notes`, { ...blankNote(author.account), subjective: 'Dyspnée-canari' });
});
afterAll(() => pages?.close());

test('a patient whose allergies nobody has recorded isn’t shown as one who has none', async () => {
  const text = visibleText((await pages.get(pages.practice.clinician, path)).text);
  expect(text).toContain('Allergies non renseignées');
  expect(text).not.toContain('Aucune allergie connue');
});

test('a clinician of the team sees identity, allergies, problems, treatments, measures, notes and visits', async () => {
  await importRows(pages, 'allergy_intolerances', [
    {
      clinical_status: 'active',
      verification_status: 'confirmed',
      criticality: 'high',
      code: { text: 'Arachide-canari', code: '1', system: 'http://snomed.info/sct' },
      reaction: [{ manifestation: 'œdème', severity: 'severe' }],
    },
  ]);
  const { status, text } = await pages.get(pages.practice.clinician, path);
  expect(status).toBe(200);
  const seen = visibleText(text);
  for (const word of ['MOREAU', 'Élise', '12/03/1958', ...clinical]) expect(seen).toContain(word);
  expect(seen).toContain('posologie non renseignée');
  expect(seen.indexOf('œdème')).toBeGreaterThan(0);
});

test('a secretary’s page holds the identity and no clinical word, not even in the markup', async () => {
  const { status, text } = await pages.get(pages.practice.secretary, path);
  expect(status).toBe(200);
  expect(visibleText(text)).toContain('MOREAU');
  for (const word of [...clinical, 'œdème', 'Constantes', 'Biologie', 'Allergies']) expect(text).not.toContain(word);
});

test('a secretary whose cookie claims to be a clinician’s gets no clinical word either', async () => {
  const liar = { ...pages.practice.secretary, role: 'clinician' };
  const { text } = await pages.get(liar, path);
  for (const word of clinical) expect(text).not.toContain(word);
});

test('a colleague of another team, an auditor and an administrator get no chart, as if it weren’t there', async () => {
  const { colleague, auditor, orgAdmin } = pages.practice;
  for (const person of [colleague, auditor, orgAdmin]) {
    const { status, text } = await pages.get(person, path);
    expect([403, 404], person.role).toContain(status);
    for (const word of ['MOREAU', 'Moreau', ...clinical]) expect(text).not.toContain(word);
  }
});

test('what isn’t an id at all answers 404', async () => {
  for (const id of ['1', 'new', `${pages.patient}x`, '%27']) {
    expect((await pages.get(pages.practice.clinician, `/patients/${id}`)).status, id).toBe(404);
  }
});

test('a place in the history that isn’t a time shows the newest entries', async () => {
  const { status, text } = await pages.get(pages.practice.clinician, `${path}?before=hier`);
  expect(status).toBe(200);
  expect(visibleText(text)).toContain('Dyspnée-canari');
});
