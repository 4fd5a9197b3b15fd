/** One passkey more: what it is, a name for it, and the browser's turn. */
import { useWords } from '../i18n.ts';
import { Alert } from '../ui/alert.tsx';
import { Field } from '../ui/field.tsx';
import { ErrorSummary, type Errors } from '../ui/form.tsx';
import { PasskeyButton } from './button.tsx';
import { passkeys } from './messages.ts';

export type AddPageProps = {
  action: string;
  name: string;
  errors?: Errors;
  /** What came of the form: the factor that was asked for on the way was shown, or the browser's answer won't do. */
  outcome?: 'confirmed' | 'refused';
  back: { href: string; text: string };
};

export function AddPage({ action, name, errors = {}, outcome, back }: AddPageProps) {
  const t = useWords(passkeys);
  return (
    <>
      <header class="page-head">
        <h1>{t.add}</h1>
        <p class="lead">{t.intro}</p>
      </header>
      <form class="card form" method="post" action={action}>
        {outcome ? (
          <Alert tone={outcome === 'confirmed' ? 'ok' : 'danger'} title={t[outcome]} id="outcome">
            <p>{t[`${outcome}Help`]}</p>
          </Alert>
        ) : null}
        <ErrorSummary errors={errors} />
        <Field
          name="name"
          label={t.name}
          hint={t.nameHint}
          value={name}
          error={errors.name}
          maxLength={NAME_LENGTH}
          required
        />
        <PasskeyButton purpose="register" label={t.create} primary autofocus />
      </form>
      <p class="page-note">
        <a href={back.href}>{back.text}</a>
      </p>
    </>
  );
}

/** As the database has it (iam.add_passkey). */
export const NAME_LENGTH = 60;
