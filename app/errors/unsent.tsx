/**
 * What was sent and not taken: the page that a browser goes back to may be gone, so the error page itself gives the words
 * back, and sends them once more where that may help. The keys of the form go with it, so that a change which did happen isn't made twice.
 */
import type { Context } from 'hono';
import type { Env } from '../../edge/session.ts';
import { useWords } from '../i18n.ts';
import { errors } from './messages.ts';

export type Unsent = { path: string; fields: readonly (readonly [name: string, value: string])[] };

/** Nothing for a link, and nothing of a password or a code. */
export async function readUnsent(c: Context<Env>): Promise<Unsent | undefined> {
  if (c.req.method !== 'POST' || c.req.path.startsWith('/sign-in')) return undefined;
  const body = await c.req.parseBody().catch(() => ({}));
  const fields = Object.entries(body).filter((field): field is [string, string] => typeof field[1] === 'string');
  return { path: c.req.path, fields };
}

/** `again`: it may be taken a second time. */
export function UnsentForm({ unsent, again }: { unsent: Unsent; again: boolean }) {
  const t = useWords(errors);
  // sentences, not choices and dates
  const written = unsent.fields.map(([, value]) => value.trim()).filter((value) => /\s/.test(value));
  if (!again && written.length === 0) return null;
  const words = written.length > 0 && (
    <>
      <h2>{t.typed}</h2>
      {written.map((value) => (
        <p class="written">{value}</p>
      ))}
    </>
  );
  if (!again) return <div class="unsent">{words}</div>;
  return (
    <form class="unsent" method="post" action={unsent.path}>
      {unsent.fields.map(([name, value]) => (
        <input type="hidden" name={name} value={value} />
      ))}
      {words}
      <button class="button" type="submit">
        {t.sendAgain}
      </button>
    </form>
  );
}
