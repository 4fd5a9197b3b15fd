/** GET and POST /admin/security: from how many points on a sign-in is told of or held back, and which codes are sent. */
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import type { Door } from '../../db/batch.ts';
import type { Env } from '../../edge/session.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { readMe } from '../me.ts';
import { readForm, type SecurityErrors, type SecurityValues } from './form.ts';
import { security } from './messages.ts';
import { SecurityPage } from './page.tsx';
import { changeSecurity, openSecurity, readSecurity } from './queries.ts';

const Points = z.record(z.string(), z.number());

export function securityRoutes(door: Door) {
  return new Hono<Env>()
    .get('/', (c) => answerForm(c, door, { saved: c.req.query('saved') !== undefined }))

    .post('/', async (c) => {
      const { values, errors, settings } = readForm(await c.req.parseBody());
      if (!settings) return answerForm(c, door, { values, errors });
      const { key } = values;
      const change = changeSecurity(key, settings);
      await door.write(c.var.who, { open: openSecurity(), key, operation: 'security.change', change, reads: [] });
      return c.redirect('/admin/security?saved', 303);
    });
}

type Form = { values?: SecurityValues; errors?: SecurityErrors; saved?: boolean };

/** What was typed, or what is in force. */
async function answerForm(c: Context<Env>, door: Door, { values, errors, saved }: Form) {
  const reads = [readMe(), readSecurity()] as const;
  const [me, [now]] = await door.read(c.var.who, { open: openSecurity(), reads });
  if (!now) return c.notFound();
  const points = Object.entries(Points.parse(now.points)).toSorted(([, a], [, b]) => b - a);
  const { email_codes, sms_codes } = now;
  const inForce = {
    ...{ key: crypto.randomUUID(), email_codes, sms_codes },
    ...{ notice_from: String(now.notice_from), stop_from: String(now.stop_from) },
  };
  const title = inLang(security, c.var.lang).title;
  const options = { title, me: me[0], section: 'signIns', error: !!errors, status: errors ? 422 : 200 } as const;
  return page(c, options, <SecurityPage {...{ points, errors, saved, values: values ?? inForce }} />);
}
