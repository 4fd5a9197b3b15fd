import { useWords } from '../i18n.ts';
import { PasskeyButton } from '../passkeys/button.tsx';
import { enrol } from './messages.ts';

/** Which factor will complete the password. `device`: what a passkey that is made here is called, until somebody renames it. */
export function EnrolPage({ device }: { device: string }) {
  const t = useWords(enrol);
  return (
    <>
      <header class="page-head">
        <h1>{t.title}</h1>
        <p class="quiet">{t.step}</p>
      </header>
      <p class="lead">{t.why}</p>
      <section class="card factor" aria-labelledby="app">
        <h2 id="app">{t.app}</h2>
        <p>{t.appWhat}</p>
        <p class="form-actions">
          <a class="button" data-primary="" href="/enrol/app">
            {t.appChoose}
          </a>
        </p>
      </section>
      <section class="card factor" aria-labelledby="passkey">
        <h2 id="passkey">{t.passkey}</h2>
        <p>{t.passkeyWhat}</p>
        <form class="form-actions" method="post" action="/enrol/passkey">
          <input type="hidden" name="name" value={device} />
          <PasskeyButton purpose="register" label={t.passkeyChoose} />
        </form>
      </section>
    </>
  );
}
