/** The factor shown again: a page of its own, or the inside of the one dialog when the form still stands behind it. */
import { HiddenFields, Written, writtenIn } from '../errors/unsent.tsx';
import { useWords } from '../i18n.ts';
import { PasskeyButton } from '../passkeys/button.tsx';
import type { Method } from '../sign-in/queries.ts';
import { Alert } from '../ui/alert.tsx';
import { labelOf } from '../ui/codeable.tsx';
import { Field } from '../ui/field.tsx';
import type { Waiting } from './form.ts';
import { stepUp } from './messages.ts';

export type Setback = 'missing' | 'refused' | 'stopped' | { seconds: number };
export type StepUpProps = {
  waiting: Waiting;
  /** By which this account may, and the one that is asked for now. */
  methods: readonly Method[];
  method: Method;
  setback?: Setback;
  /** In the dialog: htmx sends the code, and the form behind it is sent again by js/step-up.js. */
  inPlace?: boolean;
};

export function StepUpPage(props: StepUpProps) {
  const t = useWords(stepUp);
  return (
    <>
      <header class="page-head">
        <h1>{t.title}</h1>
      </header>
      <StepUpForm {...props} />
    </>
  );
}

export function StepUpForm(props: StepUpProps) {
  const { waiting, method, setback, inPlace } = props;
  const t = useWords(stepUp);
  const again = !('unsent' in waiting) && !inPlace;
  return (
    <form
      class={inPlace ? 'form' : 'card form'}
      method="post"
      action="/step-up"
      novalidate
      {...(inPlace ? { 'hx-post': '/step-up', 'hx-target': '#step-up', 'hx-disable': 'find [data-primary]' } : {})}
    >
      {setback ? (
        <SetbackAlert setback={setback} method={method} />
      ) : (
        <p>
          {t.why} {again ? null : t.kept}
        </p>
      )}
      <Behind waiting={waiting} inPlace={inPlace} />
      <input type="hidden" name="step_up_method" value={method} />
      <Proof method={method} setback={setback} />
      <div class="form-actions">
        {method === 'passkey' ? null : (
          <button class="button" data-primary="" type="submit">
            {t.confirm}
          </button>
        )}
        {again ? <a href="/">{t.cancel}</a> : null}
      </div>
      <OtherMeans {...props} />
      {'unsent' in waiting && !inPlace ? <Typed sentences={writtenIn(waiting.unsent)} /> : null}
    </form>
  );
}

/** What goes along unseen, to be sent again. In the dialog nothing does: the form itself is still there. */
function Behind({ waiting, inPlace }: Pick<StepUpProps, 'waiting' | 'inPlace'>) {
  if (inPlace) return null;
  if (!('unsent' in waiting)) return <input type="hidden" name="step_up_to" value={waiting.path} />;
  return (
    <>
      <input type="hidden" name="step_up_to" value={waiting.unsent.path} />
      <input type="hidden" name="step_up_resend" value="1" />
      <HiddenFields unsent={waiting.unsent} />
    </>
  );
}

function Proof({ method, setback }: Pick<StepUpProps, 'method' | 'setback'>) {
  const t = useWords(stepUp);
  if (method === 'passkey')
    return <PasskeyButton purpose="factor" name="step_up_proof" label={t.usePasskey} primary autofocus />;
  return (
    <Field
      name="step_up_code"
      label={labelOf(t, 'code', method)}
      hint={labelOf(t, 'hint', method)}
      error={setback === 'missing' ? t.missing : undefined}
      autocomplete="one-time-code"
      inputMode={method === 'recovery_code' ? 'text' : 'numeric'}
      spellcheck={false}
      maxLength={60}
      autofocus
      required
    />
  );
}

/** Buttons of the same form, so that what waits goes along. */
function OtherMeans({ methods, method }: Pick<StepUpProps, 'methods' | 'method'>) {
  const t = useWords(stepUp);
  const others = methods.filter((other) => other !== method);
  if (others.length === 0) return null;
  return (
    <fieldset class="other-means">
      <legend>{t.otherMeans}</legend>
      {others.map((other) => (
        <button key={other} class="button" type="submit" name="step_up_other" value={other}>
          {labelOf(t, 'other', other)}
        </button>
      ))}
    </fieldset>
  );
}

function Typed({ sentences }: { sentences: readonly string[] }) {
  if (sentences.length === 0) return null;
  return (
    <div class="unsent">
      <Written sentences={sentences} />
    </div>
  );
}

function SetbackAlert({ setback, method }: { setback: Setback; method: Method }) {
  const t = useWords(stepUp);
  if (setback === 'missing') return null;
  if (setback === 'stopped') return <Alert tone="danger" title={t.stopped} children={<p>{t.stoppedHelp}</p>} />;
  if (setback !== 'refused')
    return <Alert tone="warn" title={t.wait} children={<p>{t.waitHelp(setback.seconds)}</p>} />;
  const passkey = method === 'passkey';
  return (
    <Alert tone="danger" title={passkey ? t.refused_passkey : t.refused}>
      <p>{passkey ? t.refused_passkeyHelp : t.refusedHelp}</p>
    </Alert>
  );
}
