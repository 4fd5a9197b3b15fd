/**
 * GET /patients/:id/notes/new, POST /patients/:id/notes. In the chart htmx opens the form and adds the note in place;
 * without script the form is a page, and a written note leads back to the chart.
 */
import { type Context, Hono } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { type Door, Refusal } from '../../db/batch.ts';
import type { Env } from '../../edge/session.ts';
import { bannerAllergies } from '../chart/allergies.ts';
import { History, type HistoryProps, historySize } from '../chart/page.tsx';
import { patientOf } from '../chart/patient.ts';
import { openPatient, readBanner, readHistory } from '../chart/queries.ts';
import { inLang } from '../i18n.ts';
import { fragment, type PageOptions, page, wantsFragment } from '../layout.tsx';
import { askMe, readMe } from '../me.ts';
import { Banner } from '../ui/banner.tsx';
import { clockOf } from '../ui/time.tsx';
import { NoteForm, type NoteFormProps } from './form.tsx';
import { notes } from './messages.ts';
import { blankNote, type NoteColumns, type NoteValues, readNote } from './note.ts';
import { NoteOpener, NotePage } from './page.tsx';
import { writeNote } from './queries.ts';

export function noteRoutes(door: Door) {
  return (
    new Hono<Env>()
      .get('/new', (c) => {
        const patientId = patientOf(c);
        if (!patientId) return c.notFound();
        return answerBlank(c, door, patientId);
      })

      .post('/', async (c) => {
        const patientId = patientOf(c);
        if (!patientId) return c.notFound();
        const read = readNote(await c.req.parseBody(), crypto.randomUUID());
        if ('errors' in read) return answerErrors(c, door, { patientId, values: read.values, errors: read.errors });
        return answerWritten(c, door, patientId, read);
      })

      // A reload after an error: the form's text is gone with the request that held it.
      .get('/', (c) => c.redirect(`/patients/${c.req.param('id')}/notes/new`, 303))
  );
}

/** A blank form below the banner of its patient, in the name of who opens it. */
async function answerBlank(c: Context<Env>, door: Door, patientId: string) {
  const { me, banner } = await readAround(c, door, patientId);
  if (!me || !banner) return c.notFound();
  const form = { patientId, values: blankNote(crypto.randomUUID(), me.account_id), opened: true };
  return answerForm(c, form, { me, banner }, 200);
}

async function answerErrors(c: Context<Env>, door: Door, form: NoteFormProps) {
  // Given back in the chart, the form holds what was just sent and nothing else: there is nothing to read.
  if (wantsFragment(c)) return answerForm(c, form, {}, 422);
  const { me, banner } = await readAround(c, door, form.patientId);
  if (!banner) return c.notFound();
  return answerForm(c, form, { me, banner }, 422);
}

type Around = Pick<PageOptions, 'me' | 'banner'>;

function answerForm(c: Context<Env>, form: NoteFormProps, around: Around, status: ContentfulStatusCode) {
  if (wantsFragment(c)) return fragment(c, <NoteForm {...form} inPlace />, { status });
  const title = inLang(notes, c.var.lang).title;
  const options = { ...around, title, section: 'patients', error: status !== 200, status } as const;
  return page(c, options, <NotePage {...form} />);
}

/** Who is signed in, and the patient's banner if that patient is there for them. */
async function readAround(c: Context<Env>, door: Door, id: string) {
  const [me, patients, allergyStatus, allergies] = await door.read(c.var.who, {
    open: openPatient(id),
    focus: id,
    reads: [readMe(), ...readBanner(id)],
  });
  const patient = patients[0];
  const banner = patient && <Banner patient={patient} allergies={bannerAllergies(allergyStatus[0], allergies)} />;
  return { me: me[0], banner };
}

async function answerWritten(
  c: Context<Env>,
  door: Door,
  patientId: string,
  { values, columns }: { values: NoteValues; columns: NoteColumns },
) {
  const written = await door
    .write(c.var.who, {
      open: openPatient(patientId),
      focus: patientId,
      key: values.key,
      operation: values.status === 'draft' ? 'notes.write' : 'notes.sign',
      change: writeNote(values.key, values.author, patientId, columns),
      reads: readHistory(patientId, historySize),
    })
    .catch(refusal);
  if (written instanceof Refusal)
    return answerRefused(c, door, { patientId, values, refusal: written.reason }, written);
  const [newest, encounters] = written;
  if (!wantsFragment(c)) return c.redirect(`/patients/${patientId}#note-${newest[0]?.id}`, 303);
  const body = <NoteWritten history={{ patientId, notes: newest, encounters, writtenId: newest[0]?.id }} />;
  return fragment(c, body, { announce: inLang(notes, c.var.lang).saved(clockOf(new Date())) });
}

/** In the place of the form its opener, and the history with the new note. */
function NoteWritten({ history }: { history: HistoryProps }) {
  return (
    <>
      <NoteOpener patientId={history.patientId} focused />
      <hx-partial hx-target="#timeline" hx-swap="outerHTML">
        <History {...history} />
      </hx-partial>
    </>
  );
}

function refusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  throw error;
}

/** With htmx the form still stands in the chart, so errors.tsx says what happened; else the text goes back with the page. */
async function answerRefused(c: Context<Env>, door: Door, form: NoteFormProps, error: Refusal): Promise<Response> {
  if (error.reason === 'conflict') return answerConflict(c, door, form);
  // errors.tsx asks for the factor, and sends the note again
  if (wantsFragment(c) || error.reason === 'step_up') throw error;
  const status = error.status as ContentfulStatusCode; // a Refusal's status always goes with a body
  // Only a refusal that wasn't about the patient lets the banner be read again.
  const mayLook = error.reason === 'invalid' || error.reason === 'unavailable' || error.reason === 'fault';
  const around = mayLook ? await readAround(c, door, form.patientId).catch(refusal) : error;
  if (!(around instanceof Refusal)) return answerForm(c, form, around, status);
  return answerForm(c, { ...form, unnamed: true }, { me: await askMe(door, c.var.who) }, status);
}

/**
 * Somebody else signed in since the form was opened, or its key was used for another text. The form comes back with a
 * fresh key and in the name of who is there now, so that saving it once more is a decision.
 */
async function answerConflict(c: Context<Env>, door: Door, form: NoteFormProps): Promise<Response> {
  const around = await readAround(c, door, form.patientId).catch(refusal);
  if (around instanceof Refusal) return answerRefused(c, door, { ...form, refusal: around.reason }, around);
  const values = { ...form.values, key: crypto.randomUUID(), author: around.me?.account_id ?? '' };
  const signedInAs = form.values.author === values.author ? undefined : (around.me?.display_name ?? null);
  return answerForm(c, { ...form, values, signedInAs }, around, 409);
}
