// The pages about sign-ins: one's own, the link that was mailed, the administrators', the settings.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asOwner } from '../../db/owner.ts';
import { createPerson, type Person } from '../support/practice.ts';
import { signInFrom } from '../support/sign-ins.ts';
import { openPages, type Pages, visibleText } from './pages.ts';

const home = { device: 'a', place: 'FR/Lyon/45.76,4.84', userAgent: 'Mozilla/5.0 (Windows NT 10.0) Firefox/140.0' };
const recife = { ip: '198.51.100.9', device: 'x', place: 'BR/Recife/-8.05,-34.9' };

let pages: Pages;
let nurse: Person;

beforeAll(async () => {
  pages = await openPages();
  const { db, practice } = pages;
  nurse = await asOwner(db.admin, () => createPerson(db, { organisation: practice.organisation, role: 'clinician' }));
  await signInFrom(db, nurse.account, home);
  await signInFrom(db, nurse.account, recife);
});
afterAll(() => pages.close());

const idOf = async (outcome: string) =>
  asOwner(
    pages.db.admin,
    async () =>
      (
        await pages.db.admin.query<{ id: string }>(
          'select id from iam.sign_ins where account_id = $1 and outcome = $2 order by at desc',
          [nurse.account, outcome],
        )
      ).rows[0]!.id,
  );
const mailedLink = () =>
  asOwner(pages.db.admin, async () => {
    const { rows } = await pages.db.admin.query<{ path: string }>(
      `select convert_from(vault.unpack(vault.unwrap($1, o.account_id, 'profile'),
         convert_to('ops.outbox.vars', 'UTF8') || '\\x00'::bytea || uuid_send(o.id) || uuid_send(o.account_id) || int8send(1), o.vars), 'UTF8')::jsonb ->> 'path' as path
       from ops.outbox o where o.account_id = $2 and o.template in ('unusual_sign_in', 'sign_in_stopped') order by o.id desc limit 1`,
      [pages.db.ring, nurse.account],
    );
    return rows[0]!.path;
  });

