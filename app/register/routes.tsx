/** GET and POST /register: an address. GET and POST /register/:token, POST /register/:token/resume: what its link leads to. */
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { ringNow } from '../../db/ring.ts';
import { evenly } from '../../edge/evenly.ts';
import { type Env, newToken } from '../../edge/session.ts';
import { emailAddress } from '../address.ts';
import { inLang } from '../i18n.ts';
import { page } from '../layout.tsx';
import { answerGone } from '../links/gone.tsx';
import type { Services } from '../services.ts';
import { recordFailed } from '../sign-in/queries.ts';
import { linkRoutes } from './link-routes.tsx';
import { register as words } from './messages.ts';
import { AskPage, SentPage } from './page.tsx';
import { askToRegister, readPractices } from './queries.ts';

const Asked = z.object({
  practice: z.guid().catch(''),
  email: z.string().trim().max(254).regex(emailAddress).catch(''),
});
/** As it was typed, to be given back. */
const Typed = z.object({ email: z.string().max(254).catch('') });

export function registerRoutes(services: Services) {
  const { door, ring } = services;
  return new Hono<Env>()
    .get('/', async (c) => {
      const practices = await door.gate(readPractices());
      return page(c, { title: inLang(words, c.var.lang).title, narrow: true }, <AskPage practices={practices} />);
    })

    .post('/', async (c) => {
      const fields = await c.req.parseBody();
      const { practice, email } = Asked.parse(fields);
      const t = inLang(words, c.var.lang);
      const errors = {
        ...(practice ? {} : { practice: t.choosePractice }),
        ...(email ? {} : { email: t.emailMissing }),
      };
      if (Object.keys(errors).length > 0) {
        const props = { practices: await door.gate(readPractices()), practice, ...Typed.parse(fields), errors };
        return page(c, { title: t.title, narrow: true, error: true, status: 422 }, <AskPage {...props} />);
      }
      const asked = { practice, email, token: newToken(), lang: c.var.lang };
      const failed = recordFailed(ringNow(ring), null, c.var.who);
      const [result] = await evenly(() => door.gate(askToRegister(ringNow(ring), asked, c.var.who), failed));
      return answerSent(c, result);
    })

    .get('/sent', (c) => page(c, { title: inLang(words, c.var.lang).sentTitle, narrow: true }, <SentPage />))

    .route('/', linkRoutes(services));
}

/** A practice that closed meanwhile, and an address that the database reads otherwise, are answered like any other. */
function answerSent(c: Context<Env>, result: { answer: string; retry_after: number | null } | undefined) {
  const t = inLang(words, c.var.lang);
  if (result?.answer === 'wait')
    return answerGone(c, result, { help: t.goneHelp, again: { href: '/register', label: t.again } });
  return c.redirect('/register/sent', 303);
}
