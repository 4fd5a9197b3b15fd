/** GET and POST /sign-ins/:link: "that was me", "that wasn't me". A GET changes nothing: mail programs follow links. */
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { ringNow } from '../../db/ring.ts';
import type { Env } from '../../edge/session.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import type { Services } from '../services.ts';
import { recordFailed } from '../sign-in/queries.ts';
import { LinkPage } from './link.tsx';
import { signIns } from './messages.ts';
import { answerLink, lookAtLink } from './queries.ts';

const Answer = z.object({ answer: z.enum(['mine', 'not_mine']) });

export function linkRoutes({ door, ring }: Services) {
  const failed = (c: Context<Env>) => recordFailed(ringNow(ring), null, c.var.who);
  return new Hono<Env>()
    .get('/:link', async (c) => {
      const look = lookAtLink(ringNow(ring), c.req.param('link'), c.var.who);
      const [seen] = await door.gate(look, failed(c));
      const { answer: state, at } = seen ?? { answer: 'expired' as const, at: null };
      const undone = seen?.undone ?? [];
      const title = inLang(signIns, c.var.lang).linkTitle;
      return page(
        c,
        { title, narrow: true, status: state === 'expired' ? 404 : 200 },
        <LinkPage {...{ state, at, undone }} />,
      );
    })

    .post('/:link', async (c) => {
      const link = c.req.param('link');
      const { answer } = Answer.parse(await c.req.parseBody());
      await door.gate(answerLink(ringNow(ring), link, answer === 'mine', c.var.who), failed(c));
      return c.redirect(`/sign-ins/${encodeURIComponent(link)}`, 303);
    });
}
