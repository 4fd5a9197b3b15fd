import type { Context } from 'hono';
import { z } from 'zod';

/** The patient in the address. What isn't an id at all is answered like an id that isn't there. */
export function patientOf(c: Context): string | null {
  const id = z.guid().safeParse(c.req.param('id'));
  return id.success ? id.data.toLowerCase() : null;
}
