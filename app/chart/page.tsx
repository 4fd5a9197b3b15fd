import { useWords } from '../i18n.ts';
import { invitations } from '../invitations/messages.ts';
import { NoteEntry, type NoteRow } from '../notes/entry.tsx';
import { NoteOpener } from '../notes/page.tsx';
import { Empty } from '../ui/empty.tsx';
import { Day, dayOf, LongDay } from '../ui/time.tsx';
import { Timeline } from '../ui/timeline.tsx';
import { EncounterEntry, type EncounterRow } from './encounter.tsx';
import { chart } from './messages.ts';
import { Summary, type SummaryRows } from './summary.tsx';
import { type Entry, timeline } from './timeline.ts';

/** How many notes and visits one page of the history shows. */
export const historySize = 30;

export type HistoryProps = {
  patientId: string;
  notes: readonly NoteRow[];
  encounters: readonly EncounterRow[];
  /** Set on the pages that follow the first one. */
  before?: Date;
  /** The note that has just been written, to be seen among the others. */
  writtenId?: string;
};

/** A patient's chart for those who treat them. Identity and allergies stand in the banner above. */
export function ChartPage({ history, summary }: { history: HistoryProps; summary: SummaryRows }) {
  const t = useWords(chart);
  return (
    <>
      <h1 class="visually-hidden">{t.title}</h1>
      <Sections patientId={history.patientId} />
      <div class="chart">
        <NoteOpener patientId={history.patientId} />
        <aside class="chart-summary" aria-label={t.summary}>
          <Summary {...summary} />
        </aside>
        <History {...history} />
      </div>
    </>
  );
}

function Sections({ patientId }: { patientId: string }) {
  const t = useWords(chart);
  const invited = useWords(invitations);
  return (
    <nav class="section-links" aria-label={t.sections}>
      <ul>
        {(['problems', 'medications', 'vitals', 'laboratory', 'timeline'] as const).map((id) => (
          <li key={id}>
            <a href={`#${id}`}>{t[id]}</a>
          </li>
        ))}
        <li>
          <a href={`/patients/${patientId}/referrals`}>{t.referrals}</a>
        </li>
        <li>
          <a href={`/patients/${patientId}/invitation`}>{invited.accessShort}</a>
        </li>
      </ul>
    </nav>
  );
}

/** Notes and visits by day. It is also the fragment that comes back when a note has been written. */
export function History({ patientId, notes, encounters, before, writtenId }: HistoryProps) {
  const t = useWords(chart);
  const { days, older } = timeline(notes, encounters, historySize);
  return (
    <section id="timeline" class="history" aria-labelledby="timeline-title">
      <h2 id="timeline-title">{t.timeline}</h2>
      {before ? (
        <p class="history-place">
          {t.before} <LongDay value={dayOf(before)} />. <a href={`/patients/${patientId}#timeline`}>{t.newest}</a>
        </p>
      ) : null}
      {days.length > 0 ? (
        <Timeline days={days} entryId={entryId}>
          {(entry) =>
            entry.kind === 'note' ? (
              <NoteEntry note={entry.note} fresh={entry.note.id === writtenId || undefined} />
            ) : (
              <EncounterEntry encounter={entry.encounter} />
            )
          }
        </Timeline>
      ) : (
        <Empty>{before ? t.nothingOlder : t.emptyTimeline}</Empty>
      )}
      {older ? (
        <p class="history-place">
          <a href={`/patients/${patientId}?before=${encodeURIComponent(older.toISOString())}#timeline`}>
            {t.older} <Day value={older} />
          </a>
        </p>
      ) : null}
    </section>
  );
}

const entryId = (entry: Entry<NoteRow, EncounterRow>) =>
  entry.kind === 'note' ? `note-${entry.note.id}` : `encounter-${entry.encounter.id}`;
