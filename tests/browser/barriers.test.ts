// Every page for everybody: axe, light and dark, wide and at 320 px (which is 1280 px at 400 %).
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asOwner } from '../../db/owner.ts';
import { breakGlass, refer } from '../support/care.ts';
import { createHalfway, createPatient, createPerson, type Person } from '../support/practice.ts';
import { signInFrom } from '../support/sign-ins.ts';
import { connectEdge } from '../support/world.ts';
import { findBarriers, overflowOf, type Stage, setStage } from './support.ts';

let stage: Stage;
let people: Record<string, Person>;
let patient: string;

beforeAll(async () => {
  stage = await setStage();
  const { clinician, colleague, secretary, orgAdmin, auditor, organisation } = stage.practice;
  const traits = {
    birth_name: 'de La Tour d’Auvergne-Lauraguais',
    used_name: 'Fontaine-Delacroix',
    first_given_name: 'Marie-Thérèse',
  };
  patient = await createPatient(stage.db, stage.practice, traits);
  const herself = await asOwner(stage.db.admin, () =>
    createPerson(stage.db, { organisation, role: 'patient', patient }),
  );
  const dpo = await asOwner(stage.db.admin, () => createPerson(stage.db, { organisation, role: 'dpo' }));
  const newcomer = await asOwner(stage.db.admin, () => createHalfway(stage.db, organisation, 'link'));
  const halfway = await asOwner(stage.db.admin, () => createHalfway(stage.db, organisation, 'password'));
  people = { newcomer, halfway, clinician, colleague, secretary, orgAdmin, auditor, dpo, patient: herself };
  const edge = await connectEdge(stage.db);
  const { ring } = stage.db;
  const reason = `Malaise en salle d’attente, ${'traitement '.repeat(20)}`;
  const typed = { name: traits.birth_name, day: '1958-03-12' };
  await breakGlass(edge, { token: colleague.token, ring }, typed, { kind: 'colleague_unreachable', reason });
  const other = await asOwner(stage.db.admin, () => createPerson(stage.db, { organisation, role: 'clinician' }));
  await refer(edge, { token: clinician.token, ring }, patient, other.account);
  await edge.end();
  // one as usual, one that is told of, one that is held back
  for (const { account } of [clinician, orgAdmin, herself])
    for (const where of [
      { device: 'a', place: 'FR/Lyon/45.76,4.84' },
      { device: 'b', ip: '2001:db8:1234:5678:9abc:def0:1234:5678' },
      { device: 'c', ip: '198.51.100.9', place: 'BR/Recife/-8.05,-34.9' },
    ])
      await signInFrom(stage.db, account, where);
});
afterAll(() => stage?.close());

const looks = [
  { colorScheme: 'light', width: 1280 },
  { colorScheme: 'dark', width: 1280 },
  { colorScheme: 'light', width: 320 },
] as const;

describe.each([
  ['nobody', '/sign-in'],
  ['nobody', '/nowhere'],
  ['nobody', '/sign-ins/held'],
  ['nobody', '/sign-ins/over'],
  ['newcomer', '/enrol'],
  ['newcomer', '/enrol/app'],
  ['halfway', '/sign-in/code'],
  ['clinician', '/account'],
  ['clinician', '/account/factors'],
  ['clinician', '/account/factors/app'],
  ['clinician', '/account/recovery-codes'],
  ['clinician', '/account/password'],
  ['clinician', '/account/sign-ins'],
  ['clinician', '/account/sign-ins/ended'],
  ['clinician', '/patients'],
  ['clinician', '/patients/:id'],
  ['clinician', '/patients/:id/notes/new'],
  ['clinician', '/patients/:id/referrals'],
  ['clinician', '/emergency'],
  // through a broken glass
  ['colleague', '/patients/:id'],
  ['secretary', '/patients/:id'],
  ['patient', '/record'],
  ['patient', '/record/accesses'],
  ['auditor', '/audit'],
  ['auditor', '/audit/verification'],
  ['auditor', '/audit/export'],
  ['orgAdmin', '/admin/accounts'],
  ['orgAdmin', '/admin/care-teams'],
  ['orgAdmin', '/admin/care-teams/new'],
  ['orgAdmin', '/admin/sign-ins'],
  ['orgAdmin', '/admin/security'],
  ['orgAdmin', '/emergencies'],
  ['dpo', '/emergencies'],
  ['dpo', '/privacy'],
  ['dpo', '/privacy/consents'],
  ['dpo', '/privacy/erasures'],
  ['dpo', '/privacy/erasures/new'],
  ['patient', '/account/consents'],
])('%s at %s', (who, path) => {
  test('has no barrier that axe finds, and fits the window', async () => {
    const page = await stage.open(path.replace(':id', patient), people[who], { bypassCSP: true });
    for (const { colorScheme, width } of looks) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 900 });
      expect(await findBarriers(page), `${colorScheme}, ${width} px`).toEqual([]);
      expect(await overflowOf(page), `${width} px`).toBeLessThanOrEqual(0);
    }
    await page.context().close();
  });
});
