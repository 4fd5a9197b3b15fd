// Emergency access, as the pages lead through it: who is searched for, why, and who is told.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { asOwner } from '../../db/owner.ts';
import { createPerson, type Person } from '../support/practice.ts';
import { openPages, type Pages, visibleText } from './pages.ts';

let pages: Pages;
let dpo: Person;
// the pages' patient: Élise Moreau, 1958-03-12, of the clinician's care team; the colleague doesn't follow her
const who = { birth_name: 'Moreau', birth_date: '12/03/1958', given: '', ins: '' };
const hostile = '"><script>alert(1)</script>';

beforeAll(async () => {
  pages = await openPages();
  const { organisation } = pages.practice;
  dpo = await asOwner(pages.db.admin, () => createPerson(pages.db, { organisation, role: 'dpo' }));
});
afterAll(() => pages?.close());

const search = (person: Person, fields: Partial<typeof who>) =>
  pages.post(person, '/emergency/search', { ...who, ...fields });
/** The hidden fields of the form that asks why. */
const hidden = (html: string): Record<string, string> =>
  Object.fromEntries(
    [...html.matchAll(/type="hidden" name="(\w+)" value="([^"]*)"/g)].map(([, n = '', v = '']) => [n, v]),
  );

test('cannot find by half a name or a wrong date, and is told what to do', async () => {
  const { colleague } = pages.practice;
  expect((await search(colleague, { birth_name: '' })).status).toBe(422);
  expect(visibleText((await search(colleague, { birth_date: '31/02/1958' })).text)).toContain(
    'Saisissez une date qui existe',
  );
  for (const fields of [
    { birth_name: 'Morea' },
    { birth_date: '13/03/1958' },
    { given: 'Alice' },
    { birth_name: hostile },
  ]) {
    const { status, text } = await search(colleague, fields);
    expect(status).toBe(200);
    expect(visibleText(text)).toContain('Aucun patient de votre organisation ne porte exactement ces traits.');
    expect(text).not.toContain('<script>alert');
  }
});

test('is told that there is one, and nothing else', async () => {
  const { status, text } = await search(pages.practice.colleague, {});
  expect(status).toBe(200);
  expect(visibleText(text)).toContain('Un dossier correspond.');
  for (const word of ['Moreau', 'MOREAU', 'Élise', pages.patient]) expect(text).not.toContain(word);
});

test('who follows the patient is led to the record', async () => {
  const { text } = await search(pages.practice.clinician, {});
  expect(visibleText(text)).toContain('Ce dossier vous est déjà ouvert.');
  expect(text).toContain(`/patients/${pages.patient}`);
});

test('a secretary, an administrator and a patient cannot search or open anything this way', async () => {
  for (const person of [pages.practice.secretary, pages.practice.orgAdmin, pages.patientPerson]) {
    expect((await search(person, {})).status, person.role).toBe(403);
    const fields = {
      search: randomUUID(),
      glass: randomUUID(),
      kind: 'emergency',
      reason: 'Inconsciente aux urgences',
    };
    expect((await pages.post(person, '/emergency/open', fields)).status, person.role).toBe(403);
    expect((await pages.get(person, '/emergencies')).status, person.role).toBe(person.role === 'org_admin' ? 200 : 403);
  }
});

test('a reason is given back when it is too long, and when its search is over', async () => {
  const { colleague } = pages.practice;
  const form = hidden((await search(colleague, {})).text);
  const line = 'Inconsciente aux urgences\r\n';
  const long = await pages.post(colleague, '/emergency/open', { ...form, kind: 'on_call', reason: line.repeat(90) });
  expect(long.status).toBe(422);
  expect(visibleText(long.text)).toContain('2 000 caractères au plus');
  expect(long.text.match(/Inconsciente aux urgences/g)).toHaveLength(90);

  const over = { ...form, search: randomUUID(), kind: 'on_call', reason: 'Inconsciente aux urgences' };
  const gone = await pages.post(colleague, '/emergency/open', over);
  expect([gone.status, visibleText(gone.text)]).toEqual([404, expect.stringContaining('Votre motif est gardé')]);
  const again = await pages.post(colleague, '/emergency/search', { ...who, ...hidden(gone.text) });
  expect(again.text).toMatch(/<option value="on_call" selected[^>]*>/);
  expect(again.text).toContain('>Inconsciente aux urgences</textarea>');
});

test('opens with a reason, says so on every page about the patient, and closes', async () => {
  const { colleague } = pages.practice;
  const chart = `/patients/${pages.patient}`;
  expect((await pages.get(colleague, chart)).status).toBe(404);
  const form = hidden((await search(colleague, {})).text);

  const refused = await pages.post(colleague, '/emergency/open', { ...form, kind: 'emergency', reason: 'urgence' });
  expect(refused.status).toBe(422);
  expect(visibleText(refused.text)).toContain('Dites le motif en quelques mots');
  expect((await pages.get(colleague, chart)).status).toBe(404);

  const reason = `Malaise en salle d’attente ${hostile}`;
  const opened = await pages.post(colleague, '/emergency/open', { ...form, kind: 'on_call', reason });
  expect(opened).toMatchObject({ status: 303, location: chart });
  for (const path of [chart, `${chart}/notes/new`]) {
    const { status, text } = await pages.get(colleague, path);
    expect(status).toBe(200);
    expect(visibleText(text)).toMatch(/Dossier ouvert en urgence jusqu’à \d\d:\d\d, encore (30|29) minutes\. Garde/);
    expect(text).not.toContain('<script>alert');
  }
  expect(visibleText((await pages.get(pages.practice.clinician, chart)).text)).not.toContain('ouvert en urgence');

  const end = /\/emergency\/([0-9a-f-]{36})\/end/.exec((await pages.get(colleague, chart)).text)?.[0] ?? '';
  expect((await pages.post(colleague, end, { key: randomUUID() })).status).toBe(303);
  expect((await pages.get(colleague, chart)).status).toBe(404);
});

test('is told to the DPO and the administrator, without who the patient is, and they note that they looked', async () => {
  for (const person of [dpo, pages.practice.orgAdmin]) {
    const { status, text } = await pages.get(person, '/emergencies');
    expect(status).toBe(200);
    expect(visibleText(text)).toMatch(/NOMCLINICIAN.*Garde ou continuité des soins.*Malaise en salle d’attente/);
    for (const word of ['Moreau', 'MOREAU', '<script>alert']) expect(text).not.toContain(word);
  }
  const list = (await pages.get(dpo, '/emergencies')).text;
  const acknowledge = /\/emergencies\/[0-9a-f-]{36}\/acknowledge/.exec(list)?.[0] ?? '';
  expect((await pages.post(dpo, acknowledge, { key: randomUUID() })).status).toBe(303);
  expect(visibleText((await pages.get(dpo, '/emergencies')).text)).toContain('examiné par');
});

test('is told to the patient, with the reason, and not as if it were the care team', async () => {
  const seen = visibleText((await pages.get(pages.patientPerson, '/record/accesses')).text);
  expect(seen).toMatch(/Accès d’urgence .*NOMCLINICIAN.*Garde ou continuité des soins .*Malaise en salle d’attente/);
  expect(seen).toContain('A ouvert votre dossier en urgence');
  expect(seen).toContain('Accès d’urgence : le motif est donné plus haut.');
});
