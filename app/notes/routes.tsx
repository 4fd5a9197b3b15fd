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
import { fragment, page, wantsFragment } from '../layout.tsx';
import { readMe } from '../me.ts';
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
        return answerForm(c, door, { patientId, values: blankNote(crypto.randomUUID()), opened: true });
      })

      .post('/', async (c) => {
        const patientId = patientOf(c);
        if (!patientId) return c.notFound();
        const read = readNote(await c.req.parseBody(), crypto.randomUUID());
        if ('errors' in read) return answerForm(c, door, { patientId, values: read.values, errors: read.errors });
        return answerWritten(c, door, patientId, read);
      })

      // A reload after an error: the form's text is gone with the request that held it.
      .get('/', (c) => c.redirect(`/patients/${c.req.param('id')}/notes/new`, 303))
  );
}

/** The form, blank or given back with its errors, below the banner of its patient. */
async function answerForm(c: Context<Env>, door: Door, form: NoteFormProps) {
  const id = form.patientId;
  const status = form.errors ? 422 : 200;
  // Given back, the form holds what was just sent and nothing else: there is nothing to read.
  if (form.errors && wantsFragment(c)) return fragment(c, <NoteForm {...form} inPlace />, { status });
  const [me, patients, allergyStatus, allergies] = await door.read(c.var.who, {
    open: openPatient(id),
    focus: id,
    reads: [readMe(), ...readBanner(id)],
  });
  const patient = patients[0];
  if (!patient) return c.notFound();
  if (wantsFragment(c)) return fragment(c, <NoteForm {...form} inPlace />);
  const title = inLang(notes, c.var.lang).title;
  const banner = <Banner patient={patient} allergies={bannerAllergies(allergyStatus[0], allergies)} />;
  const options = { title, me: me[0], section: 'patients', banner, error: status === 422, status } as const;
  return page(c, options, <NotePage {...form} />);
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
      operation: 'notes.write',
      change: writeNote(values.key, patientId, columns),
      reads: readHistory(patientId, historySize),
    })
    .catch(refusal);
  if (written instanceof Refusal) return answerRefused(c, { patientId, values, refusal: written.reason }, written);
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
function answerRefused(c: Context<Env>, form: NoteFormProps, error: Refusal) {
  if (wantsFragment(c)) throw error;
  const status = error.status as ContentfulStatusCode; // a Refusal's status always goes with a body
  return page(c, { title: inLang(notes, c.var.lang).title, error: true, status }, <NotePage {...form} />);
}
