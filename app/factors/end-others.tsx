import { useWords } from '../i18n.ts';
import { factors } from './messages.ts';

/** Under the word that a factor has changed (ASVS 5.0 §7.4.3): whoever had the one of before may have a session as well. */
export function EndOthers() {
  const t = useWords(factors);
  return (
    <p>
      <a href="/account/sessions">{t.endOthers}</a>
    </p>
  );
}
