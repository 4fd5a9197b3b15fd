/** The footer: language, theme, and what helps. */
import type { ComponentChildren } from 'preact';
import type { Theme } from '../edge/session.ts';
import { LANGS, useLang, useWords } from './i18n.ts';
import { frame } from './messages.ts';

const LANG_NAMES = { fr: 'Français', en: 'English' } as const;
const THEMES: readonly Theme[] = ['system', 'light', 'dark'];

/** Language and theme; no switch without an address to come back to (PageOptions.returnTo). */
export function Footer({ theme, returnTo, mailbox }: { theme: Theme; returnTo?: string; mailbox?: boolean }) {
  const t = useWords(frame);
  const lang = useLang();
  return (
    <footer class="foot">
      <p>Vital Sync</p>
      {/* What the demo would have sent; in a tab of its own, since one is often waiting for it here. */}
      {mailbox ? (
        <a href="/demo/mail" target="_blank" rel="noopener">
          {t.demoMail}
        </a>
      ) : null}
      {/* Without script there are no shortcuts to explain: keys.js shows the button. */}
      <button class="foot-help" type="button" data-help hidden>
        {t.shortcuts}
      </button>
      {returnTo === undefined ? null : (
        <>
          <Switch label={t.language} name="lang" returnTo={returnTo}>
            {LANGS.map((value) => (
              <button key={value} name="lang" value={value} lang={value} aria-pressed={value === lang} type="submit">
                {LANG_NAMES[value]}
              </button>
            ))}
          </Switch>
          <Switch label={t.theme} name="theme" returnTo={returnTo}>
            {THEMES.map((value) => (
              <button key={value} name="theme" value={value} aria-pressed={value === theme} type="submit">
                {t[`theme_${value}`]}
              </button>
            ))}
          </Switch>
        </>
      )}
    </footer>
  );
}

function Switch({
  label,
  name,
  returnTo,
  children,
}: {
  label: string;
  name: string;
  returnTo: string;
  children: ComponentChildren;
}) {
  return (
    <form class="switch" method="post" action="/preferences">
      <input type="hidden" name="return" value={returnTo} />
      <fieldset>
        <legend>{label}</legend>
        <span class="switch-options" data-name={name}>
          {children}
        </span>
      </fieldset>
    </form>
  );
}
