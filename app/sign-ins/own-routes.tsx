/** GET /account/sign-ins, POST /account/sign-ins/:signIn/disown: one's own sign-ins, and "that wasn't me". */
import { Hono } from 'hono';
import { z } from 'zod';
import type { Door } from '../../db/batch.ts';
import type { Env } from '../../edge/session.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { readMe } from '../me.ts';
import { signIns } from './messages.ts';
import { EndedPage, OwnSignInsPage } from './own.tsx';
import { disownSignIn, openHome, readOwnSignIns, readUndone } from './queries.ts';

const PATH = '/account/sign-ins';

export function ownSignInRoutes(door: Door) {
  return (
    new Hono<Env>()
      .get('/', async (c) => {
        const [me, rows] = await door.read(c.var.who, { open: openHome(), reads: [readMe(), readOwnSignIns()] });
        return page(c, { title: inLang(signIns, c.var.lang).ownTitle, me: me[0] }, <OwnSignInsPage rows={rows} />);
      })

      .get('/ended', async (c) => {
        const [me, [last]] = await door.read(c.var.who, { open: openHome(), reads: [readMe(), readUndone()] });
        const title = inLang(signIns, c.var.lang).endedTitle;
        return page(c, { title, me: me[0], narrow: true }, <EndedPage undone={last?.undone ?? []} />);
      })

      .post('/:signIn/disown', async (c) => {
        const signIn = z.guid().safeParse(c.req.param('signIn')).data;
        if (!signIn) return c.notFound();
        const key = z.guid().parse((await c.req.parseBody()).key);
        const change = disownSignIn(key, signIn);
        await door.write(c.var.who, { open: openHome(), key, operation: 'sign_ins.disown', change, reads: [] });
        return c.redirect(`${PATH}/ended`, 303);
      })

      // a reload, or the way back from signing in again
      .get('/:signIn/disown', (c) => c.redirect(PATH, 303))
  );
}
