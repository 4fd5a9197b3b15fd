import { useWords } from '../i18n.ts';
import { Alert } from '../ui/alert.tsx';
import { codesWords } from './codes-words.ts';

/** Before they are made: what they are for, and that they are shown once. `left`: of those before, which end. */
export function BeforeCodes({ left }: { left: number }) {
  const t = useWords(codesWords);
  return (
    <>
      <header class="page-head">
        <h1>{t.title}</h1>
      </header>
      <form class="card form" method="post" action="/account/recovery-codes">
        <p>{t.why}</p>
        <p>{t.once}</p>
        {left > 0 ? <Alert tone="warn" title={t.ends(left)} /> : null}
        <div class="form-actions">
          <button class="button" data-primary type="submit">
            {t.show}
          </button>
          <a href="/account/factors">{t.later}</a>
        </div>
      </form>
    </>
  );
}

/** The one time. The form sends them back to be saved as a file, since no page can make one without script. */
export function ShownCodes({ codes }: { codes: readonly string[] }) {
  const t = useWords(codesWords);
  return (
    <>
      <header class="page-head">
        <h1>{t.shown}</h1>
      </header>
      <div class="card form">
        <Alert tone="warn" title={t.keep}>
          <p>{t.keepHelp}</p>
        </Alert>
        <ol class="recovery-codes">
          {codes.map((code) => (
            <li key={code}>
              <code>{code}</code>
            </li>
          ))}
        </ol>
        <form class="form-actions" method="post" action="/account/recovery-codes/file" data-again>
          <input type="hidden" name="codes" value={codes.join(' ')} />
          <button class="button" type="submit">
            {t.save}
          </button>
          <a class="button" data-primary="" href="/account/factors">
            {t.done}
          </a>
        </form>
      </div>
    </>
  );
}
