import type { ComponentChildren } from 'preact';
import { useWords } from '../i18n.ts';
import { ui } from './messages.ts';

/** The browser's own dialog: one decision, or something to read. Esc and its button close it, also without script. */
export function Dialog({ id, title, children }: { id: string; title: string; children: ComponentChildren }) {
  const t = useWords(ui);
  return (
    <dialog id={id} class="dialog" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{title}</h2>
      {children}
      <form method="dialog">
        <button class="button" type="submit">
          {t.close}
        </button>
      </form>
    </dialog>
  );
}
