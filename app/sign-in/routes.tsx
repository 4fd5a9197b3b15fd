/** The password (the second factor: code-routes.tsx), and the way out. */
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { Refusal } from '../../db/batch.ts';
import { ringNow } from '../../db/ring.ts';
import { prehash } from '../../edge/password.ts';
import { type Env, newToken, signIn, signOut } from '../../edge/session.ts';
import type { Turns } from '../../edge/turns.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { typedPassword } from '../passwords/fields.tsx';
import type { Services } from '../services.ts';
import type { Errors } from '../ui/form.tsx';
import { codeRoutes } from './code-routes.tsx';
import { signIn as words } from './messages.ts';
import { PasswordStep, type Setback } from './page.tsx';
import { checkPassword, endSession, leaveSignIn, lookUp, recordFailed } from './queries.ts';
import { setbackOf, statusOf } from './setback.tsx';

// What is longer than the input allows counts as not given.
const Credentials = z.object({
  email: z.string().trim().max(254).catch(''),
  password: typedPassword,
});

export function signInRoutes(services: Services, turns: Turns) {
  const { door, ring, pepper, promises } = services;
  const answerPassword = (c: Context<Env>, step: Step) => passwordPage(c, step, promises !== undefined);
  return new Hono<Env>()
    .get('/', (c) => answerPassword(c, c.req.query('ended') === undefined ? {} : { setback: { kind: 'ended' } }))

    .post('/', async (c) => {
      const { email, password } = Credentials.parse(await c.req.parseBody());
      const t = inLang(words, c.var.lang);
      const errors = missing({
        email: email ? undefined : t.emailMissing,
        password: password ? undefined : t.passwordMissing,
      });
      if (errors) return answerPassword(c, { email, errors });
      const [account] = await door.gate(lookUp(ringNow(ring), email, c.var.who));
      const token = newToken();
      const hash = await prehash(pepper, account?.id ?? '', password);
      const failed = recordFailed(ringNow(ring), account?.id ?? null, c.var.who);
      const check = () => door.gate(checkPassword(ringNow(ring), account?.id ?? '', hash, token, c.var.who), failed);
      const result = await turns.take({ known: account?.known === true, address: c.var.who.ip }, async () => {
        const [checked] = await check();
        return checked?.answer === 'busy' ? 'busy' : checked;
      });
      if (result?.answer !== 'second_factor') return answerPassword(c, { email, setback: setbackOf(c, result) });
      signIn(c, token, 'anon'); // until the second factor this session opens nothing
      return c.redirect('/sign-in/code', 303);
    })

    .route(
      '/code',
      codeRoutes(services, (c) => answerPassword(c, { setback: { kind: 'expired' } })),
    );
}

/** POST /sign-out. Ended in the database first: a cookie taken back doesn't end anything. */
export function signOutRoutes({ door, ring }: Services) {
  return new Hono<Env>().post('/', async (c) => {
    const { who } = c.var;
    // half-way there is nobody to enter as: the gate ends what it has begun
    const half = who.token !== null && who.role === 'anon';
    const leave = () => door.gate(leaveSignIn(ringNow(ring), who), recordFailed(ringNow(ring), null, who));
    const [left] = half ? await leave() : [];
    if (left?.answer !== 'ok') await door.read(who, { open: endSession(), reads: [] }).catch(unlessSignedOut);
    signOut(c);
    return c.redirect('/sign-in', 303);
  });
}

/** The session is over, then: by this request, whose second transaction finds it ended, or before. */
function unlessSignedOut(error: unknown): void {
  if (!(error instanceof Refusal && error.reason === 'signed_out')) throw error;
}

type Step = { email?: string; errors?: Errors; setback?: Setback };

function passwordPage(c: Context<Env>, step: Step, promises: boolean) {
  const title = inLang(words, c.var.lang).title;
  // a switch of language would lose the address that was typed
  const returnTo = c.req.method === 'POST' && !step.email ? '/sign-in' : undefined;
  return page(c, { title, narrow: true, returnTo, ...outcome(step) }, <PasswordStep {...step} promises={promises} />);
}

function outcome({ errors, setback }: Step) {
  if (setback?.kind === 'ended') return { error: false, status: 200 as const };
  if (setback && setback.kind !== 'expired') return { error: true, status: statusOf(setback) };
  return { error: Boolean(errors ?? setback), status: errors || setback ? (422 as const) : (200 as const) };
}

/** The fields that have an error, or undefined when none has. */
function missing(found: Record<string, string | undefined>): Errors | undefined {
  const errors = Object.entries(found).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return errors.length > 0 ? Object.fromEntries(errors) : undefined;
}
