/** /enrol: the first second factor, in a session that a link has made. Afterwards it is whole, and recovery codes follow. */
import { Hono } from 'hono';
import { ringNow } from '../../db/ring.ts';
import type { Env } from '../../edge/session.ts';
import { appRoutes } from '../factors/app-routes.tsx';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { addRoutes } from '../passkeys/add-routes.tsx';
import type { Services } from '../services.ts';
import { readDevice } from '../sessions/user-agent.ts';
import { readMethods } from '../sign-in/queries.ts';
import { enrol } from './messages.ts';
import { EnrolPage } from './page.tsx';

export function enrolRoutes(services: Services) {
  const { door, ring } = services;
  return (
    new Hono<Env>()
      .get('/', async (c) => {
        const [row] = c.var.who.token ? await door.gate(readMethods(ringNow(ring), c.var.who)) : [];
        if (!row) return c.redirect('/sign-in', 303);
        // opened in two browsers: the factor was added in the other one, and this session adds no second
        const over =
          row.enrols &&
          row.methods.some((method) => method === 'totp' || method === 'passkey' || method === 'sms_code');
        if (over) return c.redirect('/sign-in', 303);
        if (!row.enrols) return c.redirect(row.factors === 2 ? '/account/factors' : '/sign-in/code', 303);
        const t = inLang(enrol, c.var.lang);
        const { system, browser } = readDevice(c.var.who.userAgent ?? '');
        return page(c, { title: t.title, narrow: true }, <EnrolPage device={system ?? browser ?? t.thisDevice} />);
      })
      // a path of the same beginning for whatever the first factor was
      .get('/codes', (c) => c.redirect('/account/recovery-codes?first=1', 303))
      .route('/app', appRoutes(services, 'enrol'))
      .route('/passkey', addRoutes(services, 'enrol'))
  );
}
