/** What is asked for in the second step: a code, or first that one be sent. */
import type { ComponentChildren } from 'preact';
import { useWords } from '../i18n.ts';
import { labelOf } from '../ui/codeable.tsx';
import { Field } from '../ui/field.tsx';
import { secondStep } from './code-words.ts';
import type { Method } from './queries.ts';

/** Is it sent to the person, rather than kept by them? */
export const isSent = (method: Method): method is 'email_code' | 'sms_code' =>
  method === 'email_code' || method === 'sms_code';

/** Before anything was sent: what will be, and the button for it. */
export function AskForCode(props: { method: Method; name?: string; children?: ComponentChildren }) {
  const { method, name = 'by', children } = props;
  const t = useWords(secondStep);
  return (
    <>
      <p>{labelOf(t, 'ask', method)}</p>
      <div class="form-actions">
        <button class="button" data-primary type="submit" name={name} value={method} autofocus>
          {labelOf(t, 'by', method)}
        </button>
        {children}
      </div>
    </>
  );
}
type CodeFieldProps = { method: Method; error?: string; name?: string; autofocus?: boolean };
export function CodeField({ method, error, name = 'code', autofocus = true }: CodeFieldProps) {
  const t = useWords(secondStep);
  return (
    <Field
      name={name}
      label={labelOf(t, 'code', method)}
      hint={labelOf(t, 'hint', method)}
      error={error}
      autocomplete={method === 'recovery_code' ? 'off' : 'one-time-code'}
      inputMode={method === 'recovery_code' ? 'text' : 'numeric'}
      spellcheck={false}
      maxLength={40}
      autofocus={autofocus && !error}
      required
    />
  );
}
