/** GET /admin/sign-ins, POST /admin/sign-ins/:signIn/release: what was unusual, and letting a colleague in. */
import { Hono } from 'hono';
import { z } from 'zod';
import type { Door } from '../../db/batch.ts';
import type { Env } from '../../edge/session.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { readMe } from '../me.ts';
import { signIns } from './messages.ts';
import { openUnusual, readUnusualSignIns, releaseSignIn } from './queries.ts';
import { UnusualSignInsPage } from './unusual.tsx';

const PATH = '/admin/sign-ins';

export function unusualSignInRoutes(door: Door) {
  return (
    new Hono<Env>()
      .get('/', async (c) => {
        const [me, rows] = await door.read(c.var.who, { open: openUnusual(), reads: [readMe(), readUnusualSignIns()] });
        const title = inLang(signIns, c.var.lang).adminTitle;
        return page(c, { title, me: me[0], section: 'signIns' }, <UnusualSignInsPage rows={rows} />);
      })

      .post('/:signIn/release', async (c) => {
        const signIn = z.guid().safeParse(c.req.param('signIn')).data;
        if (!signIn) return c.notFound();
        const key = z.guid().parse((await c.req.parseBody()).key);
        const change = releaseSignIn(key, signIn);
        await door.write(c.var.who, { open: openUnusual(), key, operation: 'sign_ins.release', change, reads: [] });
        return c.redirect(`${PATH}#sign-in-${signIn}`, 303);
      })

      // a reload, or the way back from the page that asked for a factor
      .get('/:signIn/release', (c) => c.redirect(PATH, 303))
  );
}
