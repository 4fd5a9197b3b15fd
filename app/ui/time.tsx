/** Dates and times on pages: dates.ts writes them, here they get their `<time>`. */
import { useLang, useWords } from '../i18n.ts';
import { clockOf, dayOf, formatDay, formatLongDay, formatMoment } from './dates.ts';
import { ui } from './messages.ts';

export { clockOf, dayOf, formatDay, formatLongDay, formatMoment } from './dates.ts';

export function Day({ value }: { value: string | Date }) {
  const day = typeof value === 'string' ? value : dayOf(value);
  return <time dateTime={day}>{formatDay(useLang(), day)}</time>;
}

export function LongDay({ value }: { value: string | Date }) {
  const day = typeof value === 'string' ? value : dayOf(value);
  return <time dateTime={day}>{formatLongDay(useLang(), day)}</time>;
}

export function Moment({ at }: { at: Date }) {
  return <time dateTime={at.toISOString()}>{formatMoment(useLang(), at)}</time>;
}

export function Clock({ at }: { at: Date }) {
  return <time dateTime={at.toISOString()}>{clockOf(at)}</time>;
}

export type Age = { unit: 'years' | 'months' | 'days'; count: number };

/** Completed years; months below two years, days below one month. Undefined when the birth day isn't known. */
export function ageOn(birthDate: string, on: string): Age | undefined {
  const [by = 0, bm = 0, bd = 0] = birthDate.split('-').map(Number);
  const [y = 0, m = 0, d = 0] = on.split('-').map(Number);
  if (!by || !bm || !bd || birthDate > on) return undefined;
  const months = (y - by) * 12 + (m - bm) - (d < bd ? 1 : 0);
  if (months >= 24) return { unit: 'years', count: Math.floor(months / 12) };
  if (months >= 1) return { unit: 'months', count: months };
  return { unit: 'days', count: Math.round((Date.UTC(y, m - 1, d) - Date.UTC(by, bm - 1, bd)) / 86_400_000) };
}

/** « 67 ans »; of somebody who died, the age at death. */
export function AgeText({ birthDate, deceasedDate }: { birthDate: string; deceasedDate?: string | null }) {
  const t = useWords(ui);
  const age = ageOn(birthDate, deceasedDate || dayOf(new Date()));
  return age ? <>{t[age.unit](age.count)}</> : null;
}
