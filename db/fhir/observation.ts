import { z } from 'zod';
import { type Code, codeIn, codeOf, filled, LOINC } from './codeable.ts';
import {
  codeableConcept,
  decimal,
  moment,
  period,
  type Quantity,
  quantity,
  read,
  required,
  resource,
} from './elements.ts';
import { left, type Mapped } from './refusal.ts';

/** A measured value with its unit, or words; `absent` says why there is none (FHIR's data-absent-reason). */
export type Value =
  | { value: string; unit: string | null }
  | { text: string; coding?: Omit<Code, 'text'>; absent?: string };
export type ObservationRow = {
  category: string;
  effective_at: string;
  status: string;
  code: Code;
  value: Value | { components: Component[] };
};
/** A part of a panel, as the systolic pressure; words stand in `value` as well. */
export type Component = { code: Code; value: string; unit: string | null };

const CATEGORY = 'http://terminology.hl7.org/CodeSystem/observation-category';

const values = {
  valueQuantity: quantity.optional(),
  valueCodeableConcept: codeableConcept.optional(),
  valueString: z.string().optional(),
  valueBoolean: z.boolean().optional(),
  valueInteger: decimal.optional(),
  valueRange: z.object({ low: quantity.optional(), high: quantity.optional() }).optional(),
  valueRatio: z.object({ numerator: quantity.optional(), denominator: quantity.optional() }).optional(),
  valueTime: z.string().optional(),
  valueDateTime: moment.optional(),
  valuePeriod: period.optional(),
  dataAbsentReason: codeableConcept.optional(),
};

const schema = z.object({
  ...resource,
  status: z
    .enum(['registered', 'preliminary', 'final', 'amended', 'corrected', 'cancelled', 'entered-in-error', 'unknown'])
    .optional(),
  category: z.array(codeableConcept).optional(),
  code: codeableConcept.optional(),
  effectiveDateTime: moment.optional(),
  effectivePeriod: period.optional(),
  effectiveInstant: moment.optional(),
  issued: moment.optional(),
  ...values,
  hasMember: z.array(z.unknown()).optional(),
  component: z.array(z.object({ code: codeableConcept, ...values })).optional(),
});

/** http://hl7.org/fhir/R4/observation.html */
export function observation(value: unknown, at: string): Mapped<ObservationRow> {
  const it = read(schema, value, at);
  const status = required(it.status, value, 'status', at);
  required(it.code, value, 'code', at);
  if (status === undefined) return left('no status');
  if (status === 'entered-in-error') return left('entered in error');
  const code = codeOf(it.code, LOINC);
  if (!code) return left('no code');
  const when =
    it.effectiveDateTime ?? it.effectiveInstant ?? it.effectivePeriod?.start ?? it.effectivePeriod?.end ?? it.issued;
  if (when === undefined) return left('no date');

  const own = measured(it);
  const components = (it.component ?? []).flatMap((part) => component(codeOf(part.code, LOINC), measured(part)));
  if (!own && !components.length) return left(it.hasMember ? 'a panel without a value of its own' : 'no value');
  const row = { category: categoryOf(it.category), effective_at: when, status, code };
  if (!components.length) return { at: when, row: { ...row, value: own as Value } };
  return { at: when, row: { ...row, value: { components: [...component(code, own), ...components] } } };
}

function component(code: Code | null, value: Value | null): Component[] {
  if (!code || !value) return [];
  return [{ code, value: 'text' in value ? value.text : value.value, unit: 'unit' in value ? value.unit : null }];
}

function categoryOf(categories: z.infer<typeof codeableConcept>[] | undefined): string {
  const codes = (categories ?? []).map((c) => codeIn(c, CATEGORY) ?? c.coding?.[0]?.code?.toLowerCase());
  const known = codes.map((c) => (c === 'lab' ? 'laboratory' : c)).filter((c) => /^[a-z-]{1,40}$/.test(c ?? ''));
  return known.find((c) => c === 'vital-signs' || c === 'laboratory') ?? known[0] ?? 'unknown';
}

function measured(it: z.infer<z.ZodObject<typeof values>>): Value | null {
  if (it.valueQuantity?.value !== undefined) {
    const { value, comparator, unit, code } = it.valueQuantity;
    // A bound isn't a measure: as words it can't be drawn or compared as if it were one.
    if (comparator) return { text: amount(it.valueQuantity) };
    return { value, unit: unit ?? code ?? null };
  }
  const coded = codeOf(it.valueCodeableConcept);
  if (coded) return { text: coded.text, coding: { code: coded.code, system: coded.system } };
  if (filled(it.valueString)) return { text: it.valueString };
  if (it.valueBoolean !== undefined) return { text: it.valueBoolean ? 'oui' : 'non' };
  if (it.valueInteger !== undefined) return { value: it.valueInteger, unit: null };
  if (it.valueRange) return { text: `${amount(it.valueRange.low)} – ${amount(it.valueRange.high)}` };
  if (it.valueRatio) return { text: `${amount(it.valueRatio.numerator)} / ${amount(it.valueRatio.denominator)}` };
  if (it.valueTime ?? it.valueDateTime) return { text: String(it.valueTime ?? it.valueDateTime) };
  if (it.valuePeriod) return { text: `${it.valuePeriod.start ?? '…'} – ${it.valuePeriod.end ?? '…'}` };
  const reason = codeOf(it.dataAbsentReason);
  return reason ? { text: reason.text, absent: reason.code ?? 'unknown' } : null;
}

function amount(of: Quantity | undefined): string {
  return [of?.comparator, of?.value ?? '…', of?.unit ?? of?.code].filter(filled).join(' ');
}
