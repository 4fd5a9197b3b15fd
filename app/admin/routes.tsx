/** GET /admin/accounts, GET /admin/care-teams: the administrator's pages. */
import { Hono } from 'hono';
import type { Door } from '../../db/batch.ts';
import type { Env } from '../../edge/session.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { readMe } from '../me.ts';
import { admin } from './messages.ts';
import { AccountsPage, CareTeamsPage } from './page.tsx';
import { openAccounts, readAccounts, readCareTeams } from './queries.ts';

export function adminRoutes(door: Door) {
  return new Hono<Env>()
    .get('/accounts', async (c) => {
      const [me, rows] = await door.read(c.var.who, { open: openAccounts(), reads: [readMe(), readAccounts()] });
      // Names are decrypted, and nothing decrypted is sorted in SQL.
      const accounts = rows.toSorted((a, b) => byName(a.display_name, b.display_name));
      const title = inLang(admin, c.var.lang).accounts;
      return page(c, { title, me: me[0], section: 'accounts' }, <AccountsPage accounts={accounts} />);
    })

    .get('/care-teams', async (c) => {
      const [me, rows] = await door.read(c.var.who, { open: openAccounts(), reads: [readMe(), readCareTeams()] });
      const teams = rows.toSorted((a, b) => byName(a.lead_name, b.lead_name));
      const title = inLang(admin, c.var.lang).careTeams;
      return page(c, { title, me: me[0], section: 'careTeams' }, <CareTeamsPage teams={teams} />);
    });
}

const byName = (a: string | null, b: string | null) => (a ?? '').localeCompare(b ?? '', 'fr');
