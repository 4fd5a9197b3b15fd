import type { ClinicPrivacyTasks } from '../../db/types.ts';
import { consents } from '../consents/messages.ts';
import { emergency } from '../emergency/messages.ts';
import { useWords } from '../i18n.ts';
import { Alert } from '../ui/alert.tsx';
import { Badge } from '../ui/badge.tsx';
import { labelOf } from '../ui/codeable.tsx';
import { Empty } from '../ui/empty.tsx';
import { Table } from '../ui/table.tsx';
import { Day, Moment } from '../ui/time.tsx';
import { Answers } from './answers.tsx';
import { erasures } from './erasure-words.ts';
import { privacy } from './messages.ts';

/** A row of clinic.privacy_tasks. */
export type TaskRow = ClinicPrivacyTasks;
/** From so many days before its deadline on, a request stands out. */
const SOON = 7 * 86_400_000;

/** What waits for the DPO, by deadline. */
export function PrivacyPage(props: { tasks: readonly TaskRow[]; now: Date; done?: boolean; refusal?: string }) {
  const t = useWords(privacy);
  return (
    <div class="desk">
      <h1>{t.title}</h1>
      <p class="lead">{t.intro}</p>
      {props.done ? <Alert tone="ok" title={t.done} /> : null}
      {props.refusal ? <Alert tone="danger" title={labelOf(t, 'refusal', props.refusal)} /> : null}
      <section aria-labelledby="tasks">
        <h2 id="tasks">{t.tasks}</h2>
        {props.tasks.length > 0 ? <Tasks tasks={props.tasks} now={props.now} /> : <Empty>{t.nothing}</Empty>}
      </section>
      <p class="quiet">{t.pseudonym}</p>
    </div>
  );
}

function Tasks({ tasks, now }: { tasks: readonly TaskRow[]; now: Date }) {
  const t = useWords(privacy);
  return (
    <Table
      caption={t.tasks}
      rows={tasks}
      rowId={(row) => `task-${row.id}`}
      columns={[
        { label: t.due, header: true, cell: (row) => <Due at={row.due_at} now={now} /> },
        { label: t.request, cell: (row) => <What row={row} /> },
        { label: t.patient, code: true, cell: (row) => row.patient_id },
        { label: t.since, cell: (row) => <Moment at={row.since} /> },
        { label: t.answer, cell: (row) => <Act row={row} /> },
      ]}
    />
  );
}

function Due({ at, now }: { at: Date | null; now: Date }) {
  const t = useWords(privacy);
  if (!at) return <>{t.noDay}</>;
  const left = at.getTime() - now.getTime();
  if (left > SOON) return <Day value={at} />;
  return (
    <>
      <Day value={at} /> <Badge tone={left < 0 ? 'danger' : 'warn'}>{left < 0 ? t.late : t.soon}</Badge>
    </>
  );
}

function What({ row }: { row: TaskRow }) {
  const t = useWords(privacy);
  const types = useWords(consents);
  const grounds = useWords(erasures);
  const kinds = useWords(emergency);
  return (
    <>
      <b>{labelOf(t, 'kind', row.kind)}</b>
      <br />
      {row.kind === 'withdrawal' ? labelOf(types, 'type', row.what) : null}
      {row.kind === 'erasure' ? labelOf(grounds, 'ground', row.what) : null}
      {row.kind === 'glass' ? labelOf(kinds, 'kind', row.what) : null}
    </>
  );
}

function Act({ row }: { row: TaskRow }) {
  const t = useWords(privacy);
  if (row.kind === 'glass') return <a href={`/emergencies#glass-${row.id}`}>{t.look}</a>;
  if (row.kind === 'erasure') return <a href={`/privacy/erasures#erasure-${row.id}`}>{t.see}</a>;
  return <Answers id={row.id} kind="withdrawal" patient={row.patient_id} />;
}
