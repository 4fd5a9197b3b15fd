/** GET /patients/:id: the chart; for a secretary, the identity alone. */
import { type Context, Hono } from 'hono';
import type { ComponentChildren } from 'preact';
import { z } from 'zod';
import type { Door } from '../../db/batch.ts';
import type { Env } from '../../edge/session.ts';
import { inLang } from '../i18n.ts';
import { type Me, type PageOptions, page } from '../layout.tsx';
import { readMe } from '../me.ts';
import { IdentityPage } from '../patients/identity.tsx';
import { Banner } from '../ui/banner.tsx';
import { readAgreements } from './agreements.tsx';
import { bannerAllergies } from './allergies.ts';
import { chart } from './messages.ts';
import { ChartPage, historySize } from './page.tsx';
import { patientOf } from './patient.ts';
import { openPatient, readBanner, readHistory, readPatient, readSummary } from './queries.ts';

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
  const past = readHistory(patient, historySize, before);
  const [me, patients, status, allergies, conditions, medications, vitals, laboratory, agreements, notes, encounters] =
    await door.read(c.var.who, {
      open: openPatient(patient),
      focus: patient,
      reads: [readMe(), ...readBanner(patient), ...readSummary(patient), readAgreements(patient), ...past],
    });
  const identity = patients[0];
  if (!identity) return c.notFound();
  const banner = <Banner patient={identity} allergies={bannerAllergies(status[0], allergies)} />;
  const history = { patientId: patient, notes, encounters, before };
  const summary = { conditions, medications, vitals, laboratory, agreements };
  return page(c, options(c, me[0], banner), <ChartPage history={history} summary={summary} />);
}

async function answerIdentity(c: Context<Env>, door: Door, patient: string) {
  const [me, patients, agreements] = await door.read(c.var.who, {
    open: openPatient(patient),
    focus: patient,
    reads: [readMe(), readPatient(patient), readAgreements(patient)],
  });
  const identity = patients[0];
  if (!identity) return c.notFound();
  const banner = <Banner patient={identity} phone={identity.phone} />;
  return page(c, options(c, me[0], banner), <IdentityPage patient={identity} agreements={agreements} />);
}

function options(c: Context<Env>, me: Me | undefined, banner: ComponentChildren): PageOptions {
  return { title: inLang(chart, c.var.lang).title, me, section: 'patients', banner };
}
