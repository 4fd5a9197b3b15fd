/** GET and POST /patients/:id/invitation: the care team, or a secretary, invites a patient to their own record. */
import { type Context, Hono } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { z } from 'zod';
import { type Door, Refusal } from '../../db/batch.ts';
import type { AnyQuery } from '../../db/query.ts';
import type { Env } from '../../edge/session.ts';
import { emailAddress } from '../address.ts';
import { bannerAllergies } from '../chart/allergies.ts';
import { patientOf } from '../chart/patient.ts';
import { openPatient, readBanner, readPatient } from '../chart/queries.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { readMe } from '../me.ts';
import { Banner } from '../ui/banner.tsx';
import type { Errors } from '../ui/form.tsx';
import { invitations } from './messages.ts';
import { PatientInvitationPage } from './patient-page.tsx';
import { invitePatient, readPatientAccount, resendInvitation, withdrawInvitation } from './queries.ts';

const Invite = z.object({
  key: z.guid(),
  email: z.string().trim().toLowerCase().max(254).catch(''),
  lang: z.enum(['fr', 'en']).catch('fr'),
});
/** What was just done, from the address: a word of ours, or none. */
const doneWords = z.enum(['invited', 'resent', 'withdrawn']).optional();
type Done = 'invited' | 'resent' | 'withdrawn';
const Again = z.object({ key: z.guid(), account: z.guid() });

export function patientInvitationRoutes(door: Door) {
  return new Hono<Env>()
    .get('/', (c) => answerPage(c, door, {}))

    .post('/', async (c) => {
      const { key, email, lang } = Invite.parse(await c.req.parseBody());
      const patient = patientOf(c);
      if (!patient) return c.notFound();
      const errors: Errors = emailAddress.test(email) ? {} : { email: inLang(invitations, c.var.lang).emailWrong };
      if (errors.email) return answerPage(c, door, { email, lang, errors, status: 422 });
      return write(c, door, patient, key, invitePatient(key, patient, email, lang), 'invited', {
        email,
        lang,
      });
    })

    .post('/resend', (c) => answerAgain(c, door, resendInvitation, 'resent'))
    .post('/withdraw', (c) => answerAgain(c, door, withdrawInvitation, 'withdrawn'));
}

type Make = (key: string, account: string) => AnyQuery;

async function answerAgain(c: Context<Env>, door: Door, make: Make, done: Done) {
  const { key, account } = Again.parse(await c.req.parseBody());
  const patient = patientOf(c);
  return patient ? write(c, door, patient, key, make(key, account), done) : c.notFound();
}

type Form = { email?: string; lang?: string; errors?: Errors; refusal?: string; status?: ContentfulStatusCode };
/** What the page itself can tell; every other refusal is a page of errors.tsx. */
const told = ['conflict', 'invalid', 'limited'];

async function write(
  c: Context<Env>,
  door: Door,
  patient: string,
  key: string,
  change: AnyQuery,
  done: Done,
  form: Form = {},
) {
  const open = openPatient(patient);
  try {
    await door.write(c.var.who, { open, focus: patient, key, operation: 'accounts.invite', change, reads: [] });
  } catch (error) {
    if (!(error instanceof Refusal) || !told.includes(error.reason)) throw error;
    const status = error.status as ContentfulStatusCode; // always goes with a body
    return answerPage(c, door, { ...form, refusal: error.reason, status });
  }
  return c.redirect(`/patients/${patient}/invitation?done=${done}`, 303);
}

async function answerPage(c: Context<Env>, door: Door, { email, lang = 'fr', errors, refusal, status = 200 }: Form) {
  const patient = patientOf(c);
  if (!patient) return c.notFound();
  // which page to ask for; to any other role the database gives neither
  const fixed = c.var.who.role === 'secretary';
  const { me, identity, account, banner } = await (fixed ? readForSecretary : readForCareTeam)(c, door, patient);
  if (!identity) return c.notFound();
  const title = inLang(invitations, c.var.lang).access;
  const options = { title, me, section: 'patients', banner, error: status !== 200, status } as const;
  const props = {
    patient,
    account,
    fixed,
    errors,
    refusal,
    done: doneWords.catch(undefined).parse(c.req.query('done')),
    lang,
    email: (fixed ? null : email) ?? identity.email ?? '',
  };
  return page(c, options, <PatientInvitationPage {...props} />);
}

async function readForSecretary(c: Context<Env>, door: Door, patient: string) {
  const reads = [readMe(), readPatientAccount(patient), readPatient(patient)] as const;
  const [[me], [account], [identity]] = await door.read(c.var.who, {
    open: openPatient(patient),
    focus: patient,
    reads,
  });
  return { me, account, identity, banner: identity && <Banner patient={identity} phone={identity.phone} /> };
}

async function readForCareTeam(c: Context<Env>, door: Door, patient: string) {
  const reads = [readMe(), readPatientAccount(patient), ...readBanner(patient)] as const;
  const [[me], [account], [identity], state, allergies] = await door.read(c.var.who, {
    open: openPatient(patient),
    focus: patient,
    reads,
  });
  const banner = identity && <Banner patient={identity} allergies={bannerAllergies(state[0], allergies)} />;
  return { me, account, identity, banner };
}
