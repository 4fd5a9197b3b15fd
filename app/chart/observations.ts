import { z } from 'zod';
import { type Codeable, readCodeable } from '../ui/codeable.tsx';
import { bloodPressure, loincNames, unitNames } from './loinc.ts';

type Lang = 'fr' | 'en';

/** A row of clinic.observations, as far as the pages ask for it. */
export type ObservationRow = {
  id: string;
  category: string;
  effective_at: Date;
  status: string;
  code: string;
  value: string | null;
};

const quantity = z.object({ value: z.string(), unit: z.string().nullish() });
const measured = z.union([
  quantity,
  z.object({ text: z.string() }),
  z.object({
    components: z.array(
      quantity.extend({ code: z.object({ text: z.string().nullish(), code: z.string().nullish() }) }),
    ),
  }),
]);
type Measured = z.infer<typeof measured>;
type Component = Extract<Measured, { components: unknown }>['components'][number];

export type Measure = { id: string; code: string; name: string; value: string | null; at: Date; provisional: boolean };
export type LatestMeasure = Measure & { previous: Measure | null };

/**
 * In: observations, newest first. Out: for each code its newest value and the one before it, in the customary order.
 * What was entered in error is left out; nothing is judged normal or abnormal here.
 */
export function latestPerCode(rows: readonly ObservationRow[], lang: Lang): LatestMeasure[] {
  const byCode = new Map<string, LatestMeasure>();
  for (const row of rows) {
    if (row.status === 'entered-in-error' || row.status === 'cancelled') continue;
    const code = readCodeable(row.code);
    const key = code?.code ?? code?.text ?? row.id;
    const known = byCode.get(key);
    if (!known) byCode.set(key, { ...measure(row, code, lang), previous: null });
    else if (!known.previous) known.previous = measure(row, code, lang);
  }
  return [...byCode.values()].sort((a, b) => rankOf(a.code) - rankOf(b.code));
}

const ranks = new Map(Object.keys(loincNames).map((code, rank) => [code, rank]));

/** A reader finds a measure where it always is; codes without a place of their own follow, newest first. */
function rankOf(code: string): number {
  return ranks.get(code) ?? ranks.size;
}

function measure(row: ObservationRow, code: Codeable | null, lang: Lang): Measure {
  const loinc = code?.code ?? '';
  return {
    id: row.id,
    code: loinc,
    name: loincNames[loinc]?.[lang] ?? code?.text ?? loinc,
    value: row.value === null ? null : valueText(measured.parse(JSON.parse(row.value)), loinc, lang),
    at: row.effective_at,
    provisional: row.status === 'preliminary' || row.status === 'registered',
  };
}

/** A value with its unit, written as the language writes it; blood pressure as one figure. */
export function valueText(value: Measured, loinc: string, lang: Lang): string {
  if ('text' in value) return value.text;
  if ('value' in value) return quantityText(value, loinc, lang);
  return pressureText(value.components, lang) ?? componentsText(value.components, lang);
}

function pressureText(components: readonly Component[], lang: Lang): string | null {
  const part = (code: string) => components.find((component) => component.code.code === code);
  const systolic = part(bloodPressure.systolic);
  const diastolic = part(bloodPressure.diastolic);
  if (!systolic || !diastolic || systolic.unit !== diastolic.unit) return null;
  const figure = (value: string) => figureText(value, 0, lang);
  return withUnit(`${figure(systolic.value)}/${figure(diastolic.value)}`, systolic.unit, lang);
}

function componentsText(components: readonly Component[], lang: Lang): string {
  return components
    .map((part) => {
      const loinc = part.code.code ?? '';
      const name = loincNames[loinc]?.[lang] ?? part.code.text ?? loinc;
      return `${name} ${quantityText(part, loinc, lang)}`;
    })
    .join(' · ');
}

function quantityText(value: z.infer<typeof quantity>, loinc: string, lang: Lang): string {
  return withUnit(figureText(value.value, loincNames[loinc]?.decimals, lang), value.unit, lang);
}

function withUnit(figure: string, unit: string | null | undefined, lang: Lang): string {
  const name = unit ? (unitNames[unit] ?? unit) : '';
  const written = lang === 'en' ? name.replace('1,73', '1.73') : name;
  // A no-break space: a figure that is parted from its unit at the end of a line gets misread.
  return written ? `${figure}\u00a0${written}` : figure;
}

/**
 * A figure with up to two decimals is shown as it was written. Longer ones come from a computation and are rounded to
 * what is customary for the code, or else to three significant figures.
 */
export function figureText(raw: string, decimals: number | undefined, lang: Lang): string {
  const number = Number(raw);
  const written = raw.trim();
  if (written === '' || Number.isNaN(number)) return raw;
  const exact = /^-?\d+(\.\d{1,2})?$/.test(written);
  const text = exact ? written : number.toFixed(decimals ?? customary(number));
  return lang === 'fr' ? text.replace('.', ',') : text;
}

function customary(number: number): number {
  const magnitude = Math.abs(number);
  if (magnitude === 0 || magnitude >= 100) return 0;
  return Math.min(6, 2 - Math.floor(Math.log10(magnitude)));
}
