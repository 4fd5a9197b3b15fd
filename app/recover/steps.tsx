/** Behind the link: what was lost, the wait, and the way on. No page names anybody: a link is one factor. */
import { useWords } from '../i18n.ts';
import { NewPasswordFields } from '../passwords/fields.tsx';
import { passwords } from '../passwords/messages.ts';
import { Alert } from '../ui/alert.tsx';
import { Field } from '../ui/field.tsx';
import { Actions, ErrorSummary, type Errors } from '../ui/form.tsx';
import { Moment } from '../ui/time.tsx';
import { recover } from './messages.ts';
import type { Lost } from './queries.ts';

export type Setback = 'refused' | 'no_factor';

/** Three links: what was lost decides what is asked for next, and no script is needed to ask it. */
export function ChoosePage({ token, hasFactors }: { token: string; hasFactors: boolean }) {
  const t = useWords(recover);
  const choices: Lost[] = hasFactors ? ['password', 'factors', 'both'] : ['factors', 'both'];
  return (
    <>
      <header class="page-head">
        <h1>{t.chooseTitle}</h1>
      </header>
      <ul class="account-cards">
        {choices.map((lost) => (
          <li class="card" key={lost}>
            <h2>
              <a href={`/recover/${token}?lost=${lost}`}>{t[`lost_${lost}`]}</a>
            </h2>
            <p class="quiet">{t[`lost_${lost}Help`]}</p>
          </li>
        ))}
      </ul>
    </>
  );
}

type LostProps = { token: string; lost: Lost; errors?: Errors; setback?: Setback };

export function LostPage({ token, lost, errors = {}, setback }: LostProps) {
  const t = useWords(recover);
  const chosen = useWords(passwords);
  return (
    <>
      <header class="page-head">
        <h1>{t[`lost_${lost}`]}</h1>
        {lost === 'password' ? <p class="quiet">{t.step1}</p> : null}
        <p class="quiet">{t[`lost_${lost}Help`]}</p>
      </header>
      <form class="card form" method="post" action={`/recover/${token}`} novalidate>
        <input type="hidden" name="lost" value={lost} />
        <SetbackAlert setback={setback} />
        <ErrorSummary errors={errors} />
        {lost === 'factors' ? (
          <PresentPassword label={t.present} error={errors.password} again={setback !== undefined} />
        ) : (
          <>
            <p>{lost === 'password' ? t.passwordNext : t.passwordLater}</p>
            <NewPasswordFields errors={errors} label={chosen.newPassword} />
          </>
        )}
        <Actions submit={t.next}>
          <a href={`/recover/${token}`}>{t.other}</a>
        </Actions>
      </form>
    </>
  );
}

export function WaitingPage({ token, code, readyAt }: { token: string; code: string; readyAt: Date | null }) {
  const t = useWords(recover);
  return (
    <>
      <header class="page-head">
        <h1>{t.waitTitle}</h1>
      </header>
      <div class="card form">
        <p>{t.waitConfirm}</p>
        <p class="spoken-code">
          <span class="visually-hidden">{t.code}: </span>
          {code.slice(0, 3)} {code.slice(3)}
        </p>
        {readyAt ? (
          <p>
            {t.readyAt} <Moment at={readyAt} />.
          </p>
        ) : (
          <p>{t.mustConfirm}</p>
        )}
        <p>{t.leave}</p>
        <p class="quiet">{t.told}</p>
        <div class="form-actions">
          <a class="button" href={`/recover/${token}`}>
            {t.reload}
          </a>
        </div>
      </div>
    </>
  );
}

export function ReadyPage({ token, errors = {}, setback }: { token: string; errors?: Errors; setback?: Setback }) {
  const t = useWords(recover);
  return (
    <>
      <header class="page-head">
        <h1>{t.readyTitle}</h1>
        <p class="quiet">{t.step1}</p>
      </header>
      <form class="card form" method="post" action={`/recover/${token}/complete`} novalidate>
        <SetbackAlert setback={setback} />
        <ErrorSummary errors={errors} />
        <p>{t.ready}</p>
        <PresentPassword
          label={t.readyPassword}
          hint={t.readyPasswordHint}
          error={errors.password}
          again={setback !== undefined}
        />
        <Actions submit={t.next} />
      </form>
    </>
  );
}

/** `again`: it was wrong, and has the focus. */
function PresentPassword(props: { label: string; hint?: string; error?: string; again: boolean }) {
  const { again, ...field } = props;
  return (
    <Field name="password" type="password" autocomplete="current-password" {...field} autofocus={again} required />
  );
}

function SetbackAlert({ setback }: { setback?: Setback }) {
  const t = useWords(recover);
  if (setback === 'no_factor') return <Alert tone="warn" title={t.noFactor} id="setback" />;
  if (setback !== 'refused') return null;
  return (
    <Alert tone="danger" title={t.refused} id="setback">
      <p>{t.refusedHelp}</p>
    </Alert>
  );
}
