import { useWords } from '../i18n.ts';
import { enrol } from './messages.ts';

/** Which factor will complete the password. */
export function EnrolPage() {
  const t = useWords(enrol);
  return (
    <>
      <header class="page-head">
        <h1>{t.title}</h1>
        <p class="quiet">{t.step}</p>
      </header>
      <p class="lead">{t.why}</p>
      <section class="card" aria-labelledby="app">
        <h2 id="app">{t.app}</h2>
        <p>{t.appWhat}</p>
        <p class="form-actions">
          <a class="button" data-primary="" href="/enrol/app">
            {t.appChoose}
          </a>
        </p>
      </section>
    </>
  );
}
