/**
 * The search field: APG's editable combobox with manual selection. Without script it is a form whose button
 * leads to a page of results; with it, htmx asks for options as one types and search.js moves among them.
 * What is typed travels in a POST body, never in an address.
 */
import type { ComponentChildren } from 'preact';
import { Icon } from './icon.tsx';

export type ComboboxProps = {
  id: string;
  action: string;
  name: string;
  label: string;
  button: string;
  /** Says what may be typed; read out with the field. */
  hint: string;
  /** A short form of the hint inside the empty field; the label stays visible beside it. */
  example: string;
  /** Shown beside the field: the key that brings you there. */
  shortcut?: string;
  value?: string;
};

export function Combobox({ id, action, name, label, button, hint, example, shortcut, value }: ComboboxProps) {
  return (
    <search>
      <form class="search" method="post" action={action} autocomplete="off">
        <label for={id}>
          <Icon shape="search" />
          {label}
        </label>
        <span class="search-field">
          <input
            id={id}
            class="input"
            type="text"
            name={name}
            value={value}
            placeholder={example}
            inputMode="search"
            enterkeyhint="search"
            autocomplete="off"
            spellcheck={false}
            role="combobox"
            aria-expanded="false"
            aria-controls={`${id}-options`}
            aria-autocomplete="list"
            aria-describedby={`${id}-hint`}
            maxLength={80}
            hx-post={action}
            hx-trigger="input changed delay:200ms"
            hx-target={`#${id}-results`}
            hx-swap="innerHTML"
            hx-sync="this:replace"
          />
          {shortcut ? (
            <span class="key" aria-hidden="true">
              {shortcut}
            </span>
          ) : null}
        </span>
        <span id={`${id}-hint`} class="visually-hidden">
          {hint}
        </span>
        <button class="button" type="submit">
          {button}
        </button>
        <div id={`${id}-results`} class="search-options" />
      </form>
    </search>
  );
}

export type ComboboxOption = { id: string; href: string; content: ComponentChildren };

/** The fragment htmx puts below the field. An option leads to its page; the list has no other children. */
export function ComboboxOptions({
  id,
  label,
  options,
}: {
  id: string;
  label: string;
  options: readonly ComboboxOption[];
}) {
  return (
    <div role="listbox" id={`${id}-options`} aria-label={label}>
      {options.map((option) => (
        <div
          key={option.id}
          role="option"
          id={`${id}-${option.id}`}
          aria-selected="false"
          tabIndex={-1}
          data-href={option.href}
        >
          {option.content}
        </div>
      ))}
    </div>
  );
}
