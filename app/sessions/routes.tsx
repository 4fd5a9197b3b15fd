/** GET /account/sessions, POST /account/sessions/:session/end and /end-others: where one is signed in. */
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import type { Door } from '../../db/batch.ts';
import type { Env } from '../../edge/session.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { readMe } from '../me.ts';
import { sessions } from './messages.ts';
import { SessionsPage } from './page.tsx';
import { endOtherSessions, endOwnSession, openHome, readOwnSessions } from './queries.ts';

const PATH = '/account/sessions';

export function sessionRoutes(door: Door) {
  return (
    new Hono<Env>()
      .get('/', async (c) => {
        const [me, rows] = await door.read(c.var.who, { open: openHome(), reads: [readMe(), readOwnSessions()] });
        const title = inLang(sessions, c.var.lang).title;
        return page(c, { title, me: me[0] }, <SessionsPage rows={rows} />);
      })

      .post('/end-others', (c) => end(c, door, endOtherSessions))

      .post('/:session/end', (c) => {
        const session = z.guid().safeParse(c.req.param('session')).data;
        return session ? end(c, door, (key) => endOwnSession(key, session)) : c.notFound();
      })

      // A reload, or the way back from the page that asked for a factor.
      .get('/end-others', (c) => c.redirect(PATH, 303))
      .get('/:session/end', (c) => c.redirect(PATH, 303))
  );
}

async function end(c: Context<Env>, door: Door, change: (key: string) => ReturnType<typeof endOtherSessions>) {
  const key = z.guid().parse((await c.req.parseBody()).key);
  await door.write(c.var.who, { open: openHome(), key, operation: 'sessions.end', change: change(key), reads: [] });
  return c.redirect(PATH, 303);
}
