// Referring a patient, and the administrator's care teams: forms that work without script, once each.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPages, type Pages, visibleText } from './pages.ts';

let pages: Pages;
let page: string;
beforeAll(async () => {
  pages = await openPages();
  page = `/patients/${pages.patient}/referrals`;
});
afterAll(() => pages?.close());

const form = (more: Record<string, string> = {}) => ({
  key: randomUUID(),
  performer: pages.practice.colleague.account,
  priority: 'urgent',
  reason: 'Souffle-canari, avis ?',
  days: '30',
  ...more,
});
const sees = async () => (await pages.get(pages.practice.colleague, `/patients/${pages.patient}`)).status;

test('cannot refer without a reason, to nobody, or to whoever isn’t a colleague', async () => {
  const { clinician, secretary } = pages.practice;
  const wrongs: Record<string, string>[] = [
    { reason: '  ' },
    { performer: 'x' },
    { performer: secretary.account },
    { priority: 'soon' },
  ];
  for (const wrong of wrongs) {
    expect((await pages.post(clinician, page, form(wrong))).status, JSON.stringify(wrong)).toBe(422);
  }
  expect((await pages.post(secretary, page, form())).status).not.toBe(303);
  expect((await pages.post(pages.practice.colleague, page, form())).status).toBe(404);
  expect(await sees()).toBe(404);
});

test('a colleague sees the patient until one of them ends it; the patient and the administrator are told', async () => {
  const { clinician, colleague, orgAdmin } = pages.practice;
  const sent = form({ reason: 'Souffle-canari <b>avis</b>' });
  expect(await pages.post(clinician, page, sent)).toMatchObject({ status: 303, location: page });
  // sent twice, it is made once
  expect((await pages.post(clinician, page, sent)).status).toBe(303);
  const list = (await pages.get(clinician, page)).text;
  expect(list.match(/Souffle-canari/g)).toHaveLength(1);
  expect(list).not.toContain('<b>avis');
  expect(await sees()).toBe(200);
  expect((await pages.post(colleague, page, form({ performer: clinician.account }))).status).toBe(403);

  const admin = await pages.get(orgAdmin, '/admin/care-teams');
  expect(visibleText(admin.text)).toContain('Orientations en cours');
  for (const word of ['canari', 'Moreau']) expect(admin.text).not.toContain(word);
  const accesses = visibleText((await pages.get(pages.patientPerson, '/record/accesses')).text);
  expect(accesses).toContain('Vous a orienté vers un confrère');

  const end = new RegExp(`${page}/[0-9a-f-]{36}/end`).exec((await pages.get(colleague, page)).text)?.[0] ?? '';
  expect((await pages.post(colleague, end, { key: randomUUID() })).status).toBe(303);
  expect(await sees()).toBe(404);
});

test('an administrator lets somebody into a team with a role and dates, and out again', async () => {
  const { orgAdmin, colleague, clinician } = pages.practice;
  const list = await pages.get(orgAdmin, '/admin/care-teams');
  const path = /\/admin\/care-teams\/[0-9a-f-]{36}\/members/.exec(list.text)?.[0] ?? '';
  const member = { key: randomUUID(), account: colleague.account, role: 'nurse', from: '', until: '2099-12-31' };
  for (const wrong of [
    { account: 'x' },
    { until: '2020-01-01' },
    { role: 'chief' },
    { from: '2099-12-31', until: '2099-01-01' },
  ])
    expect((await pages.post(orgAdmin, path, { ...member, ...wrong, key: randomUUID() })).status).toBe(422);
  expect((await pages.post(orgAdmin, path, { ...member, role: 'lead' })).status).toBe(409);
  expect((await pages.post(clinician, path, { ...member, key: randomUUID() })).status).toBe(403);
  expect(await sees()).toBe(404);

  expect((await pages.post(orgAdmin, path, { ...member, key: randomUUID() })).status).toBe(303);
  expect(await sees()).toBe(200);
  const text = (await pages.get(orgAdmin, '/admin/care-teams')).text;
  expect(visibleText(text)).toMatch(/Infirmier .*31\/12\/2099/);

  const ends = [...text.matchAll(/\/admin\/care-teams\/members\/[0-9a-f-]{36}\/end/g)].map(([action]) => action);
  expect((await pages.post(orgAdmin, ends.at(-1) ?? '', { key: randomUUID() })).status).toBe(303);
  expect(await sees()).toBe(404);
});

test('an administrator makes a team, which is led by a clinician', async () => {
  const { orgAdmin, secretary, colleague } = pages.practice;
  const team = { key: randomUUID(), account: colleague.account };
  expect((await pages.post(orgAdmin, '/admin/care-teams', { ...team, account: secretary.account })).status).toBe(422);
  expect((await pages.post(secretary, '/admin/care-teams', team)).status).toBe(403);
  expect((await pages.post(orgAdmin, '/admin/care-teams', { ...team, key: randomUUID() })).status).toBe(303);
  expect(visibleText((await pages.get(orgAdmin, '/admin/care-teams')).text)).toContain('0 patient suivi');
});
