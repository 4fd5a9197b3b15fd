/** GET /demo/mail: what the demo's people were sent. Mounted where messages go nowhere else (services.ts). */
import { Hono, type MiddlewareHandler } from 'hono';
import type { Mailbox } from '../../edge/mailbox.ts';
import type { Env } from '../../edge/session.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { demoMail } from './messages.ts';
import { DemoMailPage } from './page.tsx';

export function demoMailRoutes(mailbox: Mailbox) {
  return new Hono<Env>().get('/', (c) => {
    const title = inLang(demoMail, c.var.lang).title;
    return page(c, { title }, <DemoMailPage messages={mailbox.all()} />);
  });
}

/** Every page leads there: whoever asked for a code wants to read it. */
export const demoMailLink: MiddlewareHandler<Env> = async (c, next) => {
  c.set('mailbox', true);
  await next();
};
