/**
 * GET and POST /step-up: a factor shown again, or the password, or both. Afterwards the browser sends the waiting form once more by itself: a 307
 * (RFC 9110 §15.4.8) keeps method and body, and the new cookie comes with it. Without script as well.
 */
import { type Context, Hono } from 'hono';
import { Refusal, type Role } from '../../db/batch.ts';
import { ringNow } from '../../db/ring.ts';
import { prehash } from '../../edge/password.ts';
import { type Env, newToken, signIn } from '../../edge/session.ts';
import type { Turns } from '../../edge/turns.ts';
import { readUnsent } from '../errors/unsent.tsx';
import { inLang } from '../i18n.ts';
import { wantsFragment } from '../layout.tsx';
import { localPath } from '../local-path.ts';
import { passkeyProof } from '../passkeys/proof.ts';
import type { Services } from '../services.ts';
import { isSent } from '../sign-in/code-field.tsx';
import { looksLike, sentNotice, setback, wasSent } from '../sign-in/code-form.ts';
import { secondStep } from '../sign-in/code-words.ts';
import { readMethods, recordFailed, sendCode, showPassword, takeFactor } from '../sign-in/queries.ts';
import { setbackOf } from '../sign-in/setback.tsx';
import { labelOf } from '../ui/codeable.tsx';
import type { Errors } from '../ui/form.tsx';
import { type Ask, askForFactor } from './answer.tsx';
import { readStepUp, type Shown, type Waiting } from './form.ts';
import { stepUp } from './messages.ts';

export function stepUpRoutes(services: Services, turns: Turns) {
  return new Hono<Env>()
    .get('/', (c) => {
      const path = localPath.catch('/').parse(c.req.query('return'));
      return askForFactor(c, services, { waiting: { path }, both: false });
    })

    .post('/', async (c) => {
      const shown = readStepUp(await c.req.parseBody());
      const unsent = await readUnsent(c);
      const waiting: Waiting = unsent ? { unsent } : { path: shown.to };
      if (!c.var.who.token) throw new Refusal('signed_out');
      const step: Step = { c, services, ask: { waiting, both: shown.both, method: shown.method, sent: true }, shown };
      if (shown.by) return answerOther(step, shown.by);
      const errors = missing(step);
      if (errors) return askForFactor(c, services, { ...step.ask, errors });
      const back = await tryBoth(step, turns);
      return back ? askForFactor(c, services, { ...step.ask, ...back }) : goOn(c, waiting);
    });
}

type Step = { c: Context<Env>; services: Services; ask: Ask; shown: Shown };
/** Why the page comes back, if it does. */
type Back = Partial<Pick<Ask, 'setback' | 'notice'>> | undefined;

/** A page that asks for the password alone has no field for a code. Whether that was enough says what waits. */
const asksForFactor = ({ password, code, credential }: Shown) =>
  credential !== '' || code !== undefined || password === undefined;

/** A passkey is enough by itself; of anything else, every field that the page had. */
function missing({ c, shown }: Step): Errors | undefined {
  const { method, password, code, credential } = shown;
  if (method === 'passkey' && credential) return undefined;
  const errors: Record<string, string> = {};
  if (password === '') errors.step_up_password = inLang(stepUp, c.var.lang).passwordMissing;
  if (asksForFactor(shown) && (method === 'passkey' || !looksLike(method, code ?? ''))) {
    const field = method === 'passkey' ? 'step_up_credential' : 'step_up_code';
    errors[field] = labelOf(inLang(secondStep, c.var.lang), 'missing', method);
  }
  return Object.keys(errors).length > 0 ? errors : undefined;
}

/** The password first: where it wasn't taken no code is tried. One cookie at the end, also of a right password and a wrong code. */
async function tryBoth(step: Step, turns: Turns): Promise<Back> {
  const { c, shown } = step;
  const before = c.var.who.token;
  try {
    const back = shown.password && !shown.credential ? await tryPassword(step, turns, shown.password) : undefined;
    return back ?? (asksForFactor(shown) ? await tryFactor(step) : undefined);
  } finally {
    const { token, role } = c.var.who;
    if (token && token !== before) signIn(c, token, role);
  }
}

async function tryPassword({ c, services }: Step, turns: Turns, password: string): Promise<Back> {
  const { door, ring, pepper } = services;
  const [means] = await door.gate(readMethods(ringNow(ring), c.var.who));
  if (!means) throw new Refusal('signed_out');
  const token = newToken();
  const hash = await prehash(pepper, means.account, password);
  const failed = recordFailed(ringNow(ring), null, c.var.who);
  const result = await turns.take({ known: means.known, address: c.var.who.ip }, async () => {
    const [checked] = await door.gate(showPassword(ringNow(ring), hash, token, c.var.who), failed);
    return checked?.answer === 'busy' ? 'busy' : checked;
  });
  return took(c, result, token) ? undefined : { setback: setbackOf(c, result) };
}

async function tryFactor({ c, services, shown }: Step): Promise<Back> {
  const { door, ring } = services;
  const { method, code, credential } = shown;
  const proof = method === 'passkey' ? await passkeyProof(door, credential) : { code };
  const token = newToken();
  const failed = recordFailed(ringNow(ring), null, c.var.who);
  const [result] = await door.gate(takeFactor(ringNow(ring), method, proof, token, c.var.who), failed);
  return took(c, result, token) ? undefined : { notice: setback(c, result) };
}

/** The session goes on under this token, in what follows in this request as well. */
function took(c: Context<Env>, result: { answer: string; role: string | null } | undefined, token: string): boolean {
  if (result?.answer === 'expired') throw new Refusal('signed_out');
  if (result?.answer === 'second_factor') throw new Refusal('second_factor');
  if (result?.answer !== 'ok' || !result.role) return false;
  c.set('who', { ...c.var.who, token, role: result.role as Role }); // the database's own list of roles
  return true;
}

/** Another means: one that is sent goes out at once. */
async function answerOther({ c, services, ask }: Step, by: NonNullable<Shown['by']>) {
  const { door, ring } = services;
  if (!isSent(by)) return askForFactor(c, services, { ...ask, method: by, sent: false });
  const failed = recordFailed(ringNow(ring), null, c.var.who);
  const [result] = await door.gate(sendCode(ringNow(ring), by, c.var.who), failed);
  const notice = sentNotice(c, result);
  return askForFactor(c, services, { ...ask, method: by, notice, sent: wasSent(notice) });
}

/** In the dialog js/step-up.js sends the form that stands behind it. */
function goOn(c: Context<Env>, waiting: Waiting): Response {
  if (wantsFragment(c)) {
    c.header('HX-Trigger', 'stepped-up');
    return c.body(null, 204);
  }
  return 'unsent' in waiting ? c.redirect(waiting.unsent.path, 307) : c.redirect(waiting.path, 303);
}
