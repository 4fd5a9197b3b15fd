import { useWords } from '../i18n.ts';
import { CodeableText, labelOf, readCodeable } from '../ui/codeable.tsx';
import { Day } from '../ui/time.tsx';
import { chart } from './messages.ts';

/** A row of clinic.conditions, as far as it is shown. */
export type ConditionRow = {
  id: string;
  clinical_status: string;
  verification_status: string | null;
  onset_at: Date | null;
  abatement_at: Date | null;
  code: string;
};

/** FHIR R4 condition-clinical: the codes that mean "now". */
export const ongoing = new Set(['active', 'recurrence', 'relapse']);

/** Active problems; the others behind a click, counted. What was entered in error isn't shown. */
export function Problems({ rows }: { rows: readonly ConditionRow[] }) {
  const t = useWords(chart);
  const kept = rows.filter((row) => row.verification_status !== 'entered-in-error');
  const active = kept.filter((row) => ongoing.has(row.clinical_status));
  const past = kept.filter((row) => !ongoing.has(row.clinical_status));
  return (
    <>
      {active.length > 0 ? <ProblemList rows={active} /> : <p class="none">{t.noProblems}</p>}
      {past.length > 0 ? (
        <details class="more">
          <summary>{t.past(past.length)}</summary>
          <ProblemList rows={past} />
        </details>
      ) : null}
    </>
  );
}

function ProblemList({ rows }: { rows: readonly ConditionRow[] }) {
  return (
    <ul class="facts">
      {rows.map((row) => (
        <li key={row.id}>
          <Problem row={row} />
        </li>
      ))}
    </ul>
  );
}

function Problem({ row }: { row: ConditionRow }) {
  const t = useWords(chart);
  const doubt = row.verification_status && row.verification_status !== 'confirmed' ? row.verification_status : null;
  return (
    <>
      <b>
        <CodeableText value={readCodeable(row.code)} missing={t.unnamed} />
      </b>{' '}
      <span class="fact-detail">
        {doubt ? `${labelOf(t, 'verification', doubt)}, ` : null}
        {row.clinical_status === 'active' ? null : `${labelOf(t, 'clinicalStatus', row.clinical_status)}, `}
        {row.onset_at ? (
          <>
            {t.since} <Day value={row.onset_at} />
          </>
        ) : (
          t.onsetUnknown
        )}
        {row.abatement_at ? (
          <>
            {' '}
            {t.until} <Day value={row.abatement_at} />
          </>
        ) : null}
      </span>
    </>
  );
}
