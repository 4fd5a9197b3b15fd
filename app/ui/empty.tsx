import type { ComponentChildren } from 'preact';
import { useWords } from '../i18n.ts';
import { ui } from './messages.ts';

/** Nothing to show: a sentence that says why, and what can be done (a link or a button) as `action`. */
export function Empty({ children, action }: { children: ComponentChildren; action?: ComponentChildren }) {
  return (
    <div class="empty">
      <p>{children}</p>
      {action}
    </div>
  );
}

/** A value that isn't known, in words: « non renseigné » unless a more exact reason is given. */
export function Missing({ children }: { children?: ComponentChildren }) {
  const t = useWords(ui);
  return <span class="missing">{children ?? t.missing}</span>;
}
