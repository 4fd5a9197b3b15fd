/** GET and POST /recover: an address. /recover/cancel/:token: whoever gets a notice didn't ask. The link: link-routes.tsx. */
import { Hono } from 'hono';
import { z } from 'zod';
import { ringNow } from '../../db/ring.ts';
import { evenly } from '../../edge/evenly.ts';
import { type Env, newToken } from '../../edge/session.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { answerGone } from '../links/gone.tsx';
import type { Services } from '../services.ts';
import { recordFailed } from '../sign-in/queries.ts';
import { linkRoutes, tokenOf } from './link-routes.tsx';
import { recover as words } from './messages.ts';
import { AskPage, CancelledPage, CancelPage, SentPage } from './page.tsx';
import { askToRecover, cancelRecovery } from './queries.ts';

const Asked = z.object({ email: z.string().trim().max(254).catch('') });

export function recoverRoutes(services: Services) {
  const { door, ring } = services;
  return new Hono<Env>()
    .get('/', (c) => page(c, { title: inLang(words, c.var.lang).title, narrow: true }, <AskPage />))

    .post('/', async (c) => {
      const { email } = Asked.parse(await c.req.parseBody());
      const t = inLang(words, c.var.lang);
      if (!email) {
        const errors = { email: t.emailMissing };
        const options = { title: t.title, narrow: true, error: true, status: 422, returnTo: '/recover' } as const;
        return page(c, options, <AskPage errors={errors} />);
      }
      const failed = recordFailed(ringNow(ring), null, c.var.who);
      const asking = askToRecover(ringNow(ring), email, newToken(), c.var.who);
      const [result] = await evenly(() => door.gate(asking, failed));
      if (result?.answer === 'wait')
        return answerGone(c, result, { help: t.goneHelp, again: { href: '/recover', label: t.again } });
      return c.redirect('/recover/sent', 303);
    })

    .get('/sent', (c) => page(c, { title: inLang(words, c.var.lang).sentTitle, narrow: true }, <SentPage />))

    .get('/cancel/:token', (c) => {
      const title = inLang(words, c.var.lang).cancelTitle;
      return page(c, { title, narrow: true }, <CancelPage token={tokenOf(c)} />);
    })

    .post('/cancel/:token', async (c) => {
      const failed = recordFailed(ringNow(ring), null, c.var.who);
      const [result] = await door.gate(cancelRecovery(ringNow(ring), tokenOf(c), c.var.who), failed);
      const t = inLang(words, c.var.lang);
      if (result?.answer !== 'ok') return answerGone(c, result, { help: t.cancelGone });
      return c.redirect('/recover/cancelled', 303);
    })

    .get('/cancelled', (c) => page(c, { title: inLang(words, c.var.lang).cancelled, narrow: true }, <CancelledPage />))

    .route('/', linkRoutes(services));
}
