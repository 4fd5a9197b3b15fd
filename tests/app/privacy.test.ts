// The DPO's desk (0310_consents, 0315_privacy_desk): what waits, who agreed to what, and what is to be forgotten, by numbers.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { asOwner } from '../../db/owner.ts';
import { createPerson, type Person } from '../support/practice.ts';
import { openPages, type Pages, visibleText } from './pages.ts';

let pages: Pages;
let dpo: Person;
beforeAll(async () => {
  pages = await openPages();
  dpo = await asOwner(pages.db.admin, () =>
    createPerson(pages.db, { organisation: pages.practice.organisation, role: 'dpo' }),
  );
});
afterAll(() => pages?.close());

const owner = async (query: string, values: unknown[] = []) =>
  (await asOwner(pages.db.admin, () => pages.db.admin.query(query, values))).rows;
const seen = async (person: Person, path: string) => visibleText((await pages.get(person, path)).text);
const decide = async (type: string, given: 'yes' | 'no') => {
  const [{ hash }] = await owner("select hash from iam.consent_texts('fr') where type = $1", [type]);
  const { status } = await pages.post(pages.patientPerson, `/account/consents/${type}`, {
    key: randomUUID(),
    hash,
    given,
  });
  expect(status).toBe(303);
};
const waiting = async () => /id="task-([0-9a-f-]+)"/.exec((await pages.get(dpo, '/privacy')).text)?.[1];

const paths = ['/privacy', '/privacy/consents', '/privacy/erasures', '/privacy/erasures/new'];

test('nobody else reads what the DPO reads', async () => {
  const { clinician, secretary, orgAdmin } = pages.practice;
  for (const path of [...paths, `/privacy/consents/${randomUUID()}`, `/privacy/erasures/${randomUUID()}/file`])
    for (const person of [clinician, secretary, orgAdmin])
      expect((await pages.get(person, path)).status, path).toBe(403);
  for (const path of paths) {
    expect((await pages.get(pages.patientPerson, path)).status, path).toBe(403);
    expect((await pages.get(null, path)).status, path).toBe(303);
    expect((await pages.get(dpo, path)).status, path).toBe(200);
  }
  const fields = { key: randomUUID(), answer: 'informed' };
  expect((await pages.post(orgAdmin, `/privacy/requests/${randomUUID()}`, fields)).status).toBe(403);
});

test('a proof that isn’t there, or is another’s, is not found', async () => {
  for (const id of [randomUUID(), 'x', "'"]) {
    expect((await pages.get(dpo, `/privacy/consents/${id}`)).status, id).toBe(404);
    expect((await pages.get(dpo, `/privacy/erasures/${id}`)).status, id).toBe(404);
    expect((await pages.get(pages.patientPerson, `/account/consents/${id}`)).status, id).toBe(404);
  }
});

test('the DPO’s home says what waits, and no name', async () => {
  expect((await pages.get(dpo, '/')).location).toBe('/privacy');
  expect(await seen(dpo, '/privacy')).toContain('Rien n’attend votre réponse.');
  for (const type of ['data_processing', 'telemedicine_usage', 'mes_sharing']) await decide(type, 'yes');
  await decide('mes_sharing', 'no');
  expect(await waiting()).toBeUndefined();
  await decide('data_processing', 'no');
  const text = await seen(dpo, '/privacy');
  expect(text).toContain('Utilisation de mes données de santé');
  expect(text).toContain(pages.patient);
  const [{ name }] = await owner('select iam.person_name($1) as name', [pages.patientPerson.account]).catch(() => [
    { name: 'Nompatient' },
  ]);
  for (const path of paths) expect(await seen(dpo, path), path).not.toContain(name ?? 'Nompatient');
});

test('who treats them sees it on the chart, and refers no more; who books sees what a booking needs', async () => {
  const { clinician, secretary } = pages.practice;
  const chart = await seen(clinician, `/patients/${pages.patient}`);
  expect(chart).toMatch(/Partage avec un autre confrère .*non retiré le/);
  expect(chart).toMatch(/Consultation à distance oui/);
  expect(chart).toContain('Vous continuez de voir et de compléter ce dossier.');
  for (const word of ['Recherche, sans', 'Informations de mon cabinet']) expect(chart).not.toContain(word);
  const identity = await seen(secretary, `/patients/${pages.patient}`);
  expect(identity).toMatch(/Consultation à distance oui/);
  expect(identity).not.toContain('Partage avec un autre confrère');
  const referrals = await pages.get(clinician, `/patients/${pages.patient}/referrals`);
  expect(visibleText(referrals.text)).toContain('a retiré l’accord qui permet de partager son dossier');
  expect(referrals.text).not.toContain('name="performer"');
});

