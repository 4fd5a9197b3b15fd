import { z } from 'zod';
import { Missing } from './empty.tsx';

/**
 * FHIR R4 CodeableConcept, reduced by the import to what is shown: the words of the source, and its first code.
 * The clinic views give it as JSON text.
 */
const codeable = z.object({
  text: z.string().nullish(),
  code: z.string().nullish(),
  system: z.string().nullish(),
});

export type Codeable = z.infer<typeof codeable>;

/** In: JSON text of a concept. Out: the concept; null where the column is null. Throws on anything else. */
export function readCodeable(json: string | null): Codeable | null {
  return json === null ? null : codeable.parse(JSON.parse(json));
}

/** The words of a concept. One that has only a code is shown by its code rather than hidden. */
export function CodeableText({ value, missing }: { value: Codeable | null; missing: string }) {
  if (value?.text) return <>{value.text}</>;
  if (value?.code) return <code class="code">{value.code}</code>;
  return <Missing>{missing}</Missing>;
}

/**
 * The word for a coded value: `labelOf(t, 'priority', 'urgent')` reads `priority_urgent`. A code that we have no
 * word for is shown as it stands: an unknown state must not look like no state.
 */
export function labelOf(words: object, group: string, code: string): string {
  const word = (words as Readonly<Record<string, unknown>>)[`${group}_${code}`];
  return typeof word === 'string' ? word : code;
}
