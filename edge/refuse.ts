// The answer of the guards that stand before the pages: short, in both languages, with a reference.
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';

/** Plain text, so that nothing of a suspicious request can be interpreted as markup. */
export function refuse(c: Context, status: ContentfulStatusCode, french: string, english: string): Response {
  const reference = c.get('requestId');
  const lines = [french, english, ...(reference ? [`Référence / reference: ${reference}`] : [])];
  return c.text(`${lines.join('\n\n')}\n`, status);
}
