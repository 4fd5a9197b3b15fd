/** How the number stands, then the one thing to do next: type the code, or a number. */
import { EndOthers } from '../factors/end-others.tsx';
import { useWords } from '../i18n.ts';
import { Alert } from '../ui/alert.tsx';
import { labelOf } from '../ui/codeable.tsx';
import { Field } from '../ui/field.tsx';
import { ErrorSummary, type Errors } from '../ui/form.tsx';
import { phone as words } from './messages.ts';
import type { Phone } from './queries.ts';

export type Setback = { kind: 'refused' | 'last' } | { kind: 'wait'; seconds: number };
export type Said = {
  /** What has just been done: words of messages.ts, `done_…`. */
  done?: string;
  /** The number as it was typed. */
  number?: string;
  errors?: Errors;
  setback?: Setback;
};

export function PhonePage({ phone, done, number, errors = {}, setback }: Said & { phone: Phone }) {
  const t = useWords(words);
  const { ending, waiting, allowed, delivered } = phone;
  return (
    <>
      <header class="page-head">
        <h1>{t.title}</h1>
        <p class="quiet">{t.intro}</p>
      </header>
      <div class="attention">
        {/* sent: the form below says so, with the number */}
        {done && !(done === 'sent' && waiting) ? (
          <Alert tone="ok" title={labelOf(t, 'done', done)}>
            {done === 'sent' ? null : <EndOthers />}
          </Alert>
        ) : null}
        {setback ? <SetbackAlert setback={setback} /> : null}
        <ErrorSummary errors={errors} />
      </div>
      <section class="card factor">
        <p>{ending ? t.current(ending) : t.none}</p>
        {ending ? (
          <form method="post" action="/account/phone/remove">
            <button class="button" data-quiet type="submit">
              {t.remove}
            </button>
          </form>
        ) : null}
      </section>
      {waiting ? <CodeForm waiting={waiting} error={errors.code} /> : null}
      {allowed && delivered ? (
        <NumberForm phone={phone} number={number} error={errors.number} />
      ) : (
        <div class="attention">
          <Alert tone="warn" title={allowed ? t.notDelivered : t.notAllowed}>
            <p>{allowed ? t.notDeliveredHelp : t.notAllowedHelp}</p>
          </Alert>
        </div>
      )}
      <p class="page-note">
        <a href="/account/factors">{t.back}</a>
      </p>
    </>
  );
}

function CodeForm({ waiting, error }: { waiting: string; error?: string }) {
  const t = useWords(words);
  return (
    <form class="card form" method="post" action="/account/phone/code" novalidate aria-labelledby="code-title">
      <h2 id="code-title">{t.codeTitle}</h2>
      <Field
        name="code"
        label={t.code}
        hint={t.codeIntro(waiting)}
        error={error}
        autocomplete="one-time-code"
        inputMode="numeric"
        spellcheck={false}
        maxLength={9}
        autofocus={!error}
        required
      />
      <div class="form-actions">
        <button class="button" data-primary type="submit">
          {t.confirm}
        </button>
      </div>
    </form>
  );
}

function NumberForm({ phone, number, error }: { phone: Phone; number?: string; error?: string }) {
  const t = useWords(words);
  const title = phone.waiting ? t.againTitle : phone.ending ? t.changeTitle : t.addTitle;
  return (
    <form class="card form" method="post" action="/account/phone" novalidate aria-labelledby="number-title">
      <h2 id="number-title">{title}</h2>
      {phone.waiting ? <p class="quiet">{t.againHelp}</p> : null}
      <Field
        name="number"
        type="tel"
        label={t.number}
        hint={t.numberHint}
        value={number}
        error={error}
        autocomplete="tel"
        inputMode="tel"
        maxLength={40}
        required
      />
      <div class="form-actions">
        <button class="button" data-primary={phone.waiting ? undefined : ''} type="submit">
          {t.send}
        </button>
      </div>
    </form>
  );
}

function SetbackAlert({ setback }: { setback: Setback }) {
  const t = useWords(words);
  const help = setback.kind === 'wait' ? t.waitHelp(setback.seconds) : t[`${setback.kind}Help`];
  return (
    <Alert tone={setback.kind === 'refused' ? 'danger' : 'warn'} title={t[setback.kind]} id="setback">
      <p>{help}</p>
    </Alert>
  );
}
