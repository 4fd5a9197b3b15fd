/** GET and POST /admin/registration: may patients register by themselves? */
import { Hono } from 'hono';
import { z } from 'zod';
import type { Door } from '../../db/batch.ts';
import type { Env } from '../../edge/session.ts';
import { openAccounts } from '../admin/queries.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { readMe } from '../me.ts';
import { SwitchPage } from './admin-page.tsx';
import { register } from './messages.ts';
import { changeRegistration, readRegistrationState } from './queries.ts';

const Decision = z.object({ key: z.guid(), registration: z.enum(['open', 'closed']) });

export function registrationSwitchRoutes(door: Door) {
  return new Hono<Env>()
    .get('/', async (c) => {
      const [me, rows] = await door.read(c.var.who, {
        open: openAccounts(),
        reads: [readMe(), readRegistrationState()],
      });
      const title = inLang(register, c.var.lang).adminTitle;
      return page(c, { title, me: me[0], section: 'accounts' }, <SwitchPage state={rows[0]?.state ?? ''} />);
    })

    .post('/', async (c) => {
      const { key, registration } = Decision.parse(await c.req.parseBody());
      const change = changeRegistration(key, registration);
      const operation = 'registration.change';
      await door.write(c.var.who, { open: openAccounts(), key, operation, change, reads: [] });
      return c.redirect('/admin/registration', 303);
    });
}
