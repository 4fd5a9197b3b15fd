/** The fields and buttons of the step: a code, a passkey, the password, or the code and the password. */
import { useWords } from '../i18n.ts';
import { PasskeyButton } from '../passkeys/button.tsx';
import { AskForCode, CodeField, isSent } from '../sign-in/code-field.tsx';
import { secondStep } from '../sign-in/code-words.ts';
import { Field } from '../ui/field.tsx';
import { stepUp } from './messages.ts';
import type { StepUpProps } from './page.tsx';

function PasswordField({ errors = {} }: Pick<StepUpProps, 'errors'>) {
  const t = useWords(stepUp);
  return (
    <Field
      name="step_up_password"
      type="password"
      label={t.password}
      error={errors.step_up_password}
      autocomplete="current-password"
      autofocus={Object.keys(errors).length === 0}
      required
    />
  );
}

export function PasswordAlone(props: StepUpProps) {
  const t = useWords(stepUp);
  return (
    <>
      <PasswordField errors={props.errors} />
      <div class="form-actions">
        <button class="button" data-primary="" type="submit">
          {t.confirm}
        </button>
        <Cancel waiting={props.waiting} inPlace={props.inPlace} />
      </div>
    </>
  );
}

export function Means({ method, errors = {}, waiting, inPlace, sent, asks }: StepUpProps) {
  const t = useWords(stepUp);
  const codes = useWords(secondStep);
  const which = <input type="hidden" name="step_up_method" value={method} />;
  const cancel = <Cancel waiting={waiting} inPlace={inPlace} />;
  if (method === 'passkey') {
    return (
      <>
        {which}
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
      {which}
      {asks === 'both' ? <PasswordField errors={errors} /> : null}
      <CodeField method={method} name="step_up_code" error={errors.step_up_code} autofocus={asks !== 'both'} />
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
