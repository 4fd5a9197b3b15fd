import { useWords } from '../i18n.ts';
import { Alert } from '../ui/alert.tsx';
import { Field } from '../ui/field.tsx';
import { Actions, ErrorSummary, type Errors } from '../ui/form.tsx';
import { register } from './messages.ts';

/** Somebody registered and stopped before the second factor: the password shows that it is them. */
export function ResumePage({ token, errors = {}, refused }: { token: string; errors?: Errors; refused?: boolean }) {
  const t = useWords(register);
  return (
    <>
      <header class="page-head">
        <h1>{t.resumeTitle}</h1>
        <p class="quiet">{t.resume}</p>
      </header>
      <form class="card form" method="post" action={`/register/${token}/resume`} novalidate>
        {refused ? (
          <Alert tone="danger" title={t.refused} id="setback">
            <p>{t.refusedHelp}</p>
          </Alert>
        ) : null}
        <ErrorSummary errors={errors} />
        <Field
          name="password"
          type="password"
          label={t.password}
          error={errors.password}
          autocomplete="current-password"
          autofocus={refused}
          required
        />
        <Actions submit={t.next} />
      </form>
    </>
  );
}
