// A small app behind the real guards, in the order that app/app.tsx mounts them.
import { Hono } from 'hono';
import { Refusal } from '../../db/batch.ts';
import { csrf } from '../../edge/csrf.ts';
import { headers } from '../../edge/headers.ts';
import { limits } from '../../edge/limits.ts';
import { logging, openLog } from '../../edge/logging.ts';
import { type Bindings, type Env, keepPreferences, newToken, session, signIn, signOut } from '../../edge/session.ts';

export const ORIGIN = 'http://vital.test';
export const TOKEN = newToken();

/** Lines that the log of the last guarded app wrote. */
export const lines: string[] = [];

export async function guarded(): Promise<Hono<Env>> {
  lines.length = 0;
  const log = await openLog((line) => lines.push(line));
  const app = new Hono<Env>();
  app.use(logging(log), headers(), limits(), csrf(), session(new Uint8Array(32)));
  app.onError((error, c) => c.text('failure page', error instanceof Refusal ? 404 : 500));
  app.get('/', (c) => c.html(`<p nonce="${c.var.nonce}">home</p>`));
  app.get('/who', (c) => c.json({ ...c.var.who, lang: c.var.lang, theme: c.var.theme }));
  app.get('/static/:file', (c) => (c.req.param('file') === 'gone.css' ? c.notFound() : c.body('p{}')));
  app.get('/patients/:id', (c) => c.html(`<h1>${c.req.param('id')}</h1>`));
  app.get('/fault', () => {
    throw Object.assign(new RangeError('value "Chloé Lefèvre" is out of range'), { code: '22003' });
  });
  app.get('/refused', () => {
    throw new Refusal('hidden', { sqlstate: 'VS404' }, { cause: new Error('Chloé Lefèvre') });
  });
  app.get(
    '/loosened',
    () => new Response('raw', { headers: { 'Content-Security-Policy': 'default-src *', 'Cache-Control': 'public' } }),
  );
  app.post('/notes', async (c) => c.json(await c.req.parseBody()));
  app.post('/sign-in', (c) => {
    signIn(c, TOKEN, 'clinician');
    return c.redirect('/', 303);
  });
  app.post('/sign-out', (c) => {
    signOut(c);
    return c.redirect('/sign-in', 303);
  });
  app.post('/preferences', (c) => {
    keepPreferences(c, { lang: 'en', theme: 'dark' });
    return c.redirect('/', 303);
  });
  return app;
}

export type Ask = {
  method?: string;
  headers?: Record<string, string>;
  body?: BodyInit;
  from?: Bindings;
  origin?: string;
};

/** A request as our own pages make it; `headers` override, an empty value takes a header away. */
export function ask(
  app: Hono<Env>,
  path: string,
  { method, headers = {}, body, from = {}, origin = ORIGIN }: Ask = {},
) {
  const own: Record<string, string> = {};
  if (method && method !== 'GET') Object.assign(own, { Origin: origin, 'Sec-Fetch-Site': 'same-origin' });
  if (body !== undefined) own['Content-Type'] = 'application/x-www-form-urlencoded';
  const all = new Headers();
  const wanted: Record<string, string> = { ...own, ...headers };
  for (const [name, value] of Object.entries(wanted)) if (value !== '') all.set(name, value);
  return app.request(
    new Request(`${origin}${path}`, { method, headers: all, body, duplex: 'half' } as RequestInit),
    undefined,
    from,
  );
}
