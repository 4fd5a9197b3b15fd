import { z } from 'zod';
import type { Allergies } from '../ui/allergies.tsx';
import { readCodeable } from '../ui/codeable.tsx';

/** Rows of clinic.allergy_status and clinic.allergy_intolerances, as far as the banner needs them. */
export type AllergyStatusRow = { state: string; recorded_at: Date | null };
export type AllergyRow = {
  clinical_status: string;
  verification_status: string | null;
  code: string;
  criticality: string | null;
  reaction: string | null;
};

const reactions = z.array(z.object({ manifestation: z.string().nullish(), severity: z.string().nullish() }));

/** SNOMED CT 716186003 |No known allergy|: how FHIR R4 says "none" with an AllergyIntolerance. */
const noKnownAllergy = '716186003';

/**
 * In: what the record says. Out: the banner's state. An allergy that was refuted, entered in error or has resolved
 * isn't shown; only a recorded "none" is none, everything else that is empty is not recorded.
 */
export function bannerAllergies(status: AllergyStatusRow | undefined, rows: readonly AllergyRow[]): Allergies {
  const holding = rows.filter(
    (row) =>
      !['resolved', 'inactive'].includes(row.clinical_status) &&
      !['refuted', 'entered-in-error'].includes(row.verification_status ?? ''),
  );
  const allergies = holding.map((row) => ({ row, code: readCodeable(row.code) }));
  const real = allergies.filter(({ code }) => code?.code !== noKnownAllergy);
  if (real.length > 0) {
    return {
      state: 'known',
      items: real.map(({ row, code }) => ({
        substance: code?.text ?? code?.code ?? '',
        criticality: row.criticality,
        reactions: row.reaction === null ? null : reactions.parse(JSON.parse(row.reaction)),
      })),
    };
  }
  if (allergies.length > 0 || status?.state === 'none_known') {
    return { state: 'none_known', recordedAt: status?.recorded_at ?? null };
  }
  return { state: 'not_recorded' };
}
