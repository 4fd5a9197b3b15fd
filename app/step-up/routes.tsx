/**
 * GET and POST /step-up: a factor shown again. Afterwards the browser sends the waiting form once more by itself: a 307
 * (RFC 9110 §15.4.8) keeps method and body, and the new cookie comes with it. Without script as well.
 */
import { type Context, Hono } from 'hono';
import { Refusal, type Role } from '../../db/batch.ts';
import { ringNow } from '../../db/ring.ts';
import { type Env, newToken, signIn } from '../../edge/session.ts';
import { readUnsent } from '../errors/unsent.tsx';
import { inLang } from '../i18n.ts';
import { wantsFragment } from '../layout.tsx';
import { localPath } from '../local-path.ts';
import { passkeyProof } from '../passkeys/proof.ts';
import type { Services } from '../services.ts';
import { isSent } from '../sign-in/code-field.tsx';
import { looksLike, sentNotice, setback, wasSent } from '../sign-in/code-form.ts';
import { secondStep } from '../sign-in/code-words.ts';
import { recordFailed, sendCode, takeFactor } from '../sign-in/queries.ts';
import { labelOf } from '../ui/codeable.tsx';
import { askForFactor } from './answer.tsx';
import { readStepUp, type Shown, type Waiting } from './form.ts';

export function stepUpRoutes(services: Services) {
  return new Hono<Env>()
    .get('/', (c) => {
      const path = localPath.catch('/').parse(c.req.query('return'));
      return askForFactor(c, services, { waiting: { path } });
    })

    .post('/', async (c) => {
      const shown = readStepUp(await c.req.parseBody());
      const unsent = await readUnsent(c);
      const waiting: Waiting = unsent ? { unsent } : { path: shown.to };
      if (!c.var.who.token) throw new Refusal('signed_out');
      if (shown.by) return answerOther(c, services, waiting, shown.by);
      const { method, code, credential } = shown;
      if (method === 'passkey' ? !credential : !looksLike(method, code)) {
        const missing = labelOf(inLang(secondStep, c.var.lang), 'missing', method);
        const field = method === 'passkey' ? 'step_up_credential' : 'step_up_code';
        return askForFactor(c, services, { waiting, method, sent: true, errors: { [field]: missing } });
      }
      return answerTaken(c, services, waiting, shown);
    });
}

async function answerTaken(c: Context<Env>, services: Services, waiting: Waiting, shown: Shown) {
  const { door, ring } = services;
  const { method, code, credential } = shown;
  const proof = method === 'passkey' ? await passkeyProof(door, credential) : { code };
  const token = newToken();
  const failed = recordFailed(ringNow(ring), null, c.var.who);
  const [result] = await door.gate(takeFactor(ringNow(ring), method, proof, token, c.var.who), failed);
  if (result?.answer === 'expired') throw new Refusal('signed_out');
  if (result?.answer !== 'ok' || !result.role)
    return askForFactor(c, services, { waiting, method, sent: true, notice: setback(c, result) });
  signIn(c, token, result.role as Role); // the database's own list of roles
  return goOn(c, waiting);
}

/** Another means: one that is sent goes out at once. */
async function answerOther(c: Context<Env>, services: Services, waiting: Waiting, by: NonNullable<Shown['by']>) {
  const { door, ring } = services;
  if (!isSent(by)) return askForFactor(c, services, { waiting, method: by });
  const failed = recordFailed(ringNow(ring), null, c.var.who);
  const [result] = await door.gate(sendCode(ringNow(ring), by, c.var.who), failed);
  const notice = sentNotice(c, result);
  return askForFactor(c, services, { waiting, method: by, notice, sent: wasSent(notice) });
}

/** In the dialog js/step-up.js sends the form that stands behind it. */
function goOn(c: Context<Env>, waiting: Waiting): Response {
  if (wantsFragment(c)) {
    c.header('HX-Trigger', 'stepped-up');
    return c.body(null, 204);
  }
  return 'unsent' in waiting ? c.redirect(waiting.unsent.path, 307) : c.redirect(waiting.path, 303);
}
