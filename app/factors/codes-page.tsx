import { useWords } from '../i18n.ts';
import { Alert } from '../ui/alert.tsx';
import { codesWords } from './codes-words.ts';

const ADDRESS = '/account/recovery-codes';

/** Before they are made: what they are for, and that they are shown once. `left`: of those before, which end. `first`: the account has just been opened. */
export function BeforeCodes({ left, first }: { left: number; first: boolean }) {
  const t = useWords(codesWords);
  return (
    <>
      <header class="page-head">
        <h1>{t.title}</h1>
      </header>
      <form class="card form" method="post" action={first ? `${ADDRESS}?first=1` : ADDRESS}>
        {first ? (
          <Alert tone="ok" title={t.opened}>
            <p>{t.openedHelp}</p>
          </Alert>
        ) : null}
        <p>{t.why}</p>
        <p>{t.once}</p>
        {left > 0 ? <Alert tone="warn" title={t.ends(left)} /> : null}
        <div class="form-actions">
          <button class="button" data-primary type="submit">
            {t.show}
          </button>
          <a href={first ? '/' : '/account/factors'}>{t.later}</a>
        </div>
      </form>
    </>
  );
}

/** The one time. The form sends them back to be saved as a file, since no page can make one without script. */
export function ShownCodes({ codes, first }: { codes: readonly string[]; first: boolean }) {
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
        <form class="form-actions" method="post" action={`${ADDRESS}/file`} data-again>
          <input type="hidden" name="codes" value={codes.join(' ')} />
          <button class="button" type="submit">
            {t.save}
          </button>
          <a class="button" data-primary="" href={first ? '/' : '/account/factors'}>
            {t.done}
          </a>
        </form>
      </div>
    </>
  );
}
