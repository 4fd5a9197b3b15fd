/** The factor shown again: a page of its own, or the inside of the one dialog when the form still stands behind it. */
import { HiddenFields, Written, writtenIn } from '../errors/unsent.tsx';
import { useWords } from '../i18n.ts';
import { type CodeStepProps, Notice, OtherMeans } from '../sign-in/code.tsx';
import { type PasswordSetback, SetbackAlert } from '../sign-in/setback.tsx';
import { ErrorSummary } from '../ui/form.tsx';
import type { Waiting } from './form.ts';
import { Means, PasswordAlone } from './means.tsx';
import { stepUp } from './messages.ts';

export type StepUpProps = CodeStepProps & {
  waiting: Waiting;
  /** What is asked for; of a change of how somebody signs in (both: true) what is missing. */
  asks: 'factor' | 'password' | 'both';
  both: boolean;
  setback?: PasswordSetback;
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
  const { waiting, methods, method, errors = {}, notice, inPlace, asks } = props;
  const t = useWords(stepUp);
  // it was typed with the password, and tried after it
  const help = asks === 'both' ? t.refusedWithCode : t.refusedHelp;
  const words = 'unsent' in waiting && !inPlace ? writtenIn(waiting.unsent) : [];
  return (
    <form
      class={inPlace ? 'form' : 'card form'}
      method="post"
      action="/step-up"
      novalidate
      {...(inPlace ? inDialog : {})}
    >
      {props.setback ? <SetbackAlert setback={props.setback} title={t.refused} help={help} /> : null}
      {notice ? <Notice notice={notice} method={method} /> : null}
      {notice || props.setback ? null : <Why {...props} />}
      <ErrorSummary errors={errors} />
      {inPlace ? null : <Behind waiting={waiting} />}
      {props.both ? <input type="hidden" name="step_up_both" value="1" /> : null}
      {asks === 'password' ? <PasswordAlone {...props} /> : <Means {...props} />}
      {asks === 'password' ? (
        // which is a password as well
        <OtherMeans methods={methods.filter((one) => one === 'passkey')} name="step_up_by" />
      ) : (
        <OtherMeans methods={methods} method={method} name="step_up_by" open={notice && notice.kind !== 'sent'} />
      )}
      {words.length > 0 ? (
        <div class="unsent">
          <Written sentences={words} />
        </div>
      ) : null}
    </form>
  );
}

const inDialog = { 'hx-post': '/step-up', 'hx-target': '#step-up', 'hx-disable': 'find [data-primary]' };

function Why({ waiting, inPlace, asks, both, method }: StepUpProps) {
  const t = useWords(stepUp);
  const kept = inPlace || 'unsent' in waiting;
  const change =
    method === 'passkey' && asks !== 'password' ? t.whyPasskey : asks === 'both' ? t.whyBoth : t.whyPassword;
  return (
    <p>
      {both && asks !== 'factor' ? change : t.why} {kept ? t.kept : waiting.again ? t.again : null}
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
