import type { ComponentChildren } from 'preact';
import { useLang, useWords } from '../i18n.ts';
import { formatMoment } from '../ui/time.tsx';
import { signIns } from './messages.ts';
import type { LinkState } from './queries.ts';
import { Undone } from './remarks.tsx';

/** What a mailed link leads to. It tells the time, and what its answer has undone: whoever opens it has shown no factor. */
export function LinkPage({ state, at, undone }: { state: LinkState; at: Date | null; undone: readonly string[] }) {
  const t = useWords(signIns);
  const when = at ? formatMoment(useLang(), at) : '';
  if (state === 'expired')
    return (
      <Said title={t.linkExpiredTitle} help={t.linkExpired}>
        <a class="button" href="/sign-in">
          {t.signInAgain}
        </a>
      </Said>
    );
  if (state === 'disowned')
    return (
      <Said
        title={t.linkDisownedTitle}
        help={t.linkDisowned}
        before={<Undone words={undone.filter((word) => word !== 'session')} />}
      >
        <a class="button" data-primary="" href="/recover">
          {t.recover}
        </a>
      </Said>
    );
  if (state === 'released')
    return (
      <Said title={t.linkReleasedTitle} help={t.linkReleased}>
        <a class="button" href="/sign-in">
          {t.signInAgain}
        </a>
      </Said>
    );
  return (
    <>
      <header class="page-head">
        <h1>{t.linkTitle}</h1>
      </header>
      <div class="card form">
        <p>{state === 'stopped' ? t.linkStopped(when) : t.linkTold(when)}</p>
        {state === 'stopped' ? <Answer value="mine" label={t.linkMine} help={t.linkMineHelp} /> : null}
        <Answer value="not_mine" label={t.notMe} help={t.linkNotMineHelp} />
      </div>
    </>
  );
}

/** To the same address, so that the link stays out of the page's text. */
function Answer({ value, label, help }: { value: 'mine' | 'not_mine'; label: string; help: string }) {
  return (
    <form method="post" class="sign-in-answer">
      <button class="button" type="submit" name="answer" value={value} aria-describedby={`${value}-help`}>
        {label}
      </button>
      <p class="quiet" id={`${value}-help`}>
        {help}
      </p>
    </form>
  );
}

type SaidProps = { title: string; help: string; before?: ComponentChildren; children: ComponentChildren };

function Said({ title, help, before, children }: SaidProps) {
  return (
    <>
      <header class="page-head">
        <h1>{title}</h1>
      </header>
      <div class="card form">
        {before}
        <p>{help}</p>
        <div class="form-actions">{children}</div>
      </div>
    </>
  );
}
