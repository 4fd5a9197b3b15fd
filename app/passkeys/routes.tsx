/** GET /account/passkeys and POST /account/passkeys/:id/remove: one's own passkeys; a new one is add-routes.tsx. */
import { type Context, Hono } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { z } from 'zod';
import { Refusal } from '../../db/batch.ts';
import { ringNow } from '../../db/ring.ts';
import { publicOrigin } from '../../edge/client.ts';
import type { Env } from '../../edge/session.ts';
import { mustBeAllowed } from '../factors/queries.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { readMe } from '../me.ts';
import type { Services } from '../services.ts';
import { openHome } from '../sessions/queries.ts';
import { recordFailed } from '../sign-in/queries.ts';
import { addRoutes } from './add-routes.tsx';
import { passkeys } from './messages.ts';
import { nameRoutes } from './name-routes.tsx';
import { type Outcome, outcomes, PasskeysPage } from './page.tsx';
import { readOwnPasskeys, removePasskey } from './queries.ts';

const PATH = '/account/passkeys';

export function passkeyRoutes(services: Services) {
  const { door, ring } = services;

  const show = async (c: Context<Env>, outcome: Outcome | undefined, status: ContentfulStatusCode = 200) => {
    const [me, rows] = await door.read(c.var.who, { open: openHome(), reads: [readMe(), readOwnPasskeys()] });
    const title = inLang(passkeys, c.var.lang).title;
    return page(
      c,
      { title, me: me[0], status, error: status >= 400 },
      <PasskeysPage rows={rows} host={new URL(publicOrigin(c)).hostname} outcome={outcome} />,
    );
  };

  return (
    new Hono<Env>()
      .get('/', (c) =>
        show(
          c,
          outcomes.find((outcome) => outcome === c.req.query('done')),
        ),
      )

      .route('/new', addRoutes(services, 'account'))
      .route('/', nameRoutes(services))

      .post('/:id/remove', async (c) => {
        const id = z.guid().safeParse(c.req.param('id')).data;
        if (!id) return c.notFound();
        const removed = removePasskey(ringNow(ring), id, c.var.who);
        const [row] = await door.gate(removed, recordFailed(ringNow(ring), null, c.var.who));
        mustBeAllowed(row?.answer);
        if (row?.answer === 'last') return show(c, 'last', 409);
        if (row?.answer === 'hidden') throw new Refusal('hidden');
        return c.redirect(`${PATH}?done=removed`, 303);
      })

      // a reload, or the way back from the page that asked for a factor
      .get('/:id/remove', (c) => c.redirect(PATH, 303))
  );
}
