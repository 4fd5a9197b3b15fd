import { z } from 'zod';
import { type Code, codeIn, codeOf } from './codeable.ts';
import { codeableConcept, moment, period, read, resource } from './elements.ts';
import { left, type Mapped, NotFhir } from './refusal.ts';

export type ConditionRow = {
  clinical_status: string;
  verification_status: string | null;
  onset_at: string | null;
  abatement_at: string | null;
  recorded_at: string | null;
  code: Code;
};

const CLINICAL = 'http://terminology.hl7.org/CodeSystem/condition-clinical';
const VERIFICATION = 'http://terminology.hl7.org/CodeSystem/condition-ver-status';
const CLINICAL_CODES = ['active', 'recurrence', 'relapse', 'inactive', 'remission', 'resolved'];
const VERIFICATION_CODES = ['unconfirmed', 'provisional', 'differential', 'confirmed', 'refuted', 'entered-in-error'];

const schema = z.object({
  ...resource,
  clinicalStatus: codeableConcept.optional(),
  verificationStatus: codeableConcept.optional(),
  code: codeableConcept.optional(),
  onsetDateTime: moment.optional(),
  onsetPeriod: period.optional(),
  abatementDateTime: moment.optional(),
  abatementPeriod: period.optional(),
  abatementString: z.string().optional(),
  recordedDate: moment.optional(),
});

/** http://hl7.org/fhir/R4/condition.html */
export function condition(value: unknown, at: string): Mapped<ConditionRow> {
  const it = read(schema, value, at);
  const clinical = status(it.clinicalStatus, CLINICAL, CLINICAL_CODES, `${at}.clinicalStatus`);
  const verification = status(it.verificationStatus, VERIFICATION, VERIFICATION_CODES, `${at}.verificationStatus`);
  if (verification === 'entered-in-error') return left('entered in error');
  const code = codeOf(it.code);
  if (!code) return left('no code');
  const onset = it.onsetDateTime ?? it.onsetPeriod?.start ?? null;
  const abatement = it.abatementDateTime ?? it.abatementPeriod?.end ?? null;
  const over = abatement !== null || it.abatementString !== undefined;
  return {
    at: it.recordedDate ?? onset,
    row: {
      // Where the source is silent a problem stays in sight, unless it says that it ended (con-4).
      clinical_status: clinical ?? (over ? 'resolved' : 'active'),
      verification_status: verification ?? null,
      onset_at: onset,
      abatement_at: abatement,
      recorded_at: it.recordedDate ?? null,
      code,
    },
  };
}

/** A status that FHIR binds to a value set: its code, or undefined when the concept carries none. */
export function status(
  concept: z.infer<typeof codeableConcept> | undefined,
  system: string,
  allowed: readonly string[],
  at: string,
): string | undefined {
  const code = codeIn(concept, system);
  if (code !== undefined && !allowed.includes(code)) throw new NotFhir(at, 'holds a code outside of its value set');
  return code;
}
