/** GET and POST /account/passkeys, POST /account/passkeys/:id/remove: one's own passkeys. */
import { type Context, Hono } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { z } from 'zod';
import { Refusal, type Role } from '../../db/batch.ts';
import { refusedWith } from '../../db/refusal.ts';
import { ringNow } from '../../db/ring.ts';
import { publicOrigin } from '../../edge/client.ts';
import { type Env, newToken, signIn } from '../../edge/session.ts';
import { readRegistration } from '../../edge/webauthn.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { readMe } from '../me.ts';
import type { Services } from '../services.ts';
import { openHome } from '../sessions/queries.ts';
import { readDevice } from '../sessions/user-agent.ts';
import { recordFailed } from '../sign-in/queries.ts';
import { passkeys } from './messages.ts';
import { type Outcome, outcomes, PasskeysPage } from './page.tsx';
import { addPasskey, askOptions, readOwnPasskeys, removePasskey } from './queries.ts';

const PATH = '/account/passkeys';
const Form = z.object({ name: z.string().trim().max(200).catch(''), credential: z.string().max(60_000).catch('') });
type Shown = { name?: string; outcome?: Outcome; error?: string; status?: ContentfulStatusCode };

export function passkeyRoutes(services: Services) {
  const { door, ring } = services;

  const show = async (c: Context<Env>, { status = 200, ...shown }: Shown) => {
    const [me, rows] = await door.read(c.var.who, { open: openHome(), reads: [readMe(), readOwnPasskeys()] });
    const { browser, system } = readDevice(c.var.who.userAgent ?? '');
    const name = shown.name ?? system ?? browser ?? '';
    const title = inLang(passkeys, c.var.lang).title;
    return page(
      c,
      { title, me: me[0], status, error: status >= 400 },
      <PasskeysPage {...shown} rows={rows} name={name} />,
    );
  };

  return (
    new Hono<Env>()
      .get('/', (c) => show(c, { outcome: outcomes.find((outcome) => outcome === c.req.query('done')) }))

      .post('/', async (c) => {
        const { name, credential } = Form.parse(await c.req.parseBody());
        if (!name || name.length > 60)
          return show(c, { name, error: inLang(passkeys, c.var.lang).nameMissing, status: 422 });
        const { who } = c.var;
        // sent without one by js/passkey.js when a factor is to be shown first, and by a browser without script
        if (!credential) {
          const [asked] = await door.gate(askOptions(ringNow(ring), 'register', publicOrigin(c), who));
          requireOk(asked?.answer === 'wait' || asked?.answer === 'place' ? 'ok' : asked?.answer);
          return show(c, { name, outcome: 'confirmed' });
        }
        const proof = await readRegistration(credential, publicOrigin(c));
        const token = newToken();
        const added = addPasskey(ringNow(ring), proof, name, token, who);
        const [result] = await door.gate(added, recordFailed(ringNow(ring), null, who));
        if (result?.answer === 'refused') return show(c, { name, outcome: 'refused', status: 422 });
        requireOk(result?.answer);
        if (!result?.role) return c.redirect(`${PATH}?done=added`, 303);
        signIn(c, token, result.role as Role); // the database's own list of roles
        return c.redirect('/enrol/codes', 303);
      })

      .post('/:id/remove', async (c) => {
        const id = z.guid().safeParse(c.req.param('id')).data;
        if (!id) return c.notFound();
        const removed = removePasskey(ringNow(ring), id, c.var.who);
        const [result] = await door.gate(removed, recordFailed(ringNow(ring), null, c.var.who));
        if (result?.answer === 'last') return show(c, { outcome: 'last', status: 409 });
        requireOk(result?.answer);
        return c.redirect(`${PATH}?done=removed`, 303);
      })

      // a reload, or the way back from the page that asked for a factor
      .get('/:id/remove', (c) => c.redirect(PATH, 303))
  );
}

/** Of what iam.may_change_factors answers; each has its own page (app/errors.tsx). */
function requireOk(answer: string | undefined): void {
  if (answer === undefined || answer === 'expired') throw new Refusal('signed_out');
  if (answer !== 'ok') throw refusedWith(answer);
}
