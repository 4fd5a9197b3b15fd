// Names: one's own at /account/name, a colleague's that an administrator puts right at /admin/accounts/:id/name.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { owner } from '../support/outbox.ts';
import { openPages, type Pages, visibleText } from './pages.ts';

let pages: Pages;
beforeAll(async () => {
  pages = await openPages();
});
afterAll(() => pages?.close());

const key = () => ({ key: randomUUID() });
const age = (interval: string) =>
  owner(pages.db, 'update iam.sessions set factor_at = clock_timestamp() - $1::interval', [interval]);

test('nobody but an administrator has the form for somebody else, and it has no patient', async () => {
  const { clinician, secretary, auditor, orgAdmin } = pages.practice;
  const form = { ...key(), family_name: 'Volé', given_name: 'Nom' };
  for (const person of [clinician, secretary, auditor, pages.patientPerson]) {
    const path = `/admin/accounts/${orgAdmin.account}/name`;
    expect([403, 404]).toContain((await pages.get(person, path)).status);
    expect([403, 404]).toContain((await pages.post(person, path, { ...form, ...key() })).status);
  }
  for (const id of [pages.patientPerson.account, randomUUID(), 'x']) {
    expect((await pages.get(orgAdmin, `/admin/accounts/${id}/name`)).status, id).toBe(404);
    expect((await pages.post(orgAdmin, `/admin/accounts/${id}/name`, { ...form, ...key() })).status, id).toBe(404);
  }
  expect(await owner(pages.db, 'select * from iam.former_names')).toEqual([]);
});

test('a name that is not whole comes back as it was typed, and an old factor keeps it', async () => {
  const { secretary } = pages.practice;
  const typed = { given_name: '<script>alert(1)</script>', family_name: '' };
  const { status, text } = await pages.post(secretary, '/account/name', { ...key(), ...typed });
  expect(status).toBe(422);
  expect(text).toContain('value="&lt;script>alert(1)&lt;/script>"');
  for (const sentence of ['Ce champ est nécessaire', 'sans signe invisible'])
    expect(visibleText(text)).toContain(sentence);
  await age('11 minutes');
  const again = await pages.post(secretary, '/account/name', { ...key(), given_name: 'Marie', family_name: 'Du Parc' });
  expect([again.status, again.text.includes('value="Du Parc"')]).toEqual([401, true]);
  await age('0 s');
});

test('one’s own name changes everywhere, and the one before is kept', async () => {
  const { secretary, orgAdmin } = pages.practice;
  const form = { ...key(), given_name: 'Zoé', family_name: 'Marchand' };
  const { status, location } = await pages.post(secretary, '/account/name', form);
  expect([status, location]).toEqual([303, '/account/name?saved']);
  expect(visibleText((await pages.get(secretary, '/account')).text)).toContain('Zoé MARCHAND');
  const path = `/admin/accounts/${secretary.account}`;
  expect(visibleText((await pages.get(orgAdmin, path)).text)).toContain('Zoé MARCHAND');
  const corrected = await pages.post(orgAdmin, `${path}/name`, { ...form, ...key(), quality: 'Mme' });
  expect(corrected.location).toBe(`${path}?done=name`);
  expect(visibleText((await pages.get(orgAdmin, `${path}?done=name`)).text)).toContain('Nom corrigé');
  const seen = visibleText((await pages.get(orgAdmin, `${path}/name`)).text);
  for (const words of [
    'Camille NOMSECRETARY',
    'changé par la personne',
    'Zoé MARCHAND',
    'corrigé par un administrateur',
  ])
    expect(seen).toContain(words);
  expect(visibleText((await pages.get(secretary, '/account/name')).text)).toContain('« Mme » reste devant votre nom');
});

test('a patient is told that the identity of the record stays', async () => {
  const { text } = await pages.get(pages.patientPerson, '/account/name');
  expect(visibleText(text)).toContain('L’identité de votre dossier ne change pas ici');
});

test('too many changes are told, and nothing is lost', async () => {
  const { auditor } = pages.practice;
  const rename = (n: number) =>
    pages.post(auditor, '/account/name', { ...key(), given_name: 'Jo', family_name: `Nom ${n}` });
  for (let n = 0; n < 5; n++) expect((await rename(n)).status).toBe(303);
  const { status, text } = await rename(6);
  expect([status, text.includes('value="Nom 6"')]).toEqual([429, true]);
});
