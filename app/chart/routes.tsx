/** GET /patients/:id: the chart; for a secretary, the identity alone. */
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import type { Door } from '../../db/batch.ts';
import type { Env } from '../../edge/session.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { readMe } from '../me.ts';
import { IdentityPage } from '../patients/identity.tsx';
import { Banner } from '../ui/banner.tsx';
import { bannerAllergies } from './allergies.ts';
import { chart } from './messages.ts';
import { ChartPage, historySize } from './page.tsx';
import { patientOf } from './patient.ts';
import {
  openPatient,
  readAllergies,
  readAllergyStatus,
  readConditions,
  readEncounters,
  readMedications,
  readNotes,
  readObservations,
  readPatient,
} from './queries.ts';

export function chartRoutes(door: Door) {
  return new Hono<Env>().get('/', (c) => {
    const patient = patientOf(c);
    if (!patient) return c.notFound();
    // Which page to ask for; what it may hold is decided in SQL, for every role.
    return c.var.who.role === 'secretary' ? answerIdentity(c, door, patient) : answerChart(c, door, patient);
  });
}

const Place = z.object({
  before: z.iso
    .datetime()
    .transform((text) => new Date(text))
    .optional()
    .catch(undefined),
});

async function answerChart(c: Context<Env>, door: Door, patient: string) {
  const { before } = Place.parse(c.req.query());
  const [me, patients, status, allergies, conditions, medications, vitals, laboratory, notes, encounters] =
    await door.read(c.var.who, {
      open: openPatient(patient),
      focus: patient,
      reads: [
        readMe(),
        readPatient(patient),
        readAllergyStatus(patient),
        readAllergies(patient),
        readConditions(patient),
        readMedications(patient),
        readObservations(patient, 'vital-signs'),
        readObservations(patient, 'laboratory'),
        readNotes(patient, historySize, before),
        readEncounters(patient, historySize, before),
      ],
    });
  const identity = patients[0];
  if (!identity) return c.notFound();
  const banner = <Banner patient={identity} allergies={bannerAllergies(status[0], allergies)} />;
  return page(
    c,
    { title: inLang(chart, c.var.lang).title, me: me[0], section: 'patients', banner },
    <ChartPage
      history={{ patientId: patient, notes, encounters, before }}
      summary={{ conditions, medications, vitals, laboratory }}
    />,
  );
}

async function answerIdentity(c: Context<Env>, door: Door, patient: string) {
  const [me, patients] = await door.read(c.var.who, {
    open: openPatient(patient),
    focus: patient,
    reads: [readMe(), readPatient(patient)],
  });
  const identity = patients[0];
  if (!identity) return c.notFound();
  return page(
    c,
    {
      title: inLang(chart, c.var.lang).title,
      me: me[0],
      section: 'patients',
      banner: <Banner patient={identity} phone={identity.phone} />,
    },
    <IdentityPage patient={identity} />,
  );
}
