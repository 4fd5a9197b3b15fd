// Headers of every answer (requirement F1, ASVS 5.0 §3.4).
//
// 1. Nothing runs but our own files: no inline script or style without this answer's nonce, no eval, ever.
// 2. Nobody frames us, sniffs our types, or shares our process.
// 3. Pages are never kept by a cache; static files whose URL carries their version are kept for good.
import type { Context, MiddlewareHandler } from 'hono';
import { isHttps } from './client.ts';
import type { Env } from './session.ts';

const SILENT = ['camera', 'microphone', 'geolocation', 'display-capture', 'usb', 'serial', 'hid', 'payment', 'midi'];

const CONSTANT = Object.entries({
  'X-Content-Type-Options': 'nosniff',
  // Not `no-referrer`: under it browsers send `Origin: null` with our own forms, and csrf.ts would refuse them.
  'Referrer-Policy': 'same-origin',
  'Permissions-Policy': SILENT.map((feature) => `${feature}=()`).join(', '),
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Origin-Agent-Cluster': '?1',
  'X-Robots-Tag': 'noindex, nofollow',
});

/** Sets them after the page has answered, so that a page can't loosen them, and on errors and refusals too. */
export function headers(): MiddlewareHandler<Env> {
  return async (c, next) => {
    const nonce = newNonce();
    c.set('nonce', nonce);
    await next();
    const answer = c.res.headers; // c.header() would copy the answer once per header
    for (const [name, value] of CONSTANT) answer.set(name, value);
    answer.set('Content-Security-Policy', contentPolicy(nonce, isHttps(c)));
    answer.set('Cache-Control', cachePolicy(c));
    if (isHttps(c)) answer.set('Strict-Transport-Security', 'max-age=63072000; includeSubDomains');
  };
}

function contentPolicy(nonce: string, https: boolean): string {
  return [
    "default-src 'none'",
    `script-src 'self' 'nonce-${nonce}'`,
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    ...(https ? ['upgrade-insecure-requests'] : []),
  ].join('; ');
}

/** A page writes `/static/name?v=<version>`; without the version a file is asked for again each time. */
function cachePolicy(c: Context<Env>): string {
  const fresh = c.req.path.startsWith('/static/') && c.res.status === 200;
  if (!fresh) return 'no-store';
  return c.req.query('v') ? 'public, max-age=31536000, immutable' : 'public, no-cache';
}

function newNonce(): string {
  return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))));
}
