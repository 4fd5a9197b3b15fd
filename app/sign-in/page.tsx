/** The first step of signing in (the second: code.tsx). The same words whether or not an account exists. */
import { useWords } from '../i18n.ts';
import { PasskeySignIn } from '../passkeys/sign-in.tsx';
import { promised } from '../promises/messages.ts';
import { Alert } from '../ui/alert.tsx';
import { Field } from '../ui/field.tsx';
import { ErrorSummary, type Errors } from '../ui/form.tsx';
import { signIn } from './messages.ts';
import { type PasswordSetback, SetbackAlert } from './setback.tsx';

/** Why the step came back: a password that wasn't taken, an expired first step, an ended session. */
export type Setback = PasswordSetback | { kind: 'expired' } | { kind: 'ended' };

export function PasswordStep(props: { email?: string; errors?: Errors; setback?: Setback; promises: boolean }) {
  const { email, errors = {}, setback, promises } = props;
  const t = useWords(signIn);
  const { invitation } = useWords(promised);
  return (
    <>
      <header class="page-head">
        <h1>{t.title}</h1>
        <p class="quiet">
          {t.step} · {t.intro}
        </p>
      </header>
      <form class="card form" method="post" action="/sign-in" novalidate>
        {setback ? <Before setback={setback} /> : null}
        <ErrorSummary errors={errors} />
        <Field
          name="email"
          type="email"
          label={t.email}
          value={email}
          error={errors.email}
          autocomplete="username"
          inputMode="email"
          spellcheck={false}
          maxLength={254}
          autofocus={!email && !hasErrors(errors)}
          required
        />
        <Field
          name="password"
          type="password"
          label={t.password}
          error={errors.password}
          autocomplete="current-password"
          autofocus={Boolean(email) && !hasErrors(errors)}
          required
        />
        <div class="form-actions">
          <button class="button" data-primary type="submit">
            {t.next}
          </button>
        </div>
      </form>
      <PasskeySignIn />
      <ul class="page-note other-ways">
        <li>
          <a href="/recover">{t.recover}</a>
        </li>
        <li>
          <a href="/register">{t.register}</a>
        </li>
      </ul>
      {promises ? (
        <p class="page-note">
          <a href="/promises">{invitation}</a>
        </p>
      ) : null}
    </>
  );
}

function Before({ setback }: { setback: Setback }) {
  const t = useWords(signIn);
  switch (setback.kind) {
    case 'expired':
      return (
        <Alert tone="warn" title={t.expired} id="setback">
          <p>{t.expiredHelp}</p>
        </Alert>
      );
    case 'ended':
      return (
        <Alert tone="info" title={t.ended}>
          <p>{t.endedHelp}</p>
        </Alert>
      );
    default:
      return <SetbackAlert setback={setback} title={t.refused} help={t.refusedHelp} />;
  }
}

function hasErrors(errors: Errors): boolean {
  return Object.keys(errors).length > 0;
}
