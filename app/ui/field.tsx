/**
 * Labelled inputs. The label is always visible, the hint stands before the input, the error after it and is
 * tied to it; the value that was typed is always given back.
 */
import type { ComponentChildren } from 'preact';
import { useWords } from '../i18n.ts';
import { Icon } from './icon.tsx';
import { ui } from './messages.ts';

type Common = {
  /** The form name; also the id, so that the error summary can link to it. */
  name: string;
  label: string;
  hint?: ComponentChildren;
  error?: string;
  required?: boolean;
  /** Says « facultatif » after the label; use it where most fields of the form are required. */
  optional?: boolean;
  /** Width in characters that suits the expected answer: 6 for a code, 10 for a date; none fills the column. */
  width?: 'short' | 'medium';
};

export type FieldProps = Common & {
  type?: 'text' | 'email' | 'password' | 'tel' | 'date';
  value?: string;
  unit?: string;
  autocomplete?:
    | 'off'
    | 'username'
    | 'current-password'
    | 'new-password'
    | 'one-time-code'
    | 'email'
    | 'tel'
    | 'bday'
    | 'family-name'
    | 'given-name';
  inputMode?: 'text' | 'numeric' | 'decimal' | 'email' | 'tel' | 'search';
  maxLength?: number;
  spellcheck?: boolean;
  autofocus?: boolean;
};

/** A one-line input, with its unit if it has one. */
export function Field(props: FieldProps) {
  return (
    <FieldFrame {...props}>
      <span class="field-line">
        <input
          {...tied(props)}
          class="input"
          // Preact types inputs as a union by `type`; a variable can't choose its member.
          type={(props.type ?? 'text') as 'text'}
          value={props.type === 'password' ? undefined : props.value}
          autocomplete={props.autocomplete ?? 'off'}
          inputMode={props.inputMode}
          maxLength={props.maxLength}
          // while a password is shown it is a text, which some browsers send away to have its spelling checked
          spellcheck={props.type === 'password' ? false : props.spellcheck}
          autocapitalize={props.type === 'password' ? 'none' : undefined}
          autofocus={props.autofocus}
        />
        {props.unit ? <span class="unit">{props.unit}</span> : null}
        {props.type === 'password' ? <ShowPassword name={props.name} /> : null}
      </span>
    </FieldFrame>
  );
}

/** Whoever looks at what they type mistypes less, and dares a longer one. Needs script: js/show-password.js brings it out. */
function ShowPassword({ name }: { name: string }) {
  const t = useWords(ui);
  return (
    <button class="button" type="button" aria-controls={name} data-show={t.show} data-hide={t.hide} hidden>
      <span>{t.show}</span>
      <span class="visually-hidden"> {t.whichPassword}</span>
    </button>
  );
}

/** Several lines; it grows with its content where the browser can. */
export function TextArea(props: Common & { value?: string; rows?: number; maxLength?: number; autofocus?: boolean }) {
  return (
    <FieldFrame {...props}>
      <textarea
        {...tied(props)}
        class="input"
        rows={props.rows ?? 3}
        maxLength={props.maxLength}
        value={props.value ?? ''}
        autofocus={props.autofocus}
      />
    </FieldFrame>
  );
}

export type Choice = { value: string; label: string };

export function Select(props: Common & { value?: string; choices: readonly Choice[] }) {
  return (
    <FieldFrame {...props}>
      <select {...tied(props)} class="input" value={props.value}>
        {props.choices.map((choice) => (
          <option key={choice.value} value={choice.value} selected={choice.value === props.value}>
            {choice.label}
          </option>
        ))}
      </select>
    </FieldFrame>
  );
}

function tied({ name, hint, error, required }: Common) {
  const described = [hint ? `${name}-hint` : '', error ? `${name}-error` : ''].filter(Boolean).join(' ');
  return {
    id: name,
    name,
    required,
    'aria-describedby': described || undefined,
    'aria-invalid': error ? ('true' as const) : undefined,
  };
}

function FieldFrame({ name, label, hint, error, optional, width, children }: Common & { children: ComponentChildren }) {
  const t = useWords(ui);
  return (
    <div class="field" data-error={error ? '' : undefined} data-width={width}>
      <label for={name}>
        {label}
        {optional ? <span class="field-optional"> ({t.optional})</span> : null}
      </label>
      {hint ? (
        <p class="field-hint" id={`${name}-hint`}>
          {hint}
        </p>
      ) : null}
      {children}
      {error ? (
        <p class="field-error" id={`${name}-error`}>
          <Icon shape="danger" />
          {error}
        </p>
      ) : null}
    </div>
  );
}
