import type { CodeableConcept, Coding } from './elements.ts';

/** What the record keeps of a coded concept. */
export type Code = { text: string; code: string | null; system: string | null };

export const LOINC = 'http://loinc.org';

/**
 * A CodeableConcept as one code and the words to show for it; null when it says nothing.
 * @param system the code system to prefer where the concept carries several
 */
export function codeOf(concept: CodeableConcept | undefined, system?: string): Code | null {
  if (!concept) return null;
  const codings = (concept.coding ?? []).filter((c) => filled(c.code) || filled(c.display));
  const coding =
    codings.find((c) => system !== undefined && c.system === system) ??
    codings.find((c) => c.userSelected) ??
    codings.find((c) => filled(c.code)) ??
    codings[0];
  const words = [concept.text, coding?.display, ...codings.map((c) => c.display), coding?.code].find(filled);
  if (words === undefined) return null;
  return {
    text: words.trim(),
    code: filled(coding?.code) ? coding.code : null,
    system: filled(coding?.system) ? coding.system : null,
  };
}

/** The words of several concepts in one line; null when they say nothing. */
export function wordsOf(concepts: readonly CodeableConcept[] | undefined): string | null {
  const words = (concepts ?? []).map((c) => codeOf(c)?.text).filter(filled);
  return words.length ? [...new Set(words)].join(', ') : null;
}

/** The code that a concept carries in a code system; undefined when it carries none of it. */
export function codeIn(concept: CodeableConcept | undefined, system: string): string | undefined {
  return concept?.coding?.find((c: Coding) => c.system === system)?.code;
}

export function filled(value: string | null | undefined): value is string {
  return value !== null && value !== undefined && value.trim() !== '';
}
