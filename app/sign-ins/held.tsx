/** A sign-in that showed both factors and was held back all the same: what happened, and how to come in. */
import { type Context, Hono } from 'hono';
import { type Env, keepDevice, signOut } from '../../edge/session.ts';
import { inLang, useWords } from '../i18n.ts';
import { page } from '../layout.tsx';
import { signIns } from './messages.ts';

/** For every route that shows a factor, when the database answers `stopped`. */
export function answerStopped(c: Context<Env>): Response {
  signOut(c); // the database has ended the session
  keepDevice(c); // so that this browser is known once the sign-in is released
  return c.redirect('/sign-ins/held', 303);
}

export function heldRoutes() {
  return new Hono<Env>().get('/', (c) =>
    page(c, { title: inLang(signIns, c.var.lang).heldTitle, narrow: true }, <HeldPage />),
  );
}

function HeldPage() {
  const t = useWords(signIns);
  return (
    <>
      <header class="page-head">
        <h1>{t.heldTitle}</h1>
      </header>
      <div class="card form">
        <p>{t.heldWhy}</p>
        <ol class="steps">
          <li>{t.heldMail}</li>
          <li>{t.heldAgain}</li>
        </ol>
        <p>{t.heldAdministrator}</p>
        <div class="form-actions">
          <a class="button" href="/sign-in">
            {t.signInAgain}
          </a>
        </div>
      </div>
    </>
  );
}
