import type { ComponentChildren } from 'preact';
import { useWords } from '../i18n.ts';
import { Alert } from './alert.tsx';
import { ui } from './messages.ts';

/** What is wrong with a form: field name → sentence in the reader's language. */
export type Errors = Readonly<Record<string, string>>;

/** Stands above the form, takes the focus (app.js, and autofocus without script), links to each field. */
export function ErrorSummary({ errors }: { errors: Errors }) {
  const t = useWords(ui);
  const list = Object.entries(errors);
  if (list.length === 0) return null;
  return (
    <div id="error-summary" class="error-summary" tabIndex={-1} data-focus>
      <Alert tone="danger" title={t.errorSummary(list.length)}>
        <ul>
          {list.map(([name, sentence]) => (
            <li key={name}>
              <a href={`#${name}`}>{sentence}</a>
            </li>
          ))}
        </ul>
      </Alert>
    </div>
  );
}

/** The end of a form: what goes on, and the links beside it. */
export function Actions({ submit, children }: { submit: string; children?: ComponentChildren }) {
  return (
    <div class="form-actions">
      <button class="button" data-primary="" type="submit">
        {submit}
      </button>
      {children}
    </div>
  );
}
