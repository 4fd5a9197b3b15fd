/**
 * What errors.tsx answers when the database wants a factor again, and the password for a change of how somebody signs in: with htmx a piece for the dialog, since the form still
 * stands in the page; else a page that holds what was sent, and sends it on. Whether the factor is recent is decided in
 * SQL (iam.factor_is_recent, iam.may_change_factors), here nothing is.
 */
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { Refusal } from '../../db/batch.ts';
import { ringNow } from '../../db/ring.ts';
import { publicOrigin } from '../../edge/client.ts';
import type { Env } from '../../edge/session.ts';
import { readUnsent } from '../errors/unsent.tsx';
import { inLang } from '../i18n.ts';
import { fragment, page, wantsFragment } from '../layout.tsx';
import { localPath } from '../local-path.ts';
import { askMe } from '../me.ts';
import type { Services } from '../services.ts';
import type { CodeStepProps } from '../sign-in/code.tsx';
import { METHODS, outcome } from '../sign-in/code-form.ts';
import { type Means, readMethods } from '../sign-in/queries.ts';
import { type PasswordSetback, statusOf } from '../sign-in/setback.tsx';
import type { Waiting } from './form.ts';
import { stepUp } from './messages.ts';
import { StepUpForm, StepUpPage, type StepUpProps } from './page.tsx';

/** The first time: 401, and what was asked for waits. */
export async function answerStepUp(c: Context<Env>, services: Services, both: boolean): Promise<Response> {
  return askForFactor(c, services, { waiting: await waitingIn(c), both }, 401);
}

/** A form that may be sent again; of one with a password or a code, the page that it stands on; of a link, that page. */
async function waitingIn(c: Context<Env>): Promise<Waiting> {
  if (c.req.method !== 'POST') return { path: c.req.path };
  const unsent = await readUnsent(c);
  return unsent ? { unsent } : { path: pageBefore(c) ?? c.req.path, again: true };
}

/** Browsers say it to our own pages alone (Referrer-Policy: same-origin); whoever lies is led to one of ours as well. */
function pageBefore(c: Context<Env>): string | undefined {
  const said = c.req.header('referer') ?? '';
  if (!URL.canParse(said)) return undefined;
  const { origin, pathname } = new URL(said);
  return origin === publicOrigin(c) && pathname !== '/step-up' ? localPath.safeParse(pathname).data : undefined;
}

export type Ask = Partial<CodeStepProps> & {
  waiting: Waiting;
  /** What waits changes how somebody signs in: a factor and the password. */
  both: boolean;
  /** Of the password. */
  setback?: PasswordSetback;
};

const outcomeOf = (ask: Ask) => (ask.setback ? { error: true, status: statusOf(ask.setback) } : outcome(ask));

/** Only what is missing; one of both in any case, since something was. */
function asksOf({ both, method }: Ask, { wants_factor, wants_password }: Means): StepUpProps['asks'] {
  if (!both || !wants_password) return 'factor';
  // a passkey in the place of the password
  return wants_factor || method === 'passkey' ? 'both' : 'password';
}

/** @throws Refusal signed_out where the session is over, second_factor where it isn't whole. */
export async function askForFactor(
  c: Context<Env>,
  { door, ring }: Services,
  ask: Ask,
  status: ContentfulStatusCode = outcomeOf(ask).status,
): Promise<Response> {
  const [row] = c.var.who.token ? await door.gate(readMethods(ringNow(ring), c.var.who)) : [];
  if (!row) throw new Refusal('signed_out');
  if (row.factors < 2) throw new Refusal('second_factor');
  const methods = METHODS.filter((method) => row.methods.includes(method));
  const method = methods.find((one) => one === ask.method) ?? methods[0] ?? 'totp';
  const props = { ...ask, methods, method, asks: asksOf(ask, row) };
  if (wantsFragment(c)) {
    const body = (
      <hx-partial hx-target="#step-up" hx-swap="innerHTML">
        <StepUpForm {...props} inPlace />
      </hx-partial>
    );
    return fragment(c, body, { status });
  }
  const title = inLang(stepUp, c.var.lang).title;
  const me = await askMe(door, c.var.who);
  return page(c, { title, me, narrow: true, error: outcomeOf(ask).error, status }, <StepUpPage {...props} />);
}
