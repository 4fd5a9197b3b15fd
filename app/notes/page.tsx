import { useWords } from '../i18n.ts';
import { NoteForm, type NoteFormProps } from './form.tsx';
import { notes } from './messages.ts';

/** The form on a page of its own: without script, and when a note came back with errors. */
export function NotePage(props: NoteFormProps) {
  const t = useWords(notes);
  return (
    <div class="note-page">
      <h1 class="visually-hidden">{t.title}</h1>
      <NoteForm {...props} />
    </div>
  );
}

/** The chart's way into a note: a link to the form's page, which htmx opens in place. */
export function NoteOpener({ patientId, focused }: { patientId: string; focused?: boolean }) {
  const t = useWords(notes);
  const form = `/patients/${patientId}/notes/new`;
  return (
    <div id="note-entry">
      <a
        id="write-note"
        class="button"
        data-primary=""
        href={form}
        hx-get={form}
        hx-target="#note-entry"
        hx-swap="outerHTML"
        autofocus={focused}
      >
        {t.write}
      </a>
    </div>
  );
}
