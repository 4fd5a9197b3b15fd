/** GET /admin/accounts; /admin/care-teams is in team-routes.tsx: the administrator's pages. */
import { Hono } from 'hono';
import type { Door } from '../../db/batch.ts';
import type { Env } from '../../edge/session.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { readMe } from '../me.ts';
import { admin } from './messages.ts';
import { AccountsPage } from './page.tsx';
import { openAccounts, readAccounts } from './queries.ts';
import { teamRoutes } from './team-routes.tsx';

export function adminRoutes(door: Door) {
  return new Hono<Env>()
    .get('/accounts', async (c) => {
      const [me, rows] = await door.read(c.var.who, { open: openAccounts(), reads: [readMe(), readAccounts()] });
      // Names are decrypted, and nothing decrypted is sorted in SQL.
      const accounts = rows.toSorted((a, b) => (a.display_name ?? '').localeCompare(b.display_name ?? '', 'fr'));
      const title = inLang(admin, c.var.lang).accounts;
      return page(c, { title, me: me[0], section: 'accounts' }, <AccountsPage accounts={accounts} />);
    })

    .route('/care-teams', teamRoutes(door));
}
