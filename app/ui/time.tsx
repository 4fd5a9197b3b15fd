/** Dates and times as ui.md writes them: 12/03/1958 and 14:30 in French, 12 Mar 1958 and 14:30 in English. */
import { type Lang, useLang, useWords } from '../i18n.ts';
import { ui } from './messages.ts';

const ZONE = 'Europe/Paris';
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const LONG_MONTHS: Record<Lang, readonly string[]> = {
  fr: [
    'janvier',
    'février',
    'mars',
    'avril',
    'mai',
    'juin',
    'juillet',
    'août',
    'septembre',
    'octobre',
    'novembre',
    'décembre',
  ],
  en: [
    'January',
    'February',
    'March',
    'April',
    'May',
    'June',
    'July',
    'August',
    'September',
    'October',
    'November',
    'December',
  ],
};

// sv-SE writes 2026-03-12 14:32: a stable order of parts, made once because making a formatter is slow.
const parts = new Intl.DateTimeFormat('sv-SE', { timeZone: ZONE, dateStyle: 'short', timeStyle: 'medium' });

/** The calendar day in the practice's time zone, YYYY-MM-DD. */
export function dayOf(at: Date): string {
  return parts.format(at).slice(0, 10);
}

/** 14:32 in the practice's time zone. */
export function clockOf(at: Date): string {
  return parts.format(at).slice(11, 16);
}

/** A calendar date of FHIR's precision: YYYY, YYYY-MM or YYYY-MM-DD; other text stays as it is. */
export function formatDay(lang: Lang, day: string): string {
  const match = /^(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?/.exec(day);
  if (!match) return day;
  const [, year = '', month, date] = match;
  if (!month) return year;
  if (lang === 'fr') return date ? `${date}/${month}/${year}` : `${month}/${year}`;
  const name = MONTHS[Number(month) - 1] ?? month;
  return date ? `${Number(date)} ${name} ${year}` : `${name} ${year}`;
}

/** « 12 mars 2026 », for the headings of a timeline. */
export function formatLongDay(lang: Lang, day: string): string {
  const [year = '', month = '', date = ''] = day.split('-');
  const name = LONG_MONTHS[lang][Number(month) - 1];
  if (!name) return formatDay(lang, day);
  const ordinal = lang === 'fr' && date === '01' ? '1er' : String(Number(date));
  return `${ordinal} ${name} ${year}`;
}

export function formatMoment(lang: Lang, at: Date): string {
  return `${formatDay(lang, dayOf(at))} ${clockOf(at)}`;
}

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
