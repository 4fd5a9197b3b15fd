import { useWords } from '../i18n.ts';
import { frame } from '../messages.ts';
import { signIn } from '../sign-in/messages.ts';
import { locked } from './locked-words.ts';

/** How somebody who is locked out gets back in: on an account's page, and `here`, where requests are confirmed. */
export function LockedOut({ here }: { here?: boolean }) {
  const t = useWords(locked);
  const theirs = useWords(signIn);
  const ours = useWords(frame);
  return (
    <section class="card locked-out">
      <h2>{here ? t.anybody : t.title}</h2>
      <ol>
        <li>{t.asks(theirs.recover)}</li>
        <li>{t.code}</li>
        <li>{t.confirm(ours.recoveries)}</li>
      </ol>
      <p class="field-hint">{t.wait}</p>
      {here ? null : (
        <>
          <p class="field-hint">
            {t.held} <a href="/admin/sign-ins">{ours.signIns}</a>
          </p>
          <p>
            <a class="button" href="/admin/recoveries">
              {ours.recoveries}
            </a>
          </p>
        </>
      )}
    </section>
  );
}
