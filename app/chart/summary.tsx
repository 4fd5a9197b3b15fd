import type { ComponentChildren } from 'preact';
import { z } from 'zod';
import { useLang, useWords } from '../i18n.ts';
import { CodeableText, labelOf, readCodeable } from '../ui/codeable.tsx';
import { Missing } from '../ui/empty.tsx';
import { Day } from '../ui/time.tsx';
import { Measures } from '../ui/vitals.tsx';
import { chart } from './messages.ts';
import { latestPerCode, type ObservationRow } from './observations.ts';

/** Rows of clinic.conditions and clinic.medication_requests, as far as they are shown. */
export type ConditionRow = {
  id: string;
  clinical_status: string;
  verification_status: string | null;
  onset_at: Date | null;
  abatement_at: Date | null;
  code: string;
};
export type MedicationRow = {
  id: string;
  status: string;
  authored_at: Date;
  medication: string;
  dosage: string | null;
};

export type SummaryRows = {
  conditions: readonly ConditionRow[];
  medications: readonly MedicationRow[];
  vitals: readonly ObservationRow[];
  laboratory: readonly ObservationRow[];
};

const ongoing = new Set(['active', 'recurrence', 'relapse']);
const current = new Set(['active', 'on-hold', 'draft', 'unknown']);

/** What one must know before speaking: problems, treatments, latest values. */
export function Summary(rows: SummaryRows) {
  const t = useWords(chart);
  return (
    <>
      <Part id="problems" title={t.problems}>
        <Problems rows={rows.conditions} />
      </Part>
      <Part id="medications" title={t.medications}>
        <Medications rows={rows.medications} />
      </Part>
      <LatestPart id="vitals" title={t.vitals} none={t.noVitals} rows={rows.vitals} />
      <LatestPart id="laboratory" title={t.laboratory} none={t.noLaboratory} rows={rows.laboratory} />
    </>
  );
}

function Part({ id, title, children }: { id: string; title: string; children: ComponentChildren }) {
  return (
    <section class="summary-part" id={id} aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{title}</h2>
      {children}
    </section>
  );
}

function Problems({ rows }: { rows: readonly ConditionRow[] }) {
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

function Medications({ rows }: { rows: readonly MedicationRow[] }) {
  const t = useWords(chart);
  const kept = rows.filter((row) => row.status !== 'entered-in-error');
  const taken = kept.filter((row) => current.has(row.status));
  const past = kept.filter((row) => !current.has(row.status));
  return (
    <>
      {taken.length > 0 ? <MedicationList rows={taken} /> : <p class="none">{t.noMedications}</p>}
      {past.length > 0 ? (
        <details class="more">
          <summary>{t.pastMedications(past.length)}</summary>
          <MedicationList rows={past} />
        </details>
      ) : null}
    </>
  );
}

function MedicationList({ rows }: { rows: readonly MedicationRow[] }) {
  const t = useWords(chart);
  return (
    <ul class="facts">
      {rows.map((row) => (
        <li key={row.id}>
          <b>
            <CodeableText value={readCodeable(row.medication)} missing={t.unnamed} />
          </b>{' '}
          — <Dosage json={row.dosage} />{' '}
          <span class="fact-detail">
            {row.status === 'active' ? null : `${labelOf(t, 'medicationStatus', row.status)}, `}
            {t.prescribed} <Day value={row.authored_at} />
          </span>
        </li>
      ))}
    </ul>
  );
}

const dosage = z.object({ text: z.string().nullish(), asNeeded: z.boolean().nullish() });

/** What the import writes where a prescription says nothing but that (db/fhir/medication-request.ts). */
const asNeededAlone = 'si besoin';

/** The dosage in the words of the prescription; said to be missing where it is, never left blank. */
export function Dosage({ json }: { json: string | null }) {
  const t = useWords(chart);
  const read = json === null ? null : dosage.parse(JSON.parse(json));
  const said = read?.text === asNeededAlone ? null : read?.text;
  const asNeeded = read?.asNeeded && !said?.includes(asNeededAlone) ? t.asNeeded : null;
  if (said) return <>{[said, asNeeded].filter(Boolean).join(', ')}</>;
  return <Missing>{[asNeeded, t.noDosage].filter(Boolean).join(', ')}</Missing>;
}

function LatestPart({
  id,
  title,
  none,
  rows,
}: {
  id: string;
  title: string;
  none: string;
  rows: readonly ObservationRow[];
}) {
  const t = useWords(chart);
  const latest = latestPerCode(rows, useLang());
  return (
    <Part id={id} title={title}>
      {latest.length > 0 ? <Measures caption={title} items={latest} words={t} /> : <p class="none">{none}</p>}
    </Part>
  );
}
