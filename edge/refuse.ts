// The answer of the guards that stand before the pages: short, in both languages, with a reference.
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { RefusedKind } from './refusals.ts';

/** Plain text, so that nothing of a suspicious request can be interpreted as markup. `kind`: of the event that it becomes. */
export function refuse(
  c: Context,
  kind: RefusedKind,
  status: ContentfulStatusCode,
  french: string,
  english: string,
): Response {
  c.set('refused', kind);
  const reference = c.get('requestId');
  const lines = [french, english, ...(reference ? [`Référence / reference: ${reference}`] : [])];
  return c.text(`${lines.join('\n\n')}\n`, status);
}
