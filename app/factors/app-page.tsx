/** Three steps on one page: install, scan (or open, or type), and copy a code of it. */
import { otpauthUri, toBase32 } from '../../edge/otpauth.ts';
import { useWords } from '../i18n.ts';
import { Alert } from '../ui/alert.tsx';
import { Field } from '../ui/field.tsx';
import { ErrorSummary, type Errors } from '../ui/form.tsx';
import { appWords } from './app-words.ts';
import { QrCode } from './qr.tsx';

export type AppSetback = { kind: 'refused' | 'restart' } | { kind: 'wait'; seconds: number };
export type AppPageProps = {
  /** Where the code is sent: /enrol/app or /account/factors/app. */
  action: string;
  secret: Uint8Array;
  label: string;
  /** There is an app already, which goes on until this one is confirmed. */
  replaces?: boolean;
  back?: { href: string; text: string };
  errors?: Errors;
  setback?: AppSetback;
};

export function AppPage({ action, secret, label, replaces, back, errors = {}, setback }: AppPageProps) {
  const t = useWords(appWords);
  return (
    <>
      <header class="page-head">
        <h1>{t.title}</h1>
        <p class="quiet">{t.oneMinute}</p>
      </header>
      <form class="card form" method="post" action={action} novalidate>
        {setback ? <Setback setback={setback} /> : null}
        <ErrorSummary errors={errors} />
        {replaces ? <p>{t.replaces}</p> : null}
        <ol class="steps">
          <li>
            <h2>{t.stepInstall}</h2>
            <p class="quiet">{t.installHint}</p>
          </li>
          <li>
            <h2>{t.stepScan}</h2>
            <Secret secret={toBase32(secret)} label={label} />
          </li>
          <li>
            <h2>{t.stepConfirm}</h2>
            <Field
              name="code"
              label={t.code}
              // on a telephone the field is all that one sees: the alert stands above, out of sight
              error={errors.code ?? (setback && t[setback.kind])}
              autocomplete="one-time-code"
              inputMode="numeric"
              spellcheck={false}
              maxLength={9}
              autofocus={Boolean(setback)}
              required
            />
          </li>
        </ol>
        <div class="form-actions">
          <button class="button" data-primary type="submit">
            {t.confirm}
          </button>
          {back ? <a href={back.href}>{back.text}</a> : null}
        </div>
      </form>
    </>
  );
}

/** To scan, to open on the same phone, or to type. */
function Secret({ secret, label }: { secret: string; label: string }) {
  const t = useWords(appWords);
  const uri = otpauthUri(secret, label);
  return (
    <>
      <p class="quiet">{t.scanHint}</p>
      <QrCode text={uri} label={t.qr} />
      <p>
        <a class="button" href={uri}>
          {t.onThisPhone}
        </a>
      </p>
      <details class="by-hand">
        <summary>{t.byHand}</summary>
        <p class="quiet">{t.byHandHint}</p>
        <p>
          <span class="visually-hidden">{t.secret} : </span>
          <code class="secret">{secret.match(/.{1,4}/g)?.join(' ')}</code>
        </p>
        <p class="quiet">{t.secretCare}</p>
      </details>
    </>
  );
}

function Setback({ setback }: { setback: AppSetback }) {
  const t = useWords(appWords);
  const help = setback.kind === 'wait' ? t.waitHelp(setback.seconds) : t[`${setback.kind}Help`];
  return (
    <Alert tone={setback.kind === 'refused' ? 'danger' : 'warn'} title={t[setback.kind]} id="setback">
      <p>{help}</p>
    </Alert>
  );
}
