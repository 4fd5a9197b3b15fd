/**
 * What was sent and not taken: the page that a browser goes back to may be gone, so the error page itself gives the words
 * back, and sends them once more where that may help. The keys of the form go with it, so that a change which did happen isn't made twice.
 */
import type { Context } from 'hono';
import type { Env } from '../../edge/session.ts';
import { useWords } from '../i18n.ts';
import { localPath } from '../local-path.ts';
import { errors } from './messages.ts';

export type Unsent = { path: string; fields: readonly (readonly [name: string, value: string])[] };

/** What a page must not hold, not even in a hidden field. */
const isSecret = (name: string) => /password|secret|proof|^(\w+_)?code$/.test(name) && !name.startsWith(STEP_UP);

/** Fields of the form that asks for a factor again (app/step-up): they go around the form that waits. */
export const STEP_UP = 'step_up_';

/** Nothing for a link, and nothing of a form with a password or a code. */
export async function readUnsent(c: Context<Env>): Promise<Unsent | undefined> {
  if (c.req.method !== 'POST') return undefined;
  const body: Record<string, unknown> = await c.req.parseBody().catch(() => ({}));
  const fields = Object.entries(body).filter((field): field is [string, string] => typeof field[1] === 'string');
  if (fields.some(([name]) => isSecret(name))) return undefined;
  const waiting = fields.filter(([name]) => !name.startsWith(STEP_UP));
  if (c.req.path !== '/step-up') return { path: c.req.path, fields: waiting };
  const path = localPath.safeParse(body.step_up_to).data;
  return path && body.step_up_resend ? { path, fields: waiting } : undefined;
}

/** The sentences among what was typed, not choices and dates: to be read, so that nobody fears for them. */
export function writtenIn(unsent: Unsent): string[] {
  return unsent.fields.map(([, value]) => value.trim()).filter((value) => /\s/.test(value));
}

/** `again`: it may be taken a second time. */
export function UnsentForm({ unsent, again }: { unsent: Unsent; again: boolean }) {
  const t = useWords(errors);
  const written = writtenIn(unsent);
  if (!again && written.length === 0) return null;
  const words = <Written sentences={written} />;
  if (!again) return <div class="unsent">{words}</div>;
  return (
    <form class="unsent" method="post" action={unsent.path}>
      <HiddenFields unsent={unsent} />
      {words}
      <button class="button" type="submit">
        {t.sendAgain}
      </button>
    </form>
  );
}

export function HiddenFields({ unsent }: { unsent: Unsent }) {
  return (
    <>
      {unsent.fields.map(([name, value]) => (
        <input key={name} type="hidden" name={name} value={value} />
      ))}
    </>
  );
}

export function Written({ sentences }: { sentences: readonly string[] }) {
  const t = useWords(errors);
  if (sentences.length === 0) return null;
  return (
    <>
      <h2>{t.typed}</h2>
      {sentences.map((value) => (
        <p key={value} class="written">
          {value}
        </p>
      ))}
    </>
  );
}
