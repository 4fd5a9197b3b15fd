import { z } from 'zod';

/** What a note can be. The database checks the same lists (clinic.notes). */
export const categories = [
  'consultation',
  'teleconsultation',
  'follow_up',
  'emergency',
  'procedure',
  'administrative',
] as const;
export const priorities = ['routine', 'urgent', 'emergency'] as const;
export const statuses = ['draft', 'final'] as const;

/** The written parts, in the order in which they are read: SOAP, then what was concluded. */
export const sections = ['subjective', 'objective', 'assessment', 'plan', 'diagnosis', 'treatment_plan'] as const;
export type Section = (typeof sections)[number];

/** Longer than any consultation letter; a limit so that a paste of a whole file is told, not cut. */
export const sectionLimit = 20_000;

/** What a person typed, as it came: kept whole, to be shown again when it can't be written. */
export type NoteValues = Record<Section | 'key' | 'author' | 'category' | 'priority' | 'status', string>;
export type NoteProblem = 'empty' | 'too_long' | 'unknown_choice';
export type NoteErrors = Partial<Record<keyof NoteValues, NoteProblem>>;

const section = z
  .string()
  // Browsers send CRLF; the record keeps one kind of line end.
  .transform((text) => text.replaceAll('\r\n', '\n').trim())
  .refine((text) => text.length <= sectionLimit, { error: 'too_long' });

const note = z
  .object({
    category: z.enum(categories, { error: 'unknown_choice' }),
    priority: z.enum(priorities, { error: 'unknown_choice' }),
    status: z.enum(statuses, { error: 'unknown_choice' }),
    ...(Object.fromEntries(sections.map((name) => [name, section])) as Record<Section, typeof section>),
  })
  .refine((values) => sections.some((name) => values[name] !== ''), { error: 'empty', path: ['subjective'] });

/** The columns of clinic.notes; a part left empty is null, because nothing was said about it. */
export type NoteColumns = Record<Section, string | null> & Pick<NoteValues, 'category' | 'priority' | 'status'>;

/** `author`: the account for which the form is opened. Whoever is signed in when it is sent must be the same. */
export function blankNote(key: string, author: string): NoteValues {
  const blank = Object.fromEntries(sections.map((name) => [name, ''])) as Record<Section, string>;
  return { ...blank, key, author, category: 'consultation', priority: 'routine', status: 'final' };
}

/** In: the fields of a posted form. Out: what was typed, and either the columns to write or a problem per field. */
export function readNote(
  fields: Readonly<Record<string, unknown>>,
  freshKey: string,
): { values: NoteValues; columns: NoteColumns } | { values: NoteValues; errors: NoteErrors } {
  // Without an author it isn't a form of ours, and is written in nobody's name.
  const values = blankNote(freshKey, '');
  for (const name of Object.keys(values) as (keyof NoteValues)[]) {
    const field = fields[name];
    if (typeof field === 'string') values[name] = field;
  }
  // A key that isn't a UUID can't have come from our form: it gets a new one, and nothing can have been written under it.
  if (!z.guid().safeParse(values.key).success) values.key = freshKey;
  const parsed = note.safeParse(values);
  if (!parsed.success) return { values, errors: problems(parsed.error) };
  const { category, priority, status, ...written } = parsed.data;
  const texts = Object.fromEntries(sections.map((name) => [name, written[name] || null])) as Record<
    Section,
    string | null
  >;
  return { values, columns: { category, priority, status, ...texts } };
}

function problems(error: z.ZodError): NoteErrors {
  const found: NoteErrors = {};
  for (const issue of error.issues) {
    const field = issue.path[0] as keyof NoteValues;
    found[field] ??= issue.message as NoteProblem;
  }
  return found;
}
