/** GET and POST /patients/:id/referrals, POST /patients/:id/referrals/:referral/end. */
import { type Context, Hono } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { z } from 'zod';
import { type Door, Refusal } from '../../db/batch.ts';
import type { Env } from '../../edge/session.ts';
import { readAgreements, sharesNoMore } from '../chart/agreements.tsx';
import { bannerAllergies } from '../chart/allergies.ts';
import { patientOf } from '../chart/patient.ts';
import { openPatient, readBanner } from '../chart/queries.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { readMe } from '../me.ts';
import { Banner } from '../ui/banner.tsx';
import { blankReferral, type ReferralErrors, type ReferralValues, readReferral } from './form.ts';
import { referrals } from './messages.ts';
import { ReferralsPage } from './page.tsx';
import { endReferral, makeReferral, readColleagues, readReferrals } from './queries.ts';

export function referralRoutes(door: Door) {
  return new Hono<Env>()
    .get('/', (c) => answerPage(c, door, { values: blankReferral() }, 200))

    .post('/', async (c) => {
      const { values, errors } = readReferral(await c.req.parseBody());
      if (Object.keys(errors).length > 0) return answerPage(c, door, { values, errors }, 422);
      const patient = patientOf(c);
      if (!patient) return c.notFound();
      const refused = await write(c, door, patient, 'referrals.make', values.key, makeReferral(patient, values));
      if (!refused) return c.redirect(`/patients/${patient}/referrals`, 303);
      // a form that was used for another text gets a key of its own
      const key = refused.reason === 'conflict' ? crypto.randomUUID() : values.key;
      const status = refused.status as ContentfulStatusCode; // a Refusal's status always goes with a body
      return answerPage(c, door, { values: { ...values, key }, refusal: refused.reason }, status);
    })

    .post('/:referral/end', async (c) => {
      const patient = patientOf(c);
      if (!patient) return c.notFound();
      const key = z.guid().parse((await c.req.parseBody()).key);
      const referral = z.guid().parse(c.req.param('referral'));
      const refused = await write(c, door, patient, 'referrals.end', key, endReferral(key, referral));
      if (refused) throw refused;
      // who was referred to has ended what showed them the record
      return c.redirect('/patients', 303);
    });
}

/** What the page itself can tell; every other refusal is a page of errors.tsx. */
const told = ['forbidden', 'invalid', 'conflict'];

async function write(
  c: Context<Env>,
  door: Door,
  patient: string,
  operation: string,
  key: string,
  change: ReturnType<typeof endReferral>,
): Promise<Refusal | undefined> {
  try {
    await door.write(c.var.who, { open: openPatient(patient), focus: patient, key, operation, change, reads: [] });
    return undefined;
  } catch (error) {
    if (error instanceof Refusal && told.includes(error.reason)) return error;
    throw error;
  }
}

type Form = { values: ReferralValues; errors?: ReferralErrors; refusal?: string };

async function answerPage(c: Context<Env>, door: Door, form: Form, status: ContentfulStatusCode) {
  const patientId = patientOf(c);
  if (!patientId) return c.notFound();
  const [me, patients, allergyStatus, allergies, rows, colleagues, agreements] = await door.read(c.var.who, {
    open: openPatient(patientId),
    focus: patientId,
    reads: [readMe(), ...readBanner(patientId), readReferrals(patientId), readColleagues(), readAgreements(patientId)],
  });
  const patient = patients[0];
  if (!patient) return c.notFound();
  const banner = <Banner patient={patient} allergies={bannerAllergies(allergyStatus[0], allergies)} />;
  const title = inLang(referrals, c.var.lang).title;
  const options = { title, me: me[0], section: 'patients', banner, error: status !== 200, status } as const;
  return page(
    c,
    options,
    <ReferralsPage
      {...form}
      {...{ patientId, rows, colleagues }}
      closed={sharesNoMore(agreements)}
      accountId={me[0]?.account_id ?? ''}
    />,
  );
}
