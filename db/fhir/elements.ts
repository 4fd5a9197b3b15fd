import { z } from 'zod';
import { Decimal } from './json.ts';
import { NotFhir } from './refusal.ts';

/** FHIR R4 data types, as far as the record takes them. Unknown elements are dropped. */

export const text = z.string().regex(/\S/, 'is blank');
export const decimal = z.instanceof(Decimal, { error: 'should be a number' }).transform((d) => d.text);

const DATE_TIME =
  /^(\d{4})(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12]\d|3[01])(?:T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(?:\.\d+)?(?:Z|[+-](?:0\d|1[0-3]):[0-5]\d|[+-]14:00))?)?)?$/;

function exists(value: string): boolean {
  const [, year, month = '01', day = '01'] = DATE_TIME.exec(value) ?? [];
  if (year === undefined || year === '0000') return false;
  const date = new Date(`${year}-${month}-${day}T00:00:00Z`);
  return date.toISOString().slice(0, 10) === `${year}-${month}-${day}`;
}

/** A dateTime or instant (a partial date is its first moment, in UTC), as Postgres reads it. */
export const moment = z
  .string()
  .refine(exists, 'is not a date and time of FHIR')
  .transform((value) => {
    if (value.includes('T')) return value.replace(/:60(?=[.Z+-])/, ':59');
    return `${firstDay(value)}T00:00:00Z`;
  });

/** A date (a partial one is its first day), as YYYY-MM-DD. */
export const date = z
  .string()
  .refine((value) => !value.includes('T') && exists(value), 'is not a date of FHIR')
  .transform(firstDay);

/** The day of a dateTime as it was written, in its own time zone. */
export const day = z
  .string()
  .refine(exists, 'is not a date and time of FHIR')
  .transform((v) => firstDay(v.slice(0, 10)));

function firstDay(value: string): string {
  const [year, month = '01', dayOfMonth = '01'] = value.split('-');
  return `${year}-${month}-${dayOfMonth}`;
}

export const coding = z.object({
  system: z.string().optional(),
  code: z.string().optional(),
  display: z.string().optional(),
  userSelected: z.boolean().optional(),
});
export const codeableConcept = z.object({ coding: z.array(coding).optional(), text: z.string().optional() });
export const identifier = z.object({
  use: z.string().optional(),
  system: z.string().optional(),
  value: z.string().optional(),
});
export const reference = z.object({
  reference: z.string().optional(),
  type: z.string().optional(),
  identifier: identifier.optional(),
  display: z.string().optional(),
});
export const quantity = z.object({
  value: decimal.optional(),
  comparator: z.enum(['<', '<=', '>=', '>']).optional(),
  unit: z.string().optional(),
  system: z.string().optional(),
  code: z.string().optional(),
});
export const period = z.object({ start: moment.optional(), end: moment.optional() });
/** The parts every resource has. */
export const resource = {
  id: z
    .string()
    .regex(/^[A-Za-z0-9.-]{1,64}$/, 'is not an id of FHIR')
    .optional(),
};

export type Coding = z.infer<typeof coding>;
export type CodeableConcept = z.infer<typeof codeableConcept>;
export type Reference = z.infer<typeof reference>;
export type Quantity = z.infer<typeof quantity>;

/**
 * A resource read by its schema.
 * @param at path of the value inside the bundle, which the refusal then names
 * @throws NotFhir at the first element that isn't what FHIR R4 says
 */
export function read<S extends z.ZodType>(schema: S, value: unknown, at: string): z.infer<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new NotFhir(join(at, issue?.path ?? []), issue?.message ?? 'not FHIR');
}

function join(at: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (all, step) => (typeof step === 'number' ? `${all}[${step}]` : `${all}.${String(step)}`),
    at,
  );
}

/**
 * An element that FHIR requires. Absent, the bundle isn't FHIR; absent with an extension in its
 * place (`_status`, saying why), the resource is left.
 */
export function required<T>(value: T | undefined, of: unknown, name: string, at: string): T | undefined {
  if (value !== undefined) return value;
  if (typeof of === 'object' && of !== null && `_${name}` in of) return undefined;
  throw new NotFhir(`${at}.${name}`, 'is required');
}
