// What Postgres answered, as text for the page and the terminal, and whether it is what was expected.
import type pg from 'pg';
import type { Answer, Expectation } from './types.ts';

const SHOWN = 6; // rows
const WIDTH = 120; // characters of a value

export async function answerOf(query: Promise<pg.QueryResult>): Promise<Answer> {
  try {
    const result = await query;
    const { rows, rowCount, command } = Array.isArray(result) ? (result.at(-1) as pg.QueryResult) : result;
    return { kind: 'rows', command, count: rowCount ?? 0, rows: rows.map(textsOf) };
  } catch (error) {
    const { code, message, where } = error as { code?: string; message: string; where?: string };
    if (code === undefined) throw error; // the connection broke: no answer of Postgres
    return { kind: 'error', sqlstate: code, message, ...(where && { where }) };
  }
}

export function measured(row: Record<string, unknown>): Answer {
  return { kind: 'rows', command: 'MEASURED', count: 1, rows: [textsOf(row)] };
}

export function judge(expectation: Expectation, answer: Answer): boolean {
  if ('error' in expectation) return answer.kind === 'error' && answer.sqlstate === expectation.error;
  if (answer.kind === 'error') return false;
  if ('rows' in expectation) return answer.count === 0;
  const wanted = Object.entries('first' in expectation ? expectation.first : expectation.includes);
  const among = 'first' in expectation ? answer.rows.slice(0, 1) : answer.rows;
  return among.some((row) => wanted.every(([name, value]) => row[name] === (value === null ? null : String(value))));
}

/** The rows that are worth showing; `left` is how many more there are. */
export function shownRows(answer: Answer & { kind: 'rows' }): { rows: Record<string, string | null>[]; left: number } {
  const rows = answer.rows.slice(0, SHOWN);
  const cut = rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, v]) => [name, v && shorten(v)])));
  return { rows: cut, left: answer.rows.length - rows.length };
}

export function asText(value: unknown): string {
  if (Buffer.isBuffer(value)) return `\\x${value.toString('hex')}`;
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

const textsOf = (row: Record<string, unknown>): Record<string, string | null> =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value === null ? null : asText(value)]));

const shorten = (text: string) => (text.length > WIDTH ? `${text.slice(0, WIDTH)}…` : text);
