/** An address, and what is said afterwards: the same whether or not it has an account. */
import { useWords } from '../i18n.ts';
import { Field } from '../ui/field.tsx';
import { Actions, ErrorSummary, type Errors } from '../ui/form.tsx';
import { recover } from './messages.ts';

export function AskPage({ email, errors = {} }: { email?: string; errors?: Errors }) {
  const t = useWords(recover);
  return (
    <>
      <header class="page-head">
        <h1>{t.title}</h1>
        <p class="quiet">{t.intro}</p>
      </header>
      <form class="card form" method="post" action="/recover" novalidate>
        <ErrorSummary errors={errors} />
        <Field
          name="email"
          type="email"
          label={t.email}
          hint={t.emailHint}
          value={email}
          error={errors.email}
          autocomplete="username"
          inputMode="email"
          spellcheck={false}
          maxLength={254}
          autofocus={!errors.email}
          required
        />
        <Actions submit={t.send}>
          <a href="/sign-in">{t.back}</a>
        </Actions>
      </form>
    </>
  );
}

export function SentPage() {
  const t = useWords(recover);
  return (
    <>
      <header class="page-head">
        <h1>{t.sentTitle}</h1>
      </header>
      <div class="card form">
        <p>{t.sent}</p>
        <p class="quiet">{t.sentHelp}</p>
        <div class="form-actions">
          <a href="/recover">{t.again}</a>
          <a href="/sign-in">{t.back}</a>
        </div>
      </div>
    </>
  );
}

/** The link of a notice: reading it changes nothing, since mail programs open links by themselves. */
export function CancelPage({ token }: { token: string }) {
  const t = useWords(recover);
  return (
    <>
      <header class="page-head">
        <h1>{t.cancelTitle}</h1>
      </header>
      <form class="card form" method="post" action={`/recover/cancel/${token}`}>
        <p>{t.cancelIntro}</p>
        <p>{t.cancelNot}</p>
        <div class="form-actions">
          <button class="button" data-danger="" type="submit">
            {t.cancel}
          </button>
        </div>
      </form>
    </>
  );
}

export function CancelledPage() {
  const t = useWords(recover);
  return (
    <>
      <header class="page-head">
        <h1>{t.cancelled}</h1>
      </header>
      <div class="card form">
        <p>{t.cancelledHelp}</p>
        <div class="form-actions">
          <a class="button" href="/sign-in">
            {t.back}
          </a>
        </div>
      </div>
    </>
  );
}
