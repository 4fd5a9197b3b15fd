import { z } from 'zod';
import { type Code, codeOf, filled, wordsOf } from './codeable.ts';
import { status } from './condition.ts';
import { codeableConcept, moment, read, resource } from './elements.ts';
import { left, type Mapped } from './refusal.ts';

export type AllergyRow = {
  clinical_status: string;
  verification_status: string | null;
  recorded_at: string | null;
  code: Code;
  criticality: string | null;
  category: string | null;
  reaction: { manifestation: string; severity: string | null }[];
};

const CLINICAL = 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical';
const VERIFICATION = 'http://terminology.hl7.org/CodeSystem/allergyintolerance-verification';

/** SNOMED CT: no known allergy, and none to drugs, food, the environment, latex, animals, insects. */
const NONE_KNOWN = new Set([
  '716186003',
  '409137002',
  '429625007',
  '428607008',
  '1003774007',
  '716220001',
  '716184000',
]);

const schema = z.object({
  ...resource,
  clinicalStatus: codeableConcept.optional(),
  verificationStatus: codeableConcept.optional(),
  category: z.array(z.enum(['food', 'medication', 'environment', 'biologic'])).optional(),
  criticality: z.enum(['low', 'high', 'unable-to-assess']).optional(),
  code: codeableConcept.optional(),
  onsetDateTime: moment.optional(),
  recordedDate: moment.optional(),
  reaction: z
    .array(
      z.object({
        substance: codeableConcept.optional(),
        manifestation: z.array(codeableConcept).optional(),
        description: z.string().optional(),
        severity: z.enum(['mild', 'moderate', 'severe']).optional(),
      }),
    )
    .optional(),
});

/** http://hl7.org/fhir/R4/allergyintolerance.html */
export function allergyIntolerance(value: unknown, at: string): Mapped<AllergyRow> {
  const it = read(schema, value, at);
  const clinical = status(it.clinicalStatus, CLINICAL, ['active', 'inactive', 'resolved'], `${at}.clinicalStatus`);
  const verification = status(
    it.verificationStatus,
    VERIFICATION,
    ['unconfirmed', 'confirmed', 'refuted', 'presumed', 'entered-in-error'],
    `${at}.verificationStatus`,
  );
  if (verification === 'entered-in-error') return left('entered in error');
  const code = codeOf(it.code) ?? codeOf(it.reaction?.find((r) => r.substance)?.substance);
  if (!code) return left('no code');
  // In a list of allergies it would read as its opposite.
  if (NONE_KNOWN.has(code.code ?? '')) return left('says that no allergy is known');
  const reactions = (it.reaction ?? []).map((r) => ({
    manifestation: wordsOf(r.manifestation) ?? r.description,
    severity: r.severity ?? null,
  }));
  return {
    at: it.recordedDate ?? null,
    row: {
      // An allergy whose status isn't given is shown: hiding it could harm.
      clinical_status: clinical ?? 'active',
      verification_status: verification ?? null,
      recorded_at: it.recordedDate ?? it.onsetDateTime ?? null,
      code,
      criticality: it.criticality ?? null,
      category: it.category?.join(', ') ?? null,
      reaction: reactions.filter((r): r is { manifestation: string; severity: typeof r.severity } =>
        filled(r.manifestation),
      ),
    },
  };
}
