/** The password was right, and nothing is left to show beside it: why, and the way back. */
import { useWords } from '../i18n.ts';
import { secondStep } from './code-words.ts';

/** `elsewhere`: the host name of a passkey that doesn't work here any more. */
export function NoMeans({ elsewhere }: { elsewhere: string | null }) {
  const t = useWords(secondStep);
  return (
    <>
      <header class="page-head">
        <h1>{t.noMeans}</h1>
      </header>
      <div class="card form">
        <p>{elsewhere ? t.noMeansElsewhere(elsewhere) : t.noMeansHelp}</p>
        <div class="form-actions">
          <a class="button" data-primary="" href="/recover">
            {t.noMeansRecover}
          </a>
          <a href="/sign-in">{t.restart}</a>
        </div>
      </div>
    </>
  );
}
