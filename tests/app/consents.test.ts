// A patient's own agreements (0310_consents): read in the words that were shown, given and withdrawn on one page.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../../db/connect.ts';
import { asOwner } from '../../db/owner.ts';
import { createPerson } from '../support/practice.ts';
import { look } from '../support/world.ts';
import { openPages, type Pages, visibleText } from './pages.ts';

let pages: Pages;
beforeAll(async () => {
  pages = await openPages();
});
afterAll(() => pages?.close());

const path = '/account/consents';
const hashOf = async (type: string) =>
  (
    await asOwner(pages.db.admin, () =>
      pages.db.admin.query("select hash from iam.consent_texts('fr') where type = $1", [type]),
    )
  ).rows[0].hash as string;
const decide = async (given: 'yes' | 'no', hash: string, key: string = randomUUID(), type = 'research_anonymized') =>
  pages.post(pages.patientPerson, `${path}/${type}`, { key, hash, given });
const agrees = async () =>
  (
    await asOwner(pages.db.admin, () =>
      pages.db.admin.query("select access.consents_to($1, 'research_anonymized') as yes", [pages.patient]),
    )
  ).rows[0].yes as boolean;

test('nobody else decides or reads', async () => {
  const hash = await hashOf('research_anonymized');
  for (const person of [pages.practice.clinician, pages.practice.secretary, pages.practice.orgAdmin]) {
    expect((await pages.get(person, path)).status).toBe(403);
    const fields = { key: randomUUID(), hash, given: 'yes' };
    expect((await pages.post(person, `${path}/research_anonymized`, fields)).status).toBe(403);
  }
  expect((await pages.get(null, path)).status).toBe(303);
  expect(await agrees()).toBe(false);
});

test('an agreement is off until it is given, and given once however often the form is sent', async () => {
  expect(visibleText((await pages.get(pages.patientPerson, path)).text)).toContain('Vous n’avez encore rien accepté.');
  const [hash, key] = [await hashOf('research_anonymized'), randomUUID()];
  for (const _ of [1, 2]) expect((await decide('yes', hash, key)).status).toBe(303);
  expect(await agrees()).toBe(true);
  const { text } = await pages.get(pages.patientPerson, path);
  expect(text.match(/id="decision-/g)).toHaveLength(1);
  expect(visibleText(text)).toContain(hash.slice(0, 16));
});

test('is withdrawn with effect at once, and both decisions stay', async () => {
  const { location } = await decide('no', await hashOf('research_anonymized'));
  expect(location).toBe(`${path}?done=research_anonymized#research_anonymized`);
  const done = visibleText((await pages.get(pages.patientPerson, `${path}?done=research_anonymized`)).text);
  expect(done.match(/C’est fait : votre accord est retiré/g)).toHaveLength(1);
  expect(await agrees()).toBe(false);
  expect((await pages.get(pages.patientPerson, path)).text.match(/id="decision-/g)).toHaveLength(2);
});

test('words that were never shown are no agreement', async () => {
  for (const hash of ['', '0'.repeat(64), await hashOf('marketing')]) {
    const answer = await decide('yes', hash);
    expect(answer.status).toBe(409);
    expect(visibleText(answer.text)).toContain('Ce texte vient de changer.');
  }
  for (const type of ['everything', '%27', 'A'.repeat(50)])
    expect([404, 409, 422]).toContain((await decide('yes', 'x', randomUUID(), type)).status);
  for (const fields of [{}, { key: 'x' }, { key: randomUUID(), hash: 'x', given: 'perhaps' }])
    expect((await pages.post(pages.patientPerson, `${path}/marketing`, fields as Record<string, string>)).status).toBe(
      422,
    );
  expect(await agrees()).toBe(false);
});

test('a new text is told at home, agreed to beside the old one, and keeps nobody from taking theirs back', async () => {
  const old = await hashOf('mes_sharing');
  expect((await decide('yes', old, randomUUID(), 'mes_sharing')).status).toBe(303);
  expect(visibleText((await pages.get(pages.patientPerson, '/record')).text)).not.toContain('a changé');
  await asOwner(pages.db.admin, async () => {
    for (const lang of ['fr', 'en'])
      await pages.db.admin.query("select privacy.publish_text('mes_sharing', '2026.1', $1, $2, 'Texte <neuf>')", [
        lang,
        `Titre ${lang}`,
      ]);
  });
  expect(visibleText((await pages.get(pages.patientPerson, '/record')).text)).toContain('a changé : Titre fr');
  const asked = await pages.get(pages.patientPerson, path);
  expect(visibleText(asked.text)).toMatch(/Texte <neuf> .*Accepter le nouveau texte/);
  expect((await decide('no', old, randomUUID(), 'mes_sharing')).status).toBe(303);
  expect((await decide('yes', old, randomUUID(), 'mes_sharing')).status).toBe(409);
  expect((await decide('yes', await hashOf('mes_sharing'), randomUUID(), 'mes_sharing')).status).toBe(303);
  expect(visibleText((await pages.get(pages.patientPerson, '/record')).text)).not.toContain('a changé');
});

test('the DPO shows who agreed to which words, when and from where; a row that was changed shows nothing', async () => {
  const { db, practice } = pages;
  const dpo = await asOwner(db.admin, () => createPerson(db, { organisation: practice.organisation, role: 'dpo' }));
  const [edge, root] = await Promise.all([connect(db.edgeUrl), connect(db.superuserUrl)]);
  try {
    const proofs = () =>
      look(
        edge,
        { token: dpo.token, ring: db.ring },
        "select given, ip, text_hash from clinic.consent_proofs where type = 'research_anonymized' order by at",
      );
    const text_hash = await hashOf('research_anonymized');
    expect(await proofs()).toEqual([
      { given: true, ip: '192.0.2.1', text_hash },
      { given: false, ip: '192.0.2.1', text_hash },
    ]);
    // somebody with every right on the server makes a withdrawal an agreement
    await root.query('set session_replication_role = replica; update privacy.consents set given = true');
    await expect(proofs()).rejects.toMatchObject({ code: 'VS500' });
  } finally {
    await Promise.all([edge.end(), root.end()]);
  }
});
