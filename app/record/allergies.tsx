import { useLang, useWords } from '../i18n.ts';
import { type Allergies, type Allergy, worstFirst } from '../ui/allergies.tsx';
import { labelOf } from '../ui/codeable.tsx';
import { Day } from '../ui/time.tsx';
import { record } from './messages.ts';

/** The banner's four states, said to the person they are about. */
export function OwnAllergies({ allergies }: { allergies: Allergies }) {
  const t = useWords(record);
  switch (allergies.state) {
    case 'known':
      return (
        <ul class="facts">
          {worstFirst(allergies.items).map((allergy) => (
            <li key={allergy.substance}>
              <OwnAllergy allergy={allergy} />
            </li>
          ))}
        </ul>
      );
    case 'none_known':
      return (
        <p class="none">
          {t.noneKnown}
          {allergies.recordedAt ? (
            <>
              {' '}
              (<Day value={allergies.recordedAt} />)
            </>
          ) : null}
        </p>
      );
    case 'not_recorded':
      return <p class="none">{t.allergiesNotRecorded}</p>;
    case 'not_accessible':
      return <p class="none">{t.allergiesNotAccessible}</p>;
  }
}

function OwnAllergy({ allergy }: { allergy: Allergy }) {
  const t = useWords(record);
  const lang = useLang();
  const reactions = (allergy.reactions ?? []).map(({ manifestation, severity }) =>
    [manifestation, severity && labelOf(t, 'severity', severity)].filter(Boolean).join(', '),
  );
  const rest = [...reactions, allergy.criticality === 'high' ? t.highRisk : ''].filter(Boolean);
  return (
    <>
      <b>{allergy.substance}</b>
      {rest.length > 0 ? ` — ${rest.join(lang === 'fr' ? '\u202f; ' : '; ')}` : null}
    </>
  );
}
