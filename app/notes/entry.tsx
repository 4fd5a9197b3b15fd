import { useWords } from '../i18n.ts';
import { Badge } from '../ui/badge.tsx';
import { labelOf } from '../ui/codeable.tsx';
import { Missing } from '../ui/empty.tsx';
import { Clock } from '../ui/time.tsx';
import { notes } from './messages.ts';
import { type Section, sections } from './note.ts';

/** A row of clinic.notes, as far as it is shown. */
export type NoteRow = {
  id: string;
  author_name: string | null;
  created_at: Date;
  category: string;
  priority: string;
  status: string;
} & Record<Section, string | null>;

/** What was concluded comes first: it is what one looks for. */
const readingOrder: readonly Section[] = ['diagnosis', ...sections.filter((section) => section !== 'diagnosis')];

type NoteEntryProps = {
  note: NoteRow;
  /** For the patient: the parts are named in the patient's words. */
  plain?: boolean;
  /** It has just been written. */
  fresh?: boolean;
};

/** A note as it is read: whole, and what wasn't filled in is said. */
export function NoteEntry({ note, plain, fresh }: NoteEntryProps) {
  const t = useWords(notes);
  const written = readingOrder.filter((section) => note[section]);
  const missing = sections.filter((section) => !note[section]);
  return (
    <article class="note" data-status={note.status} data-new={fresh}>
      <header class="entry-head">
        <Clock at={note.created_at} />
        <h4>{labelOf(t, 'category', note.category)}</h4>
        <NoteBadges note={note} />
        <span class="entry-who">{note.author_name ?? <Missing>{t.authorUnknown}</Missing>}</span>
      </header>
      <dl class="note-parts">
        {written.map((section) => (
          <div key={section} data-section={section}>
            <dt>{labelOf(t, plain ? 'plain' : 'section', section)}</dt>
            <dd>{note[section]}</dd>
          </div>
        ))}
      </dl>
      {missing.length > 0 && !plain ? (
        <p class="note-missing">
          {t.missing(missing.map((name) => labelOf(t, 'section', name).toLowerCase()).join(', '))}
        </p>
      ) : null}
    </article>
  );
}

/** Only what departs from the ordinary gets a badge, or nobody reads badges. */
function NoteBadges({ note }: { note: NoteRow }) {
  const t = useWords(notes);
  return (
    <>
      {note.priority === 'routine' ? null : (
        <Badge tone={note.priority === 'urgent' ? 'warn' : 'danger'}>{labelOf(t, 'priority', note.priority)}</Badge>
      )}
      {note.status === 'final' ? null : <Badge shape="half-left">{labelOf(t, 'status', note.status)}</Badge>}
    </>
  );
}
