/**
 * Refusals and faults become pages here, and nowhere else. A page says what happened, what is kept and what
 * to do; it never holds SQL, a stack or anything personal. Its reference is the request's id, which the
 * server's log and the audit log carry too.
 */
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { ZodError } from 'zod';
import { Refusal } from '../db/batch.ts';
import { type Env, signOut } from '../edge/session.ts';
import { errors } from './errors/messages.ts';
import { readUnsent, type Unsent, UnsentForm } from './errors/unsent.tsx';
import { inLang, useWords } from './i18n.ts';
import { fragment, page, wantsFragment } from './layout.tsx';
import type { Services } from './services.ts';
import { answerStepUp } from './step-up/answer.tsx';
import { Alert } from './ui/alert.tsx';
import { Icon } from './ui/icon.tsx';

type Reason = Refusal['reason'];
type Problem = {
  reason: Exclude<Reason, 'second_factor' | 'step_up'>;
  status: ContentfulStatusCode;
  retryAfter?: string;
};

/** For `app.onError`. What isn't a Refusal is a fault of ours: logging.ts writes its class, the reader sees 500. */
export function answerError(error: Error, c: Context<Env>, services: Services): Response | Promise<Response> {
  // what no form of ours would send; the database hasn't seen it, and hasn't recorded it
  if (error instanceof ZodError || (error instanceof HTTPException && error.status !== 404))
    c.set('refused', 'request.malformed');
  if (error instanceof HTTPException)
    return answerProblem(c, { reason: error.status === 404 ? 'hidden' : 'invalid', status: error.status });
  if (error instanceof ZodError) return answerProblem(c, { reason: 'invalid', status: 422 });
  if (!(error instanceof Refusal)) return answerProblem(c, { reason: 'fault', status: 500 });
  if (error.reason === 'second_factor') return goTo(c, '/sign-in/code');
  if (error.reason === 'step_up') return answerStepUp(c, services, error.details.asks === 'both');
  if (error.reason === 'signed_out') return answerSignedOut(c);
  const status = error.status as ContentfulStatusCode; // a Refusal's status always goes with a body
  return answerProblem(c, {
    reason: error.reason,
    status,
    retryAfter: error.details.retry_after ?? retryAfter[error.reason],
  });
}

/** Seconds. A database that was restarted is back within some (db/service.ts). */
const retryAfter: Partial<Record<Reason, string>> = { limited: '60', unavailable: '5' };

/** What may go better a second time. */
const passing: readonly Reason[] = ['signed_out', 'network', 'limited', 'unavailable', 'fault'];

/** For `app.notFound`: in the same words as for a record that is hidden. */
export function answerNotFound(c: Context<Env>): Response | Promise<Response> {
  return answerProblem(c, { reason: 'hidden', status: 404 });
}

async function answerProblem(c: Context<Env>, problem: Problem): Promise<Response> {
  if (problem.retryAfter) c.header('Retry-After', problem.retryAfter);
  if (wantsFragment(c)) return answerInPlace(c, problem);
  const title = inLang(errors, c.var.lang)[problem.reason];
  const unsent = await readUnsent(c);
  return page(
    c,
    { title, narrow: true, status: problem.status },
    <ProblemPage problem={problem} reference={c.var.requestId} unsent={unsent} />,
  );
}

/** The record on the screen stays; what happened goes into the page's one role=alert. */
function answerInPlace(c: Context<Env>, problem: Problem): Response | Promise<Response> {
  const body = (
    <hx-partial hx-target="#alert" hx-swap="innerHTML">
      <ProblemText problem={problem} reference={c.var.requestId} />
    </hx-partial>
  );
  return fragment(c, body, { status: problem.status });
}

/** A read starts again at the sign-in page, which says why to somebody who was signed in; a change must not lose what was typed; js/idle.js takes the record away. */
function answerSignedOut(c: Context<Env>): Response | Promise<Response> {
  signOut(c);
  c.header('Session-Left', '0');
  const wasIn = c.var.who.token && c.var.who.role !== 'anon';
  if (c.req.method === 'GET' && !wantsFragment(c)) return c.redirect(wasIn ? '/sign-in?ended' : '/sign-in', 303);
  return answerProblem(c, { reason: 'signed_out', status: 401 });
}

function goTo(c: Context<Env>, path: string): Response {
  if (!wantsFragment(c)) return c.redirect(path, 303);
  c.header('HX-Redirect', path);
  return c.body(null, 204);
}

function ProblemPage({ problem, reference, unsent }: { problem: Problem; reference: string; unsent?: Unsent }) {
  const t = useWords(errors);
  const help = problem.reason === 'signed_out' ? t.signed_outPageHelp : helpFor(t, problem);
  return (
    <>
      <header class="page-head">
        <h1>{t[problem.reason]}</h1>
      </header>
      <div class="card form">
        {problem.status >= 500 ? <Alert tone="danger" title={help} /> : <p>{help}</p>}
        <Reference value={reference} />
        <div class="form-actions">
          {problem.reason === 'signed_out' ? (
            <SignInAgain />
          ) : (
            <a class="button" href="/">
              {t.home}
            </a>
          )}
        </div>
        {unsent ? <UnsentForm unsent={unsent} again={passing.includes(problem.reason)} /> : null}
      </div>
    </>
  );
}

function ProblemText({ problem, reference }: { problem: Problem; reference: string }) {
  const t = useWords(errors);
  return (
    <>
      <Icon shape="danger" />
      <div>
        <p>
          <b>{t[problem.reason]}.</b> {helpFor(t, problem)}
        </p>
        {problem.reason === 'signed_out' ? <SignInAgain /> : <Reference value={reference} />}
      </div>
    </>
  );
}

function helpFor(t: typeof errors.en, { reason, retryAfter }: Problem): string {
  return reason === 'limited' && retryAfter ? t.limitedFor(Number(retryAfter)) : t[`${reason}Help`];
}

function Reference({ value }: { value: string }) {
  const t = useWords(errors);
  return (
    <p class="reference">
      {t.reference} <span class="code">{value}</span>
    </p>
  );
}

/** In a tab of its own: what was typed stays in this one. */
function SignInAgain() {
  const t = useWords(errors);
  return (
    <a class="button" href="/sign-in" target="_blank" rel="noopener">
      {t.signIn}
    </a>
  );
}
