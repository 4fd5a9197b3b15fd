// One's own record, and who looked at it.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { blankNote, openPages, type Pages, visibleText } from './pages.ts';

let pages: Pages;
beforeAll(async () => {
  pages = await openPages();
  const notes = `/patients/${pages.patient}/notes`;
  await pages.post(pages.practice.clinician, notes, {
    ...blankNote(pages.practice.clinician.account),
    diagnosis: 'Angine-canari',
  });
});
afterAll(() => pages?.close());

test('a patient sees their record in plain words', async () => {
  const { status, text } = await pages.get(pages.patientPerson, '/record');
  expect(status).toBe(200);
  const seen = visibleText(text);
  expect(seen).toContain('Angine-canari');
  expect(seen).toContain('Moreau');
  expect(seen).toContain('Vos allergies ne sont pas renseignées.');
  expect(seen).not.toContain('Subjectif');
});

test('a patient sees who looked, in which role, and why', async () => {
  await pages.get(pages.practice.secretary, `/patients/${pages.patient}`);
  const seen = visibleText((await pages.get(pages.patientPerson, '/record/accesses')).text);
  expect(seen).toMatch(
    /NOMCLINICIAN Professionnel de santé A .*note de consultation.*Soignant de votre équipe de soins, ou confrère à qui elle vous a orienté\./,
  );
  expect(seen).toMatch(/NOMSECRETARY Secrétariat A ouvert votre dossier .*jamais le contenu médical\./);
  expect(seen).toMatch(/Vous Vous avez ouvert votre dossier/);
});

test('staff have no record of their own, and see nothing through these pages', async () => {
  const { clinician, secretary, auditor } = pages.practice;
  for (const person of [clinician, secretary, auditor, null]) {
    for (const path of ['/record', '/record/accesses']) {
      const { status, text } = await pages.get(person, path);
      expect([303, 403, 404], `${person?.role} ${path}`).toContain(status);
      expect(text).not.toContain('canari');
    }
  }
});

test('a patient cannot open a chart by its address, not even their own, as a clinician would', async () => {
  const { text } = await pages.post(pages.patientPerson, `/patients/${pages.patient}/notes`, {
    ...blankNote(pages.practice.clinician.account),
    plan: 'Moi-même',
  });
  expect(visibleText(text)).not.toContain('Note enregistrée');
  const seen = visibleText((await pages.get(pages.patientPerson, '/record')).text);
  expect(seen).not.toContain('Moi-même');
});
