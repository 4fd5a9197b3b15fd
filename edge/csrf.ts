// Cross-site requests (requirement F2). The session cookie is SameSite=Lax already; this doesn't rely on it.
//
// 1. A change (anything but GET and HEAD) comes from one of our own pages: Origin is ours, and Fetch
//    Metadata, where the browser sends it, says same-origin. No Origin, or `null`, isn't ours.
// 2. A page is read by somebody who goes there: another site may link to it, never load it as a resource.
import type { Context, MiddlewareHandler } from 'hono';
import { publicOrigin } from './client.ts';
import { refuse } from './refuse.ts';
import type { Env } from './session.ts';

/** Answers 403 to what another site started; there is no token to forget in a form. */
export function csrf(): MiddlewareHandler<Env> {
  return async (c, next) => {
    const reading = c.req.method === 'GET' || c.req.method === 'HEAD';
    if (reading ? isForeignLoad(c) : !isOwnChange(c)) return refuse(c, 'request.forged', 403, FRENCH, ENGLISH);
    return next();
  };
}

const FRENCH =
  "Vital Sync a refusé cette demande : elle ne vient pas d'une de ses pages. Ouvrez la page depuis Vital Sync et recommencez.";
const ENGLISH =
  'Vital Sync refused this request: it does not come from one of its own pages. Open the page in Vital Sync and try again.';

function isOwnChange(c: Context): boolean {
  const site = c.req.header('sec-fetch-site');
  return c.req.header('origin') === publicOrigin(c) && (site === undefined || site === 'same-origin');
}

/** https://web.dev/articles/fetch-metadata: "resource isolation policy". Browsers without the headers pass. */
function isForeignLoad(c: Context): boolean {
  const site = c.req.header('sec-fetch-site');
  if (site === undefined || site === 'same-origin' || site === 'none') return false;
  const destination = c.req.header('sec-fetch-dest');
  return c.req.header('sec-fetch-mode') !== 'navigate' || destination === 'object' || destination === 'embed';
}
