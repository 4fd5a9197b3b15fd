/** GET and POST /audit/export, POST /audit/export/file: what an auditor searched for, as a file. SQL decides and records (0205_log_exports). */
import { type Context, Hono } from 'hono';
import { type Door, Refusal } from '../../db/batch.ts';
import type { Env } from '../../edge/session.ts';
import { readSearch, type Search, type SearchValues } from '../audit/search.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { askMe, readMe } from '../me.ts';
import { dayOf } from '../ui/time.tsx';
import { fileOf, withNames } from './files.ts';
import { auditExport } from './messages.ts';
import { ExportPage, most } from './page.tsx';
import { beginExport, countEvents, type Format, openExport, readExport, readPeople, readPlaces } from './queries.ts';

export function auditExportRoutes(door: Door) {
  return (
    new Hono<Env>()
      // the whole log; criteria come in the body of a POST, as those of the search
      .get('/', (c) => answerPage(c, door, {}))
      .post('/', async (c) => answerPage(c, door, await c.req.parseBody()))
      .post('/file', async (c) => answerFile(c, door, await c.req.parseBody()))

      // a reload, after a factor was shown again
      .get('/file', (c) => c.redirect('/audit/export', 303))
  );
}

async function answerPage(c: Context<Env>, door: Door, fields: Record<string, unknown>) {
  const { values, search } = asked(fields);
  const reads = [readMe(), countEvents(search)] as const;
  const [me, [counted]] = await door.read(c.var.who, { open: openExport(), reads });
  const title = inLang(auditExport, c.var.lang).title;
  return page(
    c,
    { title, me: me[0], section: 'audit', narrow: true },
    <ExportPage values={values} count={counted?.count ?? 0} />,
  );
}

async function answerFile(c: Context<Env>, door: Door, fields: Record<string, unknown>) {
  const { values, search } = asked(fields);
  const format: Format = fields.format === 'jsonl' ? 'jsonl' : 'csv';
  const id = crypto.randomUUID();
  const reads = [readExport(id, search), readPeople(id, search), readPlaces(id, search)] as const;
  const read = await door.read(c.var.who, { open: beginExport(id, search, format), reads }).catch(unlessTooMany);
  if (!read) return answerTooMany(c, door, values);
  const { type, text } = fileOf(format, c.var.lang, withNames(...read));
  const name = `${inLang(auditExport, c.var.lang).file}-${dayOf(new Date())}.${format}`;
  return c.body(text, 200, { 'Content-Type': type, 'Content-Disposition': `attachment; filename="${name}"` });
}

/** Between the page and the file the log has grown. */
async function answerTooMany(c: Context<Env>, door: Door, values: SearchValues) {
  const title = inLang(auditExport, c.var.lang).title;
  const me = await askMe(door, c.var.who);
  return page(
    c,
    { title, me, section: 'audit', narrow: true, error: true, status: 422 },
    <ExportPage values={values} count={most + 1} />,
  );
}

function unlessTooMany(error: unknown): undefined {
  if (error instanceof Refusal && error.reason === 'too_many') return undefined;
  throw error;
}

/** Our own form has sent what a search had taken. @throws Refusal */
function asked(fields: Record<string, unknown>): { values: SearchValues; search: Search } {
  const read = readSearch(fields);
  if ('errors' in read) throw new Refusal('invalid');
  return read;
}
