/** Used, old, replaced or never there: the same words. And too many attempts, with the time to wait. */
import type { Context } from 'hono';
import type { Env } from '../../edge/session.ts';
import { inLang, useWords } from '../i18n.ts';
import { page } from '../layout.tsx';
import { Alert } from '../ui/alert.tsx';
import { links } from './messages.ts';

export type Answered = { answer: string; retry_after: number | null };

/** `help`: what to do instead; `again`: where a new link is asked for. */
export function answerGone(
  c: Context<Env>,
  result: Answered | undefined,
  { help, again }: { help: string; again?: { href: string; label: string } },
) {
  const t = inLang(links, c.var.lang);
  // nothing typed stands on this page; a link is asked for again, a form is where it was
  const returnTo = c.req.method === 'GET' ? undefined : again?.href;
  const seconds = result?.answer === 'wait' ? (result.retry_after ?? 60) : undefined;
  if (seconds) c.header('Retry-After', String(seconds));
  const options = { title: seconds ? t.wait : t.gone, narrow: true, status: seconds ? 429 : 404, returnTo } as const;
  return page(c, options, <GonePage title={options.title} {...{ seconds, help, again }} />);
}

function GonePage(props: { title: string; seconds?: number; help: string; again?: { href: string; label: string } }) {
  const { title, seconds, help, again } = props;
  const t = useWords(links);
  return (
    <>
      <header class="page-head">
        <h1>{title}</h1>
      </header>
      <div class="card form">
        {seconds ? <Alert tone="warn" title={t.waitHelp(seconds)} /> : <p>{help}</p>}
        <div class="form-actions">
          {again ? (
            <a class="button" href={again.href}>
              {again.label}
            </a>
          ) : null}
          <a class={again ? undefined : 'button'} href="/sign-in">
            {t.signIn}
          </a>
        </div>
      </div>
    </>
  );
}
