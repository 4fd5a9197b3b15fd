/** What the links of our messages lead to: a question, and its answer. */
import type { ComponentChildren } from 'preact';
import { useWords } from '../i18n.ts';
import { ownAddress } from './messages.ts';

/** To the same address as the page's, so that the link stays out of its text. */
function Question({ title, label, children }: { title: string; label: string; children: ComponentChildren }) {
  return (
    <>
      <header class="page-head">
        <h1>{title}</h1>
      </header>
      <form class="card form" method="post">
        {children}
        <div class="form-actions">
          <button class="button" data-primary="" type="submit">
            {label}
          </button>
        </div>
      </form>
    </>
  );
}

export function ConfirmPage({ email }: { email: string }) {
  const t = useWords(ownAddress);
  return (
    <Question title={t.confirmTitle} label={t.confirm}>
      <p>{t.confirmText(email)}</p>
      <p class="quiet">{t.confirmEnds}</p>
    </Question>
  );
}

export function NotMePage() {
  const t = useWords(ownAddress);
  return (
    <Question title={t.notMeTitle} label={t.notMe}>
      <p>{t.notMeText}</p>
      <p class="quiet">{t.notMeElse}</p>
    </Question>
  );
}

/** What is to be done first, or next: signing in. */
export function SignInPage({ kind }: { kind: 'signIn' | 'kept' }) {
  const t = useWords(ownAddress);
  return (
    <>
      <header class="page-head">
        <h1>{t[`${kind}Title`]}</h1>
      </header>
      <div class="card form">
        <p>{t[`${kind}Help`]}</p>
        <div class="form-actions">
          <a class="button" data-primary="" href="/sign-in">
            {t.signIn}
          </a>
        </div>
      </div>
    </>
  );
}