describe("one's own sign-ins", () => {
  test('cannot be read by a colleague, nor without a session', async () => {
    const { get, practice } = pages;
    expect(visibleText((await get(practice.clinician, '/account/sign-ins')).text)).toContain('Aucune connexion');
    expect((await get(null, '/account/sign-ins')).location).toBe('/sign-in');
  });

  test('say from where, in which browser, and what was unusual', async () => {
    const text = visibleText((await pages.get(nurse, '/account/sign-ins')).text);
    expect(text).toContain('Firefox sur Windows');
    expect(text).toContain('Lyon (FR)');
    expect(text).toMatch(
      /Mise en attente appareil jamais utilisé réseau jamais utilisé trajet trop rapide \(à 7.?\d{3} km/,
    );
  });

  test('"ce n\'était pas moi" leads to a new password; somebody else\'s is not there', async () => {
    const { post, practice } = pages;
    const path = `/account/sign-ins/${await idOf('let_in')}/disown`;
    expect((await post(practice.clinician, path, { key: randomUUID() })).status).toBe(404);
    expect((await post(nurse, '/account/sign-ins/1/disown', { key: randomUUID() })).status).toBe(404);
    expect((await post(nurse, path, { key: 'x' })).status).toBe(422);
    expect(await post(nurse, path, { key: randomUUID() })).toMatchObject({
      status: 303,
      location: '/account/sign-ins/ended',
    });
    const ended = await pages.get(nurse, '/account/sign-ins/ended');
    expect(ended.text).toContain('href="/account/password"');
    expect(visibleText(ended.text)).toContain('L’appareil de cette connexion n’est plus reconnu.');
  });
});

describe('the link that was mailed', () => {
  test("tells nobody's name, address or place, and changes nothing by being looked at", async () => {
    const link = await mailedLink();
    for (let i = 0; i < 2; i++) {
      const { status, text } = await pages.get(null, link);
      expect(status).toBe(200);
      expect(text).not.toMatch(/Recife|198\.51|Nomclinician|Camille|exemple\.fr/);
      expect(text).toContain('C’était moi');
    }
  });

  test.each([
    ['short', 'x'],
    ['of the right length', 'a'.repeat(43)],
    ['with a zero byte', '%00'],
    ['of SQL', "'; drop table"],
    ['of 5,000 letters', 'a'.repeat(5000)],
  ])('is over when it is none: %s', async (_, link) => {
    const { status, text } = await pages.get(null, `/sign-ins/${link}`);
    expect([400, 404, 414]).toContain(status);
    expect(text).not.toContain('C’était moi');
  });

  test('takes one of its two answers and no other', async () => {
    const link = await mailedLink();
    expect((await pages.post(null, link, { answer: 'perhaps' })).status).toBe(422);
    expect(await pages.post(null, link, { answer: 'mine' })).toMatchObject({ status: 303, location: link });
    expect(visibleText((await pages.get(null, link)).text)).toContain('Revenez sur l’appareil');
  });
});

describe('the administrators', () => {
  test('cannot be anybody else', async () => {
    const { get, post, practice, patientPerson } = pages;
    for (const person of [practice.clinician, practice.secretary, practice.auditor, patientPerson])
      for (const path of ['/admin/sign-ins', '/admin/security']) expect((await get(person, path)).status).toBe(403);
    const form = { key: randomUUID(), notice_from: '1', stop_from: '1' };
    expect((await post(practice.clinician, '/admin/security', form)).status).toBe(403);
    expect(
      (await post(practice.clinician, `/admin/sign-ins/${await idOf('stopped')}/release`, { key: randomUUID() }))
        .status,
    ).toBe(403);
  });

  test('see who waits and why, and let them in', async () => {
    const { db, get, post, practice } = pages;
    await signInFrom(db, nurse.account, { ...recife, ip: '203.0.113.8', device: 'z', place: 'SN/Dakar/14.7,-17.4' });
    const { text } = await get(practice.orgAdmin, '/admin/sign-ins');
    expect(visibleText(text)).toMatch(/Camille NOMCLINICIAN Dakar \(SN\).*90 points/);
    const id = await idOf('stopped');
    expect(text).toContain(`/admin/sign-ins/${id}/release`);
    expect((await post(practice.orgAdmin, `/admin/sign-ins/${id}/release`, { key: randomUUID() })).status).toBe(303);
    expect(visibleText((await get(practice.orgAdmin, '/admin/sign-ins')).text)).toContain(
      'Autorisée par Camille NOMORG_ADMIN',
    );
  });

  test("set thresholds; what can't be is said, and what was typed stays", async () => {
    const { get, post, practice } = pages;
    const set = (fields: Record<string, string>) =>
      post(practice.orgAdmin, '/admin/security', { key: randomUUID(), notice_from: '40', stop_from: '80', ...fields });
    for (const odd of ['0', '-1', '1001', '40,5', '1e3', '９', 'x'.repeat(100), ''])
      expect((await set({ stop_from: odd })).status).toBe(422);
    const twisted = await set({ notice_from: '70', stop_from: '60' });
    expect(twisted).toMatchObject({ status: 422 });
    expect(visibleText(twisted.text)).toContain('ne peut pas venir avant');
    expect(twisted.text).toContain('value="70"');
    expect(await set({ notice_from: '30', stop_from: '90', email_codes: 'on' })).toMatchObject({
      status: 303,
      location: '/admin/security?saved',
    });
    const { text } = await get(practice.orgAdmin, '/admin/security?saved');
    expect(text).toMatch(/name="email_codes"[^>]*checked/);
    expect(text).not.toMatch(/name="sms_codes"[^>]*checked/);
    expect(text).toContain('value="90"');
    await set({ email_codes: 'on', sms_codes: 'on' });
  });

  test('are asked for a factor before they let somebody in or change a threshold', async () => {
    const { db, post, practice } = pages;
    await asOwner(db.admin, () =>
      db.admin.query("update iam.sessions set factor_at = now() - interval '11 minutes' where account_id = $1", [
        practice.orgAdmin.account,
      ]),
    );
    const form = { key: randomUUID(), notice_from: '1', stop_from: '1' };
    expect((await post(practice.orgAdmin, '/admin/security', form)).status).toBe(401);
    expect(
      (await post(practice.orgAdmin, `/admin/sign-ins/${await idOf('stopped')}/release`, { key: randomUUID() })).status,
    ).toBe(401);
  });
});
