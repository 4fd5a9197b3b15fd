// One line of JSON per request, for machines; nothing personal in it (requirement F5).
//
// 1. The route's pattern stands for the path: `/patients/:id`, never an id, never a query, never a body.
// 2. No address, cookie, user agent or name. Who did what is the audit log's, in the database.
// 3. An error is its class, its SQLSTATE and the request's id; messages may quote values, so they stay out.
import { configure, getJsonLinesFormatter, getLogger, type Logger } from '@logtape/logtape';
import type { Context, MiddlewareHandler } from 'hono';
import { matchedRoutes } from 'hono/route';
import { Refusal } from '../db/batch.ts';
import type { Env } from './session.ts';

export type { Logger };

/** Starts the log of this process. `write` gets one line without its end; standard output unless told. */
export async function openLog(write: (line: string) => void = (line) => console.log(line)): Promise<Logger> {
  const format = getJsonLinesFormatter({ properties: 'flatten', lineEnding: 'lf' });
  await configure({
    reset: true, // tests open one each
    sinks: { lines: (record) => write(format(record).trimEnd()) },
    loggers: [
      { category: 'vitalsync', lowestLevel: 'info', sinks: ['lines'] },
      { category: ['logtape', 'meta'], lowestLevel: 'warning', sinks: ['lines'] },
    ],
  });
  return getLogger('vitalsync');
}

/** Goes first: gives the request its id (`c.var.requestId`, also in X-Request-Id) and writes its line at the end. */
export function logging(log: Logger): MiddlewareHandler<Env> {
  return async (c, next) => {
    const start = performance.now();
    const id = crypto.randomUUID();
    c.set('requestId', id);
    await next();
    c.res.headers.set('X-Request-Id', id);
    const bytes = await measure(c);
    const line = { id, method: methodOf(c), route: routeOf(c), status: c.res.status, ms: since(start), bytes };
    if (c.error && c.res.status >= 500) log.error('failed', { ...line, ...describeError(c.error) });
    else if (c.error) log.info('refused', { ...line, ...describeError(c.error) });
    else log.info('answered', line);
  };
}

/** Class and SQLSTATE of an error, and for a Refusal its reason; none of them quotes a value. */
export function describeError(error: unknown): { error: string; sqlstate?: string; reason?: string } {
  if (error instanceof Refusal) return { error: error.name, reason: error.reason, ...pick(error.details.sqlstate) };
  if (!(error instanceof Error)) return { error: typeof error };
  return { error: error.constructor.name, ...pick('code' in error ? error.code : undefined) };
}

function pick(code: unknown): { sqlstate?: string } {
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? { sqlstate: code } : {};
}

/** Pattern of the route that answered; what no route knows is one word, so that its path isn't written. */
function routeOf(c: Context): string {
  const pattern = matchedRoutes(c).at(-1)?.path;
  return pattern === undefined || pattern.endsWith('*') ? '(none)' : pattern;
}

/** Callers may invent methods, and put anything into them. */
function methodOf(c: Context): string {
  return ['GET', 'HEAD', 'POST'].includes(c.req.method) ? c.req.method : '(other)';
}

function since(start: number): number {
  return Math.round((performance.now() - start) * 10) / 10;
}

/** Size of the answer's body before compression. Pages are whole in memory (35 µs each); streams have none. */
async function measure(c: Context): Promise<number | null> {
  const announced = c.res.headers.get('content-length');
  if (announced !== null) return Number(announced);
  if (c.res.status === 204 || c.res.status === 304) return 0;
  if (!c.res.headers.get('content-type')?.startsWith('text/')) return null;
  const body = await c.res.arrayBuffer();
  c.res = new Response(body, c.res);
  return body.byteLength;
}
