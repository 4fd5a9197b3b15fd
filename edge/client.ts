// Who is at the other end of the connection, as far as it can be known: address and public origin.
import { isIP } from 'node:net';
import type { Context } from 'hono';

/** What each entry (node, deno, worker) hands to `app.fetch(request, bindings)`. */
export type Bindings = {
  /** Address of the socket's other end, IPv4 or IPv6, as the runtime gives it. */
  address?: string;
  /** Where the address seems to be, if the runtime knows (Cloudflare's request.cf): `country/city/latitude,longitude`. */
  place?: string;
  /** TRUST_PROXY: our own reverse proxy stands in front, sets X-Forwarded-Proto and appends to X-Forwarded-For. */
  proxied?: boolean;
  /** PLACE_HEADER: the header in which our proxy says the place, whatever the caller had put there. */
  placeHeader?: string;
  /** PUBLIC_ORIGIN: the one address that browsers reach us by. Without it the Host header is believed. */
  origin?: string;
  /** Where a runtime ends with the answer (workerd): what goes on after it. */
  later?(work: Promise<void>): void;
};

/** Stands for a socket without an address (a Unix socket, a test that calls the app in memory). */
const NOBODY = '0.0.0.0';

/**
 * The caller's address, always one that SQL's `inet` accepts.
 * Behind our proxy it is the rightmost entry of X-Forwarded-For: the proxy appended that one itself,
 * whereas everything to its left was sent by the caller and may say anything.
 */
export function clientAddress(c: Context): string {
  const { address, proxied } = bindings(c);
  const appended = proxied ? c.req.header('x-forwarded-for')?.split(',').at(-1) : undefined;
  return readAddress(appended) ?? readAddress(address) ?? NOBODY;
}

/**
 * `country/city/latitude,longitude` from the runtime, or from the header that our proxy sets; null when nobody knows.
 * Degrees to two places, about a kilometre: more is nobody's business.
 */
export function placeOf(c: Context): string | null {
  const { place, proxied, placeHeader } = bindings(c);
  const told = place ?? (proxied && placeHeader ? c.req.header(placeHeader) : undefined);
  const [, country, city = '', latitude, longitude] =
    /^([A-Z]{2})\/([^/]*)\/(?:(-?\d{1,3}(?:\.\d+)?),(-?\d{1,3}(?:\.\d+)?))?$/.exec(fromBytes(told ?? '')) ?? [];
  if (!country) return null;
  const name = city.replace(/[^\p{L}\p{M}0-9 .'’-]/gu, '').slice(0, 80);
  const degrees = latitude && longitude ? `${Number(latitude).toFixed(2)},${Number(longitude).toFixed(2)}` : '';
  return `${country}/${name}/${degrees}`;
}

/** Headers arrive a byte a character, and names of cities in UTF-8. */
function fromBytes(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text) || !/^[\x20-\xff]*$/.test(text)) return text;
  return new TextDecoder().decode(Uint8Array.from(text, (letter) => letter.charCodeAt(0)));
}

/** PUBLIC_ORIGIN, or what the request says: `scheme://host[:port]` of the browser's address bar, Host kept as it is by our proxy. */
export function publicOrigin(c: Context): string {
  const { origin } = bindings(c);
  if (origin) return origin;
  const host = c.req.header('host') ?? new URL(c.req.url).host;
  return `${isHttps(c) ? 'https' : 'http'}://${host.toLowerCase()}`;
}

/** Whether the browser's own connection is TLS. X-Forwarded-Proto counts only when our proxy wrote it. */
export function isHttps(c: Context): boolean {
  if (bindings(c).proxied) return c.req.header('x-forwarded-proto') === 'https';
  return c.req.url.startsWith('https:');
}

/** Of PUBLIC_ORIGIN: `https://dossier.exemple.fr`, without a path; http for this machine alone. */
export function isPublicOrigin(text: string): boolean {
  return /^(https:\/\/[a-z0-9-]+(\.[a-z0-9-]+)*|http:\/\/(localhost|127\.0\.0\.1))(:\d{1,5})?$/.test(text);
}

function bindings(c: Context): Bindings {
  return (c.env ?? {}) as Bindings; // an in-memory request has no environment
}

/** Drops what `inet` doesn't take: ports, brackets, IPv6 zones; shows IPv4-mapped addresses as IPv4. */
export function readAddress(text: string | undefined): string | undefined {
  const bare = text
    ?.trim()
    .replace(/^\[(.*)\](:\d+)?$/, '$1')
    .replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1')
    .replace(/%.*$/, '')
    .replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
  return bare && isIP(bare) ? bare : undefined;
}
