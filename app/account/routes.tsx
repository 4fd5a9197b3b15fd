/** GET /account: the way to one's factors, password, sessions and sign-ins, each of which is a folder of its own. */
import { Hono } from 'hono';
import type { Env } from '../../edge/session.ts';
import { readOwnFactors } from '../factors/queries.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { readMe } from '../me.ts';
import type { Services } from '../services.ts';
import { openHome } from '../sessions/queries.ts';
import { account } from './messages.ts';
import { AccountPage } from './page.tsx';

export function accountRoutes({ door }: Services) {
  return new Hono<Env>().get('/', async (c) => {
    const [me, [own]] = await door.read(c.var.who, { open: openHome(), reads: [readMe(), readOwnFactors()] });
    if (!own) throw new Error('own_factors gave no row');
    return page(c, { title: inLang(account, c.var.lang).title, me: me[0] }, <AccountPage me={me[0]} own={own} />);
  });
}
