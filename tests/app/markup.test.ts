// Every page, in both languages: nothing inline, nothing that the policy would stop, and small enough.
import { brotliCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asOwner } from '../../db/owner.ts';
import { createHalfway, createPatient, createPerson, type Person } from '../support/practice.ts';
import { cookieOf, type Running, startApp } from './support.ts';

let app: Running;
let people: Record<string, Person>;
let patient: string;
const hostile = `"><script>alert(1)</script><b style="x" onclick='y'>`;

beforeAll(async () => {
  app = await startApp();
  const { clinician, secretary, orgAdmin, auditor, organisation } = app.practice;
  patient = await createPatient(app.db, app.practice, {
    birth_name: hostile,
    used_name: hostile,
    first_given_name: hostile,
  });
  const himself = await asOwner(app.db.admin, () => createPerson(app.db, { organisation, role: 'patient', patient }));
  const dpo = await asOwner(app.db.admin, () => createPerson(app.db, { organisation, role: 'dpo' }));
  const newcomer = await asOwner(app.db.admin, () => createHalfway(app.db, organisation, 'link'));
  const halfway = await asOwner(app.db.admin, () => createHalfway(app.db, organisation, 'password'));
  people = { newcomer, halfway, clinician, secretary, orgAdmin, auditor, dpo, patient: himself };
});
afterAll(() => app?.close());

const pages = [
  ['nobody', '/sign-in'],
  ['nobody', '/nowhere'],
  ['newcomer', '/enrol'],
  ['newcomer', '/enrol/app'],
  ['halfway', '/sign-in/code'],
  ['clinician', '/account'],
  ['clinician', '/account/factors'],
  ['clinician', '/account/factors/app'],
  ['clinician', '/account/recovery-codes'],
  ['clinician', '/account/password'],
  ['clinician', '/patients'],
  ['clinician', '/patients/:id'],
  ['clinician', '/patients/:id/notes/new'],
  ['clinician', '/patients/:id/referrals'],
  ['clinician', '/emergency'],
  ['clinician', '/account/passkeys'],
  ['clinician', '/account/passkeys/new'],
  ['secretary', '/patients'],
  ['secretary', '/patients/:id'],
  ['secretary', '/patients/:id/invitation'],
  ['clinician', '/patients/:id/invitation'],
  ['patient', '/record'],
  ['patient', '/record/accesses'],
  ['auditor', '/audit'],
  ['auditor', '/audit/verification'],
  ['auditor', '/audit/export'],
  ['orgAdmin', '/admin/accounts'],
  ['orgAdmin', '/admin/accounts/invite'],
  ['orgAdmin', '/admin/accounts/:account'],
  ['orgAdmin', '/admin/care-teams'],
  ['orgAdmin', '/admin/care-teams/new'],
  ['orgAdmin', '/emergencies'],
  ['dpo', '/emergencies'],
  ['dpo', '/privacy'],
  ['dpo', '/privacy/consents'],
  ['dpo', '/privacy/erasures'],
  ['dpo', '/privacy/erasures/new'],
  ['patient', '/account/consents'],
] as const;

async function open(who: string, path: string, lang: string): Promise<string> {
  const person = people[who];
  const cookie = `__Host-lang=${lang}${person ? `; ${cookieOf(person)}` : ''}`;
  const there = path.replace(':id', patient).replace(':account', app.practice.clinician.account);
  const answer = await app.ask(there, { cookie });
  expect(answer.status).toBe(path === '/nowhere' ? 404 : 200);
  return answer.text();
}

describe.each(pages)('%s at %s', (who, path) => {
  test.each(['fr', 'en'])('keeps to the policy in %s', async (lang) => {
    const page = await open(who, path, lang);
    const tags = page.match(/<[a-z][^>]*>/gi) ?? [];
    const attributes = tags.map((tag) => tag.replaceAll(/"[^"]*"/g, '""'));
    expect(attributes.filter((tag) => /\s(style|on\w+|hx-on[\w:-]*|nonce)=/i.test(tag))).toEqual([]);
    expect(tags.filter((tag) => /(href|src|action|hx-\w+)="\s*(javascript|js|data):/i.test(tag))).toEqual([]);
    expect(tags.filter((tag) => /hx-trigger="[^"]*\[/.test(tag))).toEqual([]);
    expect(page).not.toMatch(/<style|<script(?! src="\/static\/[\w.]+\?v=\w+" defer)/);
    expect(page.match(/<b style/g)).toBeNull();
    expect(page).toContain(`<html lang="${lang}"`);
  });

  test('has one title, one main, one h1, one status, and no id twice', async () => {
    const page = await open(who, path, 'fr');
    for (const once of [/<title>/g, /<main\b/g, /<h1\b/g, /role="status"/g]) expect(page.match(once)).toHaveLength(1);
    const ids = [...page.matchAll(/\sid="([^"]*)"/g)].map((match) => match[1]);
    expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
  });

  test('fits in 15 kB on the wire', async () => {
    expect(brotliCompressSync(await open(who, path, 'fr')).length).toBeLessThanOrEqual(15_000);
  });

  test('names nobody in its title and has no name in an address', async () => {
    const page = await open(who, path, 'fr');
    expect(/<title>(.*?)<\/title>/.exec(page)?.[1]).not.toContain('script');
    expect(
      [...page.matchAll(/(?:href|action|hx-\w+)="([^"]*)"/g)].filter((match) => match[1]?.includes('alert')),
    ).toEqual([]);
  });
});

test.each([
  ['style.css', 12_000],
  ['app.js', 8_000],
  ['htmx.js', 12_500],
])('%s fits in %i bytes on the wire', async (name, limit) => {
  const answer = await app.ask(`/static/${name}`);
  expect(answer.status).toBe(200);
  expect(brotliCompressSync(await answer.text()).length).toBeLessThanOrEqual(limit);
});
