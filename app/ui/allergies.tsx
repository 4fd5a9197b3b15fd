/** The banner's second line. Also used by the summary, so that both always say the same. */
import { useWords } from '../i18n.ts';
import { Icon } from './icon.tsx';
import { ui } from './messages.ts';
import { Day } from './time.tsx';

export type Allergy = {
  substance: string;
  /** FHIR: high | low | unable-to-assess. */
  criticality?: string | null;
  /** FHIR severity: severe | moderate | mild. */
  reactions?: readonly { manifestation?: string | null; severity?: string | null }[] | null;
};

export type Allergies =
  | { state: 'known'; items: readonly Allergy[] }
  | { state: 'none_known'; recordedAt: Date | string | null }
  | { state: 'not_recorded' }
  | { state: 'not_accessible' };

export function AllergyLine({ allergies }: { allergies: Allergies }) {
  const t = useWords(ui);
  switch (allergies.state) {
    case 'known':
      return (
        <div class="banner-line" data-tone="danger">
          <Icon shape="danger" />
          <span class="banner-label">{t.allergies}</span>
          <ul class="allergy-list">
            {worstFirst(allergies.items).map((item) => (
              <li key={item.substance}>
                <AllergyText allergy={item} />
              </li>
            ))}
          </ul>
        </div>
      );
    case 'none_known':
      return (
        <p class="banner-line" data-tone="ok">
          <Icon shape="ok" />
          <b>{t.allergiesNone}</b>
          {allergies.recordedAt ? (
            <span>
              {t.allergiesNoneOn} <Day value={allergies.recordedAt} />
            </span>
          ) : null}
        </p>
      );
    case 'not_recorded':
      return (
        <p class="banner-line" data-tone="warn">
          <Icon shape="warn" />
          <b>{t.allergiesNotRecorded}</b>
          <span>{t.allergiesNotRecordedHelp}</span>
        </p>
      );
    case 'not_accessible':
      return (
        <p class="banner-line">
          <Icon shape="unknown" />
          {t.allergiesNotAccessible}
        </p>
      );
  }
}

/** **Pénicilline** — œdème (sévère), risque élevé */
export function AllergyText({ allergy }: { allergy: Allergy }) {
  const t = useWords(ui);
  const severities: Record<string, string> = {
    severe: t.severity_severe,
    moderate: t.severity_moderate,
    mild: t.severity_mild,
  };
  const criticalities: Record<string, string> = {
    high: t.criticality_high,
    low: t.criticality_low,
    'unable-to-assess': t.criticality_unable,
  };
  const reactions = (allergy.reactions ?? []).map((r) => {
    const severity = severities[r.severity ?? ''];
    return `${r.manifestation ?? t.reactionUnknown}${severity ? ` (${severity})` : ''}`;
  });
  const rest = [reactions.join(', ') || t.reactionUnknown, criticalities[allergy.criticality ?? '']].filter(Boolean);
  return (
    <>
      <b>{allergy.substance}</b> — {rest.join(', ')}
    </>
  );
}

const RANK: Record<string, number> = { severe: 6, high: 4, moderate: 3, 'unable-to-assess': 2, mild: 1 };

/** Worst first: by the gravest reaction, then by criticality, then by name. */
export function worstFirst(items: readonly Allergy[]): Allergy[] {
  const rank = (a: Allergy) =>
    Math.max(0, RANK[a.criticality ?? ''] ?? 0, ...(a.reactions ?? []).map((r) => RANK[r.severity ?? ''] ?? 0));
  return [...items].sort((a, b) => rank(b) - rank(a) || a.substance.localeCompare(b.substance, 'fr'));
}
