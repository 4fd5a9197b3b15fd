/** POST /passkeys/sign-in: a passkey alone, which has verified its user. POST /passkeys/options is in options.ts. */
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import type { Role } from '../../db/batch.ts';
import { ringNow } from '../../db/ring.ts';
import { type Env, newToken, signIn } from '../../edge/session.ts';
import { inLang, useWords } from '../i18n.ts';
import { page } from '../layout.tsx';
import type { Services } from '../services.ts';
import { recordFailed } from '../sign-in/queries.ts';
import { answerStopped } from '../sign-ins/held.tsx';
import { Alert } from '../ui/alert.tsx';
import { PasskeyButton } from './button.tsx';
import { passkeys } from './messages.ts';
import { optionRoutes } from './options.ts';
import { passkeyProof } from './proof.ts';
import { type SignInAnswer, signInWithPasskey } from './queries.ts';

const Form = z.object({ credential: z.string().max(60_000).catch('') });

export function passkeySignInRoutes(services: Services) {
  const { door, ring } = services;
  return new Hono<Env>()
    .route('/', optionRoutes(services))
    .get('/sign-in', (c) => c.redirect('/sign-in', 303))
    .post('/sign-in', async (c) => {
      const { credential } = Form.parse(await c.req.parseBody());
      if (!credential) return c.redirect('/sign-in', 303);
      const { who } = c.var;
      const proof = await passkeyProof(door, credential);
      const token = newToken();
      const tried = signInWithPasskey(ringNow(ring), proof, token, who);
      const [result] = await door.gate(tried, recordFailed(ringNow(ring), null, who));
      if (result?.answer === 'stopped') return answerStopped(c);
      if (result?.answer !== 'ok' || !result.role) return answerRefused(c, result);
      signIn(c, token, result.role as Role); // the database's own list of roles
      return c.redirect('/', 303);
    });
}

/** On the sign-in page, under the form for address and password. */
export function PasskeySignIn({ primary }: { primary?: boolean }) {
  const t = useWords(passkeys);
  return (
    <form class="passkey-sign-in" method="post" action="/passkeys/sign-in">
      <PasskeyButton purpose="passwordless" label={t.signIn} primary={primary} />
    </form>
  );
}

function answerRefused(c: Context<Env>, result: SignInAnswer | undefined) {
  const t = inLang(passkeys, c.var.lang);
  if (result?.answer === 'wait') {
    c.header('Retry-After', String(result.retry_after));
    return refusal(c, t.signInWait, t.signInWaitHelp(result.retry_after), 429);
  }
  return refusal(c, t.signInRefused, t.signInRefusedHelp, 422);
}

function refusal(c: Context<Env>, title: string, help: string, status: 422 | 429) {
  const t = inLang(passkeys, c.var.lang);
  return page(
    c,
    { title, narrow: true, error: true, status, returnTo: '/sign-in' },
    <>
      <header class="page-head">
        <h1>{t.signIn}</h1>
      </header>
      <div class="card form">
        <Alert tone={status === 422 ? 'danger' : 'warn'} title={title} id="setback">
          <p>{help}</p>
        </Alert>
        {status === 422 ? <PasskeySignIn primary /> : null}
        <p>
          <a href="/sign-in">{t.withPassword}</a>
        </p>
      </div>
    </>,
  );
}
