import { Dosage, type MedicationRow } from '../chart/medications.tsx';
import { type ConditionRow, ongoing } from '../chart/problems.tsx';
import { useWords } from '../i18n.ts';
import { CodeableText, readCodeable } from '../ui/codeable.tsx';
import { Missing } from '../ui/empty.tsx';
import { Day } from '../ui/time.tsx';
import { record } from './messages.ts';

export function Problems({ rows }: { rows: readonly ConditionRow[] }) {
  const t = useWords(record);
  const kept = rows.filter(
    (row) => row.verification_status !== 'entered-in-error' && row.verification_status !== 'refuted',
  );
  const current = kept.filter((row) => ongoing.has(row.clinical_status));
  const past = kept.filter((row) => !current.includes(row));
  return (
    <>
      {current.length > 0 ? <ProblemList rows={current} /> : <p class="none">{t.noProblems}</p>}
      {past.length > 0 ? (
        <details class="more">
          <summary>{t.pastProblems(past.length)}</summary>
          <ProblemList rows={past} />
        </details>
      ) : null}
    </>
  );
}

function ProblemList({ rows }: { rows: readonly ConditionRow[] }) {
  const t = useWords(record);
  return (
    <ul class="facts">
      {rows.map((row) => (
        <li key={row.id}>
          <b>
            <CodeableText value={readCodeable(row.code)} missing={t.notRecorded} />
          </b>{' '}
          <span class="fact-detail">
            {row.abatement_at ? (
              <>
                {t.until} <Day value={row.abatement_at} />
              </>
            ) : row.onset_at ? (
              <>
                {t.since} <Day value={row.onset_at} />
              </>
            ) : (
              t.onsetUnknown
            )}
          </span>
        </li>
      ))}
    </ul>
  );
}

export function Medications({ rows }: { rows: readonly MedicationRow[] }) {
  const t = useWords(record);
  const current = rows.filter((row) => row.status === 'active' || row.status === 'on-hold');
  if (current.length === 0) return <p class="none">{t.noMedications}</p>;
  return (
    <ul class="facts">
      {current.map((row) => (
        <li key={row.id}>
          <b>
            <CodeableText value={readCodeable(row.medication)} missing={t.notRecorded} />
          </b>{' '}
          — {row.dosage ? <Dosage json={row.dosage} /> : <Missing>{t.noDosage}</Missing>}
          {row.status === 'on-hold' ? <span class="fact-detail"> ({t.onHold})</span> : null}
        </li>
      ))}
    </ul>
  );
}
