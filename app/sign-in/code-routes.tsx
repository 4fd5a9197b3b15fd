/** GET and POST /sign-in/code: the second factor, by whichever means the account has. */
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import type { Role } from '../../db/batch.ts';
import { ringNow } from '../../db/ring.ts';
import { type Env, newToken, signIn } from '../../edge/session.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { passkeyProof } from '../passkeys/proof.ts';
import type { Services } from '../services.ts';
import { answerStopped } from '../sign-ins/held.tsx';
import { labelOf } from '../ui/codeable.tsx';
import { CodeStep, type CodeStepProps } from './code.tsx';
import { isSent } from './code-field.tsx';
import { bare, looksLike, METHODS, outcome, sentNotice, setback, wasSent } from './code-form.ts';
import { secondStep } from './code-words.ts';
import { NoMeans } from './no-means.tsx';
import { readMethods, recordFailed, sendCode, takeFactor } from './queries.ts';

const Form = z.object({
  method: z.enum(METHODS).catch('totp'),
  // a button: this one instead, or sent again
  by: z.enum(METHODS).optional().catch(undefined),
  // a code as it was read off a telephone or a sheet of paper
  code: z.string().max(40).catch(''),
  // what a passkey answered, as JSON
  credential: z.string().max(60_000).catch(''),
});

/** The address of the step: which means, and whether its code was sent. It decides nothing. */
const Shown = z.object({ by: Form.shape.by, sent: z.literal('1').transform(Boolean).optional().catch(undefined) });

/** `expired`: the page for when the first step is over. */
export function codeRoutes(services: Services, expired: (c: Context<Env>) => Response | Promise<Response>) {
  const { door, ring } = services;

  /** The page for this account, by the means that was asked for if it has it. */
  const answer = async (c: Context<Env>, asked: Partial<CodeStepProps>) => {
    const [row] = c.var.who.token ? await door.gate(readMethods(ringNow(ring), c.var.who)) : [];
    if (!row) return expired(c);
    if (row.enrols) return c.redirect('/enrol', 303);
    if (row.factors === 2) return c.redirect('/', 303);
    const methods = METHODS.filter((method) => row.methods.includes(method));
    if (methods.length === 0)
      return page(c, { title: inLang(secondStep, c.var.lang).noMeans, narrow: true }, <NoMeans {...row} />);
    const method = methods.find((one) => one === asked.method) ?? methods[0] ?? 'totp';
    const t = inLang(secondStep, c.var.lang);
    const title = method === 'passkey' ? t.titlePasskey : t.title;
    const sent = asked.sent && asked.method === method;
    // a code is never given back, so a switch of language loses nothing
    const returnTo = `/sign-in/code?by=${method}${sent ? '&sent=1' : ''}`;
    const options = { title, narrow: true, returnTo, ...outcome(asked) };
    return page(c, options, <CodeStep {...asked} methods={methods} method={method} sent={sent} />);
  };

  return new Hono<Env>()
    .get('/', async (c) => {
      if (!c.var.who.token) return c.redirect('/sign-in', 303);
      const { by, sent } = Shown.parse(c.req.query());
      return answer(c, { method: by, sent });
    })

    .post('/', async (c) => {
      const { method, by, code, credential } = Form.parse(await c.req.parseBody());
      const { who } = c.var;
      if (by && !isSent(by)) return answer(c, { method: by });
      if (by) {
        const [result] = await door.gate(sendCode(ringNow(ring), by, who), recordFailed(ringNow(ring), null, who));
        const notice = sentNotice(c, result);
        return answer(c, { method: by, notice, sent: wasSent(notice) });
      }
      const typed = bare(code);
      if (method === 'passkey' ? !credential : !looksLike(method, typed)) {
        const missing = labelOf(inLang(secondStep, c.var.lang), 'missing', method);
        return answer(c, { method, sent: true, errors: { [method === 'passkey' ? 'credential' : 'code']: missing } });
      }
      const proof = method === 'passkey' ? await passkeyProof(door, credential) : { code: typed };
      const token = newToken();
      const taken = takeFactor(ringNow(ring), method, proof, token, who);
      const [result] = await door.gate(taken, recordFailed(ringNow(ring), null, who));
      if (result?.answer === 'expired') return expired(c);
      if (result?.answer === 'stopped') return answerStopped(c);
      if (result?.answer !== 'ok' || !result.role) return answer(c, { method, sent: true, notice: setback(c, result) });
      signIn(c, token, result.role as Role); // the database's own list of roles
      // whoever had to take a code from the drawer has lost something: their factors come first
      return c.redirect(method === 'recovery_code' ? '/account/factors?done=recovery_code' : '/', 303);
    });
}
