// The administrator's pages: accounts and teams, never a patient.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPages, type Pages, visibleText } from './pages.ts';

let pages: Pages;
beforeAll(async () => {
  pages = await openPages();
});
afterAll(() => pages?.close());

test('an administrator sees who can sign in, who lacks a second factor, and no patient', async () => {
  const { status, text } = await pages.get(pages.practice.orgAdmin, '/admin/accounts');
  expect(status).toBe(200);
  const seen = visibleText(text);
  for (const { email } of [pages.practice.clinician, pages.practice.secretary]) expect(seen).toContain(email);
  expect(seen).toContain('n’ont pas encore de second facteur');
  expect(seen).toContain('jamais connecté');
  for (const word of ['Moreau', 'MOREAU', pages.patientPerson.email, pages.patient]) expect(text).not.toContain(word);
});

test('an administrator sees teams and how many patients they follow, not which', async () => {
  const { status, text } = await pages.get(pages.practice.orgAdmin, '/admin/care-teams');
  expect(status).toBe(200);
  expect(visibleText(text)).toMatch(/NOMCLINICIAN Camille|Camille NOMCLINICIAN/);
  for (const word of ['Moreau', 'MOREAU', pages.patient]) expect(text).not.toContain(word);
});

test('nobody else sees accounts and teams', async () => {
  const { clinician, secretary, auditor } = pages.practice;
  for (const person of [clinician, secretary, auditor, pages.patientPerson]) {
    for (const path of ['/admin/accounts', '/admin/care-teams']) {
      const { status, text } = await pages.get(person, path);
      expect([403, 404], `${person.role} ${path}`).toContain(status);
      expect(text).not.toContain('@exemple.fr');
    }
  }
});
