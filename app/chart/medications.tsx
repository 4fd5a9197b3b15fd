import { z } from 'zod';
import { useWords } from '../i18n.ts';
import { CodeableText, labelOf, readCodeable } from '../ui/codeable.tsx';
import { Missing } from '../ui/empty.tsx';
import { Day } from '../ui/time.tsx';
import { chart } from './messages.ts';

/** A row of clinic.medication_requests, as far as it is shown. */
export type MedicationRow = {
  id: string;
  status: string;
  authored_at: Date;
  medication: string;
  dosage: string | null;
};

/** What isn't known to have ended counts as taken. */
const current = new Set(['active', 'on-hold', 'draft', 'unknown']);

/** What is taken now; the rest behind a click, counted. What was entered in error isn't shown. */
export function Medications({ rows }: { rows: readonly MedicationRow[] }) {
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
