/**
 * The two files. JSON Lines: an object a line, as the database gave it (https://jsonlines.org). CSV: RFC 4180, for the
 * spreadsheet of a practice: UTF-8 with a byte order mark, and in French a semicolon between, which is what Excel expects there.
 */
import type { CompiledQuery } from 'kysely';
import type { Lang } from '../../edge/session.ts';
import { audit } from '../audit/messages.ts';
import { inLang } from '../i18n.ts';
import { frame } from '../messages.ts';
import { labelOf } from '../ui/codeable.tsx';
import { auditExport } from './messages.ts';
import type { ExportRow, Format, readExport, readPeople, readPlaces } from './queries.ts';

type Rows<Q extends (...given: never[]) => unknown> = ReturnType<Q> extends CompiledQuery<infer Row> ? Row[] : never;

/** What three reads have given, as one row for each event. */
export function withNames(
  events: Rows<typeof readExport>,
  people: Rows<typeof readPeople>,
  places: Rows<typeof readPlaces>,
): ExportRow[] {
  const names = new Map(people.map(({ id, name }) => [id, name]));
  const origins = new Map(places.map(({ id, place }) => [id, place]));
  return events.map(({ origin_id, ...event }) => {
    const [ip = null, user_agent = null] = origins.get(origin_id ?? '') ?? [];
    return { ...event, actor_name: names.get(event.actor_id ?? '') ?? null, ip, user_agent };
  });
}

export function fileOf(format: Format, lang: Lang, rows: readonly ExportRow[]): { type: string; text: string } {
  if (format === 'csv') return { type: 'text/csv; charset=utf-8', text: toCsv(lang, rows) };
  const text = rows.map(({ moment: _, ...row }) => `${JSON.stringify(row)}\n`).join('');
  return { type: 'application/jsonl; charset=utf-8', text };
}

const byteOrderMark = '\ufeff';

function toCsv(lang: Lang, rows: readonly ExportRow[]): string {
  const t = inLang(auditExport, lang);
  const columns = columnsIn(lang);
  const between = lang === 'fr' ? ';' : ',';
  const line = (cells: readonly (string | number | null)[]) => `${cells.map(cellOf).join(between)}\r\n`;
  const head = line(columns.map(([name]) => labelOf(t, 'column', name)));
  return byteOrderMark + head + rows.map((row) => line(columns.map(([, cell]) => cell(row)))).join('');
}

type Column = [name: string, cell: (row: ExportRow) => string | number | null];

/** What people read first, and then what machines do. */
function columnsIn(lang: Lang): Column[] {
  const words = inLang(audit, lang);
  const roles = inLang(frame, lang);
  return [
    ['moment', (row) => row.moment],
    ['event', (row) => labelOf(words, 'event', row.event)],
    ['outcome', (row) => labelOf(words, 'outcome', row.outcome)],
    ['actor', (row) => row.actor_name],
    ['role', (row) => (row.actor_role === 'owner' ? words.system : labelOf(roles, 'role', row.actor_role))],
    ['resource', (row) => row.resource_type],
    ['patient_id', (row) => row.patient_id],
    ['actor_id', (row) => row.actor_id],
    ['resource_id', (row) => row.resource_id],
    ['session_id', (row) => row.session_id],
    ['ip', (row) => row.ip],
    ['browser', (row) => row.user_agent],
    ['details', (row) => row.details],
    ['code', (row) => row.event],
    ['utc', (row) => row.at],
    ['lane', (row) => row.lane],
    ['number', (row) => row.seq],
    ['id', (row) => row.id],
  ];
}

/**
 * Always quoted. A spreadsheet takes a cell that begins with one of these for a formula, also after blanks or in full-width
 * forms (OWASP, CSV injection): with an apostrophe before it is a text.
 */
function cellOf(value: string | number | null): string {
  const text = String(value ?? '');
  const safe = /^[\s\ufeff]*[=+\-@＝＋－＠|%]|^[\t\r\n]/.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}
