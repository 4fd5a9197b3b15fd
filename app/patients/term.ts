/** What was typed into the search: the beginning of a name, a birth date, or both, in any order. */
import { dayOf } from '../ui/time.tsx';

export type Term =
  | { name: string | null; birthDate: string | null; centuryAdded?: true; problem?: undefined }
  | { problem: 'too_short' | 'not_a_date' | 'year_in_full' };

const DATE =
  /(?<!\d)(?:(\d{1,2})[/.\s-](\d{1,2})[/.\s-](\d{4}|\d{2})|(\d{4})-(\d{1,2})-(\d{1,2})|(\d{2})(\d{2})(\d{4}|\d{2}))(?!\d)/;

/**
 * Reads 12/03/1958, 12.03.1958, 12031958 and 1958-03-12; a name without a date needs three letters. A year of two digits
 * is completed where one century alone fits somebody alive; 12/03/19 may be 1919, 2019, or 1958 while it is
 * being typed, so the year is asked for in full.
 */
export function readTerm(typed: string, today = dayOf(new Date())): Term {
  const date = DATE.exec(typed);
  const name = (date ? typed.replace(date[0], ' ') : typed).replace(/\s+/g, ' ').trim();
  if (/\d/.test(name)) return { problem: 'too_short' }; // a date that isn't finished
  if (!date) return countLetters(name) < 3 ? { problem: 'too_short' } : { name, birthDate: null };
  const [year = '', month = '', day = ''] = partsOf(date);
  if (year.length === 2) return completeCentury(name || null, year, month, day, today);
  const birthDate = toCalendarDate(year, month, day);
  return birthDate ? { name: name || null, birthDate } : { problem: 'not_a_date' };
}

function countLetters(text: string): number {
  return text.match(/\p{L}/gu)?.length ?? 0;
}

function partsOf(match: RegExpExecArray) {
  const [, d1, m1, y1, y2, m2, d2, d3, m3, y3] = match;
  return [y1 ?? y2 ?? y3, m1 ?? m2 ?? m3, d1 ?? d2 ?? d3];
}

const OLDEST = 110;

function completeCentury(name: string | null, year: string, month: string, day: string, today: string): Term {
  const dates = ['19', '20']
    .map((century) => toCalendarDate(century + year, month, day))
    .filter((date) => date !== undefined);
  if (dates.length === 0) return { problem: 'not_a_date' };
  const oldest = `${Number(today.slice(0, 4)) - OLDEST}${today.slice(4)}`;
  const [birthDate, other] = dates.filter((date) => date <= today && date >= oldest);
  return birthDate && !other ? { name, birthDate, centuryAdded: true } : { problem: 'year_in_full' };
}

function toCalendarDate(y: string, m: string, d: string): string | undefined {
  const [year, month, day] = [Number(y), Number(m), Number(d)];
  const date = new Date(Date.UTC(year, month - 1, day));
  const exists = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return exists ? date.toISOString().slice(0, 10) : undefined;
}
