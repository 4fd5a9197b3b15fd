import { z } from 'zod';
import { readTerm } from '../patients/term.ts';

/** The kinds of access.broken_glass (0114_break_glass). */
export const kinds = ['emergency', 'on_call', 'colleague_unreachable', 'patient_asks', 'other'] as const;

const text = (length: number) => z.string().trim().max(length).catch('');
const uuid = () => z.guid().catch(() => crypto.randomUUID());

/** What was typed to find somebody; given back when nobody was found. */
const Search = z.object({ birth_name: text(200), birth_date: text(30), given: text(200), ins: text(40) });
export type SearchValues = z.infer<typeof Search>;
export const blankSearch: SearchValues = { birth_name: '', birth_date: '', given: '', ins: '' };

export type SearchErrors = Partial<Record<keyof SearchValues, 'missing' | 'not_a_date'>>;

/** `birthDate`: YYYY-MM-DD, null where the INS number is given instead. */
export function readSearch(fields: unknown): {
  values: SearchValues;
  birthDate: string | null;
  errors: SearchErrors;
} {
  const values = Search.parse(fields);
  if (values.ins) return { values, birthDate: null, errors: {} };
  if (!values.birth_name || !values.birth_date) return { values, birthDate: null, errors: { birth_name: 'missing' } };
  const term = readTerm(values.birth_date);
  const birthDate = 'birthDate' in term && !term.name ? term.birthDate : null;
  return { values, birthDate, errors: birthDate ? {} : { birth_date: 'not_a_date' } };
}

/** `glass` is a new id that makes a second submission harmless. */
const Reason = z.object({ search: uuid(), glass: uuid(), kind: text(40), reason: text(2000) });
export type ReasonValues = z.infer<typeof Reason>;
export const readReason = (fields: unknown): ReasonValues => Reason.parse(fields);
export const blankReason = (search: string): ReasonValues => ({
  search,
  glass: crypto.randomUUID(),
  kind: 'emergency',
  reason: '',
});
