import type { ComponentChildren } from 'preact';
import { useLang, useWords } from '../i18n.ts';
import { Icon, type Tone } from './icon.tsx';
import { ui } from './messages.ts';

/**
 * A message that stays in the page: what happened, what is kept, what to do. It has no live role: what
 * must be announced goes through the page's one role=status (`fragment(…, { announce })`).
 */
export function Alert({
  tone,
  title,
  children,
  id,
}: {
  tone: Tone;
  title: ComponentChildren;
  children?: ComponentChildren;
  id?: string;
}) {
  const t = useWords(ui);
  return (
    <div class="alert" data-tone={tone} id={id}>
      <Icon shape={tone} />
      <div>
        <p class="alert-title">
          <span class="visually-hidden">{useLang() === 'fr' ? `${t[tone]} : ` : `${t[tone]}: `}</span>
          {title}
        </p>
        {children}
      </div>
    </div>
  );
}
