/** GET /account/factors, and taking the app away; setting it up is app-routes.tsx, the codes are codes-routes.tsx. */
import { type Context, Hono } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { z } from 'zod';
import { ringNow } from '../../db/ring.ts';
import type { Env } from '../../edge/session.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { readMe } from '../me.ts';
import type { Services } from '../services.ts';
import { openHome } from '../sessions/queries.ts';
import { recordFailed } from '../sign-in/queries.ts';
import { appRoutes } from './app-routes.tsx';
import { factors } from './messages.ts';
import { FactorsPage, type FactorsPageProps } from './page.tsx';
import { mustBeAllowed, readOwnFactors, removeTotp } from './queries.ts';

const Done = z.enum(['totp', 'totp_removed', 'recovery_code']).optional().catch(undefined);

export function factorRoutes(services: Services) {
  const { door, ring } = services;

  const answer = async (
    c: Context<Env>,
    said: Pick<FactorsPageProps, 'done' | 'refusal'>,
    status: ContentfulStatusCode = 200,
  ) => {
    const [me, [own]] = await door.read(c.var.who, { open: openHome(), reads: [readMe(), readOwnFactors()] });
    if (!own) throw new Error('own_factors gave no row');
    const title = inLang(factors, c.var.lang).title;
    return page(c, { title, me: me[0], status }, <FactorsPage own={own} {...said} />);
  };

  return new Hono<Env>()
    .get('/', (c) => answer(c, { done: Done.parse(c.req.query('done')) }))

    .post('/app/remove', async (c) => {
      const removed = removeTotp(ringNow(ring), c.var.who);
      const [row] = await door.gate(removed, recordFailed(ringNow(ring), null, c.var.who));
      mustBeAllowed(row?.answer);
      if (row?.answer === 'ok') return c.redirect('/account/factors?done=totp_removed', 303);
      return answer(c, { refusal: row?.answer }, 409);
    })

    .route('/app', appRoutes(services, 'account'));
}
