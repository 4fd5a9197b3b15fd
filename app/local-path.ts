import type { Context } from 'hono';
import { z } from 'zod';

/** One of our own paths: a full address, or one that a browser reads as such, would lead away from here. */
export const localPath = z
  .string()
  .max(400)
  .regex(/^\/(?![/\\])[\w/.-]*$/);

/** The same with what stands behind `?`: as a browser writes it, so that nothing in it ends a header or begins an address. */
export const localAddress = z
  .string()
  .max(1000)
  .regex(/^\/(?![/\\])[\w/.-]*(?:\?[\w.~%=&+*-]*)?$/);

/** Of the page that is shown, with its query: an address holds nothing personal. */
export function addressOf(c: Context): string {
  const { pathname, search } = new URL(c.req.url);
  return pathname + search;
}
