import type { ClinicErasureRequests } from '../../db/types.ts';
import { useWords } from '../i18n.ts';
import { Alert } from '../ui/alert.tsx';
import { Badge } from '../ui/badge.tsx';
import { labelOf } from '../ui/codeable.tsx';
import { DefinitionList } from '../ui/definitions.tsx';
import { Empty, Missing } from '../ui/empty.tsx';
import { Day, Moment } from '../ui/time.tsx';
import { Answers } from './answers.tsx';
import { erasures } from './erasure-words.ts';
import { privacy } from './messages.ts';

export const listLimit = 100;
/** A row of clinic.erasure_requests. */
export type ErasureRow = ClinicErasureRequests;

/** What was asked to be forgotten, and what became of it. */
export function ErasuresPage({ rows, sent }: { rows: readonly ErasureRow[]; sent?: boolean }) {
  const t = useWords(erasures);
  return (
    <div class="desk">
      <h1>{t.title}</h1>
      <p class="lead">{t.intro}</p>
      {sent ? <Alert tone="ok" title={t.sent} /> : null}
      <p class="form-actions">
        <a class="button" data-primary="" href="/privacy/erasures/new">
          {t.ask}
        </a>
      </p>
      <section aria-labelledby="requests">
        <h2 id="requests">{t.list}</h2>
        {rows.length >= listLimit ? <p class="quiet">{t.latest(listLimit)}</p> : null}
        {rows.length > 0 ? rows.map((row) => <Erasure key={row.id} row={row} />) : <Empty>{t.none}</Empty>}
      </section>
    </div>
  );
}

function Erasure({ row }: { row: ErasureRow }) {
  const t = useWords(erasures);
  return (
    <section class="card erasure" id={`erasure-${row.id}`} aria-labelledby={`ground-${row.id}`}>
      <h3 id={`ground-${row.id}`}>{labelOf(t, 'ground', row.ground)}</h3>
      <DefinitionList
        items={[
          { label: t.patient, value: row.patient_id, code: true },
          { label: t.asked, value: <Moment at={row.requested_at} /> },
          { label: t.by, value: row.requested_by_name ?? <Missing>{t.nameUnknown}</Missing> },
          {
            label: t.reason,
            value: row.reason ? <span class="written">{row.reason}</span> : <Missing>{t.reasonGone}</Missing>,
          },
          { label: t.state, value: <State row={row} /> },
        ]}
      />
      {row.erased_at === null && row.answer === null ? <Answers id={row.id} kind="erasure" /> : null}
    </section>
  );
}

function State({ row }: { row: ErasureRow }) {
  const t = useWords(erasures);
  if (row.erased_at)
    return (
      <>
        <Badge tone="ok">{t.done}</Badge> <Moment at={row.erased_at} />
        {row.complete_from ? (
          <p>
            {t.complete} <Day value={row.complete_from} />
          </p>
        ) : null}
        <a href={`/privacy/erasures/${row.id}`}>{t.certificate}</a>
      </>
    );
  return (
    <>
      {row.held_until ? (
        <>
          <Badge tone="warn">{t.held}</Badge> {t.until(row.held_until)}
          <p class="quiet">{t.heldWhy}</p>
        </>
      ) : (
        <p>{t.waiting}</p>
      )}
      <Answered row={row} />
    </>
  );
}

function Answered({ row }: { row: ErasureRow }) {
  const t = useWords(erasures);
  const words = useWords(privacy);
  if (!row.answer || !row.answered_at)
    return (
      <p>
        {t.due} <Day value={row.due_at} />
      </p>
    );
  return (
    <p>
      {labelOf(words, 'answer', row.answer)}, {t.answered} <Moment at={row.answered_at} />
    </p>
  );
}
