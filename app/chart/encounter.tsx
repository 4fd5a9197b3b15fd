import type { ClinicEncounters } from '../../db/types.ts';
import { useWords } from '../i18n.ts';
import { CodeableText, labelOf, readCodeable } from '../ui/codeable.tsx';
import { Clock } from '../ui/time.tsx';
import { chart } from './messages.ts';

/** A row of clinic.encounters, as far as it is shown. */
export type EncounterRow = Omit<ClinicEncounters, 'patient_id'>;

/** A dated visit, as the source tells it. */
export function EncounterEntry({ encounter }: { encounter: EncounterRow }) {
  const t = useWords(chart);
  const kind = encounter.class ? labelOf(t, 'encounterClass', encounter.class) : t.encounter;
  return (
    <div class="encounter">
      <div class="entry-head">
        <Clock at={encounter.started_at} />
        <h4>{kind}</h4>
        {encounter.status === 'finished' ? null : (
          <span class="entry-state">{labelOf(t, 'encounterStatus', encounter.status)}</span>
        )}
        {encounter.participant ? <span class="entry-who">{encounter.participant}</span> : null}
      </div>
      <p>
        <CodeableText value={readCodeable(encounter.type)} missing={t.unnamed} />
        {encounter.reason ? <span class="entry-reason">{t.reason(encounter.reason)}</span> : null}
      </p>
    </div>
  );
}
