/** Dates and times: 12/03/1958 and 14:30 in French, 12 Mar 1958 and 14:30 in English. Without markup: messages use them too. */
import type { Lang } from '../i18n.ts';

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
