import type { ComponentChildren } from 'preact';
import { useWords } from '../i18n.ts';
import { ui } from './messages.ts';

/** The browser's own dialog: one decision, or something to read. Esc and its button close it, also without script. */
export function Dialog(props: { id: string; title: string; close?: string; children: ComponentChildren }) {
  const { id, title, close, children } = props;
  const t = useWords(ui);
  return (
    <dialog id={id} class="dialog" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{title}</h2>
      {children}
      <form method="dialog">
        <button class="button" type="submit">
          {close ?? t.close}
        </button>
      </form>
    </dialog>
  );
}
