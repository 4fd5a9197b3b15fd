/** GET /privacy: what waits for the DPO, by deadline. POST /privacy/requests/:id: an answer to it. */
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { type Door, Refusal } from '../../db/batch.ts';
import type { Env } from '../../edge/session.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { readMe } from '../me.ts';
import { privacy } from './messages.ts';
import { PrivacyPage } from './page.tsx';
import { answerRequest, openPrivacy, readTasks } from './queries.ts';

const Answer = z.object({ key: z.guid(), answer: z.string().max(40) });

export function privacyRoutes(door: Door) {
  return new Hono<Env>()
    .get('/', (c) => answerPage(c, door, { done: c.req.query('done') !== undefined }))

    .post('/requests/:id', async (c) => {
      const id = z.guid().parse(c.req.param('id'));
      const { key, answer } = Answer.parse(await c.req.parseBody());
      const change = answerRequest(key, id, answer);
      try {
        await door.write(c.var.who, { open: openPrivacy(), key, operation: 'requests.answer', change, reads: [] });
      } catch (error) {
        if (!(error instanceof Refusal) || !['conflict', 'invalid'].includes(error.reason)) throw error;
        const refusal = answer === 'erasure_requested' ? 'erasure_requested' : error.reason;
        return answerPage(c, door, { refusal }, error.reason === 'invalid' ? 422 : 409);
      }
      return c.redirect('/privacy?done', 303);
    });
}

async function answerPage(
  c: Context<Env>,
  door: Door,
  outcome: { done?: boolean; refusal?: string },
  status: 200 | 409 | 422 = 200,
) {
  const [me, tasks] = await door.read(c.var.who, { open: openPrivacy(), reads: [readMe(), readTasks()] });
  const title = inLang(privacy, c.var.lang).title;
  const options = { title, me: me[0], section: 'privacy', error: status !== 200, status } as const;
  return page(c, options, <PrivacyPage tasks={tasks} now={new Date()} {...outcome} />);
}
