import { useWords } from '../i18n.ts';
import { Alert } from '../ui/alert.tsx';
import { Field } from '../ui/field.tsx';
import { ErrorSummary, type Errors } from '../ui/form.tsx';
import { changeWords } from './change-words.ts';
import { NewPasswordFields } from './fields.tsx';

export type ChangeSetback = { kind: 'refused' | 'same' } | { kind: 'wait'; seconds: number };

/** `email`: for the password manager, which keeps the new one under it. */
export function ChangePage(props: { email: string; errors?: Errors; setback?: ChangeSetback }) {
  const { email, errors = {}, setback } = props;
  const t = useWords(changeWords);
  return (
    <>
      <header class="page-head">
        <h1>{t.title}</h1>
      </header>
      <form class="card form" method="post" action="/account/password" novalidate>
        {setback ? <Setback setback={setback} /> : null}
        <ErrorSummary errors={errors} />
        <p>{t.ends}</p>
        <input
          class="visually-hidden"
          type="email"
          autocomplete="username"
          value={email}
          readOnly
          tabIndex={-1}
          aria-hidden="true"
        />
        <Field
          name="present"
          type="password"
          label={t.present}
          error={errors.present}
          autocomplete="current-password"
          required
        />
        <NewPasswordFields errors={errors} />
        <div class="form-actions">
          <button class="button" data-primary type="submit">
            {t.change}
          </button>
          <a href="/account">{t.back}</a>
        </div>
      </form>
    </>
  );
}

export function ChangedPage() {
  const t = useWords(changeWords);
  return (
    <>
      <header class="page-head">
        <h1>{t.changed}</h1>
      </header>
      <div class="card form">
        <Alert tone="ok" title={t.changedHelp} />
        <div class="form-actions">
          <a class="button" data-primary="" href="/sign-in">
            {t.signIn}
          </a>
        </div>
      </div>
    </>
  );
}

function Setback({ setback }: { setback: ChangeSetback }) {
  const t = useWords(changeWords);
  return (
    <Alert tone={setback.kind === 'wait' ? 'warn' : 'danger'} title={t[setback.kind]} id="setback">
      <p>{setback.kind === 'wait' ? t.waitHelp(setback.seconds) : t[`${setback.kind}Help`]}</p>
    </Alert>
  );
}
