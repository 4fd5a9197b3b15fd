/** What was typed into the search: the beginning of a name, a birth date, or both, in any order. */

export type Term =
  | { name: string | null; birthDate: string | null; problem?: undefined }
  | { problem: 'too_short' | 'not_a_date' };

const DATE =
  /(?<!\d)(?:(\d{1,2})[/.\s-](\d{1,2})[/.\s-](\d{4})|(\d{4})-(\d{1,2})-(\d{1,2})|(\d{2})(\d{2})(\d{4}))(?!\d)/;

/** Reads 12/03/1958, 12.03.1958, 12031958 and 1958-03-12; a name without a date needs three letters. */
export function readTerm(typed: string): Term {
  const date = DATE.exec(typed);
  const name = (date ? typed.replace(date[0], ' ') : typed).replace(/\s+/g, ' ').trim();
  if (/\d/.test(name)) return { problem: 'too_short' }; // a date that isn't finished
  if (!date) return countLetters(name) < 3 ? { problem: 'too_short' } : { name, birthDate: null };
  const birthDate = toCalendarDate(date);
  return birthDate ? { name: name || null, birthDate } : { problem: 'not_a_date' };
}

function countLetters(text: string): number {
  return text.match(/\p{L}/gu)?.length ?? 0;
}

function toCalendarDate(match: RegExpExecArray): string | undefined {
  const [, d1, m1, y1, y2, m2, d2, d3, m3, y3] = match;
  const [year, month, day] = [y1 ?? y2 ?? y3, m1 ?? m2 ?? m3, d1 ?? d2 ?? d3].map(Number);
  const date = new Date(Date.UTC(year ?? 0, (month ?? 0) - 1, day ?? 0));
  const exists = date.getUTCFullYear() === year && date.getUTCMonth() === (month ?? 0) - 1 && date.getUTCDate() === day;
  return exists ? date.toISOString().slice(0, 10) : undefined;
}
