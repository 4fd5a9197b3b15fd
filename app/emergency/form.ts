import { z } from 'zod';
import { readTerm } from '../patients/term.ts';

/** The kinds of access.broken_glass (0114_break_glass). */
export const kinds = ['emergency', 'on_call', 'colleague_unreachable', 'patient_asks', 'other'] as const;

const text = z.string().trim().catch('');
const uuid = () => z.guid().catch(() => crypto.randomUUID());

/** What was typed to find somebody; given back when nobody was found. */
const Search = z.object({ birth_name: text, birth_date: text, given: text, ins: text });
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
const Reason = z.object({
  search: uuid(),
  glass: uuid(),
  kind: text,
  // a line ends in two characters when it is sent, and counts as one where it was typed
  reason: z
    .string()
    .transform((typed) => typed.replaceAll('\r\n', '\n').trim())
    .catch(''),
});
export type ReasonValues = z.infer<typeof Reason>;
export const reasonLimit = 2000;
export const readReason = (fields: unknown): ReasonValues => Reason.parse(fields);

/** A reason that was typed for a search that is over goes on to the next one. */
export type KeptReason = Pick<ReasonValues, 'kind' | 'reason'>;
export const readKept = (fields: unknown): KeptReason => {
  const { kind, reason } = Reason.parse(fields);
  return { kind: kind || 'emergency', reason };
};

export const forReason = (search: string, kept: KeptReason): ReasonValues => ({
  search,
  glass: crypto.randomUUID(),
  ...kept,
});
