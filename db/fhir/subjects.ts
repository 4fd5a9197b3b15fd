import { type Reference, read, reference } from './elements.ts';
import type { Entry } from './entries.ts';
import { NotFhir } from './refusal.ts';

export type Subject = { subject: Reference; path: string };

/** Types whose subject FHIR requires; the other ones may speak of nobody. */
const REQUIRED: Readonly<Record<string, string>> = {
  Condition: 'subject',
  MedicationRequest: 'subject',
  AllergyIntolerance: 'patient',
};

/**
 * Whom a resource speaks of. Also asked of the types that aren't taken: a bundle with a stray one is refused.
 * @param strict whether a subject that isn't a reference is an error, or one of the coded ones of other types
 */
export function subjectOf({ type, resource, at }: Entry, strict: boolean): Subject | null {
  const name = 'patient' in resource && !('subject' in resource) ? 'patient' : 'subject';
  const value = resource[name];
  if (value === undefined) {
    if (REQUIRED[type] !== undefined) throw new NotFhir(`${at}.${REQUIRED[type]}`, 'is required');
    return null;
  }
  const parsed = strict ? read(reference, value, `${at}.${name}`) : reference.safeParse(value).data;
  return parsed ? { subject: parsed, path: `${at}.${name}` } : null;
}

/** The patient that stands within the resource which refers to it as `#id`. */
export function containedPatient(
  { resource, at }: Entry,
  { reference: ref }: Reference,
): { value: unknown; at: string; id: string } | null {
  if (!ref?.startsWith('#') || !Array.isArray(resource.contained)) return null;
  const index = resource.contained.findIndex((one) => one?.resourceType === 'Patient' && `#${one.id}` === ref);
  return index < 0 ? null : { value: resource.contained[index], at: `${at}.contained[${index}]`, id: ref };
}
