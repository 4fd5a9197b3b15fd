/** The factor shown again: a page of its own, or the inside of the one dialog when the form still stands behind it. */
import { HiddenFields, Written, writtenIn } from '../errors/unsent.tsx';
import { useWords } from '../i18n.ts';
import { PasskeyButton } from '../passkeys/button.tsx';
import { type CodeStepProps, Notice, OtherMeans } from '../sign-in/code.tsx';
import { AskForCode, CodeField, isSent } from '../sign-in/code-field.tsx';
import { secondStep } from '../sign-in/code-words.ts';
import { ErrorSummary } from '../ui/form.tsx';
import type { Waiting } from './form.ts';
import { stepUp } from './messages.ts';

export type StepUpProps = CodeStepProps & {
  waiting: Waiting;
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
  const { waiting, methods, method, errors = {}, notice, inPlace } = props;
  const words = 'unsent' in waiting && !inPlace ? writtenIn(waiting.unsent) : [];
  return (
    <form
      class={inPlace ? 'form' : 'card form'}
      method="post"
      action="/step-up"
      novalidate
      {...(inPlace ? inDialog : {})}
    >
      {notice ? <Notice notice={notice} method={method} /> : <Why waiting={waiting} inPlace={inPlace} />}
      <ErrorSummary errors={errors} />
      {inPlace ? null : <Behind waiting={waiting} />}
      <input type="hidden" name="step_up_method" value={method} />
      <Means {...props} />
      <OtherMeans methods={methods} method={method} name="step_up_by" open={notice && notice.kind !== 'sent'} />
      {words.length > 0 ? (
        <div class="unsent">
          <Written sentences={words} />
        </div>
      ) : null}
    </form>
  );
}

const inDialog = { 'hx-post': '/step-up', 'hx-target': '#step-up', 'hx-disable': 'find [data-primary]' };

function Why({ waiting, inPlace }: Pick<StepUpProps, 'waiting' | 'inPlace'>) {
  const t = useWords(stepUp);
  const kept = inPlace || 'unsent' in waiting;
  return (
    <p>
      {t.why} {kept ? t.kept : waiting.again ? t.again : null}
    </p>
  );
}

/** What goes along unseen, to be sent again. In the dialog nothing does: the form itself is still there. */
function Behind({ waiting }: Pick<StepUpProps, 'waiting'>) {
  if (!('unsent' in waiting)) return <input type="hidden" name="step_up_to" value={waiting.path} />;
  return (
    <>
      <input type="hidden" name="step_up_to" value={waiting.unsent.path} />
      <input type="hidden" name="step_up_resend" value="1" />
      <HiddenFields unsent={waiting.unsent} />
    </>
  );
}

function Means({ method, errors = {}, waiting, inPlace, sent }: StepUpProps) {
  const t = useWords(stepUp);
  const codes = useWords(secondStep);
  const cancel = <Cancel waiting={waiting} inPlace={inPlace} />;
  if (method === 'passkey') {
    return (
      <>
        <PasskeyButton purpose="factor" name="step_up_credential" label={codes.usePasskey} primary autofocus />
        <div class="form-actions">{cancel}</div>
      </>
    );
  }
  if (isSent(method) && !sent) {
    return (
      <AskForCode method={method} name="step_up_by">
        {cancel}
      </AskForCode>
    );
  }
  return (
    <>
      <CodeField method={method} name="step_up_code" error={errors.step_up_code} />
      <div class="form-actions">
        <button class="button" data-primary="" type="submit">
          {t.confirm}
        </button>
        {isSent(method) ? (
          <button class="button" data-quiet="" type="submit" name="step_up_by" value={method}>
            {codes.sendAgain}
          </button>
        ) : null}
        {cancel}
      </div>
    </>
  );
}

function Cancel({ waiting, inPlace }: Pick<StepUpProps, 'waiting' | 'inPlace'>) {
  const t = useWords(stepUp);
  if (inPlace) {
    return (
      <button class="button" type="submit" form="step-up-close">
        {t.cancel}
      </button>
    );
  }
  // where something waits, a link away from it would lose it
  return 'unsent' in waiting ? null : <a href="/">{t.cancel}</a>;
}
