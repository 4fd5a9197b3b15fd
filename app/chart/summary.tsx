import type { ComponentChildren } from 'preact';
import { useLang, useWords } from '../i18n.ts';
import { Measures } from '../ui/vitals.tsx';
import { agreementWords } from './agreement-words.ts';
import { type AgreementRow, Agreements } from './agreements.tsx';
import { type MedicationRow, Medications } from './medications.tsx';
import { chart } from './messages.ts';
import { latestPerCode, type ObservationRow } from './observations.ts';
import { type ConditionRow, Problems } from './problems.tsx';

export type SummaryRows = {
  conditions: readonly ConditionRow[];
  medications: readonly MedicationRow[];
  vitals: readonly ObservationRow[];
  laboratory: readonly ObservationRow[];
  agreements: readonly AgreementRow[];
};

/** What one must know before speaking: problems, treatments, latest values. */
export function Summary(rows: SummaryRows) {
  const t = useWords(chart);
  const agreed = useWords(agreementWords);
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
      <Part id="agreements" title={agreed.title}>
        <Agreements rows={rows.agreements} />
      </Part>
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