test('an answer is one of the list, given once, and the patient reads of it', async () => {
  const id = await waiting();
  const answer = (value: string, key = randomUUID()) =>
    pages.post(dpo, `/privacy/requests/${id}`, { key, answer: value });
  for (const value of ['', 'kept_by_law', "' or 1=1", '<b>']) {
    const { status, text } = await answer(value);
    expect(status, value).toBe(422);
    expect(visibleText(text)).toContain('Choisissez une réponse de la liste.');
  }
  const early = await answer('erasure_requested');
  expect([early.status, visibleText(early.text)]).toEqual([409, expect.stringContaining('Demandez-le d’abord.')]);
  const key = randomUUID();
  for (const _ of [1, 2]) expect((await answer('informed', key)).status).toBe(303);
  expect(await waiting()).toBeUndefined();
  expect((await answer('mistake')).status).toBe(409);
  expect(await seen(pages.patientPerson, '/record/accesses')).toContain('A traité une de vos demandes');
  expect(await seen(dpo, '/privacy/consents')).toContain('Personne informée de ce qui change');
});

test('the proof of a decision is the DPO’s and the patient’s: words, address, place in the log', async () => {
  const [{ id }] = await owner("select id from privacy.consents where type = 'data_processing' and given");
  for (const [person, path] of [
    [dpo, `/privacy/consents/${id}`],
    [pages.patientPerson, `/account/consents/${id}`],
  ] as const) {
    const text = await seen(person, path);
    for (const word of ['J’accepte que mon cabinet utilise', '192.0.2.1', '2025.1', pages.patient])
      expect(text).toContain(word);
    const file = JSON.parse((await pages.get(person, `${path}/file`)).text);
    expect(file).toMatchObject({ format: 'vital-sync-consent-proof/1', consent: id, given: true, ip: '192.0.2.1' });
    expect(JSON.parse(JSON.parse(file.log[0].leaf)[16]).digest).toBe(file.row_digest);
  }
  expect(await seen(pages.patientPerson, '/record/accesses')).toContain('A lu la preuve d’un de vos accords');
});

test('decisions are found by the number of a record, however it is typed', async () => {
  for (const typed of [pages.patient, ` ${pages.patient.toUpperCase()} `, pages.patient.replaceAll('-', '')])
    expect((await pages.get(dpo, `/privacy/consents?patient=${encodeURIComponent(typed)}`)).text).toMatch(
      /id="decision-/,
    );
  const other = await pages.get(dpo, `/privacy/consents?patient=${randomUUID()}`);
  expect([other.status, visibleText(other.text)]).toEqual([200, expect.stringContaining('Aucune décision.')]);
  for (const typed of ['Moreau', "' or 1=1 --", '<script>'])
    expect((await pages.get(dpo, `/privacy/consents?patient=${encodeURIComponent(typed)}`)).status, typed).toBe(422);
});

test('an erasure is asked for on a fresh factor, says until when the law keeps the record, and is told when it was done', async () => {
  const fields = { patient: pages.patient, ground: 'objection', reason: 'Courrier du 3 mars' };
  const ask = (more: object = {}) => pages.post(dpo, '/privacy/erasures', { key: randomUUID(), ...fields, ...more });
  for (const wrong of [{ patient: 'x' }, { patient: randomUUID() }, { ground: 'wish' }, { reason: ' ' }]) {
    const { status, text } = await ask(wrong);
    expect(status, JSON.stringify(wrong)).toBe(422);
    expect(text).toContain('aria-invalid="true"');
  }
  await owner("update iam.sessions set factor_at = clock_timestamp() - interval '11 minutes' where account_id = $1", [
    dpo.account,
  ]);
  expect((await ask()).status).not.toBe(303);
  expect(await seen(dpo, '/privacy/erasures')).toContain('Aucun effacement n’a été demandé.');
  await owner('update iam.sessions set factor_at = clock_timestamp() where account_id = $1', [dpo.account]);
  expect((await ask()).location).toBe('/privacy/erasures?sent');
  const list = await seen(dpo, '/privacy/erasures');
  expect(list).toMatch(/retenu par la loi jusqu’en 20\d\d/);
  expect(list).toContain('Courrier du 3 mars');
  const [{ id }] = await owner('select id from privacy.erasure_requests');
  expect((await pages.get(dpo, `/privacy/erasures/${id}`)).status).toBe(404);
  expect(await waiting()).toBe(id);

  await owner("select privacy.erase_patient($1, $2, 'unlawful_processing')", [pages.db.ring, pages.patient]);
  expect(await waiting()).toBeUndefined();
  const done = await seen(dpo, '/privacy/erasures');
  expect(done).toContain('effacé le');
  expect(done).toContain('explication effacée avec le dossier');
  expect(await seen(dpo, `/privacy/erasures/${id}`)).toContain('Ce qui a été détruit');
  const file = JSON.parse((await pages.get(dpo, `/privacy/erasures/${id}/file`)).text);
  expect(file).toMatchObject({ patient: pages.patient, ground: 'unlawful_processing', request: null });
  // what proves what was agreed to stays, without the address
  const [{ id: consent }] = await owner("select id from privacy.consents where type = 'data_processing' and given");
  expect(await seen(dpo, `/privacy/consents/${consent}`)).toContain('effacée avec le compte');
});
