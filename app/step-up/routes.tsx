/**
 * GET and POST /step-up: a factor shown again. Afterwards the browser sends the waiting form once more by itself: a 307
 * (RFC 9110 §15.4.8) keeps method and body, and the new cookie comes with it. Without script as well.
 */
import { type Context, Hono } from 'hono';
import { Refusal, type Role } from '../../db/batch.ts';
import { ringNow } from '../../db/ring.ts';
import { type Env, newToken, signIn } from '../../edge/session.ts';
import { readUnsent } from '../errors/unsent.tsx';
import { wantsFragment } from '../layout.tsx';
import { localPath } from '../local-path.ts';
import { passkeyProof } from '../passkeys/proof.ts';
import type { Services } from '../services.ts';
import { type FactorAnswer, recordFailed, takeFactor } from '../sign-in/queries.ts';
import { askForFactor } from './answer.tsx';
import { readStepUp, type Waiting } from './form.ts';
import type { Setback } from './page.tsx';

export function stepUpRoutes(services: Services) {
  const { door, ring } = services;
  return new Hono<Env>()
    .get('/', (c) => {
      const path = localPath.catch('/').parse(c.req.query('return'));
      return askForFactor(c, services, { waiting: { path }, status: 200 });
    })

    .post('/', async (c) => {
      const { to, method, other, code, credential } = readStepUp(await c.req.parseBody());
      const unsent = await readUnsent(c);
      const waiting: Waiting = unsent ? { unsent } : { path: to };
      if (other) return askForFactor(c, services, { waiting, method: other, status: 200 });
      if (!(method === 'passkey' ? credential : code))
        return askForFactor(c, services, { waiting, method, setback: 'missing', status: 422 });
      if (!c.var.who.token) throw new Refusal('signed_out');
      const proof = method === 'passkey' ? await passkeyProof(door, credential) : { code };
      const token = newToken();
      const failed = recordFailed(ringNow(ring), null, c.var.who);
      const [result] = await door.gate(takeFactor(ringNow(ring), method, proof, token, c.var.who), failed);
      if (result?.answer === 'expired') throw new Refusal('signed_out');
      if (result?.answer === 'ok' && result.role) {
        signIn(c, token, result.role as Role); // the database's own list of roles
        return goOn(c, waiting);
      }
      const setback = setbackOf(c, result);
      return askForFactor(c, services, { waiting, method, setback, status: typeof setback === 'object' ? 429 : 422 });
    });
}

/** In the dialog js/step-up.js sends the form that stands behind it. */
function goOn(c: Context<Env>, waiting: Waiting): Response {
  if (wantsFragment(c)) {
    c.header('HX-Trigger', 'stepped-up');
    return c.body(null, 204);
  }
  return 'unsent' in waiting ? c.redirect(waiting.unsent.path, 307) : c.redirect(waiting.path, 303);
}

function setbackOf(c: Context<Env>, result: FactorAnswer | undefined): Setback {
  if (result?.answer === 'stopped') return 'stopped';
  if (result?.answer !== 'wait') return 'refused';
  const seconds = result.retry_after ?? 60;
  c.header('Retry-After', String(seconds));
  return { seconds };
}
